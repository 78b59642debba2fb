/// What units get of the environment that a container was started with: `CAI_…`, and what the boot looks at to tell where it
/// runs. Never more: the environment of a container holds the secrets of others.
package struct UnitEnvironment: Sendable {
    package let variables: [(name: String, value: String)]
    /// What systemd would not take, by name.
    package let findings: [Finding]

    /// True if a variable is handed on. `places` are the variables that name directories of agents.
    package static func isHandedOn(_ name: String, places: Set<String> = []) -> Bool {
        name.hasPrefix("CAI_") || name == "container" || HostingPlatform.variables.contains(name)
            || places.contains(name) || BaseDirectories.variableNames.contains(name)
    }

    /// Reads the bytes of `/proc/1/environ`. Of equal names the first counts, as for getenv(3).
    package init(_ bytes: [UInt8], places: Set<String> = []) {
        var seen: Set<String> = []
        var variables: [(name: String, value: String)] = []
        var findings: [Finding] = []
        for part in bytes.split(separator: 0) {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: part[..<equals], as: UTF8.self)
            guard Self.isHandedOn(name, places: places), Self.isName(name), seen.insert(name).inserted else { continue }
            if let value = String(validating: part[(equals + 1)...], as: UTF8.self), Self.isTaken(value) {
                variables.append((name, value))
            } else {
                findings.append(
                    Finding(
                        .warning, at: name, "the value has bytes that systemd takes from no file; units do not get it",
                        advice: "set it to text without control characters"))
            }
        }
        self.variables = variables
        self.findings = findings
    }

    private static func isName(_ name: String) -> Bool {
        name.utf8.allSatisfy { $0 == 0x5F || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) }
    }

    /// systemd drops values with control characters other than these two.
    private static func isTaken(_ value: String) -> Bool {
        value.unicodeScalars.allSatisfy { ($0.value >= 0x20 && $0.value != 0x7F) || $0 == "\n" || $0 == "\t" }
    }

    /// The text of an environment file: every value in double quotes, in which line breaks stand as they are and four
    /// characters need a backslash (systemd.exec(5), `EnvironmentFile=`).
    package var text: String {
        let lines = variables.map { name, value in
            let quoted = value.unicodeScalars.map { "\"\\`$".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }
                .joined()
            return "\(name)=\"\(quoted)\"\n"
        }
        return "# Made by cai systemd environment.\n" + lines.joined()
    }
}

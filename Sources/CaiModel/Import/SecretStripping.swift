import SystemPackage

/// Takes the secrets out of documents that hold other things too.
package enum SecretStripping {
    /// What a document without its secrets looks like, and how many were taken out.
    package struct Result: Sendable, Equatable {
        package let bytes: [UInt8]
        package let count: Int
    }

    /// How a file is read that may hold secrets beside other things.
    package enum Kind: Sendable {
        case json, toml, shell

        /// By the name of the file; nil for all that is not looked into.
        package init?(_ path: VolumePath) {
            switch path.relative.extension {
            case "json", "jsonc": self = .json
            case "toml": self = .toml
            case "sh", "bash", "zsh": self = .shell
            default:
                guard path.relative.components.first?.string == "shell" else { return nil }
                self = .shell
            }
        }

        /// The document without its secrets; nil for one that cannot be read.
        package func strip(_ bytes: [UInt8]) -> Result? {
            if bytes.allSatisfy({ isBlank($0) || $0 == 0x0A || $0 == 0x0D }) { return Result(bytes: bytes, count: 0) }
            switch self {
            case .json: return SecretStripping.json(bytes)
            case .toml: return SecretStripping.toml(bytes)
            case .shell: return SecretStripping.shell(bytes)
            }
        }
    }

    /// Whether the name of a variable says that it holds a secret.
    package static func isSecret(variable name: String) -> Bool { namesSecret(name) }

    /// Takes out of a JSON document what an `env` or `headers` block says, and every member whose name or value is that of
    /// a secret; everything else stays as it is written. Nil for text that is no JSON.
    package static func json(_ bytes: [UInt8]) -> Result? {
        guard var document = try? JSONDocument(bytes) else { return nil }
        var count = 0
        // Every removal moves what is behind it, so that the document is read again each time.
        while count < 10_000, let path = secretPath(document.root, [], inEnvironment: false) {
            let next = document.removing(path)
            guard next != document.bytes, let changed = try? JSONDocument(next) else { break }
            document = changed
            count += 1
        }
        return Result(bytes: document.bytes, count: count)
    }

    /// Whether a JSON document holds something that `json` would take out.
    package static func jsonHoldsSecrets(_ bytes: [UInt8]) -> Bool {
        guard let document = try? JSONDocument(bytes) else { return false }
        return secretPath(document.root, [], inEnvironment: false) != nil
    }

    private static func secretPath(_ value: JSONValue, _ path: [String], inEnvironment: Bool) -> [String]? {
        for (name, member) in value.members {
            let below = path + [name]
            if let text = member.string, !text.isEmpty {
                let isReference = text.hasPrefix("${") || text.hasPrefix("$")
                if !isReference, inEnvironment || namesSecret(name) || looksSecret(text) || urlHoldsCredentials(text) {
                    return below
                }
            }
            let isEnvironment = ["env", "headers", "environment", "http_headers"].contains(name.lowercased())
            if let found = secretPath(member, below, inEnvironment: isEnvironment) { return found }
            if member.elements.contains(where: holdsSecret) { return below }
        }
        return nil
    }

    /// Whether an element of an array holds a secret: such an array goes as a whole.
    private static func holdsSecret(_ value: JSONValue) -> Bool {
        if let text = value.string { return looksSecret(text) || urlHoldsCredentials(text) }
        return secretPath(value, [], inEnvironment: false) != nil || value.elements.contains(where: holdsSecret)
    }

    /// The same for TOML, where a secret is a `key = "value"` on a line of its own, or a value of an `env` table. Nil for
    /// text that is no TOML; then nothing is known about it.
    package static func toml(_ bytes: [UInt8]) -> Result? {
        guard let table = try? TOMLReader.table(from: bytes) else { return nil }
        var lines: Set<Int> = []
        collect(table, inEnvironment: false, &lines)
        guard !lines.isEmpty else { return Result(bytes: bytes, count: 0) }
        var kept: [ArraySlice<UInt8>] = []
        var number = 1
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if !lines.contains(number) { kept.append(line) }
            number += 1
        }
        let result = Array(kept.joined(separator: [0x0A]))
        // A value that went over several lines leaves a rest behind: such a document is not imported at all.
        guard (try? TOMLReader.table(from: result)) != nil else { return nil }
        return Result(bytes: result, count: lines.count)
    }

    /// Takes the lines out of a shell script that give a secret to a variable.
    package static func shell(_ bytes: [UInt8]) -> Result {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let kept = lines.filter { line in
            var text = String(decoding: line, as: UTF8.self)[...].drop { $0 == " " || $0 == "\t" }
            for word in ["export ", "declare -x ", "typeset -x ", "set -gx "] where text.hasPrefix(word) {
                text = text.dropFirst(word.count)
            }
            guard let end = text.firstIndex(where: { $0 == "=" || $0 == " " }) else { return true }
            let name = String(text[..<end])
            let value = text[text.index(after: end)...].drop { $0 == "\"" || $0 == "'" }
            guard EnvironmentName.isValid(name), !value.isEmpty, !value.hasPrefix("$") else { return true }
            return !(namesSecret(name) || looksSecret(String(value)) || urlHoldsCredentials(String(value)))
        }
        return Result(bytes: Array(kept.joined(separator: [0x0A])), count: lines.count - kept.count)
    }

    private static func collect(_ table: TOMLTable, inEnvironment: Bool, _ lines: inout Set<Int>) {
        for member in table.members {
            if let text = member.value.string, !text.isEmpty,
                inEnvironment || namesSecret(member.key) || looksSecret(text) || urlHoldsCredentials(text)
            {
                lines.insert(member.keyPosition.line)
            }
            let isEnvironment = ["env", "headers", "http_headers"].contains(member.key.lowercased())
            if let inner = member.value.table { collect(inner, inEnvironment: isEnvironment, &lines) }
            for element in member.value.array ?? [] {
                if let inner = element.table { collect(inner, inEnvironment: false, &lines) }
                if let text = element.string, looksSecret(text) || urlHoldsCredentials(text) {
                    lines.insert(element.position.line)
                }
            }
        }
    }
}

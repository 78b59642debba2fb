/// What is done for a program behind an import through the agent service: one key of the table `[reload]`.
package struct ReloadDeclaration: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        /// Every process of the agent's with the name gets it.
        case signal(name: String, number: Int32)
        /// Run as the agent.
        case command([String])
    }

    /// The key: for a signal the name of the program.
    package let name: String
    package let action: Action
}

/// Reads the table `[reload]` of a settings file: `NAME = "SIGHUP"` or `NAME = ["/path/to/program", "argument"]`. A key with a
/// mistake is a warning, and the others hold.
enum ReloadReader {
    /// Those that tell a program something and mean no harm to one that listens.
    private static let signals: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "USR1": 10, "USR2": 12, "TERM": 15, "CONT": 18, "WINCH": 28,
    ]

    static func reloads(in table: TOMLTable, file: String) -> (reloads: [ReloadDeclaration], findings: [Finding]) {
        guard let member = table.member("reload") else { return ([], []) }
        var findings = FindingList(file: file)
        guard let entries = member.value.table else {
            findings.add(
                .warning, at: member.keyPosition, "reload must be a table, not \(member.value.kindName)",
                advice: "write [reload] and below it NAME = \"SIGHUP\"")
            return ([], findings.sorted)
        }
        let reloads = entries.members.compactMap { entry -> ReloadDeclaration? in
            guard let action = action(entry.value) else {
                findings.add(
                    .warning, at: entry.keyPosition, "reload.\(entry.key) is neither a signal nor a command",
                    advice: "write \"SIGHUP\", or [\"/path/to/program\", \"argument\"]")
                return nil
            }
            return ReloadDeclaration(name: entry.key, action: action)
        }
        return (reloads, findings.sorted)
    }

    private static func action(_ value: TOMLValue) -> ReloadDeclaration.Action? {
        if let text = value.string {
            let name = text.uppercased()
            let short = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
            return signals[short].map { .signal(name: "SIG" + short, number: $0) }
        }
        let words = value.array?.compactMap(\.string) ?? []
        guard words.count == value.array?.count, let program = words.first, program.hasPrefix("/"),
            !words.contains(where: { $0.utf8.contains(0) })
        else { return nil }
        return .command(words)
    }
}

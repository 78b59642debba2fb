/// One `[agent]` table on its way to an `AgentDeclaration`.
///
/// Names become shell functions, so they are held to identifiers that are no words of the shell.
struct AgentReader {
    var table: DeclaredTable
    let file: ManifestFile

    /// The agent, or nil with at least one error finding.
    mutating func read(into findings: inout FindingList) -> AgentDeclaration? {
        table.checkKeys(["name", "binary", "default_args", "aliases", "optional"], in: &findings)
        let name = requiredIdentifier("name", in: &findings)
        let binary = requiredIdentifier("binary", in: &findings)
        let arguments = readArguments(into: &findings)
        let aliases = readAliases(besides: [name, binary], into: &findings)
        let isOptional = table.boolean("optional", in: &findings)
        guard !table.isInvalid, let name, let binary else { return nil }
        return AgentDeclaration(
            name: name, binary: binary, defaultArguments: arguments, aliases: aliases, isOptional: isOptional,
            layer: file.layer,
            location: SourceLocation(file: file.name, line: table.position.line, column: table.position.column))
    }

    private mutating func requiredIdentifier(_ key: String, in findings: inout FindingList) -> String? {
        guard let declared = table.string(key, in: &findings) else {
            if table.table[key] == nil { table.reject(at: table.position, "[agent] has no \(key)", in: &findings) }
            return nil
        }
        return identifier(key, declared, in: &findings)
    }

    private mutating func identifier(
        _ key: String, _ declared: (text: String, position: SourcePosition), in findings: inout FindingList
    ) -> String? {
        guard Self.isIdentifier(declared.text) else {
            table.reject(
                at: declared.position, "\(key) \(quoted(declared.text)) is not an identifier",
                advice: "use letters, digits, _ and -, beginning with a letter or _", in: &findings)
            return nil
        }
        guard !Self.shellWords.contains(declared.text) else {
            table.reject(
                at: declared.position, "\(key) \(quoted(declared.text)) is a word of the shell and cannot be a wrapper",
                in: &findings)
            return nil
        }
        return declared.text
    }

    private mutating func readArguments(into findings: inout FindingList) -> [String] {
        let arguments = table.strings("default_args", in: &findings)
        for argument in arguments where argument.text.utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) {
            table.reject(
                at: argument.position, "default_args \(quoted(argument.text)) contains a NUL character or a line break",
                in: &findings)
        }
        return arguments.map(\.text)
    }

    private mutating func readAliases(besides taken: [String?], into findings: inout FindingList) -> [String] {
        var aliases: [String] = []
        for declared in table.strings("aliases", in: &findings) {
            guard let alias = identifier("alias", declared, in: &findings) else { continue }
            if taken.contains(alias) || aliases.contains(alias) {
                findings.add(.note, at: declared.position, "alias \(quoted(alias)) is already a name of this agent")
            } else {
                aliases.append(alias)
            }
        }
        return aliases
    }

    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
    }

    /// Words that cannot name a shell function, and `command`, which every wrapper calls.
    private static let shellWords: Set<String> = [
        "case", "command", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
        "select", "then", "time", "until", "while",
    ]
}

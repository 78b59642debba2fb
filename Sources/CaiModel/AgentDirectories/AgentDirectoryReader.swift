/// Reads one `[[agent_directories]]` table.
struct AgentDirectoryReader {
    private static let keys = [
        "agent", "path", "target", "variable", "sessions", "secret", "cache", "local", "programs", "renamed",
        "aliases",
    ]

    var table: DeclaredTable
    let file: ManifestFile

    /// The directory, or nil with at least one error finding. All problems are found, not only the first.
    mutating func read(into findings: inout FindingList) -> AgentDirectory? {
        table.checkKeys(Self.keys, in: &findings)
        let agent = readWord("agent", isRequired: true, into: &findings)
        let path: HomePath? = readPath("path", into: &findings)
        let target: VolumePath? = readPath("target", into: &findings)
        if let target, target.isReserved {
            table.reject(
                at: table.position, "target \(quoted(target.description)) is where cai keeps its own records",
                advice: "choose another target", in: &findings)
        }
        let variable = readWord("variable", isRequired: false, into: &findings)
        let sessions = readSessions(into: &findings)
        let secrets = readPatterns("secret", into: &findings)
        let caches = readPatterns("cache", into: &findings)
        let locals = readPatterns("local", into: &findings)
        let programs = readPatterns("programs", into: &findings)
        for (key, patterns) in [("local", locals), ("programs", programs)] {
            for pattern in patterns where pattern.path == nil {
                table.reject(
                    at: table.position,
                    "\(key) \(quoted(pattern.text)) has a * in it; a local part needs one exact name", in: &findings)
            }
        }
        let renamed = readNames("renamed", into: &findings)
        let aliases = readNames("aliases", into: &findings)
        guard !table.isInvalid, let agent, let path, let target else { return nil }
        return AgentDirectory(
            agent: agent, path: path, target: target, variable: variable, sessions: sessions, secrets: secrets,
            caches: caches, locals: locals, programs: programs, renamed: renamed, aliases: aliases, layer: file.layer,
            location: SourceLocation(file: file.name, line: table.position.line, column: table.position.column))
    }

    /// A word of letters, digits, `_` and `-`, as names of agents and of environment variables are.
    private mutating func readWord(
        _ key: String, isRequired: Bool, into findings: inout FindingList
    ) -> String? {
        guard let declared = table.string(key, in: &findings) else {
            if isRequired, table.table[key] == nil { missing(key, in: &findings) }
            return nil
        }
        let isWord =
            !declared.text.isEmpty
            && declared.text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
                    || $0 == 0x2D
            }
        guard isWord else {
            table.reject(
                at: declared.position, "\(key) \(quoted(declared.text)) is not one word",
                advice: "use letters, digits, _ and -", in: &findings)
            return nil
        }
        return declared.text
    }

    private mutating func readPath<Path: ConfinedPath>(_ key: String, into findings: inout FindingList) -> Path? {
        guard let declared = table.string(key, in: &findings) else {
            if table.table[key] == nil { missing(key, in: &findings) }
            return nil
        }
        do throws(PathProblem) {
            return try Path(declared.text)
        } catch {
            table.reject(at: declared.position, "\(key) \(quoted(declared.text)) \(error.sentence)", in: &findings)
            return nil
        }
    }

    private mutating func missing(_ key: String, in findings: inout FindingList) {
        table.reject(at: table.position, "\(table.name) has no \(key)", in: &findings)
    }

    private mutating func readSessions(into findings: inout FindingList) -> SessionFormat? {
        guard let declared = table.string("sessions", in: &findings) else { return nil }
        guard let format = SessionFormat(rawValue: declared.text) else {
            let known = SessionFormat.allCases.map(\.rawValue).joined(separator: ", ")
            table.reject(
                at: declared.position, "sessions \(quoted(declared.text)) is no known format",
                advice: "the formats are \(known)", in: &findings)
            return nil
        }
        return format
    }

    private mutating func readPatterns(_ key: String, into findings: inout FindingList) -> [PartPattern] {
        table.strings(key, in: &findings).compactMap { declared in
            guard let pattern = PartPattern(declared.text) else {
                table.reject(
                    at: declared.position, "\(key) \(quoted(declared.text)) is not a path below the directory",
                    in: &findings)
                return nil
            }
            return pattern
        }
    }

    /// A table of names: the key is one name below the directory, the value the other.
    private mutating func readNames(_ key: String, into findings: inout FindingList) -> [RenamedPart] {
        guard let value = table.table[key] else { return [] }
        guard let names = value.table else {
            table.reject(
                at: value.position, "\(key) must be a table, not \(value.kindName)",
                advice: "write [agent_directories.\(key)] and \"old name\" = \"new name\"", in: &findings)
            return []
        }
        return names.members.compactMap { member in
            guard let from = try? VolumePath(member.key), let text = member.value.string,
                let to = try? VolumePath(text)  // the sentence below covers each reason
            else {
                table.reject(
                    at: member.keyPosition, "\(key) \(quoted(member.key)) does not name two paths below the directory",
                    in: &findings)
                return nil
            }
            return RenamedPart(from: from, to: to)
        }
    }
}

/// A manifest as bytes, with the name that findings show and the layer it belongs to.
package struct ManifestFile: Hashable, Sendable {
    package let name: String
    package let layer: ManifestLayer
    package let bytes: [UInt8]
    package init(name: String, layer: ManifestLayer, bytes: [UInt8]) {
        self.name = name
        self.layer = layer
        self.bytes = bytes
    }
}

/// What one manifest declares, in the order of the file, and everything that is wrong with it.
package struct ManifestContents: Hashable, Sendable {
    package let file: String
    package let layer: ManifestLayer
    package let entries: [Entry]
    package let agents: [AgentDeclaration]
    package let directories: [AgentDirectory]
    package let findings: [Finding]
    package init(
        file: String, layer: ManifestLayer, entries: [Entry], agents: [AgentDeclaration],
        directories: [AgentDirectory] = [], findings: [Finding]
    ) {
        self.directories = directories
        self.file = file
        self.layer = layer
        self.entries = entries
        self.agents = agents
        self.findings = findings
    }
}

/// Reads one manifest of any layer.
///
/// A declaration with an error is left out and the rest of the file holds; a file with a syntax error declares nothing
/// and yields a finding for every syntax error in it and for what is wrong in its undamaged tables. Never throws, whatever
/// the bytes are.
package enum ManifestReader {
    /// What the file declares and what is wrong with it, findings in the order of the file.
    package static func read(_ file: ManifestFile) -> ManifestContents {
        var reading = Reading(file: file)
        do throws(TOMLSyntaxError) {
            reading.readSections(of: try TOMLReader.table(from: file.bytes))
        } catch {
            reading.readDamaged(TOMLRecovery.read(file.bytes))
        }
        return ManifestContents(
            file: file.name, layer: file.layer,
            entries: reading.entries.sorted { $0.location.position < $1.location.position },
            agents: reading.agents, directories: reading.directories, findings: reading.findings.sorted)
    }
}

extension SourceLocation {
    /// The place without the file.
    package var position: SourcePosition { SourcePosition(line: line, column: column) }
}

/// The state of reading one file.
private struct Reading {
    let file: ManifestFile
    var entries: [Entry] = []
    var agents: [AgentDeclaration] = []
    var directories: [AgentDirectory] = []
    var findings: FindingList

    init(file: ManifestFile) {
        self.file = file
        findings = FindingList(file: file.name)
    }

    /// Collects what is wrong with a text that has syntax errors. What a damaged table lacks may stand in what could not
    /// be read, so nothing is said about it.
    mutating func readDamaged(_ text: TOMLRecovery.Result) {
        for error in text.errors { findings.add(.error, at: error.position, "syntax error: \(error.sentence)") }
        findings.mutedLines = text.damagedLines
        if let table = text.table { readSections(of: table) }
        (entries, agents, directories) = ([], [], [])
    }

    mutating func readSections(of root: TOMLTable) {
        for member in root.members {
            switch member.key {
            case "entries": readEntries(member, kind: .entry)
            case "container_symlinks": readEntries(member, kind: .containerSymlink)
            case "agent": readAgent(member)
            case "agent_directories": readDirectories(member)
            default:
                findings.add(
                    .warning, at: member.keyPosition, "\(quoted(member.key)) is not a manifest section and is ignored",
                    advice: "the sections are [[entries]], [[container_symlinks]], [[agent_directories]] and [agent]")
            }
        }
    }

    private mutating func readEntries(_ member: TOMLTable.Member, kind: Entry.Kind) {
        for table in readTables(member) {
            var declaration = EntryDeclaration(table: table, kind: kind, file: file)
            if let entry = declaration.read(into: &findings) { entries.append(entry) }
        }
    }

    private mutating func readDirectories(_ member: TOMLTable.Member) {
        for table in readTables(member) {
            var reader = AgentDirectoryReader(table: table, file: file)
            if let directory = reader.read(into: &findings) { directories.append(directory) }
        }
    }

    /// The tables of a list of tables; anything else is an error finding.
    private mutating func readTables(_ member: TOMLTable.Member) -> [DeclaredTable] {
        let section = "[[\(member.key)]]"
        guard let elements = member.value.array else {
            findings.add(
                .error, at: member.keyPosition,
                "\(quoted(member.key)) must be a list of tables, not \(member.value.kindName)",
                advice: "write \(section)")
            return []
        }
        return elements.compactMap { element in
            guard let table = element.table else {
                findings.add(.error, at: element.position, "\(section) must hold tables, not \(element.kindName)")
                return nil
            }
            return DeclaredTable(table, at: element.position, name: section)
        }
    }

    private mutating func readAgent(_ member: TOMLTable.Member) {
        guard let table = member.value.table else {
            let isList = member.value.array != nil
            findings.add(
                .error, at: member.keyPosition, "\"agent\" must be one table, not \(member.value.kindName)",
                advice: isList ? "write [agent], and one file per agent" : "write [agent]")
            return
        }
        var reader = AgentReader(table: DeclaredTable(table, at: member.value.position, name: "[agent]"), file: file)
        if let agent = reader.read(into: &findings) { agents.append(agent) }
    }
}

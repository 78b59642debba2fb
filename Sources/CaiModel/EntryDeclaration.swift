/// One `[[entries]]` or `[[container_symlinks]]` table on its way to an `Entry`.
struct EntryDeclaration {
    var table: DeclaredTable
    let kind: Entry.Kind
    let file: ManifestFile

    /// The entry, or nil with at least one error finding. All that is wrong is found, not only the first.
    mutating func read(into findings: inout FindingList) -> Entry? {
        let keys = ["target", "container_link", "flags", "disabled"]
        table.checkKeys(kind == .entry ? ["source"] + keys : keys, in: &findings)
        let source = kind == .entry ? readSource(into: &findings) : nil
        let target = readTarget(into: &findings)
        let link = readLink(into: &findings)
        let flags = readFlags(into: &findings)
        let isDisabled = table.boolean("disabled", in: &findings)
        guard !table.isInvalid, let target else { return nil }
        return Entry(
            kind: kind, source: source, target: target, link: link, flags: flags, isDisabled: isDisabled,
            layer: file.layer,
            location: SourceLocation(file: file.name, line: table.position.line, column: table.position.column))
    }

    private mutating func readSource(into findings: inout FindingList) -> HomePath? {
        let declared = table.string("source", in: &findings)
        if let declared, !declared.text.isEmpty { return path("source", declared, in: &findings) }
        if table.table["source"]?.string?.isEmpty ?? (table.table["source"] == nil) {
            findings.add(
                .warning, at: declared?.position ?? table.position, "the entry has no source, so it is never imported",
                advice: "add source, or declare it as [[container_symlinks]]")
        }
        return nil
    }

    private mutating func readTarget(into findings: inout FindingList) -> VolumePath? {
        guard let declared = table.string("target", in: &findings) else {
            if table.table["target"] == nil {
                table.reject(at: table.position, "\(table.name) has no target", in: &findings)
            }
            return nil
        }
        guard let target: VolumePath = path("target", declared, in: &findings) else { return nil }
        if target.isReserved {
            table.reject(
                at: declared.position, "target \(quoted(declared.text)) is where cai keeps its own records",
                advice: "choose another target", in: &findings)
        }
        return target
    }

    private mutating func readLink(into findings: inout FindingList) -> HomePath? {
        let declared = table.string("container_link", in: &findings)
        if let declared, !declared.text.isEmpty { return path("container_link", declared, in: &findings) }
        if kind == .containerSymlink, table.table["container_link"].map({ $0.string != nil }) ?? true {
            table.reject(
                at: declared?.position ?? table.position, "\(table.name) has no container_link, so it declares nothing",
                in: &findings)
        }
        return nil
    }

    /// Below the system's own limit of 4096, with room for the directory in front.
    private static let maximumPathLength = 1024

    private mutating func path<Path: ConfinedPath>(
        _ key: String, _ declared: (text: String, position: SourcePosition), in findings: inout FindingList
    ) -> Path? {
        guard declared.text.utf8.count <= Self.maximumPathLength else {
            table.reject(
                at: declared.position, "\(key) is longer than \(Self.maximumPathLength) bytes", in: &findings)
            return nil
        }
        do throws(PathProblem) {
            return try Path(declared.text)
        } catch {
            table.reject(at: declared.position, "\(key) \(quoted(declared.text)) \(error.sentence)", in: &findings)
            return nil
        }
    }

    private mutating func readFlags(into findings: inout FindingList) -> EntryFlags {
        guard let declared = table.string("flags", in: &findings) else {
            if table.table["flags"] == nil {
                table.reject(
                    at: table.position, "\(table.name) has no flags",
                    advice: "write flags = \"f\" for a file, \"d\" for a directory",
                    in: &findings)
            }
            return []
        }
        var flags: EntryFlags = []
        for letter in declared.text {
            guard let flag = EntryFlags.letters.first(where: { $0.letter == letter })?.flag else {
                let known = String(EntryFlags.letters.map(\.letter))
                table.reject(
                    at: declared.position, "\(quoted(String(letter))) is not a flag", advice: "the flags are \(known)",
                    in: &findings)
                continue
            }
            if !flags.insert(flag).inserted {
                findings.add(.warning, at: declared.position, "flag \(quoted(String(letter))) is given twice")
            }
        }
        checkKind(of: flags, at: declared.position, in: &findings)
        return flags
    }

    private mutating func checkKind(
        of flags: EntryFlags, at position: SourcePosition, in findings: inout FindingList
    ) {
        if flags.contains(.glob), file.layer == .user {
            table.reject(at: position, "flag \"G\" is not available in user manifests", in: &findings)
        }
        if flags.isSuperset(of: [.file, .directory]) {
            table.reject(at: position, "flags hold both f (file) and d (directory)", in: &findings)
        }
        if flags.isDisjoint(with: [.file, .directory, .glob]) {
            table.reject(at: position, "flags hold neither f (file) nor d (directory)", in: &findings)
        }
    }
}

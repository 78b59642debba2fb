package import CaiModel
package import CaiPlatform
package import SystemPackage

/// Unpacks an archive into a staging directory: our exports, the predecessors' `tgz`, and any other tar (v7, ustar, pax, GNU,
/// sparse files) as it is or compressed with gzip or zstd. The file is read once, from front to back, so it may be a pipe.
///
/// Nothing outside the staging directory is written or looked at, whatever the archive holds. Files have their final content,
/// modes, times, attributes and holes; symlinks are made as they are stored. Nothing is durable yet, and nobody is made owner.
package struct ArchiveUnpacker: Sendable {
    let limits: ArchiveLimits
    /// By whose paths the layout is recognised.
    let entries: [Entry]
    /// Whether the first member may be the index of a push.
    let takesIndex: Bool

    package init(limits: ArchiveLimits, entries: [Entry], takesIndex: Bool = false) {
        self.limits = limits
        self.entries = entries
        self.takesIndex = takesIndex
    }

    /// Unpacks `file`, which `archive` names (`-` is standard input), into `staging`, which must be empty.
    ///
    /// Throws `ArchiveProblem` for an archive that is damaged, cut off, too large or hostile, and `SystemCallError`; the
    /// staging directory is empty again then.
    package func unpack(
        from file: consuming Descriptor, named archive: FilePath, into staging: Directory
    ) throws -> UnpackedArchive {
        let rules = MemberRules(archive: archive, limits: limits)
        let reader = try TarReader(file, archive, limits: limits)
        var run = Unpacking(tree: StagingTree(root: staging, rules: rules), rules: rules, takesIndex: takesIndex)
        do {
            try run.readAll(reader)
            return run.result(entries)
        } catch {
            run.tree.abandon()
            throw error
        }
    }
}

/// One archive on its way into the staging directory.
private struct Unpacking {
    var tree: StagingTree
    let rules: MemberRules
    let takesIndex: Bool
    private var index: PushIndex?
    private var verifier: ManifestVerifier?
    private var isDotted = false
    private var count = 0
    private var bytes: Int64 = 0
    private var withSpecialBits: [FilePath] = []
    private var internals: [FilePath] = []

    init(tree: StagingTree, rules: MemberRules, takesIndex: Bool) {
        self.tree = tree
        self.rules = rules
        self.takesIndex = takesIndex
    }

    mutating func readAll(_ reader: TarReader) throws {
        try reader.open()
        while let member = try reader.next() { try take(member, reader) }
        for path in verifier?.omitted ?? [] { try tree.remove(path) }
        try tree.finish()
        try verifier?.finish(tree.members)
    }

    private mutating func take(_ member: TarMember, _ reader: TarReader) throws {
        count += 1
        if count == 1 { isDotted = member.name.components.first?.kind == .currentDirectory }
        try checkAmount(member)
        if try takeManifest(member, reader) || takeIndex(member, reader) { return }
        let isListed = verifier?.lists(member.name) ?? false
        let path = try rules.path(of: member.name, isListed: isListed)
        if case .special(let what) = member.kind {
            throw rules.refusal(member.name, "is \(what), which is not unpacked")
        }
        if VolumePath(unchecked: path).isReserved { return internals.append(path) }
        if member.mode & 0o6000 != 0 { withSpecialBits.append(path) }
        try verifier?.check(member, at: path)
        try tree.add(member, at: path, reader)
    }

    private mutating func checkAmount(_ member: TarMember) throws {
        if count > rules.limits.members {
            throw rules.refusal(
                member.name, "is one of more than \(rules.limits.members) members", raising: .archiveMembers)
        }
        if member.size < 0 || member.size > rules.limits.bytes - bytes {
            throw rules.refusal(
                member.name, "makes it more than \(rules.limits.bytes) bytes, unpacked", raising: .archiveBytes)
        }
        bytes += member.size
    }

    /// Reads a manifest where an export has one: as the first member, and its amendments anywhere behind.
    private mutating func takeManifest(_ member: TarMember, _ reader: TarReader) throws -> Bool {
        let isFirst = count == 1 && member.name == FilePath(ExportManifest.name)
        let isAmendment = verifier != nil && member.name == FilePath(ExportManifest.amendmentsName)
        guard isFirst || isAmendment, case .file = member.kind else { return false }
        guard member.size <= Self.manifestLimit else { throw rules.refusal(member.name, "is too large for a manifest") }
        var content: [UInt8] = []
        try reader.readContent { bytes, _ in content.append(contentsOf: bytes) }
        do {
            let manifest = try ExportManifest(content)
            if isFirst { verifier = ManifestVerifier(manifest, rules) } else { verifier?.amend(manifest) }
        } catch {
            throw rules.refusal(member.name, error.sentence)
        }
        return true
    }

    private static let manifestLimit: Int64 = 128 << 20

    /// Reads the index of a push: as the first member.
    private mutating func takeIndex(_ member: TarMember, _ reader: TarReader) throws -> Bool {
        guard takesIndex, count == 1, member.name == PushScope.index, case .file = member.kind else { return false }
        guard member.size <= PushIndex.largest else { throw rules.refusal(member.name, "is too large for an index") }
        var content: [UInt8] = []
        try reader.readContent { bytes, _ in content.append(contentsOf: bytes) }
        do {
            index = try PushIndex(content)
        } catch {
            throw rules.refusal(member.name, "record \(error.record): \(error.sentence)")
        }
        return true
    }

    // MARK: the answer

    func result(_ entries: [Entry]) -> UnpackedArchive {
        let members = tree.members
        let isExport = verifier != nil
        let layout =
            isExport
            ? RecognisedLayout(layout: .volume)
            : RecognisedLayout(entries, exists: { members.index(of: $0) != nil }, only: { members.onlyName(in: $0) })
        let isPredecessors = isDotted && layout == RecognisedLayout(layout: .volume)
        return UnpackedArchive(
            origin: isExport ? .export : isPredecessors ? .predecessor : .plain, layout: layout, table: members,
            manifest: verifier?.manifest, index: index, findings: findings)
    }

    private var findings: [Finding] {
        [
            finding(.warning, withSpecialBits, "has the bits setuid or setgid, which were left out"),
            finding(.note, internals, "is cai's own record of another volume and was left out"),
            finding(.note, tree.replaced, "was in the archive more than once; the last one counts"),
            tree.lostAttributes.isEmpty
                ? nil
                : Finding(
                    .warning, at: rules.archive.printable,
                    "extended attributes were lost: \(tree.lostAttributes.sorted().joined(separator: ", "))",
                    advice: "the file system of the volume cannot hold them"),
        ].compactMap(\.self)
    }

    private func finding(_ severity: Severity, _ paths: [FilePath], _ sentence: String) -> Finding? {
        guard let first = paths.first else { return nil }
        let others = paths.count > 1 ? " (and \(paths.count - 1) more)" : ""
        return Finding(severity, at: first.printable + others, sentence)
    }
}

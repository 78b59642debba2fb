package import CaiModel
package import CaiPlatform
package import SystemPackage

/// Files of a push that did not have to travel: empty ones in their places beside those that did, so that an import sees
/// all that its source has. Their content is that of the volume, and nothing reads or places them.
package struct UnsentFiles: Sendable {
    private let paths: Set<PathKey>

    /// Makes what the index of an archive has and its members do not, below the root that it was unpacked into; nil for one
    /// without an index. Throws `ArchiveProblem` for an index that contradicts itself or the archive, or that is too large;
    /// what was made is left then. `label` names the archive.
    package init?(
        of archive: UnpackedArchive, named label: FilePath, in root: Directory, limits: ArchiveLimits
    ) throws {
        guard let index = archive.index else { return nil }
        let rules = MemberRules(archive: label, limits: limits)
        guard index.records.count <= limits.members else {
            throw rules.refusal(
                PushScope.index, "has more than \(limits.members) records", raising: .archiveMembers)
        }
        var maker = Maker(tree: Tree(root: root), rules: rules, members: archive.members)
        try maker.make(index)
        try maker.finish()
        paths = maker.files
    }

    func contains(_ path: FilePath) -> Bool { paths.contains(PathKey(path)) }
}

private struct Maker {
    let tree: Tree
    let rules: MemberRules
    let sent: Set<PathKey>
    var files: Set<PathKey> = []
    private var directory: Directory?
    /// What directories get at the end: those that were made, and those that travelled.
    private var dresses: [(path: FilePath, mode: UInt16, modified: Int64?)] = []
    private var dressed: Set<PathKey> = []

    init(tree: Tree, rules: MemberRules, members: [ArchiveMember]) {
        self.tree = tree
        self.rules = rules
        sent = Set(members.map { PathKey($0.path) })
    }

    mutating func make(_ index: PushIndex) throws {
        var failure: (any Error)?
        index.forEachPath { path, record in
            guard failure == nil else { return }
            do {
                try make(path, record)
            } catch is BlockedPath {
                failure = rules.refusal(path, "lies below something that is no directory")
            } catch let error as SystemCallError where error.errno == .fileExists {
                failure = rules.refusal(path, "is in the index more than once")
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private mutating func make(_ path: FilePath, _ record: PushIndex.Kind) throws {
        _ = try rules.path(of: path, isListed: true)
        switch record {
        case .directory(_, let mode): directory = try open(path, mode)
        case .same: throw rules.refusal(path, "is in the index without what is in it")
        case .file(let name, _):
            guard !sent.contains(PathKey(path)), let directory else { return }
            try directory.createFile(name, mode: 0o600).close()
            files.insert(PathKey(path))
        case .link(let name, let text, _):
            guard !sent.contains(PathKey(path)), let directory else { return }
            try directory.makeLink(name, to: text)
        }
    }

    /// Opens a directory, making it where it is missing, so that something can be made in it.
    private mutating func open(_ path: FilePath, _ mode: UInt16) throws -> Directory {
        if path.isEmpty { return tree.root }
        let found = try tree.makeDirectories(path, mode: 0o700)
        guard dressed.insert(PathKey(path)).inserted else { return found }
        let status = try found.status()
        let isSent = sent.contains(PathKey(path))
        dresses.append((path, isSent ? status.mode : mode & 0o1777, isSent ? status.modified : nil))
        if status.mode & 0o700 != 0o700 { try found.descriptor.setMode(status.mode | 0o700, found.label) }
        return found
    }

    /// Gives directories their modes and times, the inner ones first.
    mutating func finish() throws {
        for (path, mode, modified) in dresses.reversed() {
            let found = try tree.directory(path)
            try found.descriptor.keepMode(mode, found.label)
            if let modified, let (parent, name) = try? tree.parent(of: path) {
                try parent.keepTimes(of: name, accessed: modified, modified: modified)
            }
        }
    }
}

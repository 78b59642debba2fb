import CaiModel
import CaiPlatform
import SystemPackage

/// The directories of this container for the local parts of agent directories, below the setting `local_directory`.
///
/// Symlinks on the volume lead there by one path that is the same in every container, so that each container finds its own.
/// The directories exist before anything runs, because agents fail at a dangling link. They are emptied once for each start
/// of the container: a registry of processes says nothing true about the processes of an earlier start. All of it is done
/// as the owner of the files.
struct LocalParts {
    /// Holds the identity of the start for which the directories were emptied.
    private static let stamp: FilePath.Component = ".start"

    private let machine: Machine
    private let path: FilePath

    init(_ machine: Machine, path: FilePath) {
        self.machine = machine
        self.path = path
    }

    /// The work that a start, or a repair, has to do.
    struct Work {
        var findings: [Finding] = []
        /// How many directories are made or emptied.
        var changes = 0
        var actions: [String] = []
        /// True if the directories can be had.
        var isUsable = true
    }

    /// Makes what is missing, and empties what an earlier start left. A preview only counts.
    func prepare(_ directories: [PlacedDirectory], isPreview: Bool) -> Work {
        var work = Work()
        let wanted = directories.filter(\.isKeptByUs).flatMap { placed in
            placed.declaration.locals.compactMap { $0.path.map { placed.declaration.target(of: $0) } }
        }
        guard !wanted.isEmpty else { return work }
        do {
            let top = try open(isPreview)
            let isNew = try isNewStart(top)
            for target in wanted { try prepare(target, in: top, isNewStart: isNew, isPreview, &work) }
            if isNew, !isPreview, let top, let start = ProcessTree.startOfContainer {
                try StateDirectory.replace(Self.stamp, in: top, with: Array(start.utf8))
            }
        } catch {
            work.isUsable = false
            work.findings.append(
                Finding(
                    .warning, at: path.printable,
                    "cannot hold the local parts of agent directories: \(error.sentence)",
                    advice: "make /tmp writable for the agent (a tmpfs will do), or set local_directory"))
        }
        return work
    }

    /// The top directory; nil in a preview where it is missing. Throws for one that belongs to another user: what that user
    /// puts there would become the agent's.
    private func open(_ isPreview: Bool) throws -> Directory? {
        let top: Directory
        do {
            top = try machine.root.openInRoot(path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            if isPreview { return nil }
            top = try machine.root.makeDirectories(path, mode: 0o700)
        }
        guard RuntimeDirectory.isOwn(top) else {
            throw SystemCallError("use", "\(path.printable), which belongs to another user", .permissionDenied)
        }
        return top
    }

    /// True unless the stamp is that of the present start. Without /proc there is no identity, and nothing is emptied.
    private func isNewStart(_ top: Directory?) throws -> Bool {
        guard let start = ProcessTree.startOfContainer, let top else { return false }
        guard Node(Self.stamp, in: top).isFile else { return true }
        return try top.openFile(Self.stamp).readAll(limit: 256, path) != Array(start.utf8)
    }

    private func prepare(
        _ target: VolumePath, in top: Directory?, isNewStart: Bool, _ isPreview: Bool, _ work: inout Work
    ) throws {
        let tree = top.map { Tree(root: $0) }
        let found = try tree?.status(target.relative)
        if let tree, found?.kind == .directory {
            let directory = try tree.directory(target.relative)
            guard isNewStart, try !directory.names().isEmpty else { return }
            work.note("empty \(path.pushing(target.relative).printable)")
            if isPreview { return }
            for name in try directory.names() { try TreeEmptier.remove(name, in: directory) }
            return
        }
        work.note("make \(path.pushing(target.relative).printable)")
        if isPreview { return }
        if let tree, found != nil {
            let (parent, name) = try tree.parent(of: target.relative)
            try TreeEmptier.remove(name, in: parent)
        }
        _ = try tree?.makeDirectories(target.relative, mode: 0o700)
    }
}

extension LocalParts.Work {
    fileprivate mutating func note(_ action: String) {
        changes += 1
        actions.append(action)
    }
}

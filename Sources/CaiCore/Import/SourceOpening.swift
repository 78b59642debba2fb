package import CaiModel
import CaiPlatform
package import SystemPackage

/// The source of an import cannot be used.
package enum SourceProblem: Error, Equatable, Sendable {
    case missing(FilePath)
    case notReadable(FilePath)
    /// It is the volume that it would be imported into.
    case isVolume(FilePath)
    /// Nothing shows whether it is arranged as a home or as a volume.
    case ambiguous(FilePath)
    case unsupported(FilePath)
    /// A symlink of another user on the way to it, which root does not follow.
    case foreignLink(FilePath, uid: UInt32)
}

/// A source that was opened, before any privilege is given up.
package struct OpenedSource: Sendable {
    package let tree: SourceTree
    /// Whether it is the home of the machine.
    package let isOwnHome: Bool
    /// How sentences call it.
    package let label: FilePath

    package init(tree: SourceTree, isOwnHome: Bool, label: FilePath) {
        self.tree = tree
        self.isOwnHome = isOwnHome
        self.label = label
    }
}

extension Machine {
    /// The home of this machine as a source.
    package var ownHome: OpenedSource {
        OpenedSource(
            tree: SourceTree(root: home.root, names: [layout.home]), isOwnHome: true, label: layout.home)
    }

    /// Opens a directory that the caller named, symlinks resolved. The home of this machine is recognised.
    package func openSource(_ path: FilePath) throws -> OpenedSource {
        let directory: Directory
        do {
            directory = try CallerPath.openDirectory(path)
        } catch let error as SystemCallError {
            switch error.errno {
            case .noSuchFileOrDirectory: throw SourceProblem.missing(path)
            case .permissionDenied: throw SourceProblem.notReadable(path)
            default: throw error
            }
        }
        let status = try directory.status()
        if status.isSameFile(as: try volume.root.status()) { throw SourceProblem.isVolume(path) }
        if status.isSameFile(as: try home.root.status()) { return ownHome }
        let names = [path.lexicallyNormalized(), directory.resolvedPath, layout.home].compactMap { $0 }
        return OpenedSource(tree: SourceTree(root: directory, names: names), isOwnHome: false, label: path)
    }
}

extension OpenedSource {
    /// How the tree is arranged; one that says nothing is a home. Throws `SourceProblem.ambiguous` when it could be both.
    package func arrangement(_ entries: [Entry]) throws -> SourceArrangement {
        if isOwnHome { return .home }
        let reader = NodeReader(tree.tree)
        let names = FirstNames(tree.tree)
        let found = SourceArrangement.recognize(entries) { path in
            guard names.allow(path) else { return false }
            switch reader.node(at: path) {
            case .missing, .unreachable: return false
            default: return true
            }
        }
        switch found {
        case .one(let arrangement): return arrangement
        case .none: return .home
        case .both: throw SourceProblem.ambiguous(label)
        }
    }
}

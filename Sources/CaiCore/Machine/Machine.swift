package import CaiModel
package import CaiPlatform
package import SystemPackage

/// Who owns everything in the home and on the volume.
package struct Owner: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    package init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// The machine that a job works on: its two trees, opened once, and whose they are.
///
/// Both trees are opened before any privilege is given up, so that a job needs no rights on the directories above them.
package struct Machine: Sendable {
    package let layout: Layout
    package let owner: Owner
    package let root: Directory
    package let home: Tree
    package let volume: Tree

    package init(layout: Layout, owner: Owner, root: Directory, home: Tree, volume: Tree) {
        self.layout = layout
        self.owner = owner
        self.root = root
        self.home = home
        self.volume = volume
    }

    /// Opens home and volume below `root`. Throws `MachineProblem` when one of them is missing.
    package init(root: Directory, layout: Layout, owner: Owner) throws {
        self.init(
            layout: layout, owner: owner, root: root,
            home: try Self.tree(root, layout.home) { .homeMissing($0) },
            volume: try Self.tree(root, layout.volume) { .volumeMissing($0) })
    }

    private static func tree(
        _ root: Directory, _ path: FilePath, _ missing: (FilePath) -> MachineProblem
    ) throws -> Tree {
        do {
            return Tree(root: try root.openInRoot(path))
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            throw missing(path)
        }
    }

    /// The tree and the path in it of a place.
    package func tree(of place: Place) -> (tree: Tree, path: FilePath) {
        switch place {
        case .home(let path): (home, path.relative)
        case .volume(let path): (volume, path.relative)
        }
    }
}

/// What keeps a machine from being worked on at all.
package enum MachineProblem: Error, Equatable, Sendable {
    case homeMissing(FilePath)
    case volumeMissing(FilePath)
    /// The id of the agent's user does not exist in this user namespace.
    case unmapped(user: String, uid: Int64)
}

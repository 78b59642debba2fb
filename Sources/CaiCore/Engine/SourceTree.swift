import CaiModel
package import CaiPlatform
package import SystemPackage

/// The tree that an import takes content from.
package struct SourceTree: Sendable {
    package let tree: Tree
    /// The absolute paths under which symlinks may name it.
    package let names: [FilePath]
    /// Whether its files may be moved instead of copied: a tree that was staged on the volume for this very run.
    package let isStaged: Bool

    /// The digest of a file that was read while it was staged.
    let digest: @Sendable (FilePath) -> ContentDigest?

    package init(root: Directory, names: [FilePath]) {
        self.init(root: root, names: names, isStaged: false, digest: { _ in nil })
    }

    init(
        root: Directory, names: [FilePath], isStaged: Bool, digest: @escaping @Sendable (FilePath) -> ContentDigest?
    ) {
        tree = Tree(root: root)
        self.names = names
        self.isStaged = isStaged
        self.digest = digest
    }
}

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

    /// The digests of files that were read while they were staged.
    let digests: [PathKey: ContentDigest]

    package init(root: Directory, names: [FilePath]) {
        self.init(root: root, names: names, isStaged: false, digests: [:])
    }

    init(root: Directory, names: [FilePath], isStaged: Bool, digests: [PathKey: ContentDigest]) {
        tree = Tree(root: root)
        self.names = names
        self.isStaged = isStaged
        self.digests = digests
    }
}

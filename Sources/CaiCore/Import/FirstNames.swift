import CaiPlatform
import SystemPackage

/// The names in the root of a tree, so that paths which begin with another need not be looked for: of those that the manifests
/// name a home has few.
struct FirstNames {
    /// Nil where the root cannot be read: then anything may be there.
    private let names: Set<FilePath.Component>?

    /// Reads the names once; what comes later is not among them.
    init(_ tree: Tree) {
        names = (try? tree.root.nameList()).map { list in Set(list.indices.lazy.compactMap(list.name)) }
    }

    /// Whether something may stand at a path.
    func allow(_ path: FilePath) -> Bool {
        guard let names, let first = path.components.first else { return true }
        return names.contains(first)
    }
}

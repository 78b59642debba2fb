package import SystemPackage

/// The protection of each path of a tree on the volume from other users: the whole tree may be secret, or parts of it.
package struct TreeSecrecy: Hashable, Sendable {
    private let whole: Secrecy
    /// Paths of secrets, relative to `origin`.
    private let parts: [PartPattern]
    /// Where the tree begins, relative to the directory that declares the parts.
    private var origin = FilePath()

    /// The secrecy of a tree, with `parts` of it that are secrets even if the rest is none.
    package init(_ whole: Secrecy, parts: [PartPattern] = []) {
        self.whole = whole
        self.parts = parts
    }

    /// The secrecy of a path of the tree; the empty path is the tree itself.
    package func at(_ path: FilePath) -> Secrecy {
        if whole.isSecret || parts.isEmpty { return whole }
        let path = origin.appending(path.components)
        return parts.contains { $0.holds(path) } ? .directory : whole
    }

    /// The secrecy of the tree that begins at a path of this one.
    package func below(_ path: FilePath) -> TreeSecrecy {
        var result = self
        result.origin.append(path.components)
        return result
    }
}

import CaiPlatform
import SystemPackage

/// Opens a path that the caller named. Root follows no symlink of another user on the way: whoever owns such a link would
/// choose what root reads, and an import puts it where the agent can read it. Others have their own rights.
enum CallerPath {
    /// Opens a directory. Throws `SystemCallError`, and `SourceProblem.foreignLink`.
    static func openDirectory(_ path: FilePath) throws -> Directory {
        guard let resolved = try resolved(path) else { return try Directory.open(path) }
        if !resolved.isDirectory { throw SystemCallError("open", path.string, .notDirectory) }
        let tree = Tree(root: try Directory.open("/"))
        return try resolved.path.isEmpty ? tree.root : tree.directory(resolved.path)
    }

    /// Opens a file for reading, and waits for the writer of a pipe. Throws `SystemCallError`, and
    /// `SourceProblem.foreignLink`.
    static func openFile(_ path: FilePath) throws -> Descriptor {
        guard let resolved = try resolved(path), !resolved.isDirectory else { return try Descriptor(opening: path) }
        let (parent, name) = try Tree(root: try Directory.open("/")).parent(of: resolved.path)
        return try parent.openStream(name)
    }

    /// The path without symlinks, relative to the root; nil for others than root, and for an open descriptor in `/proc`, to
    /// which no path leads. Throws for one that is missing: a link could be put there before it is opened.
    private static func resolved(_ path: FilePath) throws -> (path: FilePath, isDirectory: Bool)? {
        guard Identity.isRoot else { return nil }
        do {
            let found = try RootedLookup(root: "/").find(path, onlyLinksOf: Identity.uid)
            if found.missing.isEmpty { return (FilePath(root: nil, found.resolved.components), found.isDirectory) }
            if found.resolved.starts(with: "/proc") { return nil }
            throw SystemCallError("open", path.string, .noSuchFileOrDirectory)
        } catch let link as ForeignLink {
            throw SourceProblem.foreignLink(link.path, uid: link.uid)
        }
    }
}

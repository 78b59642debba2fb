package import SystemPackage

/// Why a path inside a tree cannot be reached without following somebody's symlink.
package struct BlockedPath: Error, Equatable, Sendable {
    /// The ancestor that is no directory, as a path relative to the tree.
    package let ancestor: FilePath
    package let kind: FileKind

    package init(ancestor: FilePath, kind: FileKind) {
        self.ancestor = ancestor
        self.kind = kind
    }
}

/// Everything below one directory. Paths are relative and walked name by name with `O_NOFOLLOW`, so that no operation
/// can leave the tree whatever is planted in it, also while it runs.
package final class Tree: Sendable {
    package let root: Directory

    package init(root: Directory) { self.root = root }

    /// Opens a directory of the tree; the empty path is the root. Throws `BlockedPath` when an ancestor or the directory
    /// itself is something else, `SystemCallError` (ENOENT) when it is missing.
    package func directory(_ path: FilePath) throws -> Directory {
        // The kernel allows `..` as long as it stays below; here it is refused by the first step.
        let isPlain = path.components.allSatisfy { $0.kind != .parentDirectory }
        if path.components.count > 1, isPlain, let found = root.openBeneath(path) { return found }
        var current = root
        var walked = FilePath()
        for name in path.components { current = try step(from: current, to: name, &walked) }
        return current
    }

    /// The open parent of a path and the last name of it. Throws as `directory` does.
    package func parent(of path: FilePath) throws -> (directory: Directory, name: FilePath.Component) {
        guard let name = path.lastComponent else { throw SystemCallError("open", "\(path)", .invalidArgument) }
        return (try directory(path.removingLastComponent()), name)
    }

    /// The same, making ancestors that are missing with this mode.
    package func makeParent(
        of path: FilePath, mode: UInt16
    ) throws -> (directory: Directory, name: FilePath.Component) {
        guard let name = path.lastComponent else { throw SystemCallError("open", "\(path)", .invalidArgument) }
        return (try makeDirectories(path.removingLastComponent(), mode: mode), name)
    }

    /// Opens a directory, making it and its ancestors where missing with this mode.
    package func makeDirectories(_ path: FilePath, mode: UInt16) throws -> Directory {
        var current = root
        var walked = FilePath()
        for name in path.components {
            do {
                current = try step(from: current, to: name, &walked)
            } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
                current = try current.makeOrOpenDirectory(name, mode: mode)
            }
        }
        return current
    }

    /// Facts about a path; nil when it or an ancestor is missing. Throws `BlockedPath` for an ancestor that is no
    /// directory.
    package func status(_ path: FilePath) throws -> FileStatus? {
        guard let name = path.lastComponent else { return try root.status() }
        do {
            return try directory(path.removingLastComponent()).status(of: name)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// One step of a walk. `walked` is the path so far, for the sentence the user reads when it is blocked.
    private func step(
        from directory: Directory, to name: FilePath.Component, _ walked: inout FilePath
    ) throws -> Directory {
        walked.append(name)
        do {
            return try directory.openDirectory(name)
        } catch {
            guard error.errno == .notDirectory || error.errno == .tooManySymbolicLinkLevels else { throw error }
            guard let status = try directory.status(of: name) else {
                throw SystemCallError(error.operation, error.subject, .noSuchFileOrDirectory)
            }
            throw BlockedPath(ancestor: walked, kind: status.kind)
        }
    }
}

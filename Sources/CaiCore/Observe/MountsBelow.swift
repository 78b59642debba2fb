import CaiModel
package import CaiPlatform
import SystemPackage

/// The mounts below directories, from the mount table, which is read once and only when it is asked.
package struct MountsBelow {
    private var points: [FilePath]?

    /// True if something is mounted below the directory of this name.
    mutating func lieBelow(_ name: FilePath.Component, _ parent: Directory, _ found: Node) -> Bool {
        guard found.isDirectory, let path = parent.resolvedPath?.appending(name) else { return false }
        // Without /proc nothing is known, and a rename that does not work reports its error.
        let all = points ?? (try? MountTable(parsing: Mounts.table()).mounts.map(\.mountPoint)) ?? []
        points = all
        return all.contains { $0 != path && $0.starts(with: path) }
    }

    /// False if no mount of this process begins below an open directory. True also if that cannot be told.
    package static func mayBegin(below directory: Directory) -> Bool {
        // A directory outside of the root of this process has a path that does not begin with a slash (getcwd(2)).
        guard let path = directory.resolvedPath, path.isAbsolute, let bytes = try? Mounts.table() else { return true }
        let table = MountTable(parsing: bytes)
        return !table.findings.isEmpty
            || table.mounts.contains { $0.mountPoint != path && $0.mountPoint.starts(with: path) }
    }
}

import CaiModel
import SystemPackage

/// Which paths of a source go to which paths of the volume, to find where the target of a symlink will be.
struct ImportMap {
    private struct Root {
        /// Free of symlinks.
        let real: FilePath
        let target: VolumePath
        /// Whether it is imported; false for secrets and what excludes leave out.
        let isImported: Bool
    }

    private var roots: [Root] = []

    mutating func add(_ real: FilePath, _ target: VolumePath, isImported: Bool) {
        roots.append(Root(real: real, target: target, isImported: isImported))
    }

    /// Where a path of the source goes; the longest root counts. Nil when it goes nowhere.
    func target(of path: FilePath) -> (target: VolumePath, isImported: Bool)? {
        let found = roots.filter { path.starts(with: $0.real) }
            .max { $0.real.components.count < $1.real.components.count }
        guard let found else { return nil }
        let below = FilePath(root: nil, path.components.dropFirst(found.real.components.count))
        return (below.isEmpty ? found.target : found.target.appending(below), found.isImported)
    }
}

extension FilePath {
    /// This path as text of a symlink in `directory`, both below one root.
    func relative(to directory: FilePath) -> FilePath {
        var here = Array(directory.components)
        var there = Array(components)
        while let first = here.first, there.count > 1, first == there.first {
            here.removeFirst()
            there.removeFirst()
        }
        return FilePath(String(repeating: "../", count: here.count)).appending(there)
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// Reads the secrets of agent directories on the volume, as far as no walk of a tree is needed: patterns whose `*` is in the
/// last component, or that have none.
struct SecretPartsObserver {
    private let volume: Tree

    init(_ machine: Machine) { volume = machine.volume }

    /// The secrets that are there, each with its place.
    func observe(_ directories: [PlacedDirectory]) -> [(path: VolumePath, node: Node)] {
        var seen: [VolumePath: Node] = [:]
        for placed in directories where placed.isKeptByUs {
            var lists: [VolumePath: (directory: Directory, names: [FilePath.Component])] = [:]
            for pattern in placed.declaration.secrets {
                guard let parent = pattern.parent else { continue }
                let path = parent.isEmpty ? placed.target : placed.target.appending(parent)
                guard let list = lists[path] ?? entries(of: path) else { continue }
                lists[path] = list
                for name in list.names where pattern.holds(parent.appending(name)) {
                    seen[path.appending(name)] = Node(name, in: list.directory)
                }
            }
        }
        return seen.map { ($0.key, $0.value) }.sorted { $0.path < $1.path }
    }

    /// The entries of a directory; nil for one that is missing, or that cannot be read, which the ownership step reports.
    private func entries(of path: VolumePath) -> (directory: Directory, names: [FilePath.Component])? {
        guard let directory = try? volume.directory(path.relative), let names = try? directory.names()  // see above
        else { return nil }
        return (directory, names)
    }
}

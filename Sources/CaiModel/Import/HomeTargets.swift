import SystemPackage

/// The places on the volume that paths of the home lead to, by the links and sources of entries and by agent directories.
package struct HomeTargets: Sendable {
    private var targets: [PathKey: VolumePath] = [:]

    /// `entries` are those of the manifests, `directories` the agent directories in their places.
    package init(_ entries: [Entry], directories: [PlacedDirectory]) {
        for directory in directories {
            targets[(directory.homePath ?? directory.declaration.path).key] = directory.target
        }
        for entry in entries where !entry.flags.contains(.glob) && entry.kind != .agentDirectory {
            if let link = entry.link ?? entry.source { targets[link.key] = entry.target }
        }
    }

    /// The place on the volume of a path of the home; nil for one that no link leads to. The innermost link counts.
    package func target(of path: HomePath) -> VolumePath? {
        var below: [FilePath.Component] = []
        var next = path.relative
        while let name = next.lastComponent {
            if let target = targets[PathKey(next)] {
                return below.isEmpty ? target : target.appending(FilePath(root: nil, below.reversed()))
            }
            below.append(name)
            next = next.removingLastComponent()
        }
        return nil
    }
}

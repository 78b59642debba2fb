package import SystemPackage

/// The agent directories as they lie on a volume: a lookup from a path of the volume to the directory that holds it.
package struct AgentTargets: Sendable {
    /// A place at or below an agent directory.
    package struct Position: Sendable {
        package let directory: AgentDirectory
        /// The path below the directory; empty for the directory itself.
        package let below: FilePath

        /// The part of the agent's content to which the place belongs.
        package var part: AgentPart { directory.part(of: below) }
        /// True if the place is, or lies below, a declared secret.
        package var isSecret: Bool { directory.isSecret(below) }

        /// The place of an entry of this one.
        package func appending(_ name: FilePath.Component) -> Position {
            Position(directory: directory, below: below.appending(name))
        }
    }

    private let targets: [PathKey: AgentDirectory]

    /// No agent directories.
    package static let none = AgentTargets([])

    /// Takes the directories at their declared targets, and where a variable of the container has moved them on the volume.
    package init(_ directories: [PlacedDirectory]) {
        var targets: [PathKey: AgentDirectory] = [:]
        for placed in directories {
            targets[placed.declaration.target.key] = placed.declaration
            targets[placed.target.key] = placed.declaration
        }
        self.targets = targets
    }

    /// True if an agent directory lies at the path itself.
    package func isTarget(_ path: FilePath) -> Bool { targets[PathKey(path)] != nil }

    /// The place of an entry, for a walk that knows the place of the directory around it.
    package func position(of path: FilePath, in parent: Position?) -> Position? {
        if let directory = targets[PathKey(path)] { return Position(directory: directory, below: FilePath()) }
        return path.lastComponent.flatMap { parent?.appending($0) }
    }

    /// The place of a path; nil for one outside of every agent directory. The innermost directory counts.
    package func position(of path: FilePath) -> Position? {
        var names: [FilePath.Component] = []
        var next = path
        while let name = next.lastComponent {
            if let directory = targets[PathKey(next)] {
                return Position(directory: directory, below: FilePath(root: nil, names.reversed()))
            }
            names.append(name)
            next = next.removingLastComponent()
        }
        return nil
    }

    /// True if the path is, or lies below, a declared secret of an agent directory.
    package func isSecret(_ path: FilePath) -> Bool { position(of: path)?.isSecret ?? false }
}

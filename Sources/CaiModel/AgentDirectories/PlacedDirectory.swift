package import SystemPackage

/// An agent directory on one machine: where the agent looks for it, and how it reaches the volume.
package struct PlacedDirectory: Hashable, Sendable {
    /// The place in which the agent looks for its directory.
    package enum Location: Hashable, Sendable {
        case home(HomePath)
        /// A variable of the container names a directory on the volume.
        case volume(VolumePath)
        /// A variable of the container names a directory that is neither in the home nor on the volume.
        case elsewhere(FilePath)
    }

    /// The reach of the manifests' single links into the directory.
    package enum Coverage: Hashable, Sendable {
        /// A link in the home leads to the directory, or is about to; nothing inside has a link.
        case linked
        /// The directory is reached without a link of ours; nothing inside has a link.
        case reached
        /// The directory cannot be linked for now: links inside that exist are kept, and none are added.
        case fallback
        /// Single links, as the setting asks.
        case files
    }

    package let declaration: AgentDirectory
    package let placement: AgentPlacement
    package var location: Location
    /// The variable that moved the directory, if one did.
    package let movedBy: String?
    package var coverage: Coverage
    /// The reason why a directory has no link although it should; nil if all is well.
    package var obstacle: Finding?

    package init(
        _ declaration: AgentDirectory, placement: AgentPlacement, location: Location, movedBy: String? = nil,
        coverage: Coverage, obstacle: Finding? = nil
    ) {
        self.declaration = declaration
        self.placement = placement
        self.location = location
        self.movedBy = movedBy
        self.coverage = coverage
        self.obstacle = obstacle
    }

    /// The place in the home; nil if the agent looks elsewhere.
    package var homePath: HomePath? { if case .home(let path) = location { path } else { nil } }

    /// The directory on the volume that holds the agent's state.
    package var target: VolumePath {
        if case .volume(let path) = location { path } else { declaration.target }
    }

    /// The link of the directory as an entry; nil for a directory without one.
    package var entry: Entry? {
        guard coverage == .linked, let path = homePath else { return nil }
        var entry = Entry(
            kind: .agentDirectory, source: path, target: declaration.target, link: path,
            flags: [.directory, .removeFirst], isDisabled: false, layer: declaration.layer,
            location: declaration.location)
        entry.renamed = declaration.renamed
        entry.secretParts = declaration.secrets
        return entry
    }

    /// The variable with its value for the agent's programs; nil where the placement needs none.
    package func assignment(_ layout: Layout) -> (name: String, value: String)? {
        guard placement == .variable, movedBy == nil, coverage == .reached, let name = declaration.variable else {
            return nil
        }
        return (name, layout.path(.volume(declaration.target)).string)
    }
}

extension AgentDirectory {
    /// The place in which the agent looks for its directory, by the variables of the container: its own, and the
    /// `XDG_…_HOME` of the base directory specification for paths below `.config`, `.local/share`, `.local/state`. A
    /// variable that is empty or no absolute path counts as not set, as the specification has it.
    package func location(
        environment: [String: String], layout: Layout
    ) -> (location: PlacedDirectory.Location, variable: String?) {
        if let variable, let value = environment[variable], value.hasPrefix("/") {
            return (place(FilePath(value).lexicallyNormalized(), layout), variable)
        }
        if let (moved, variable) = BaseDirectories.moved(path, environment: environment) {
            return (place(moved, layout), variable)
        }
        return (.home(path), nil)
    }

    private func place(_ path: FilePath, _ layout: Layout) -> PlacedDirectory.Location {
        func below(_ root: FilePath) -> FilePath? {
            guard path.starts(with: root), path != root else { return nil }
            return FilePath(root: nil, path.components.dropFirst(root.components.count))
        }
        if let path = below(layout.home) { return .home(HomePath(unchecked: path)) }
        if let path = below(layout.volume) { return .volume(VolumePath(unchecked: path)) }
        return .elsewhere(path)
    }
}

/// The XDG base directories (https://specifications.freedesktop.org/basedir-spec).
package enum BaseDirectories {
    private static let variables: [(name: String, path: FilePath)] = [
        ("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share"), ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
    ]

    /// The names of the variables.
    package static var variableNames: [String] { variables.map(\.name) }

    /// The absolute path to which a variable moves something of the home, with the variable; nil if none moves it.
    package static func moved(
        _ path: HomePath, environment: [String: String]
    ) -> (path: FilePath, variable: String)? {
        for (name, base) in variables where path.relative.starts(with: base) && path.relative != base {
            guard let value = environment[name], value.hasPrefix("/") else { continue }
            var rest = path.relative
            _ = rest.removePrefix(base)
            return (FilePath(value).lexicallyNormalized().pushing(rest), name)
        }
        return nil
    }
}

extension Manifest {
    /// The entries as they hold on a machine: a link for each linked agent directory first, then the declared entries.
    /// Those below an agent directory have no link of their own there, except where the directory itself has none.
    package func entries(with directories: [PlacedDirectory]) -> [Entry] {
        let paths = PathsAround(directories.map(\.declaration.path))
        return directories.compactMap(\.entry)
            + entries.map { entry in
                guard let link = entry.link, let index = paths.firstIndex(around: link) else { return entry }
                return entry.adapted(to: directories[index])
            }
    }
}

extension Entry {
    /// The entry without its link, and without a placeholder, if the agent directory around it serves it.
    fileprivate func adapted(to directory: PlacedDirectory) -> Entry {
        switch directory.coverage {
        case .linked, .reached: covered
        case .fallback: asFallback
        case .files: self
        }
    }
}

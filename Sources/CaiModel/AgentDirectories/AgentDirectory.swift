package import SystemPackage

/// A directory of the home that one agent keeps its state in, and that lives on the volume as a whole.
///
/// Programs rename, unlink and create files in such a directory, and keep databases with their logs there; single links
/// inside it break with each of these. Everything below the directory is *state* (kept and exported) unless a part is
/// declared as *cache* (kept, not exported) or *local* (a directory of the container, emptied at each start).
package struct AgentDirectory: Hashable, Sendable {
    /// The name of the agent; several directories may belong to one agent.
    package let agent: String
    /// The directory in the home.
    package let path: HomePath
    /// The directory on the volume.
    package let target: VolumePath
    /// The environment variable by which the agent finds its directory; nil if it has none.
    package let variable: String?
    /// The format of the conversations below it; nil if they cannot be exported one by one.
    package let sessions: SessionFormat?
    /// Files that hold logins, tokens or keys: mode 0600 at most.
    package let secrets: [PartPattern]
    /// Parts that may be dropped and are never exported.
    package let caches: [PartPattern]
    /// Parts that belong to one container, such as a registry of running processes.
    package let locals: [PartPattern]
    /// Parts with programs that the agent runs: they are local where the volume is mounted noexec.
    package let programs: [PartPattern]
    /// Earlier names of entries on the volume, and the names by which the agent knows them.
    package let renamed: [RenamedPart]
    /// Second names of entries: relative symlinks inside the directory.
    package let aliases: [RenamedPart]
    package let layer: ManifestLayer
    package let location: SourceLocation

    package init(
        agent: String, path: HomePath, target: VolumePath, variable: String? = nil, sessions: SessionFormat? = nil,
        secrets: [PartPattern] = [], caches: [PartPattern] = [], locals: [PartPattern] = [],
        programs: [PartPattern] = [], renamed: [RenamedPart] = [], aliases: [RenamedPart] = [], layer: ManifestLayer,
        location: SourceLocation
    ) {
        self.agent = agent
        self.path = path
        self.target = target
        self.variable = variable
        self.sessions = sessions
        self.secrets = secrets
        self.caches = caches
        self.locals = locals
        self.programs = programs
        self.renamed = renamed
        self.aliases = aliases
        self.layer = layer
        self.location = location
    }

    /// The part that a path below the directory belongs to. A path below a cache is cache, and so on; local wins over cache.
    package func part(of below: FilePath) -> AgentPart {
        if locals.contains(where: { $0.holds(below) }) { return .local }
        if caches.contains(where: { $0.holds(below) }) { return .cache }
        return .state
    }

    /// True if a path below the directory is, or lies below, a declared secret, also by its earlier name.
    package func isSecret(_ below: FilePath) -> Bool {
        if secrets.contains(where: { $0.holds(below) }) { return true }
        return renamed.contains { part in
            part.from.relative == below && secrets.contains { $0.holds(part.to.relative) }
        }
    }

    /// The same directory on a volume from which no program can be run.
    package var withoutExecution: AgentDirectory {
        AgentDirectory(
            agent: agent, path: path, target: target, variable: variable, sessions: sessions, secrets: secrets,
            caches: caches, locals: locals + programs, programs: programs, renamed: renamed, aliases: aliases,
            layer: layer, location: location)
    }

    /// The place on the volume of something below the directory.
    package func target(of below: FilePath) -> VolumePath { target.appending(below) }
}

/// The kinds of content of an agent directory.
package enum AgentPart: String, Hashable, Sendable, Codable, CaseIterable {
    /// Kept and exported.
    case state
    /// Kept on the volume, never exported, may be dropped.
    case cache
    /// Belongs to one container; emptied at each start.
    case local
}

/// The formats of conversations that `cai` knows.
package enum SessionFormat: String, Hashable, Sendable, Codable, CaseIterable {
    case claude, codex, opencode
}

/// Two names of one entry, both below the directory of an agent.
package struct RenamedPart: Hashable, Sendable {
    package let from: VolumePath
    package let to: VolumePath
    package init(from: VolumePath, to: VolumePath) {
        self.from = from
        self.to = to
    }
}

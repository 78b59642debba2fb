package import CaiModel
package import SystemPackage

/// The content of a volume that an export takes: everything but caches and local parts of agents, and what patterns of the
/// configuration and `--no-secrets` exclude.
package struct ExportChoice: Sendable {
    package let excludes: Excludes
    package let agents: AgentTargets
    /// The directory of this container that local parts lead to.
    let localDirectory: FilePath?
    private let includesCaches: Bool
    /// Declared secrets, left out with everything below them; empty if secrets are exported.
    private let secrets: Set<PathKey>
    /// Judges files that no manifest declares; nil if secrets are exported.
    let judge: SecretJudge?

    /// `entries` are those of the manifests for an export without secrets, else nil.
    package init(
        excludes: Excludes, agents: AgentTargets = .none, localDirectory: FilePath? = nil, includesCaches: Bool = false,
        withoutSecretsOf entries: [Entry]? = nil
    ) {
        self.excludes = excludes
        self.agents = agents
        self.localDirectory = localDirectory
        self.includesCaches = includesCaches
        judge = entries.map { SecretJudge($0, agents: agents) }
        secrets = Set((entries ?? []).filter(\.isSecret).map(\.target.key) + (entries == nil ? [] : [PathKey(".env")]))
    }

    /// The reason to leave a path out with everything below it; nil for a path that is exported. `position` is its place in
    /// an agent directory.
    func reason(toLeaveOut path: FilePath, _ position: AgentTargets.Position?) -> LeftOutReason? {
        if let position {
            switch position.part {
            case .local: return .local
            case .cache where !includesCaches: return .cache(agent: position.directory.agent)
            case .cache, .state: break
            }
        }
        if judge != nil, position?.isSecret == true { return .secret }
        let path = VolumePath(unchecked: path)
        if secrets.contains(path.key) { return .secret }
        return excludes.excluding(path).map { .excluded(pattern: $0) }
    }
}

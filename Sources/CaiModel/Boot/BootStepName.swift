/// The steps of a boot, in their order (README, "cai init").
package enum BootStepName: String, CaseIterable, Sendable {
    case journal, persistence, ownership, agents, placeholders, environment, git, links, manifests, workspace, opencode,
        users
    case bootstrap, hooks

    /// Those that mend what can change while a container runs.
    package static let repair: [BootStepName] = [.journal, .agents, .placeholders, .links, .manifests]
}

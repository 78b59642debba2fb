package import CaiModel

/// What the agent service does for those who ask: the same jobs as the command line's. They block, and run one at a time,
/// outside of the loop that serves.
package struct AgentJobs: Sendable {
    /// Looks whether the container is well.
    let health: @Sendable () -> HealthReport
    /// Reads settings and manifests again, and repairs the links.
    let reload: @Sendable () -> AgentReload

    package init(health: @escaping @Sendable () -> HealthReport, reload: @escaping @Sendable () -> AgentReload) {
        self.health = health
        self.reload = reload
    }
}

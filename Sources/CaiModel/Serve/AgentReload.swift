/// What reading settings and manifests again, and the repair behind it, have led to.
package struct AgentReload: Sendable {
    package let peers: PeerPolicy
    /// What was noticed.
    package var findings: [Finding]
    /// One sentence for whoever looks at the service.
    package let summary: String

    package init(peers: PeerPolicy, findings: [Finding], summary: String) {
        self.peers = peers
        self.findings = findings
        self.summary = summary
    }
}

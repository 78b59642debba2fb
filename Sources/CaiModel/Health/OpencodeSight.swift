/// What was seen of an opencode server and its broker.
package struct OpencodeSight: Hashable, Sendable {
    package let hasBroker: Bool
    package let hasSocket: Bool
    package let answersOn: Bool
    package let port: Int

    package init(hasBroker: Bool, hasSocket: Bool, answersOn: Bool, port: Int) {
        self.hasBroker = hasBroker
        self.hasSocket = hasSocket
        self.answersOn = answersOn
        self.port = port
    }
}

extension HealthCheck {
    /// Whether a broker runs, has its socket, and the server shows its page.
    package init(opencode sight: OpencodeSight) {
        let missing = [
            sight.hasBroker ? nil : "no process opencode-broker runs",
            sight.hasSocket ? nil : "/run/opencode/auth.sock is no socket",
            sight.answersOn ? nil : "nothing answers on port \(sight.port)",
        ].compactMap { $0 }
        self.init(
            .opencode, missing.isEmpty ? .ok : .failed,
            missing.isEmpty ? "the broker runs and port \(sight.port) answers" : missing.joined(separator: ", "),
            advice: missing.isEmpty ? nil : "declare both as services in /etc/containai/agent.toml")
    }
}

/// What process 1 tells of its services: `services.json` in the state directory.
package struct ServiceStates: Hashable, Sendable, Codable {
    /// One of them.
    package struct Service: Hashable, Sendable, Codable {
        package let name: String
        /// `waiting`, `starting`, `running`, `pausing`, `stopping`, `ended` or `failed`.
        package let state: String
        package let ready: Bool
        package let essential: Bool
        package let restarts: Int
        /// With which code it ended last.
        package let code: Int?

        package init(
            name: String, state: String, ready: Bool, essential: Bool, restarts: Int, code: Int? = nil
        ) {
            self.name = name
            self.state = state
            self.ready = ready
            self.essential = essential
            self.restarts = restarts
            self.code = code
        }

        /// Whether it does what it is there for, or has done it.
        var isWell: Bool { ready || (state == "ended" && !essential) }
    }

    package let schema: Int
    package let services: [Service]

    package init(services: [Service]) {
        schema = 1
        self.services = services
    }
}

extension HealthCheck {
    /// What process 1 tells of its services; nil for nothing. Nil where there are no services to tell of.
    ///
    /// The check fails for essential services only: for one that does not run, or is not ready. `declared` are the services
    /// of the settings.
    package init?(services states: ServiceStates?, declared: [ServiceDeclaration], canBeKept: Bool) {
        guard let states else {
            if declared.isEmpty { return nil }
            self.init(
                .services, .degraded,
                canBeKept ? "nobody supervises the services" : "nothing can be written where the services are told of",
                advice: canBeKept ? "cai entrypoint does, as process 1" : nil)
            return
        }
        guard !states.services.isEmpty else { return nil }
        let unwell = states.services.filter { !$0.isWell }
        let outcome: Outcome = unwell.contains(where: \.essential) ? .failed : unwell.isEmpty ? .ok : .degraded
        let well = "\(states.services.count - unwell.count) of \(states.services.count) services are well"
        self.init(
            .services, outcome, ([well] + unwell.map { "\($0.name) is \($0.words)" }).joined(separator: ", "),
            advice: outcome == .ok
                ? nil : "the log of the container has their output; cai config show tells what was declared")
    }
}

extension ServiceStates.Service {
    fileprivate var words: String {
        let code = code.map { ", ended with \($0)" } ?? ""
        return "\(state)\(state == "running" ? "" : code)"
    }
}

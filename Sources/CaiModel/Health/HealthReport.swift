/// One thing that was looked at to tell whether a container is well.
package struct HealthCheck: Hashable, Sendable {
    /// What is looked at, in the order of the report.
    package enum Name: String, Sendable, Codable, CaseIterable {
        case boot, agents, links, volume, services, opencode
    }

    package enum Outcome: String, Sendable, Codable {
        case ok
        /// Not as it should be, but no reason to take the container for unwell.
        case degraded
        case failed
    }

    package let name: Name
    package let outcome: Outcome
    /// What was seen.
    package let sentence: String
    /// The next command or edit, when there is one.
    package let advice: String?

    package init(_ name: Name, _ outcome: Outcome, _ sentence: String, advice: String? = nil) {
        self.name = name
        self.outcome = outcome
        self.sentence = sentence
        self.advice = advice
    }
}

extension HealthCheck {
    /// What the report of the last boot says; nil for none, which is no fault where it cannot be kept.
    package init(boot report: BootReport?, canBeKept: Bool) {
        guard let report else {
            let advice = "wait for the boot, or run cai init"
            self =
                canBeKept
                ? HealthCheck(.boot, .failed, "no boot has come to its end", advice: advice)
                : HealthCheck(.boot, .degraded, "nothing can be written where the report of a boot is kept")
            return
        }
        let steps = report.steps.filter { $0.outcome == .degraded || $0.outcome == .failed }.map(\.name)
        let list = steps.isEmpty ? "" : " (\(steps.joined(separator: ", ")))"
        let outcome: Outcome =
            switch report.status {
            case .ok: .ok
            case .degraded: .degraded
            case .failed: .failed
            }
        self.init(
            .boot, outcome, "the last boot was \(report.status.rawValue)\(list)",
            advice: outcome == .ok ? nil : "cai init tells what is wrong")
    }

    /// What the plan of a repair says of the links.
    package init(links plan: LinkPlan) {
        let mendable = plan.links.filter { !$0.steps.isEmpty }.count
        let obstacles = plan.links.filter { $0.obstacle != nil }.count
        let outcome: Outcome = mendable > 0 ? .failed : obstacles > 0 ? .degraded : .ok
        // The number that `cai links check` has, too.
        let right = plan.links.filter { $0.state == .ok && $0.obstacle == nil && $0.steps.isEmpty }.count
        var parts = ["\(right) links are right"]
        if mendable > 0 { parts.append("\(mendable) can be mended") }
        if obstacles > 0 { parts.append("\(obstacles) cannot") }
        self.init(
            .links, outcome, parts.joined(separator: ", "),
            advice: mendable > 0 ? "cai links repair" : obstacles > 0 ? "cai links check" : nil)
    }
}

/// Whether a container is well, as `cai health --json` prints it.
///
/// Keys: `schema` (1), `status` (`healthy`, `unhealthy`), `checks` with `name`, `outcome`, `sentence` and, where there is
/// one, `advice`, and `services` with `name`, `state`, `ready`, `essential`, `restarts` and, after an end, `code`.
package struct HealthReport: Sendable {
    package static let schema = 1

    package let checks: [HealthCheck]
    package let services: [ServiceStates.Service]

    package init(_ checks: [HealthCheck], services: [ServiceStates.Service] = []) {
        self.checks = checks
        self.services = services
    }

    /// Whether no check failed.
    package var isHealthy: Bool { checks.allSatisfy { $0.outcome != .failed } }

    /// The document, keys sorted. Throws `EncodingError` never in practice: every value is text or a number.
    package func json() throws -> String { try sortedJSON(self) }
}

extension HealthReport: Encodable {
    private enum Key: String, CodingKey { case schema, status, checks, services }
    private enum CheckKey: String, CodingKey { case name, outcome, sentence, advice }

    /// Writes the document.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.schema, forKey: .schema)
        try container.encode(isHealthy ? "healthy" : "unhealthy", forKey: .status)
        try container.encode(services, forKey: .services)
        var list = container.nestedUnkeyedContainer(forKey: .checks)
        for check in checks {
            var entry = list.nestedContainer(keyedBy: CheckKey.self)
            try entry.encode(check.name, forKey: .name)
            try entry.encode(check.outcome, forKey: .outcome)
            try entry.encode(check.sentence, forKey: .sentence)
            try entry.encodeIfPresent(check.advice, forKey: .advice)
        }
    }
}

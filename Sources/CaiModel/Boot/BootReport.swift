/// What became of one step of a boot.
package struct BootStep: Sendable, Hashable {
    package enum Outcome: String, Sendable, Codable, CaseIterable {
        case ok
        /// There was no reason to run it.
        case skipped
        /// It ran, and something was not as it should be.
        case degraded
        /// It could not do its work.
        case failed
    }

    package let name: String
    package let outcome: Outcome
    package let duration: Duration
    package let findings: [Finding]
    /// How many things it changed or, in a preview, would change.
    package let changes: Int
    /// What the log shows in place of the findings, where their lines are promised word for word; the document does not
    /// hold them.
    package let lines: [String]
    /// What it did or, in a preview, would do, one instruction a change.
    package let actions: [String]
    /// The exit code that stands for a failure; not in the document.
    package let code: Int

    package init(
        name: String, outcome: Outcome, duration: Duration, findings: [Finding] = [], changes: Int = 0,
        lines: [String] = [], actions: [String] = [], code: Int = 1
    ) {
        self.name = name
        self.outcome = outcome
        self.duration = duration
        self.findings = findings
        self.changes = changes
        self.lines = lines
        self.actions = actions
        self.code = code
    }

    /// The outcome that findings stand for: a warning degrades, an error fails.
    package static func outcome(of findings: [Finding]) -> Outcome {
        switch findings.map(\.severity).max() {
        case .error: .failed
        case .warning: .degraded
        default: .ok
        }
    }
}

/// The sum of a boot.
package enum BootStatus: String, Sendable, Codable {
    case ok
    /// Something was not as it should be; the container is started.
    case degraded
    /// A step that the operator declared essential did not do its work.
    case failed

    /// The status of steps; `essential` are the names of those that must not fail.
    package init(_ steps: [BootStep], essential: Set<String>) {
        if steps.contains(where: { $0.outcome == .failed && essential.contains($0.name) }) {
            self = .failed
        } else {
            let isFine = steps.allSatisfy { $0.outcome == .ok || $0.outcome == .skipped }
            self = isFine ? .ok : .degraded
        }
    }
}

/// What a boot did, as `boot.json` holds it (README, "cai init").
///
/// Keys: `schema` (1), `started` (UTC), `duration_ms`, `status`, `dry_run`, and `steps` with `name`, `outcome`, `duration_ms`,
/// `changes`, `actions` and `findings` of `severity`, `place`, `sentence` and, where there is one, `advice`.
package struct BootReport: Sendable, Hashable {
    package static let schema = 1

    /// The document, keys sorted.
    package func json() throws -> String { try sortedJSON(self) }

    /// The first of the given steps that failed.
    package func firstFailure(of essential: Set<String>) -> BootStep? {
        steps.first { $0.outcome == .failed && essential.contains($0.name) }
    }

    package let started: Timestamp
    package let duration: Duration
    package let status: BootStatus
    package let steps: [BootStep]
    /// Whether nothing was changed: this is what a boot would do.
    package let isPreview: Bool
    /// Whether the trees could not be opened, or must not be touched, so that nothing was prepared. Not in the document,
    /// whose first step says why.
    package let isRefused: Bool

    package init(
        started: Timestamp, duration: Duration, steps: [BootStep], essential: Set<String> = [],
        isPreview: Bool = false, isRefused: Bool = false
    ) {
        self.started = started
        self.duration = duration
        self.steps = steps
        self.isPreview = isPreview
        self.isRefused = isRefused
        status = BootStatus(steps, essential: essential)
    }
}

extension BootReport: Codable {
    private enum Key: String, CodingKey {
        case schema, started, duration = "duration_ms", status, steps, isPreview = "dry_run"
    }

    /// Writes the document.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.schema, forKey: .schema)
        try container.encode(started.description, forKey: .started)
        try container.encode(duration.milliseconds, forKey: .duration)
        try container.encode(status, forKey: .status)
        try container.encode(isPreview, forKey: .isPreview)
        try container.encode(steps, forKey: .steps)
    }

    /// Reads a document. Throws `DecodingError` for any but this schema.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard try container.decode(Int.self, forKey: .schema) == Self.schema,
            let started = Timestamp(try container.decode(String.self, forKey: .started))
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .schema, in: container, debugDescription: "not a boot report of schema \(Self.schema)")
        }
        self.started = started
        duration = .milliseconds(try container.decode(Double.self, forKey: .duration))
        status = try container.decode(BootStatus.self, forKey: .status)
        isPreview = try container.decodeIfPresent(Bool.self, forKey: .isPreview) ?? false
        isRefused = false
        steps = try container.decode([BootStep].self, forKey: .steps)
    }
}

extension BootStep: Codable {
    private enum Key: String, CodingKey { case name, outcome, duration = "duration_ms", findings, changes, actions }

    /// Writes the step.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(duration.milliseconds, forKey: .duration)
        try container.encode(findings, forKey: .findings)
        try container.encode(changes, forKey: .changes)
        try container.encode(actions, forKey: .actions)
    }

    /// Reads a step.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        name = try container.decode(String.self, forKey: .name)
        outcome = try container.decode(Outcome.self, forKey: .outcome)
        duration = .milliseconds(try container.decode(Double.self, forKey: .duration))
        findings = try container.decode([Finding].self, forKey: .findings)
        changes = try container.decode(Int.self, forKey: .changes)
        lines = []
        code = 1
        actions = try container.decodeIfPresent([String].self, forKey: .actions) ?? []
    }
}

extension Duration {
    /// Milliseconds, to the microsecond.
    package var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + Double(attoseconds / 1_000_000_000_000) / 1000
    }
}

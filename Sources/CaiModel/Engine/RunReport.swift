/// Anything that carries a plan: what a planner returns beside it is what the words of a command are made from.
package protocol Planned: Sendable {
    var plan: Plan { get set }
}

extension Plan: Planned {
    package var plan: Plan {
        get { self }
        set { self = newValue }
    }
}

extension LinkPlan: Planned {}
extension SyncPlan: Planned {}

/// What a job did or, in a preview, would do.
package struct RunReport<Detail: Planned>: Sendable {
    /// What was decided, with the states that the lines are made from.
    package let detail: Detail
    /// One outcome for each step of `detail.plan`, in its order, and behind them those of the steps that a change during
    /// the run made necessary.
    package var outcomes: [Outcome]
    /// The findings of the plan and of everything around it; those of single steps are in their outcomes.
    package var findings: [Finding]
    /// The run, when anything was changed under its name.
    package var run: RunID?
    package let isPreview: Bool

    package init(detail: Detail, outcomes: [Outcome], findings: [Finding], run: RunID?, isPreview: Bool) {
        self.detail = detail
        self.outcomes = outcomes
        self.findings = findings
        self.run = run
        self.isPreview = isPreview
    }

    /// What a run comes to of which this is the preview, where that has nothing to do and nothing to say; nil else, because
    /// only the run itself knows.
    package var ofIdleRun: RunReport? {
        guard outcomes.isEmpty, findings.isEmpty else { return nil }
        return RunReport(detail: detail, outcomes: [], findings: [], run: nil, isPreview: false)
    }

    /// Every finding, those of the steps included.
    package var allFindings: [Finding] { findings + outcomes.flatMap(\.findings) }
    package var problems: [Outcome] { outcomes.filter(\.isProblem) }
    package var worst: Severity? { allFindings.map(\.severity).max() }
}

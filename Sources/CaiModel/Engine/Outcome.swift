package import SystemPackage

/// How one step ended.
package enum StepResult: Sendable, Equatable {
    /// Not carried out: this was a preview.
    case planned
    case done
    /// What it expected to find no longer held; nothing was changed.
    case refused(reason: String)
    /// It could not be carried out; what it had begun was taken back or is kept for the next run to finish.
    case failed(reason: String)
    /// Not tried, because an earlier step met something that stops them all.
    case skipped(reason: String)
}

/// One step and what became of it.
package struct Outcome: Sendable {
    package let step: Step
    package var result: StepResult
    /// What had to make room: paths below the run's directory in the displaced store (`home/…`, `volume/…`).
    package var displaced: [FilePath]
    package var findings: [Finding]
    /// The next step after a failure, where that is known.
    package let advice: String?

    package init(
        step: Step, result: StepResult, displaced: [FilePath] = [], findings: [Finding] = [], advice: String? = nil
    ) {
        self.advice = advice
        self.step = step
        self.result = result
        self.displaced = displaced
        self.findings = findings
    }

    package var isProblem: Bool {
        switch result {
        case .planned, .done: false
        case .refused, .failed, .skipped: true
        }
    }
}

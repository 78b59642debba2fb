import CaiModel

/// What one step did.
struct StepWork {
    var findings: [Finding] = []
    var changes = 0
    var isSkipped = false
    var lines: [String] = []
    var actions: [String] = []
    /// The exit code that stands for a failure.
    var code = 1

    var outcome: BootStep.Outcome {
        let outcome = BootStep.outcome(of: findings)
        return outcome == .ok && isSkipped ? .skipped : outcome
    }

    static func skipped(_ findings: [Finding] = []) -> StepWork {
        StepWork(findings: findings, isSkipped: true)
    }
}

extension StepWork {
    /// What a run of the engine did: its changes, findings, and a finding for each step that did not work.
    init<Detail: Planned>(_ report: RunReport<Detail>, _ layout: Layout, without known: [Step] = []) {
        var failed: [Finding] = []
        var untried = 0
        for outcome in report.problems {
            guard let reason = outcome.reason else { continue }
            if case .skipped = outcome.result {
                untried += 1
                continue
            }
            let place = outcome.step.places.first.map { layout.text($0) } ?? "cai init"
            failed.append(
                Finding(.error, at: place, reason, advice: outcome.advice ?? "run cai init again"))
        }
        if untried > 0 {
            failed.append(Finding(.error, at: "cai init", "\(untried) more changes were not tried after that"))
        }
        let worked = report.outcomes.filter { !$0.isProblem && !known.contains($0.step) }
        self.init(
            findings: report.allFindings + failed, changes: worked.count, isSkipped: report.outcomes.isEmpty,
            actions: worked.map { $0.step.words(layout) })
    }
}

extension StepWork {
    /// Adds the work of another part of the same step.
    mutating func add(_ other: StepWork) {
        findings += other.findings
        changes += other.changes
        isSkipped = isSkipped && other.isSkipped
        lines += other.lines
        actions += other.actions
    }
}

extension StepWork {
    /// What came of asking for a code; never the code itself.
    init(_ answer: BootstrapAnswer, at place: String) {
        self.init(findings: answer.findings, changes: answer.actions.count, isSkipped: answer.actions.isEmpty)
        actions = answer.actions
        switch answer.reply {
        case .refused(let refusal):
            findings.append(
                Finding(.warning, at: place, refusal.message, advice: "cai bootstrap reset makes another code"))
        case .inactive(let reason, _) where actions.isEmpty: findings.append(Finding(.note, at: place, reason.sentence))
        case .active(let code, .none, let end, _):
            findings.append(
                Finding(
                    .note, at: place,
                    "the one-time code that was shown at \(code.createdAt) works\(end.map { " until \($0)" } ?? "")",
                    advice: "cai bootstrap reset makes another one"))
        default: break
        }
    }
}

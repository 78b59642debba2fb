import CaiModel
import SystemPackage

/// The lines of `cai sync`, as the predecessor words them.
struct SyncLines {
    let report: RunReport<SyncPlan>
    let layout: Layout
    let isDryRun: Bool
    let isVerbose: Bool

    init(_ report: RunReport<SyncPlan>, _ layout: Layout, isDryRun: Bool, isVerbose: Bool) {
        self.report = report
        self.layout = layout
        self.isDryRun = isDryRun
        self.isVerbose = isVerbose
    }

    private var statuses: [SyncStatus] { report.detail.entries }

    var all: [String] {
        let considered = Set(statuses.compactMap(\.obstacle) + statuses.flatMap(conflicts))
        let rest = report.findings.filter { !considered.contains($0) && ($0.severity > .note || isVerbose) }
        return (isDryRun ? ["[WARN] DRY RUN MODE - No changes will be made"] : []) + statuses.flatMap(lines)
            + rest.map(Talk.text) + end
    }

    /// What was noticed about an entry of which both sides have something.
    private func conflicts(_ status: SyncStatus) -> [Finding] {
        report.conflicts(in: status.steps.map { report.detail.plan.steps[$0] })
    }

    private func lines(_ status: SyncStatus) -> [String] {
        switch status.state {
        case .absent: return []
        case .linked: return isVerbose ? ["[SKIP] \(layout.text(status.source)) (already symlinked to volume)"] : []
        case .stranger(let text):
            return ["[WARN] \(layout.text(status.source)) is a symlink to \(text.printable) (left as it is)"]
        case .refused:
            guard let finding = status.obstacle else { return [] }
            let advice = finding.advice.map { " (\($0))" } ?? ""
            if finding.sentence.hasPrefix("exists on volume") {
                return ["[ERROR] Type conflict: \(finding.place) \(finding.sentence)\(advice)"]
            }
            return ["[ERROR] \(finding.place): \(finding.sentence)\(advice)"]
        case .moves:
            return status.steps.flatMap { moved(report.detail.plan.steps[$0], status) }
                + conflicts(status).map(Talk.text)
        }
    }

    private func moved(_ step: Step, _ status: SyncStatus) -> [String] {
        let source = "~/\(status.source)"
        let target = layout.text(status.entry.target)
        let refused = report.problems.first { $0.step == step }
        if isDryRun, refused == nil {
            switch step {
            case .adopt(let adoption):
                return [
                    "[DRY-RUN] Would move: \(layout.text(adoption.live)) -> \(target)",
                    "[DRY-RUN] Would create symlink: \(layout.text(adoption.live)) -> \(target)",
                ] + details(adoption) + wouldDisplace(step)
            case .putLink(let link, let target, _, _):
                return ["[DRY-RUN] Would create symlink: \(layout.text(link)) -> \(layout.text(target))"]
                    + wouldDisplace(step)
            default: return []
            }
        }
        guard let outcome = report.outcomes.first(where: { $0.step == step }) else { return [] }
        switch (step, outcome.result) {
        case (.adopt(let adoption), .done):
            let kept = displaced(outcome)
            return ["[OK] \(source) -> \(target) (moved \(adoption.fileCount) files)"] + details(adoption) + kept
                + outcome.findings.map { "[WARN] \($0.told)" }
        case (_, .done): return displaced(outcome)
        default: return outcome.toldReason.map { ["[ERROR] \(source): \($0)"] } ?? []
        }
    }

    private func displaced(_ outcome: Outcome) -> [String] {
        outcome.displaced.map { "[DISPLACED] \(layout.text(displaced: $0)) -> \(report.kept($0, layout))" }
    }

    private func wouldDisplace(_ step: Step) -> [String] {
        step.expectedDisplaced.map { "[DRY-RUN] Would keep displaced: \(layout.text(displaced: $0))" }
    }

    private func details(_ adoption: Adoption) -> [String] {
        guard isVerbose else { return [] }
        return adoption.items.filter { !$0.live.isDirectory && !$0.path.isEmpty }.map { "        \($0.path.printable)" }
    }

    private var movedCount: Int {
        statuses.count { status in
            status.state == .moves
                && !report.problems.contains { problem in
                    status.steps.contains { report.detail.plan.steps[$0] == problem.step }
                }
        }
    }

    /// How many entries could not be synced.
    var failures: Int { statuses.count { $0.state == .refused } + statuses.count { $0.state == .moves } - movedCount }

    private var end: [String] {
        let skipped = statuses.count - movedCount - failures
        if isDryRun { return ["[DRY-RUN] Done. \(movedCount) paths would be synced."] + failed }
        return ["[INFO] Done. \(movedCount) paths synced, \(skipped) skipped."] + failed
    }

    private var failed: [String] { failures > 0 ? ["[WARN] \(failures) paths failed to sync"] : [] }

    /// The report for machines.
    var document: JSON { report.json(layout, command: "sync", extra: json) }

    private var json: [String: JSON] {
        [
            "summary": .object([
                isDryRun ? "would_sync" : "synced": .number(movedCount), "failed": .number(failures),
                "skipped": .number(statuses.count - movedCount - failures),
            ])
        ]
    }
}

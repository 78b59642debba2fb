import ArgumentParser
import CaiCore
import CaiModel
import SystemPackage

/// `cai undo`: brings back what a run displaced.
struct UndoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Bring back what a run displaced.",
        discussion: """
            Without an ID, undoes the newest run that was no undo itself. What stands there now is displaced in turn, so \
            an undo can be undone by its own ID.
            """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The run, as cai undo --list shows it.") var id: String?
    @Flag(help: "List the runs that can be undone, newest first.") var list = false
    @Flag(help: "Show what would be brought back.") var dryRun = false

    func run() throws {
        try reportingFailures {
            let session = try Session(forUndo: try global.workplace(), isPreview: dryRun || list)
            if list {
                return try show(
                    session.workplace.asOwner { try UndoJob(session.machine, entries: session.entries).list() })
            }
            try show(try carryOut(session), session.layout)
        }
    }

    /// Brings back what the run displaced. Throws `UnknownRun`.
    func carryOut(_ session: Session) throws -> RunReport<UndoPlan> {
        try session.workplace.asOwner {
            try UndoJob(session.machine, entries: session.entries).run(id, session.options("undo", isPreview: dryRun))
        }
    }

    private func show(_ runs: [KeptRun]) throws {
        guard !global.json else {
            return try JSON.array(
                runs.map {
                    .object([
                        "id": .string($0.id.text), "command": .string($0.id.command), "items": .number($0.items),
                        "size_bytes": .number($0.bytes),
                    ])
                }
            ).print()
        }
        for run in runs { print("\(run.id)  \(run.items) item\(run.items == 1 ? "" : "s"), \(run.bytes) bytes") }
        if runs.isEmpty { Talk.info("Nothing was displaced.") }
    }

    private func show(_ report: RunReport<UndoPlan>, _ layout: Layout) throws {
        if global.json { try report.json(layout, command: "undo").print() }
        for outcome in report.outcomes {
            guard let (kept, place) = outcome.step.restored else { continue }
            switch outcome.result {
            case .planned:
                Talk.line("[DRY-RUN] Would restore: \(layout.text(place)) (from \(kept.printable))")
                for path in outcome.step.expectedDisplaced {
                    Talk.line("[DRY-RUN] Would keep displaced: \(layout.text(displaced: path))")
                }
            case .done:
                Talk.ok("\(layout.text(place)) restored")
                for path in outcome.displaced {
                    Talk.line("[DISPLACED] \(layout.text(displaced: path)) -> \(report.kept(path, layout))")
                }
            case .failed, .refused, .skipped: Talk.error(outcome.toldReason ?? "")
            }
        }
        report.allFindings.forEach(Talk.finding)
        let count = report.outcomes.count - report.problems.count
        Talk.info(
            dryRun
                ? "\(count) of \(report.detail.items.count) items of \(report.detail.run) would be restored."
                : "\(count) of \(report.detail.items.count) items of \(report.detail.run) restored.")
        if report.hasFailed { throw Exit.found }
    }
}

extension RunReport<UndoPlan> {
    /// Whether something could not be brought back.
    var hasFailed: Bool { !problems.isEmpty || worst == .error }
}

extension Step {
    /// What comes back from the displaced store, and where it goes.
    fileprivate var restored: (kept: FilePath, place: Place)? {
        switch self {
        case .restore(let kept, _, let place, _): return (kept, place)
        case .place(let placement):
            guard case .kept(let kept, _) = placement.content else { return nil }
            return (kept, .volume(placement.target))
        default: return nil
        }
    }
}

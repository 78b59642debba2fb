import ArgumentParser
import CaiCore
import CaiModel
import SystemPackage

/// `cai undo`: brings back what a run displaced and takes away what it added.
struct UndoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Bring back what a run displaced.",
        discussion: """
            Without an ID, undoes the newest run that was no undo itself. What stands there now is displaced in turn, so \
            an undo can be undone by its own ID. What an import added goes again, unless it was changed since. Secrets \
            are kept displaced for an hour; the list says where some were removed by age.
            """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The run, as cai undo --list shows it.") var id: String?
    @Flag(help: "List the runs that can be undone, newest first.") var list = false
    @Flag(help: "Show what would be brought back.") var dryRun = false
    @OptionGroup var force: ForceOption

    func run() throws {
        try reportingFailures {
            let workplace = try global.workplace()
            try force.check(workplace, for: "undo", isPreview: dryRun || list)
            let session = try Session(forUndo: workplace, isPreview: dryRun || list)
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
                        "size_bytes": .number($0.bytes), "expired_secrets": .number($0.expiredSecrets),
                    ])
                }
            ).print()
        }
        for run in runs {
            let expired =
                run.expiredSecrets == 0 ? "" : "; \(KeptRun.words(run.expiredSecrets)) removed by age"
            print("\(run.id)  \(run.items) item\(run.items == 1 ? "" : "s"), \(run.bytes) bytes\(expired)")
        }
        if runs.isEmpty { Talk.info("Nothing was displaced.") }
    }

    private func show(_ report: RunReport<UndoPlan>, _ layout: Layout) throws {
        if global.json { try report.json(layout, command: "undo").print() }
        for outcome in report.outcomes {
            let words = outcome.step.undoWords(layout)
            switch outcome.result {
            case .planned:
                Talk.line("[DRY-RUN] Would \(words.planned)")
                for path in outcome.step.expectedDisplaced {
                    Talk.line("[DRY-RUN] Would keep displaced: \(layout.text(displaced: path))")
                }
            case .done:
                Talk.ok(words.done)
                for path in outcome.displaced {
                    Talk.line("[DISPLACED] \(layout.text(displaced: path)) -> \(report.kept(path, layout))")
                }
            case .failed, .refused, .skipped: Talk.error(outcome.toldReason ?? "")
            }
        }
        report.allFindings.forEach(Talk.finding)
        let would = dryRun ? "would be " : ""
        let done = report.outcomes.filter { $0.result == .planned || $0.result == .done }
        let restored = done.filter { $0.step.restored != nil }.count
        Talk.info(
            "\(restored) of \(report.detail.items.count) items of \(report.detail.run) \(would)restored"
                + (done.count == restored ? "." : ", \(done.count - restored) additions \(would)taken back."))
        if report.hasFailed { throw Exit.found }
    }
}

extension RunReport<UndoPlan> {
    /// Whether something could not be brought back.
    var hasFailed: Bool { !problems.isEmpty || worst == .error }
}

extension Step {
    /// What the step does, as the end of two sentences.
    fileprivate func undoWords(_ layout: Layout) -> (planned: String, done: String) {
        if let (kept, place) = restored {
            return ("restore: \(layout.text(place)) (from \(kept.printable))", "\(layout.text(place)) restored")
        }
        guard case .place(let placement) = self else { return (words(layout), words(layout)) }
        let path = layout.text(placement.target)
        if case .nothing = placement.content { return ("remove: \(path)", "\(path) removed, which the run had added") }
        if case .time = placement.content { return ("restore the time of: \(path)", "\(path) has its time back") }
        return ("restore the mode of: \(path)", "\(path) has its mode back")
    }

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

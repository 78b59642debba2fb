package import CaiModel
import CaiPlatform
import SystemPackage

/// The options of a run.
package struct RunOptions: Sendable {
    /// The command in the run's name and the lock.
    package let command: String
    package let isPreview: Bool
    package let lockTimeout: Duration
    package let retention: Retention
    /// The places whose displaced content is removed after an hour; nil if they are not known.
    package let secrets: SecretPlaces?
    package init(
        command: String, isPreview: Bool, lockTimeout: Duration, retention: Retention, secrets: SecretPlaces? = nil
    ) {
        self.secrets = secrets
        self.command = command
        self.isPreview = isPreview
        self.lockTimeout = lockTimeout
        self.retention = retention
    }
}

/// Runs a planner over a machine: observe, plan, and, unless it is a preview or there is nothing to do, lock, finish what
/// an earlier run left, plan again, journal, apply, keep the baseline, end the journal.
///
/// A plan without steps takes no lock and writes nothing.
package struct Engine {
    package let machine: Machine
    /// Every entry of the manifest: the places to look at when a journal cannot be read.
    package let entries: [Entry]
    package let options: RunOptions
    /// Where the content of an import comes from.
    let source: SourceTree?
    /// What is different for a guard.
    let guarding: Guarding?

    package init(_ machine: Machine, entries: [Entry], options: RunOptions, source: SourceTree? = nil) {
        self.init(machine, entries: entries, options: options, source: source, guarding: nil)
    }

    init(
        _ machine: Machine, entries: [Entry], options: RunOptions, source: SourceTree? = nil, guarding: Guarding?
    ) {
        self.guarding = guarding
        self.machine = machine
        self.entries = entries
        self.options = options
        self.source = source
    }

    /// Runs one job. `plan` observes and decides; it is called again whenever another run may have changed the volume. It gets
    /// the baseline on demand.
    package func run<Detail: Planned>(_ plan: (BaselineSource) -> Detail) throws -> RunReport<Detail> {
        var report = try runWithoutUnkept(plan)
        report.findings += UnkeptFacts.take().map { Finding(unkept: $0) }
        return report
    }

    private func runWithoutUnkept<Detail: Planned>(
        _ plan: (BaselineSource) -> Detail
    ) throws -> RunReport<Detail> {
        var findings: [Finding] = []
        let source = BaselineSource(machine.volume)
        let glance = VolumeGlance(machine.volume)
        let first = plan(source)
        try source.check()
        let pending = try pendingRuns(&findings)
        if options.isPreview || (first.plan.isEmpty && pending.isEmpty) {
            findings += pending.runs.map(unfinished)
            return preview(first, source, findings)
        }
        return try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { note in
            if pending.isEmpty, glance.isCurrent { return try carryOut(first, plan, source, findings, note) }
            return try locked(plan, hasPending: !pending.isEmpty, note)
        }
    }

    /// The report of a plan that is not carried out. It promises no step that could not be carried out.
    private func preview<Detail: Planned>(
        _ planned: Detail, _ source: BaselineSource, _ findings: [Finding]
    ) -> RunReport<Detail> {
        var detail = planned
        if detail.plan.isAtomic { detail = detail.leaving(detail.mountedTargets(on: machine), machine.layout) }
        // A boot of root's gives wrong entries to the agent before anything else.
        var check = StepCheck(machine, asksOwners: !(options.command == "init" && Identity.isRootProcess))
        return RunReport(
            detail: detail,
            outcomes: detail.plan.steps.map { step in
                guard let obstacle = check.obstacle(to: step) else { return Outcome(step: step, result: .planned) }
                return Outcome(
                    step: step, result: .failed(reason: obstacle.description), advice: obstacle.advice)
            },
            findings: findings + source.findings + detail.plan.findings, run: nil,
            isPreview: options.isPreview)
    }

    /// Finishes what interrupted runs left. Returns what was noticed; empty when there was nothing to finish.
    package func finishPending() throws -> [Finding] {
        var findings: [Finding] = []
        guard try !pendingRuns(&findings).isEmpty, !options.isPreview else { return findings }
        return try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { note in
            findings + (try recoverAll(note))
        }
    }

    private func locked<Detail: Planned>(
        _ plan: (BaselineSource) -> Detail, hasPending: Bool, _ note: () throws -> Void
    ) throws -> RunReport<Detail> {
        let findings = hasPending ? try recoverAll(note) : []
        let source = BaselineSource(machine.volume)
        let detail = plan(source)
        try source.check()
        guard !detail.plan.isEmpty else {
            return RunReport(
                detail: detail, outcomes: [], findings: findings + source.findings + detail.plan.findings, run: nil,
                isPreview: false)
        }
        return try carryOut(detail, plan, source, findings, note)
    }

    /// Carries out a plan. The caller holds the lock, and knows that no other run has changed the volume since the plan was
    /// made.
    private func carryOut<Detail: Planned>(
        _ detail: Detail, _ plan: (BaselineSource) -> Detail, _ source: BaselineSource, _ earlier: [Finding],
        _ note: () throws -> Void
    ) throws -> RunReport<Detail> {
        var findings = earlier
        let run = try newRun()
        if detail.plan.isAtomic { return try applyTogether(detail, plan, run, source, findings, note) }
        // For those who wait, or look meanwhile: the lock holds without it.
        try? note()
        let applier = Applier(machine, run: run, baseline: source.baseline, guarding: guarding)
        try source.check()
        findings += source.findings + detail.plan.findings
        let outcomes = try apply(detail, plan, applier, run, source, &findings)
        if !applier.displaced.paths.isEmpty { forgetOldRuns(after: run, &findings) }
        expireSecrets(&findings)
        return RunReport(detail: detail, outcomes: outcomes, findings: findings, run: run, isPreview: false)
    }

    /// Applies a plan; when a step was refused because the machine changed meanwhile, looks again, twice at most.
    private func apply<Detail: Planned>(
        _ detail: Detail, _ plan: (BaselineSource) -> Detail, _ applier: Applier, _ run: RunID,
        _ source: BaselineSource, _ findings: inout [Finding]
    ) throws -> [Outcome] {
        let journal = Journal(volume: machine.volume)
        var steps = detail.plan.steps
        var numbered: [(number: Int, step: Step)] = []
        var outcomes: [Outcome] = []
        for _ in 0..<3 {
            let firstNumber = numbered.count
            numbered += steps.enumerated().map { (firstNumber + $0.offset, $0.element) }
            if steps.contains(where: \.isJournaled) { try journal.begin(run, numbered, pid: ProcessFacts.id) }
            let results = applier.apply(steps, firstNumber: firstNumber)
            outcomes += results
            guard results.contains(where: \.isRefused) else { break }
            outcomes.removeAll(where: \.isRefused)
            let again = plan(BaselineSource(applier.baseline)).plan
            findings += again.findings.filter { !findings.contains($0) }
            steps = again.steps
            if steps.isEmpty { break }
        }
        // The baseline first: a run that is killed here is finished with what it wrote known.
        keepBaseline(applier, source, &findings)
        let isJournaled = numbered.contains(where: \.step.isJournaled)
        if isJournaled, !applier.isUnfinished { try journal.end(run) }
        return outcomes
    }

    private func keepBaseline(_ applier: Applier, _ source: BaselineSource, _ findings: inout [Finding]) {
        guard !applier.baseline.changes.isEmpty else { return }
        do {
            try BaselineStore(volume: machine.volume).save(applier.baseline)
        } catch {
            findings.append(
                Finding(.warning, at: ".containai/baseline", "could not be written: \(error.sentence)"))
        }
    }
}

extension Engine {
    private func pendingRuns(_ findings: inout [Finding]) throws -> Journal.Pending {
        do {
            return try Journal(volume: machine.volume).pending()
        } catch let error as BlockedPath {
            findings.append(Finding(.error, at: ".containai", error.sentence, advice: "remove it"))
            return Journal.Pending()
        }
    }

    private func unfinished(_ run: RunID) -> Finding {
        Finding(.warning, at: ".containai/journal/\(run).json", "an interrupted run will be finished first")
    }

    /// Recovers every unfinished run. The caller holds the lock; `note` is called for each that is finished, so that who looked
    /// before knows of it.
    private func recoverAll(_ note: () throws -> Void) throws -> [Finding] {
        let journal = Journal(volume: machine.volume)
        let pending = try journal.pending()
        for part in pending.parts { try journal.remove(part: part) }
        // A run that was killed may have written what is not durable yet, and what is there twice is removed once.
        if !pending.runs.isEmpty { try makeDurable() }
        return pending.runs.map { run in
            do {
                let finding = try finish(run, journal)
                try? note()  // what was finished is finished without it
                return finding
            } catch {
                // It must not stand in the way of everything else; each run tries again.
                return Finding(
                    .warning, at: ".containai/journal/\(run).json",
                    "an interrupted run could not be finished: \(error.sentence)",
                    advice: "mend that and run again; what it holds lies beside its place under a name with .cai-\(run)"
                )
            }
        }
    }

    /// Finishes what one run left. Throws the first thing that stood in the way, after everything else is done; the journal
    /// then stays.
    private func finish(_ run: RunID, _ journal: Journal) throws -> Finding {
        let displaced = DisplacedRun(machine.volume, id: run)
        let recovery = Recovery(machine, displaced: displaced)
        let entry = try journal.read(run)
        // No entry that can be read: every place that a run of ours may have been at is looked at.
        if let batch = entry?.batch { return try finish(run, batch, displaced) }
        let record = entry?.recoverableSteps
        if let record {
            var failure: (any Error)?
            for step in record {
                do { try recovery.recover(step, of: run) } catch { failure = failure ?? error }
            }
            if let failure { throw failure }
        } else {
            let (places, pairs) = allPlaces()
            try recovery.recover(run, pairs, places)
            try keepWorkshop(of: run, displaced)
        }
        try displaced.removeParts()
        // A mode that stays as it is during a run keeps nobody from his data: no reason to leave the run unfinished.
        try? recovery.restoreModes(of: run)
        try journal.end(run)
        let kept = displaced.paths.count
        return Finding(
            record == nil ? .warning : .note, at: ".containai/journal/\(run).json",
            (record == nil ? "was damaged; every known place was searched" : "an interrupted run was finished")
                + (kept == 0 ? "" : "; \(kept) item(s) are kept displaced"),
            advice: kept == 0
                ? nil
                : record == nil
                    ? "look below \(DisplacedStore.directory)/\(run)" : "cai undo \(run) brings them back")
    }

    /// Makes everything durable that is on the volume and in the home now.
    private func makeDurable() throws {
        for tree in [machine.volume, machine.home] {
            try tree.root.descriptor.syncFileSystem(tree.root.label)
        }
    }

    private func allPlaces() -> (places: [Place], pairs: [RecoveryPair]) {
        let pairs = entries.flatMap { entry in
            [entry.link, entry.source].compactMap { $0 }.map { RecoveryPair(live: $0, target: entry.target) }
        }
        let places = pairs.map { Place.home($0.live) } + entries.map { Place.volume($0.target) }
        return (places, pairs)
    }

    /// A name later than every other, also when the clock went back; or the guard's, as long as that is the latest.
    private func newRun() throws -> RunID {
        let now = WallClock.seconds
        let unfinished = try Journal(volume: machine.volume).pending().runs
        let known = try DisplacedStore(machine.volume).runs() + unfinished
        // A run that is not finished keeps its name: another journal in its place would forget what it left.
        if let run = guarding?.run, !unfinished.contains(run), known.max().map({ $0 <= run }) ?? true { return run }
        if guarding != nil, let run = known.max(), !unfinished.contains(run), isShared(run, at: now) { return run }
        var seconds = now
        var run = RunID(at: Timestamp(secondsSinceEpoch: seconds), command: options.command)
        if let last = known.max(), run.time <= last.time, let time = Timestamp(last.time) {
            seconds = time.secondsSinceEpoch + 1
            run = RunID(at: Timestamp(secondsSinceEpoch: seconds), command: options.command)
        }
        return run
    }

    /// True if the run is that of a guard of this hour, of whichever container: guards that displace in turn, each under runs
    /// of its own, would soon have used up what is kept for them. A run with very many versions of one file is full. One
    /// that cannot be looked at, or displaced nothing, is not shared.
    private func isShared(_ run: RunID, at now: Int64) -> Bool {
        guard run.isAutomatic, let time = Timestamp(run.time), 0..<3600 ~= now - time.secondsSinceEpoch,
            let kept = try? DisplacedStore(machine.volume).open(run).root.names()  // as said
        else { return false }
        return !kept.contains { $0.string.hasSuffix(".64") }
    }

    /// Removes displaced secrets by their age. The caller holds the lock.
    func expireSecrets(_ findings: inout [Finding]) {
        guard let secrets = options.secrets else { return }
        do {
            _ = try SecretSweep(machine.volume, secrets).run()
        } catch {
            findings.append(.notExpired(error))
        }
    }

    /// Keeps the displaced store within its limits. A run that displaced hardly anything is no reason to look at how large the
    /// others are, which takes longer than a small run: their number counts then. As many of such runs as may be kept take an
    /// eighth more than the limit at most.
    func forgetOldRuns(after newest: RunID, _ findings: inout [Finding]) {
        do {
            let store = DisplacedStore(machine.volume)
            let small = options.retention.bytes / 8 / UInt64(max(options.retention.runs, 1))
            // Where its size cannot be told, all are looked at, and say why.
            let isSmall = (try? store.size(of: newest)).map { UInt64($0) < small } ?? false
            let runs = try store.runs().map { run in
                let bytes = isSmall ? 0 : try UInt64(store.size(of: run))
                return Retention.Run(id: run.text, bytes: bytes, isAutomatic: run.isAutomatic)
            }
            for id in options.retention.dropped(from: runs) {
                if let run = RunID(id) { try store.remove(run) }
            }
        } catch {
            findings.append(
                Finding(.warning, at: DisplacedStore.directory.string, "could not be tidied up: \(error.sentence)"))
        }
    }
}

extension Journal.Record {
    /// The steps of the record; nil when it holds text that was never written.
    fileprivate var recoverableSteps: [RecoverableStep]? {
        var result: [RecoverableStep] = []
        for item in steps {
            let home = item.home.compactMap { HomePath(recorded: $0) }
            let volume = item.volume.compactMap { VolumePath(recorded: $0) }
            guard home.count == item.home.count, volume.count == item.volume.count else { return nil }
            var pair: RecoveryPair?
            if item.isLinked, let live = home.first, let target = volume.first {
                pair = RecoveryPair(live: live, target: target)
            }
            result.append(
                RecoverableStep(
                    number: item.step, places: home.map { .home($0) } + volume.map { .volume($0) }, pair: pair))
        }
        return result
    }
}

/// The baseline, read when somebody asks for it.
package final class BaselineSource {
    private let volume: Tree?
    private var loaded: Baseline?
    private(set) var findings: [Finding] = []
    private var failure: UnreadableBaseline?

    init(_ volume: Tree) { self.volume = volume }
    init(_ baseline: Baseline) {
        volume = nil
        loaded = baseline
    }

    /// The baseline when the observation needs one; else one that holds nothing, without reading the file.
    package func baseline(for observation: Observation) -> Baseline {
        observation.hasConflicts ? baseline : Baseline(keyDigest: { _ in "" })
    }

    package var baseline: Baseline {
        if let loaded { return loaded }
        var read = BaselineStore.empty()
        do {
            if let volume { read = try BaselineStore(volume: volume).load(&findings) }
        } catch {
            failure = error as? UnreadableBaseline ?? UnreadableBaseline(reason: error.sentence)
        }
        loaded = read
        return read
    }

    /// Throws when the baseline was asked for and could not be read: what was decided without it does not hold.
    func check() throws {
        if let failure { throw failure }
    }
}

extension Finding {
    /// The finding for displaced secrets that could not be removed by their age.
    static func notExpired(_ error: any Error) -> Finding {
        Finding(
            .warning, at: DisplacedStore.directory.string,
            "secrets in it that are older than an hour could not be removed: \(error.sentence)",
            advice: "cai secrets purge removes them")
    }
}

extension Outcome {
    fileprivate var isRefused: Bool { if case .refused = result { true } else { false } }
}

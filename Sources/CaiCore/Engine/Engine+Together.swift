import CaiModel
import CaiPlatform
import SystemPackage

/// Plans whose steps are carried out all together or not at all.
extension Engine {
    /// Stages, commits and exchanges. When the machine changed between the look and the commit, looks again, twice at most.
    /// Before the commit an error leaves the volume as it was; behind it the next run finishes what this one could not.
    func applyTogether<Detail: Planned>(
        _ first: Detail, _ plan: (BaselineSource) -> Detail, _ run: RunID, _ source: BaselineSource,
        _ earlier: [Finding], _ note: () throws -> Void
    ) throws -> RunReport<Detail> {
        // For those who wait, or look meanwhile: the lock holds without it.
        try? note()
        var detail = first
        let baseline = source.baseline
        try source.check()
        var mounted: Set<VolumePath> = []
        for attempt in 1... {
            let batch = Batch(
                machine, run: run, source: self.source, placements: detail.plan.placements, baseline: baseline)
            do {
                try batch.begin()
                try batch.stage()
                try batch.check()
                try batch.commit()
            } catch {
                takeBack(run, batch)
                if let found = error as? MountedTargets, !found.paths.isSubset(of: mounted) {
                    mounted.formUnion(found.paths)
                    detail = detail.leaving(found.paths, machine.layout)
                    if detail.plan.isEmpty { break }
                    continue
                }
                if error is Refusal, attempt < 3, self.source?.isStaged != true {
                    detail = plan(BaselineSource(baseline)).leaving(mounted, machine.layout)
                    if detail.plan.isEmpty { break }
                    continue
                }
                return report(detail, failed: error, earlier + source.findings, nil, isCommitted: false)
            }
            return exchange(batch, detail, run, source, earlier + source.findings)
        }
        return RunReport(
            detail: detail, outcomes: [], findings: earlier + source.findings + detail.plan.findings, run: nil,
            isPreview: false)
    }

    /// Takes back what is not to count. What cannot be taken back now is left to the next run.
    private func takeBack(_ run: RunID, _ batch: Batch) {
        do {
            // The journal may say that it counts although saying so failed.
            if batch.record.isCommitted { try batch.begin() }
            try takeBack(run)
        } catch {
            return
        }
    }

    private func exchange<Detail: Planned>(
        _ batch: Batch, _ detail: Detail, _ run: RunID, _ source: BaselineSource, _ earlier: [Finding]
    ) -> RunReport<Detail> {
        let displaced = DisplacedRun(machine.volume, id: run)
        var findings = earlier
        do {
            try BatchExchange(machine, displaced: displaced).run(batch.record)
            try keep(run, source.baseline)
            try takeBack(run)
        } catch {
            return report(detail, failed: error, findings, run, isCommitted: true)
        }
        if !displaced.paths.isEmpty || batch.hasAdditions { forgetOldRuns(after: run, &findings) }
        expireSecrets(&findings)
        if !batch.lostAttributes.isEmpty {
            let names = batch.lostAttributes.sorted().joined(separator: ", ")
            findings.append(
                Finding(.warning, at: machine.layout.volume.printable, "the volume cannot hold the attributes \(names)")
            )
        }
        let kept = Set(displaced.paths)
        let outcomes = detail.plan.steps.map { step in
            Outcome(step: step, result: .done, displaced: step.expectedDisplaced.filter(kept.contains))
        }
        return RunReport(
            detail: detail, outcomes: outcomes, findings: findings + detail.plan.findings, run: run, isPreview: false)
    }

    private func keep(_ run: RunID, _ baseline: Baseline) throws {
        guard let written = try BatchExchange.written(machine.volume, run) else { return }
        try BaselineStore(volume: machine.volume).save(baseline, with: written)
    }

    /// Removes what was staged and ends the journal.
    private func takeBack(_ run: RunID) throws {
        try BatchExchange.removeWorkshop(machine.volume, run)
        try Journal(volume: machine.volume).end(run)
    }

    /// One step tells what went wrong, the others that they were not tried.
    private func report<Detail: Planned>(
        _ detail: Detail, failed error: any Error, _ earlier: [Finding], _ run: RunID?, isCommitted: Bool
    ) -> RunReport<Detail> {
        let reason = isCommitted ? "\(error.sentence); the next run finishes it" : error.sentence
        let outcomes = detail.plan.steps.enumerated().map { number, step in
            number == 0
                ? Outcome(step: step, result: .failed(reason: reason), advice: (error as? SystemCallError)?.advice)
                : Outcome(step: step, result: .skipped(reason: "not tried"))
        }
        return RunReport(
            detail: detail, outcomes: outcomes, findings: earlier + detail.plan.findings, run: run, isPreview: false)
    }

    // MARK: recovery

    /// Finishes a committed batch, or takes back one that was not.
    func finish(_ run: RunID, _ record: BatchRecord, _ displaced: DisplacedRun) throws -> Finding {
        let place = ".containai/journal/\(run).json"
        guard record.isCommitted else {
            try takeBack(run)
            return Finding(.note, at: place, "a run that had changed nothing yet was taken back")
        }
        try displaced.removeParts()
        try BatchExchange(machine, displaced: displaced).run(record)
        var findings: [Finding] = []
        let baseline = try BaselineStore(volume: machine.volume).load(&findings)
        try keep(run, baseline)
        try takeBack(run)
        let kept = displaced.paths.count
        return Finding(
            .note, at: place,
            "an interrupted run was finished" + (kept == 0 ? "" : "; \(kept) item(s) are kept displaced"),
            advice: kept == 0 ? nil : "cai undo \(run) brings them back")
    }

    /// What a damaged journal says nothing about may hold somebody's data: it is kept.
    func keepWorkshop(of run: RunID, _ displaced: DisplacedRun) throws {
        do {
            let staging = try machine.volume.directory(BatchExchange.directory)
            guard let name = FilePath.Component(run.text), try staging.status(of: name) != nil else { return }
            try displaced.take(name, in: staging, as: "staging")
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return
        }
    }
}

extension Plan {
    /// The steps of a plan that is carried out all together.
    var placements: [Placement] { steps.compactMap { if case .place(let placement) = $0 { placement } else { nil } } }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// Files that were taken away while somebody had them open.
extension GuardLoop {
    /// Stores what was written to one, and lets it go once nobody can write to it any more.
    func mendOpen(_ id: OpenFileID) {
        do {
            try settings.workplace.asOwner { try storeOpen(id) }
            failures[.open(id)] = nil
        } catch is VolumeLock.Held {
            schedule.retry(.open(id), at: now + .milliseconds(50))
        } catch {
            let place = open.files[id].map { layout.text($0.live) } ?? ""
            talk.tell(GuardEvent(.failed, place, sentence: "\(error)", advice: "it is tried again", severity: .error))
            retryLater(.open(id))
        }
    }

    private func storeOpen(_ id: OpenFileID) throws {
        guard let held = open.files[id] else { return }
        // Asked first: who writes after that is not done.
        let isWritten = held.file.descriptor.isBeingWritten
        if NodeReader(machine.home).node(at: held.live.relative).isFile {
            return open.release(id, watch)  // an application replaced it
        }
        let status = try held.file.descriptor.status(held.file.label)
        if !status.hasSameContentFacts(as: held.seen) {
            try store(id, held)
            open.seen(id, status)
        }
        let isOver = isWritten == false || (isWritten == nil && held.end.map { now >= $0 } ?? true)
        if isOver { return open.release(id, watch) }
        if open.unwatched.contains(id) { schedule.retry(.open(id), at: now + .seconds(1)) }
    }

    private func store(_ id: OpenFileID, _ held: OpenFiles.Held) throws {
        burst.refresh(machine.volume, at: now)
        let entry = guarded.entries.first { $0.link.map { held.live.isInside($0) } ?? false }
        var failure: (any Error)?
        var digest: ContentDigest?
        let report = try engine(stored: { digest = $1 }).run { source in
            do {
                let pair = try pair(held)
                return planOpenSave(
                    pair, of: held.live, at: held.target, secrecy: entry?.secrecy ?? .file, file: id,
                    baseline: source.baseline, history: LinkHistory(wasRight: true, adopted: held.adopted))
            } catch {
                failure = error
                return Plan()
            }
        }
        if let failure { throw failure }
        burst.ran(report.run, displaced: report.outcomes.reduce(0) { $0 + $1.displaced.count }, at: now)
        schedule.adopted(.open(id), at: now)
        for outcome in report.outcomes {
            talk.say(outcome, report.run, layout, isRoutine: isRoutine(outcome.step))
            if let reason = outcome.reason { throw StepFailure(description: reason) }
        }
        report.allFindings.forEach { talk.tell($0) }
        if let digest, entry?.link == held.live { burst.adopted(held.live, digest, besides: []) }
    }

    private func pair(_ held: OpenFiles.Held) throws -> ObservedPair {
        let file = held.file
        try file.descriptor.rewind(file.label)
        let facts = FileFacts(try file.descriptor.status(file.label))
        let content = try contentSample(of: file.descriptor, file.label)
        let (parent, name) = try machine.volume.parent(of: held.target.relative)
        let stored = try parent.look(at: name)
        return ObservedPair(
            path: FilePath(), live: .file(facts), stored: stored, liveContent: content,
            storedContent: stored.isFile ? try contentSample(name, in: parent) : nil)
    }
}

/// A step that was not carried out.
private struct StepFailure: Error, CustomStringConvertible {
    let description: String
}

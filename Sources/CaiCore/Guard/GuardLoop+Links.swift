import CaiModel
import CaiPlatform
import SystemPackage

/// Mending links.
extension GuardLoop {
    /// How long a writer is waited for.
    private static let filePatience = Duration.seconds(1)
    private static let treePatience = Duration.seconds(30)
    /// How long nothing may have changed in a directory before it is moved.
    private static let treeQuiet = Duration.seconds(1)

    /// Looks at the links of some entries and mends what is wrong. With `isLast` nobody is waited for.
    func mendLinks(_ entries: [Entry], isLast: Bool) {
        guard !entries.isEmpty else { return }
        var ready = entries
        asOwner { ready = entries.filter { isLast || isReady($0) } }
        giveToOwner(ready)
        guard !ready.isEmpty else { return }
        var digests: [VolumePath: ContentDigest] = [:]
        do {
            let report = try settings.workplace.asOwner {
                burst.refresh(machine.volume, at: now)
                return try engine(stored: { digests[$0] = $1 }).run { source in
                    let seen = Observer(machine).observe(ready, among: guarded.entries, depth: .links)
                    return planGuard(
                        seen, baseline: source.baseline(for: seen), layout: layout, history: burst.history,
                        unsteady: modes.undone(at: now))
                }
            }
            note(report, digests)
        } catch is VolumeLock.Held {
            for link in ready.compactMap(\.link) { schedule.retry(.link(link), at: now + .milliseconds(50)) }
        } catch {
            talk.tell(GuardEvent(.failed, layout.volume.printable, sentence: "\(error)", severity: .error))
            for link in ready.compactMap(\.link) { retryLater(.link(link)) }
        }
    }

    func engine(stored: @escaping (VolumePath, ContentDigest) -> Void) -> Engine {
        let settings = settings.workplace.settings
        let options = RunOptions(
            command: LinkGuard.command, isPreview: false, lockTimeout: .milliseconds(100),
            retention: settings.retention, secrets: guarded.secrets)
        return Engine(
            machine, entries: guarded.entries, options: options,
            guarding: Guarding(
                run: burst.run,
                taken: { [self] live, target, name, directory in
                    open.take(live, target, name, directory, watch, at: now)
                },
                stored: { [self] target, digest in
                    stored(target, digest)
                    open.stored(target, digest)
                },
                open: { [self] in open.files[$0]?.file }))
    }

    private func note(_ report: RunReport<LinkPlan>, _ digests: [VolumePath: ContentDigest]) {
        burst.ran(report.run, displaced: report.outcomes.reduce(0) { $0 + $1.displaced.count }, at: now)
        if report.outcomes.contains(where: { !$0.displaced.isEmpty }) { schedule.note(.secrets, .other, at: now) }
        for status in report.detail.links where status.obstacle == nil {
            if status.state == .ok { isRight(status.link) }
        }
        let known = noteUse(report.detail.links)
        report.allFindings.filter { !known.contains($0) }.forEach { talk.tell($0) }
        for outcome in report.outcomes {
            talk.say(outcome, report.run, layout, isRoutine: isRoutine(outcome.step))
            if outcome.isProblem { noteProblem(outcome) } else { noteDone(outcome.step, digests) }
            if case .setMode(let path, _, _) = outcome.step, !outcome.isProblem { modes.note(path, at: now) }
        }
        // What was refused because it changed meanwhile.
        let touched = Set(report.outcomes.flatMap(\.step.places))
        for status in report.detail.links where !status.steps.isEmpty && status.obstacle == nil {
            if !touched.contains(.home(status.link)), !touched.contains(.volume(status.entry.target)) {
                schedule.retry(.link(status.link), at: now + .milliseconds(20))
            }
        }
        // Somebody may write to what was taken without being seen to.
        for id in open.unwatched { schedule.retry(.open(id), at: now + .seconds(1)) }
    }

    /// True if a step stored a secret that its application saved again.
    func isRoutine(_ step: Step) -> Bool { step.isRoutine { guarded.secrets.isDeclared($0) } }

    /// Schedules another look at links that cannot be repaired while a process has a file open. Returns the findings about
    /// those that are known to be in use: the process may be another one each time, and still it is one matter.
    private func noteUse(_ links: [LinkStatus]) -> Set<Finding> {
        var known: Set<Finding> = []
        for status in links {
            guard status.isInUse, let finding = status.obstacle else {
                inUse.remove(status.link)
                continue
            }
            if !inUse.insert(status.link).inserted { known.insert(finding) }
            retryLater(.link(status.link))
        }
        return known
    }

    private func isRight(_ link: HomePath) {
        burst.isRight(link)
        failures[.link(link)] = nil
        talk.forget(link.inHome)
        talk.forget(layout.text(link))
    }

    private func noteDone(_ step: Step, _ digests: [VolumePath: ContentDigest]) {
        guard case .adopt(let adoption) = step else {
            for case .home(let link) in step.places { isRight(link) }
            return
        }
        isRight(adoption.live)
        schedule.adopted(.link(adoption.live), at: now)
        let others = guarded.entries.filter { $0.target == adoption.target }.compactMap(\.link)
        burst.adopted(adoption.live, digests[adoption.target], besides: others)
    }

    private func noteProblem(_ outcome: Outcome) {
        let places = Set(outcome.step.places)
        for entry in guarded.entries {
            guard let link = entry.link else { continue }
            if places.contains(.home(link)) || places.contains(.volume(entry.target)) { retryLater(.link(link)) }
        }
        if case .skipped = outcome.result { return }  // what stopped it is told already
        let place = outcome.step.places.first.map { layout.text($0) } ?? ""
        talk.tell(
            GuardEvent(
                .failed, place, sentence: outcome.reason, advice: outcome.advice ?? "it is tried again",
                severity: .error))
    }

    // MARK: whether somebody is writing there

    private func isReady(_ entry: Entry) -> Bool {
        guard let link = entry.link, let (parent, name) = try? machine.home.parent(of: link.relative),  // see below
            let status = try? parent.status(of: name)  // unreachable: the plan has a finding about it
        else { return true }
        switch status.kind {
        case .regular:
            guard isBusy(status, name, parent) else { return isFree(link) }
            return isPatienceOver(link, Self.filePatience, nextLook: Self.filePatience)
        case .directory where entry.flags.contains(.removeFirst):
            let age = WallClock.nanoseconds - newestChange(name, status, in: parent)
            guard age < Self.treeQuiet.nanoseconds else { return isFree(link) }
            return isPatienceOver(link, Self.treePatience, nextLook: Self.treeQuiet)
        default: return isFree(link)
        }
    }

    private func isFree(_ link: HomePath) -> Bool {
        busy[link] = nil
        return true
    }

    private func isPatienceOver(_ link: HomePath, _ patience: Duration, nextLook: Duration) -> Bool {
        let since = busy[link] ?? now
        busy[link] = since
        if now - since >= patience { return isFree(link) }
        // The end of a write is an event; this is for writers who never come to an end.
        schedule.retry(.link(link), at: min(now + nextLook, since + patience))
        return false
    }

    private func isBusy(_ status: FileStatus, _ name: FilePath.Component, _ parent: Directory) -> Bool {
        guard let file = try? parent.openFile(name) else { return false }  // the plan says why it cannot be read
        return file.isBeingWritten ?? (WallClock.nanoseconds - status.changed < 100_000_000)
    }

    /// When anything in a tree changed last.
    private func newestChange(_ name: FilePath.Component, _ status: FileStatus, in parent: Directory) -> Int64 {
        guard status.kind == .directory, let directory = try? parent.openDirectory(name),  // see below
            let names = try? directory.names()  // unreadable: the plan has a finding about it
        else { return status.changed }
        return names.reduce(status.changed) { newest, child in
            guard let below = (try? directory.status(of: child)) ?? nil else { return newest }  // it is gone
            return max(newest, newestChange(child, below, in: directory))
        }
    }

    // MARK: owners

    /// Gives targets of secrets to the owner, as root, by the rules of the boot.
    private func giveToOwner(_ entries: [Entry]) {
        guard Identity.isRoot, machine.owner.uid != 0, let boundary = try? Boundary(machine.volume.root) else { return }
        let policy = OwnershipPolicy(uid: machine.owner.uid, gid: machine.owner.gid)
            .withUnprotectedLinks(!ProtectedLinks.areOn)
        for target in Set(entries.filter(\.isSecret).map(\.target)).sorted() {
            guard let (parent, name) = try? machine.volume.parent(of: target.relative),
                let entry = try? parent.openEntry(name)  // missing or unreachable: the plan tells
            else { continue }
            let place = layout.text(target)
            do {
                let status = try entry.status(parent.label.appending(name))
                guard boundary.contains(entry, status) else { continue }
                switch policy.decide(OwnedEntry(status)) {
                case .keep: continue
                case .report(let doubt): talk.tell(Finding(.warning, at: place, doubt.sentence))
                case .give where owners.areUndone(target, at: now):
                    talk.tell(.unsteadyOwner(at: place, uid: policy.uid, other: status.uid))
                case .give:
                    try entry.setOwnerOfEntry(uid: policy.uid, gid: policy.gid, parent.label.appending(name))
                    owners.note(target, at: now)
                    talk.say(GuardEvent(.owner, place, sentence: "belongs to uid \(policy.uid) again"))
                }
            } catch {
                talk.tell(Finding(.warning, at: place, "cannot be given to the agent: \(error.sentence)"))
            }
        }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}

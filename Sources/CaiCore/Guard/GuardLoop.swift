import CaiModel
import CaiPlatform
import SystemPackage

/// A guard at work: one thread that waits for changes and mends what they broke.
final class GuardLoop {
    let settings: LinkGuard
    var guarded: GuardedMachine
    var home: WatchedTree
    var volume: WatchedTree
    /// Nil where the machine has no inotify, or no more of it for this user.
    var watch: ChangeWatch?
    var schedule = AdoptionSchedule<Subject>()
    let open = OpenFiles()
    var burst = Burst()
    var talk: GuardTalk
    /// Since when places have been left alone because somebody was writing there.
    var busy: [HomePath: Duration] = [:]
    /// The links that were left alone when they were last looked at, because a process has a file open.
    var inUse: Set<HomePath> = []
    /// The corrections of modes and owners on the volume.
    var modes = Corrections()
    var owners = Corrections()
    /// How often in a row something failed.
    var failures: [Subject: Int] = [:]

    private let start = ContinuousClock.now
    private var lastRead = Duration.zero - .seconds(1)
    private var rested = Duration.zero
    private var nextScan = Duration.zero
    /// Whether some directory is not watched.
    private var isBlind = false

    /// The kernel is asked at most this often, so that a storm of names that are nobody's costs little.
    private static let readPause = Duration.milliseconds(3)
    /// How often everything is looked at where that is the only way to notice.
    private static let blindInterval = Duration.seconds(10)
    /// The interval where no links are guarded.
    private static let longInterval = Duration.seconds(86_400)

    init(_ settings: LinkGuard, _ guarded: GuardedMachine) {
        self.settings = settings
        self.guarded = guarded
        talk = GuardTalk(settings.report)
        (home, volume) = Self.trees(guarded)
    }

    var now: Duration { ContinuousClock.now - start }
    var machine: Machine { guarded.machine }
    var layout: Layout { machine.layout }

    func run() throws {
        guarded.findings.forEach { talk.tell($0) }
        watchEverything()
        mend([.everything])
        watchEverything()
        if guarded.guardsLinks {
            talk.say(GuardEvent(.watching, sentence: "\(home.count + volume.count) directories are watched"))
        }
        while try !wait() { mend(schedule.takeDue(at: now)) }
        while try readEvents() {}
        mend(schedule.takeAll().union(open.files.keys.map { .open($0) }), isLast: true)
    }

    // MARK: what is watched

    private static func trees(_ guarded: GuardedMachine) -> (home: WatchedTree, volume: WatchedTree) {
        let home = WatchedTree(guarded.machine.home, [.closed])
        let volume = WatchedTree(guarded.machine.volume)
        // First, because only so many directories are watched.
        volume.add(allIn: ManifestLoader.userDirectory, .manifests)
        volume.add(LinkSources.userSpecification, .manifests)
        volume.add(allIn: DisplacedStore.directory, .secrets)
        let agentTargets = Set(guarded.entries.filter { $0.kind == .agentDirectory }.map(\.target))
        for entry in guarded.entries where entry.hasLink {
            guard let link = entry.link else { continue }
            home.add(link.relative, .link(link))
            // An agent saves in its directory all the time, and none of that needs a repair. A target in there that vanishes
            // is noticed by the scan.
            if let parent = entry.target.parent, parent.isAtOrBelow(agentTargets) { continue }
            volume.add(entry.target.relative, .link(link))
        }
        return (home, volume)
    }

    /// Watches all directories anew; what cannot be watched is told, and looked at more often.
    private func watchEverything() {
        isBlind = false
        if watch == nil {
            do { watch = try makeWatch() } catch { cannotWatch(error) }
        }
        if let watch {
            asOwner {
                home.watchAll(watch, problem: cannotWatch)
                volume.watchAll(watch, problem: cannotWatch)
            }
        }
        let scan = max(settings.workplace.settings.duration(.linkScan), .seconds(1))
        let interval = guarded.guardsLinks ? scan : Self.longInterval
        nextScan = now + (isBlind ? min(interval, Self.blindInterval) : interval)
    }

    /// Makes the watch as the owner, whose manifests say how many directories there are: the kernel counts watches for the
    /// user who made the first one. Where the owner has no instance left, as this user.
    private func makeWatch() throws(SystemCallError) -> ChangeWatch {
        var made: ChangeWatch?
        asOwner { made = try? ChangeWatch() }  // tried again below, with the error
        if let made { return made }
        return try ChangeWatch()
    }

    private func cannotWatch(_ error: SystemCallError) {
        if error.errno == .permissionDenied { return }  // nor can the agent save there
        isBlind = true
        if error.operation == WatchedTree.full {
            return talk.tell(
                Finding(
                    .warning, at: "manifests",
                    "links lie in more than \(WatchedTree.mostDirectories) directories, of which the others are not watched;"
                        + " links are looked at every \(Self.blindInterval.components.seconds) seconds",
                    advice: "declare fewer directories, or links to directories in place of links to what is in them"))
        }
        let limit: String? =
            switch error.errno {
            case .noSpace: "fs.inotify.max_user_watches"
            case .tooManyOpenFiles: "fs.inotify.max_user_instances"
            default: nil
            }
        talk.tell(
            Finding(
                .warning, at: limit ?? error.subject,
                "not everything can be watched (\(error.operation): \(error.errno)); links are looked at every "
                    + "\(Self.blindInterval.components.seconds) seconds",
                advice: limit.map { "raise the limit on the host: sysctl -w \($0)=N" }))
    }

    /// Reads settings and manifests again.
    func reload() {
        do {
            guarded = try settings.load()
            if let watch { for tree in [home, volume] { tree.unwatchAll(watch) } }
            (home, volume) = Self.trees(guarded)
            watchEverything()
            let links = Set(guarded.entries.compactMap(\.link))
            schedule.keep { if case .link(let link) = $0 { links.contains(link) } else { true } }
            talk.forgetFindings()
            guarded.findings.forEach { talk.tell($0) }
            if guarded.guardsLinks { talk.say(GuardEvent(.reloaded, sentence: "\(links.count) links are declared")) }
            failures[.manifests] = nil
            schedule.retry(.everything, at: now)
        } catch {
            talk.tell(Finding(.error, at: "manifests", "cannot be read again: \(error.sentence)"))
            retryLater(.manifests)
        }
    }

    // MARK: waiting

    /// Waits until something is due, and notes what happened meanwhile. Returns whether to stop.
    private func wait() throws -> Bool {
        let pause = max(rested, lastRead + Self.readPause)
        if pause > now, try Input.wait(for: [settings.stopper.raw], atMost: pause - now)[0] { return true }
        let due = min(schedule.next ?? nextScan, nextScan)
        let descriptors = [settings.stopper.raw] + (watch.map { [$0.raw] } ?? [])
        let readable = try Input.wait(for: descriptors, atMost: max(.zero, due - now))
        if readable[0] { return true }
        if readable.count > 1, readable[1] { _ = try readEvents() }
        if now >= nextScan {
            watchEverything()
            schedule.retry(.everything, at: now)
        }
        return false
    }

    /// Notes what has been reported; false when there was nothing.
    private func readEvents() throws -> Bool {
        guard let watch else { return false }
        var hasOverflown = false
        let moment = now
        let hasRead = try watch.read { event in
            if event.kinds.contains(.overflow) { hasOverflown = true }
            if let id = open.find(event) { return schedule.note(.open(id), .saved, at: moment) }
            home.note(event) { schedule.note($0, $1, at: moment) }
            // What happens to targets is nobody's save: an application writes through the link.
            volume.note(event) { schedule.note($0, $1 == .gone ? .gone : .other, at: moment) }
        }
        lastRead = now
        if home.isLost || volume.isLost { schedule.note(.manifests, .gone, at: moment) }
        if hasOverflown {
            talk.say(GuardEvent(.overflow, sentence: "events were lost; everything is looked at"))
            watchEverything()
            schedule.retry(.everything, at: now)
        } else if home.hasStale || volume.hasStale {
            asOwner {
                home.watchStale(watch, problem: cannotWatch)
                volume.watchStale(watch, problem: cannotWatch)
            }
        }
        return hasRead
    }

    // MARK: mending

    private func mend(_ due: Set<Subject>, isLast: Bool = false) {
        guard !due.isEmpty else { return }
        let begin = now
        if due.contains(.manifests) { reload() }
        let entries = guarded.entries.filter { entry in
            guard entry.hasLink, let link = entry.link else { return false }
            return due.contains(.everything) || due.contains(.link(link))
        }
        mendLinks(entries, isLast: isLast)
        for case .open(let id) in due { mendOpen(id) }
        if due.contains(.secrets) || due.contains(.everything) { expireSecrets() }
        // Others want the lock too.
        rested = now + min(now - begin, .milliseconds(20))
    }

    /// Removes displaced secrets by their age, and wakes again when the next one expires.
    private func expireSecrets() {
        let job = SecretExpiryJob(machine, places: guarded.secrets, lockTimeout: .milliseconds(100))
        do {
            let seconds = try settings.workplace.asOwner { try job.runAndPlan() }
            failures[.secrets] = nil
            // At least a second, because times are whole seconds.
            if let seconds { schedule.retry(.secrets, at: now + .seconds(max(1, seconds))) }
        } catch is VolumeLock.Held {
            schedule.retry(.secrets, at: now + .seconds(1))
        } catch {
            talk.tell(.notExpired(error))
            retryLater(.secrets)
        }
    }

    func asOwner(_ body: () -> Void) {
        do {
            try settings.workplace.asOwner(body)
        } catch {
            talk.tell(Finding(.error, at: "identity", error.sentence))
        }
    }

    /// Looks again after a second, and after twice as long each time that fails.
    func retryLater(_ subject: Subject) {
        let count = failures[subject, default: 0]
        failures[subject] = count + 1
        schedule.retry(subject, at: now + .seconds(1 << min(count, 5)))
    }
}

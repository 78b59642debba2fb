import CaiModel
import CaiPlatform
import SystemPackage

/// The reports of a guard. A problem that stays is found again at every look, and reported once.
struct GuardTalk {
    private let report: (GuardEvent) -> Void
    private var told: [String: GuardEvent] = [:]

    init(_ report: @escaping (GuardEvent) -> Void) { self.report = report }

    func say(_ event: GuardEvent) { report(event) }

    /// Tells a finding or failure, unless it was the last thing told about its place.
    mutating func tell(_ event: GuardEvent) {
        guard told[event.path] != event else { return }
        told[event.path] = event
        report(event)
    }

    mutating func tell(_ finding: Finding) { tell(GuardEvent(finding)) }

    /// A place is right again: the next thing about it is news.
    mutating func forget(_ place: String) { told[place] = nil }

    mutating func forgetFindings() { told = [:] }

    /// Reports what a step did. `isRoutine` is true for a secret that its application saved again.
    func say(_ outcome: Outcome, _ run: RunID?, _ layout: Layout, isRoutine: Bool) {
        func report(_ event: GuardEvent) { self.report(isRoutine ? event.asRoutine : event) }
        if outcome.result == .done, let event = event(outcome.step, layout) { report(event) }
        for path in outcome.displaced {
            report(
                GuardEvent(
                    .displaced, layout.text(displaced: path), target: layout.text(kept: path, by: run),
                    advice: run.map { "cai undo \($0) brings it back" }))
        }
    }

    private func event(_ step: Step, _ layout: Layout) -> GuardEvent? {
        switch step {
        case .adopt(let adoption):
            GuardEvent(
                .adopted, layout.text(adoption.live), target: layout.text(adoption.target),
                sentence: adoption.isDirectory ? "\(adoption.fileCount) files" : nil)
        case .storeOpen(let save): GuardEvent(.stored, layout.text(save.live), target: layout.text(save.target))
        case .putLink(let link, let target, _, _), .setAside(let link, let target, _, _):
            GuardEvent(.linked, layout.text(link), target: layout.text(target))
        case .makeDirectory(let path, _), .makeFile(let path, _, _), .fillEmpty(let path, _, _):
            GuardEvent(.made, layout.text(path))
        case .setMode(let path, _, let mode):
            GuardEvent(.mode, layout.text(path), sentence: "has mode 0\(String(mode, radix: 8)) again")
        default: nil  // no step of a guard
        }
    }
}

extension Step {
    /// True if a secret that was saved over its link goes to the volume, and nothing there was changed by others.
    func isRoutine(_ isSecret: (VolumePath) -> Bool) -> Bool {
        switch self {
        case .adopt(let adoption):
            !adoption.isDirectory && isSecret(adoption.target)
                && adoption.items.allSatisfy { [.take, .takeOver, .same].contains($0.verdict) }
        case .storeOpen(let save): isSecret(save.target) && [.take, .takeOver].contains(save.verdict)
        case .putLink(_, let target, _, _), .setAside(_, let target, _, _): isSecret(target)
        default: false
        }
    }
}

/// What a guard knows from its own runs.
struct Burst {
    /// The run under whose name it displaces.
    private(set) var run: RunID?
    private var begun = Duration.zero
    private var displacedCount = 0
    private(set) var history: [HomePath: LinkHistory] = [:]

    private static let longest = Duration.seconds(3600)
    /// So many that a run can be looked through, and that the names for one place do not run out.
    private static let most = 64

    /// Begins anew when the run has become old or large, or when another one came after it. What applications have saved up
    /// to then is displaced by their next save.
    mutating func refresh(_ volume: Tree, at now: Duration) {
        guard let run else { return }
        let latest = (try? DisplacedStore(volume).runs().max()) ?? nil  // unknown: the next run gets a name of its own
        let isLatest = latest.map { $0 <= run } ?? true
        if isLatest, now - begun < Self.longest, displacedCount < Self.most { return }
        self.run = nil
        displacedCount = 0
        history = history.mapValues { LinkHistory(wasRight: $0.wasRight) }
    }

    /// Notes a run of the engine.
    mutating func ran(_ run: RunID?, displaced count: Int, at now: Duration) {
        guard let run else { return }
        if self.run != run {
            self.run = run
            begun = now
            displacedCount = 0
        }
        displacedCount += count
    }

    mutating func isRight(_ link: HomePath) { history[link, default: LinkHistory()].wasRight = true }

    /// Notes that content was adopted from a link; other links to the same target have another past.
    mutating func adopted(_ link: HomePath, _ digest: ContentDigest?, besides others: [HomePath]) {
        for other in others { history[other]?.adopted = nil }
        history[link] = LinkHistory(wasRight: true, adopted: digest)
    }
}

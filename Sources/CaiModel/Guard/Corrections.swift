/// The corrections of modes, or of owners, that a guard made. It stops where something undoes each of them: another
/// container that wants another owner, or a file system that does not keep modes. Otherwise both would go on for ever.
package struct Corrections: Sendable {
    /// The number of corrections of one place within `period` after which the guard stops.
    private static let most = 3
    private static let period = Duration.seconds(60)
    /// The time after which it tries again.
    private static let rest = Duration.seconds(3600)

    private var latest: [VolumePath: [Duration]] = [:]
    private var stopped: [VolumePath: Duration] = [:]

    package init() {}

    /// Notes that a place was corrected. `now` is the time since any fixed moment.
    package mutating func note(_ path: VolumePath, at now: Duration) {
        let times = latest[path, default: []].filter { now - $0 < Self.period } + [now]
        latest[path] = times
        if times.count < Self.most { return }
        latest[path] = nil
        stopped[path] = now
    }

    /// True if corrections of the place do not last, so that it is left alone for now.
    package func areUndone(_ path: VolumePath, at now: Duration) -> Bool {
        stopped[path].map { now - $0 < Self.rest } ?? false
    }

    /// The places that are left alone.
    package func undone(at now: Duration) -> Set<VolumePath> {
        Set(stopped.keys.filter { areUndone($0, at: now) })
    }
}

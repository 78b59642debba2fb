/// When a guard looks at what has changed: soon after a save, but not in the middle of it, and not after every one of many.
///
/// A place is looked at once it has been quiet for as long as its last sign demands. One that is never quiet is looked at
/// nevertheless, the less often the longer that goes on; whatever happens, the last change is followed by a look within
/// `longestSpacing` or its own quiet time. Times are durations since some common beginning.
package struct AdoptionSchedule<Key: Hashable & Sendable>: Sendable {
    private struct Waiting {
        let first: Duration
        var due: Duration
    }

    private struct Past {
        var last: Duration
        /// How often in a row it was adopted shortly after it had been adopted.
        var pressure: Int
    }

    private var waiting: [Key: Waiting] = [:]
    private var past: [Key: Past] = [:]

    package init() {}

    package static var longestSpacing: Duration { .milliseconds(20) }
    /// How long after an adoption another one counts as part of the same storm.
    private static var storm: Duration { .milliseconds(250) }
    private static var longestPatience: Duration { .seconds(1) }

    /// Notes a sign of change.
    package mutating func note(_ key: Key, _ sign: ChangeSign, at now: Duration) {
        let before = waiting[key]
        let first = before?.first ?? now
        let pressure = past[key]?.pressure ?? 0
        let patience = max(min(.milliseconds(50 << pressure), Self.longestPatience), sign.quiet * 4)
        var due = min(now + sign.quiet, first + patience)
        if !sign.isUrgent, let before { due = min(due, before.due) }
        if let past = past[key] {
            due = max(due, past.last + min(.milliseconds(4) * past.pressure, Self.longestSpacing))
        }
        waiting[key] = Waiting(first: first, due: due)
    }

    /// Wants another look at a time, unless one is due before.
    package mutating func retry(_ key: Key, at time: Duration) {
        let before = waiting[key]
        waiting[key] = Waiting(first: before?.first ?? time, due: min(before?.due ?? time, time))
    }

    /// Notes that something was adopted.
    package mutating func adopted(_ key: Key, at now: Duration) {
        let isStorm = past[key].map { now - $0.last < Self.storm } ?? false
        past[key] = Past(last: now, pressure: isStorm ? min((past[key]?.pressure ?? 0) + 1, 5) : 0)
    }

    /// Hands out what is due.
    package mutating func takeDue(at now: Duration) -> Set<Key> {
        let due = Set(waiting.filter { $0.value.due <= now }.keys)
        for key in due { waiting[key] = nil }
        return due
    }

    /// Hands out everything that waits.
    package mutating func takeAll() -> Set<Key> {
        defer { waiting = [:] }
        return Set(waiting.keys)
    }

    /// When the next look is due; nil when nothing waits.
    package var next: Duration? { waiting.values.map(\.due).min() }

    /// Forgets all keys but these.
    package mutating func keep(only isKept: (Key) -> Bool) {
        waiting = waiting.filter { isKept($0.key) }
        past = past.filter { isKept($0.key) }
    }
}

/// What happened at a place, as far as it says how soon to look.
package enum ChangeSign: Sendable, Equatable {
    /// A file was closed after it was written, or renamed to there: a save is complete.
    case saved
    /// Something appeared that may not be finished.
    case created
    /// It vanished, perhaps because an application is about to write it anew.
    case gone
    /// Something about it that nobody waits for.
    case other

    var quiet: Duration {
        switch self {
        case .saved: .milliseconds(2)
        case .created: .milliseconds(10)
        case .gone: .milliseconds(500)
        case .other: .milliseconds(20)
        }
    }

    /// Whether it says more than the sign before it.
    fileprivate var isUrgent: Bool { self != .other }
}

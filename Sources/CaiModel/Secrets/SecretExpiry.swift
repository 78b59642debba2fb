package import SystemPackage

/// The time until which a displaced secret is kept. All times are seconds since the epoch.
///
/// A run displaces at once; the run of a guard takes what is displaced within an hour. The change time of a file says when it
/// was displaced, because a rename sets it; it is later if the file was touched since, so that the name of the run sets a
/// second limit.
package enum SecretExpiry {
    /// A displaced secret is kept for an hour.
    package static let age: Int64 = 3600

    /// Runs of one second are named after the seconds that follow, so a name may be this many seconds ahead.
    private static let lead: Int64 = 60

    /// The earliest time at which a secret of a run may expire; nil for a name without a time.
    package static func first(of run: RunID, now: Int64) -> Int64? {
        guard let time = Timestamp(run.time)?.secondsSinceEpoch else { return nil }
        // The clock was ahead when the run got its name.
        return time > now + lead ? now : time + age
    }

    /// The time after which no secret of a run is kept; nil for a name without a time.
    package static func last(of run: RunID, now: Int64) -> Int64? {
        guard let time = Timestamp(run.time)?.secondsSinceEpoch else { return nil }
        if time > now + lead { return .max }
        return time + (run.isAutomatic ? 2 * age : age)
    }

    /// The time at which one secret of a run expires.
    package static func time(of run: RunID, changed: Int64, now: Int64) -> Int64 {
        guard let last = last(of: run, now: now) else { return changed + age }
        return run.isAutomatic || last == .max ? min(changed + age, last) : last
    }
}

/// The list of the secrets that were removed from a run by their age: one encoded path of the displaced store per line.
package enum ExpiredSecrets {
    package static func text(_ paths: Set<FilePath>) -> String {
        paths.map(\.encoded).sorted().map { $0 + "\n" }.joined()
    }

    /// The paths of a list; lines that no run wrote are left out.
    package static func paths(in text: String) -> Set<FilePath> {
        Set(text.split(separator: "\n").compactMap { FilePath(encoded: String($0)) })
    }
}

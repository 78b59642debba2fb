/// How much of what had to make room is kept, and for how many runs.
package struct Retention: Hashable, Sendable {
    /// One run of a command and what it displaced.
    package struct Run: Hashable, Sendable {
        /// The name of its folder, which begins with its time, so that the order of the bytes is the order of time.
        package let id: String
        package let bytes: UInt64
        /// Whether nobody asked for the run: a guard displaces when applications save.
        package let isAutomatic: Bool

        package init(id: String, bytes: UInt64, isAutomatic: Bool = false) {
            self.id = id
            self.bytes = bytes
            self.isAutomatic = isAutomatic
        }
    }

    package let runs: Int
    package let bytes: UInt64

    /// The last 20 runs and at most 256 MiB.
    package static let standard = Retention(runs: 20, bytes: 256 << 20)

    package init(runs: Int, bytes: UInt64) {
        self.runs = runs
        self.bytes = bytes
    }

    /// The runs that are dropped, oldest first, so that what is left is within both limits.
    ///
    /// The newest run is never among them, however large it is and whatever the limits say; and what is kept is always the
    /// newest ones without a gap. Automatic runs may have a quarter of the room, so that they never drive out what somebody
    /// asked for.
    package func dropped(from all: [Run]) -> [String] {
        let ordered = all.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        let quarter = Retention(runs: max(runs / 4, 1), bytes: bytes / 4)
        let early = quarter.surplus(ordered.filter(\.isAutomatic)).filter { $0 != ordered.last?.id }
        return early + surplus(ordered.filter { !early.contains($0.id) })
    }

    /// Those of ordered runs that go beyond both limits, the newest excepted.
    private func surplus(_ ordered: [Run]) -> [String] {
        var total: UInt64 = 0
        var kept = 0
        for run in ordered.reversed() {
            let (sum, overflow) = total.addingReportingOverflow(run.bytes)
            guard kept == 0 || (kept < runs && !overflow && sum <= bytes) else { break }
            total = overflow ? .max : sum
            kept += 1
        }
        return ordered.dropLast(kept).map(\.id)
    }
}

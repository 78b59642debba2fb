import CPlatform
import Glibc
import Synchronization
package import SystemPackage

/// The time and the size that a step of a boot has for content of users, who can make that as large as they like.
///
/// It belongs to the process, because a step reads in several threads. While it lasts, walks and reads of content go on as
/// always; afterwards they throw, and so does each read of a file that is too large from the beginning. What removes or
/// renames is never stopped.
package enum WorkBudget {
    /// The most bytes of a file that is read or copied within a budget.
    package static let largest: Int64 = 4 << 30
    /// The operation of its errors.
    package static let operation = "read within the time of a step"
    /// The reason, for sentences.
    package static let reason = "is left for later, because the step has used up its time"

    /// Nanoseconds of the monotonic clock; 0 without a budget.
    private static let deadline = Atomic<Int64>(0)
    private static let hasRefused = Atomic<Bool>(false)

    /// Calls `body` with a budget, or without one. Returns whether it was used up.
    package static func with<Result>(
        _ time: Duration?, _ body: () throws -> Result
    ) rethrows -> (result: Result, isUsedUp: Bool) {
        guard let time else { return (try body(), false) }
        hasRefused.store(false, ordering: .relaxed)
        deadline.store(now + Int64(time / .nanoseconds(1)), ordering: .relaxed)
        defer { deadline.store(0, ordering: .relaxed) }
        let result = try body()
        return (result, hasRefused.load(ordering: .relaxed))
    }

    /// The time that is left; nil without a budget.
    package static var remaining: Duration? {
        let end = deadline.load(ordering: .relaxed)
        return end == 0 ? nil : .nanoseconds(max(end - now, 0))
    }

    /// Throws ETIMEDOUT once the time is used up, or for a file that is too large.
    package static func check(_ path: FilePath, size: Int64 = 0) throws(SystemCallError) {
        let end = deadline.load(ordering: .relaxed)
        if end == 0 || (size <= largest && now < end) { return }
        hasRefused.store(true, ordering: .relaxed)
        throw SystemCallError(operation, path.printed, .timedOut)
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

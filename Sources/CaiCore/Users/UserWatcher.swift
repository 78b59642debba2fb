import CaiModel
import CaiPlatform
import SystemPackage

/// Keeps what `passwd`, `usermod` and `useradd` change: a thread that looks at the account files whenever one of them was
/// replaced or written, and otherwise sleeps.
package final class UserWatcher: Sendable {
    /// What came of a look: what was kept, or why it could not be.
    package typealias Report = @Sendable (Result<UsersReport, any Error>) -> Void

    private static let files: Set<String> = ["passwd", "shadow", "group", "gshadow"]
    /// Programs change one file after the other; after this much quiet they are done.
    private static let quiet = Duration.milliseconds(100)
    /// Somebody who never stops is not waited for any longer.
    private static let longest = Duration.milliseconds(500)

    private let waker: Waker
    private let thread: Thread

    /// Begins with a look. `workplace` has to be one whose accounts this process may change. Throws when `/etc` cannot be
    /// watched.
    package init(_ workplace: Workplace, report: @escaping Report) throws {
        let watch = try ChangeWatch()
        let directory = try workplace.root.openInRoot("/etc")
        _ = try watch.add(directory, [.movedHere, .closed])
        let waker = try Waker()
        let job = UsersJob(workplace, isPreview: false)
        let thread = Thread {
            var isDue = true
            repeat {
                if isDue { report(Result { try job.persist() }) }
                isDue = Self.waitForChange(watch, waker)
            } while isDue
        }
        guard let thread else { throw SystemCallError("start", "a thread", .resourceTemporarilyUnavailable) }
        self.waker = waker
        self.thread = thread
    }

    /// Lets a look that goes on come to its end.
    package func stop() {
        waker.wake()
        thread.join()
    }

    /// Waits until an account file was changed and whoever does it has come to rest. False when it is time to end.
    private static func waitForChange(_ watch: ChangeWatch, _ waker: Waker) -> Bool {
        var deadline: ContinuousClock.Instant?
        while true {
            let limit = deadline.map { min(quiet, $0 - .now) }
            // Without a way to wait there is nothing to watch.
            guard let ready = try? Input.wait(for: [watch.raw, waker.raw], atMost: limit), !ready[1] else {
                return false
            }
            guard ready[0] else { return true }
            var isChanged = false
            let hasRead = try? watch.read { event in
                let name = String(decoding: event.name, as: UTF8.self)
                if event.kinds.contains(.overflow) || files.contains(name) { isChanged = true }
            }
            guard hasRead != nil else { return false }
            if isChanged, deadline == nil { deadline = .now + longest }
            if let deadline, .now >= deadline { return true }
        }
    }
}

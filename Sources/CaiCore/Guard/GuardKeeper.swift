import Synchronization

/// The running guard, if any. May be used from any thread.
package final class GuardKeeper: Sendable {
    private let current = Mutex<(thread: GuardThread, guardsLinks: Bool)?>(nil)

    package init() {}

    /// True if links are guarded.
    package var isRunning: Bool { current.withLock { $0?.guardsLinks ?? false } }

    /// Keeps a guard; no other one runs.
    package func keep(_ thread: GuardThread, guardsLinks: Bool) { current.withLock { $0 = (thread, guardsLinks) } }

    /// Stops the running guard after it has finished what waits.
    package func stop() {
        let guardian = current.withLock { current in
            defer { current = nil }
            return current
        }
        guardian?.thread.stop()
    }
}

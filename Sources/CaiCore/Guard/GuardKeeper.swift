import Synchronization

/// The guard that runs at the moment, if any. May be used from any thread.
package final class GuardKeeper: Sendable {
    private let current = Mutex<GuardThread?>(nil)

    package init() {}

    package var isRunning: Bool { current.withLock { $0 != nil } }

    /// Keeps another one; none runs already.
    package func keep(_ thread: GuardThread) { current.withLock { $0 = thread } }

    /// Lets the one that runs finish what is waiting, and end.
    package func stop() {
        let thread = current.withLock { current in
            defer { current = nil }
            return current
        }
        thread?.stop()
    }
}

import CPlatform
import Glibc

/// Signals that wait to be taken by this thread, instead of interrupting whatever runs.
package struct HeldSignals: Sendable {
    /// Those that a service is told things with.
    package enum Signal: Sendable {
        /// Read the settings again.
        case hangup
        /// End.
        case terminate
        /// Somebody in this process has something to say; see `wake`.
        case wake
    }

    private let set: sigset_t

    /// Holds SIGHUP, SIGTERM, SIGINT and SIGUSR1 back from now on, in this thread and in those that it starts. Call it while
    /// there is no other.
    package init() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGHUP, SIGTERM, SIGINT, SIGUSR1] { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        self.set = set
    }

    /// Waits for the next one.
    package func next() -> Signal {
        var set = set
        var number: CInt = 0
        while sigwait(&set, &number) != 0 {}
        switch number {
        case SIGHUP: return .hangup
        case SIGUSR1: return .wake
        default: return .terminate
        }
    }

    /// Waits for the next one at most so long; nil when the time is over.
    package func next(within limit: Duration) -> Signal? {
        var set = set
        let (seconds, attoseconds) = limit.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        switch sigtimedwait(&set, nil, &time) {
        case SIGHUP: return .hangup
        case SIGUSR1: return .wake
        case SIGTERM, SIGINT: return .terminate
        default: return nil
        }
    }

    /// Has `next` return, from any thread.
    package func wake() { kill(getpid(), SIGUSR1) }
}

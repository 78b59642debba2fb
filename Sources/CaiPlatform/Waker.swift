import CPlatform
import Glibc
import SystemPackage

/// Something that a thread waits for beside its real work: to be woken by another thread, or by a signal.
package final class Waker: Sendable {
    private let descriptor: Descriptor
    /// What `wake` writes to.
    private enum Target { case itself, pipe(CInt), nothing }
    private let target: Target

    /// One that `wake` wakes; a pipe where a sandbox has no eventfd(2).
    package init() throws(SystemCallError) {
        let event = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        if event >= 0 {
            descriptor = Descriptor(owning: event)
            target = .itself
            return
        }
        var ends: [CInt] = [-1, -1]
        _ = try check("make pipe", "waker") { pipe2(&ends, O_CLOEXEC | O_NONBLOCK) }
        descriptor = Descriptor(owning: ends[0])
        target = .pipe(ends[1])
    }

    deinit { if case .pipe(let end) = target { close(end) } }

    /// One that a signal to this process wakes, and nothing else that the signal would do. To be made before any other
    /// thread is started: the signals are blocked in this one, and in those that it starts.
    package init(signals: [CInt]) throws(SystemCallError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = Descriptor(
            owning: try check("signalfd", "signalfd") {
                signalfd(-1, &set, CInt(SFD_CLOEXEC | SFD_NONBLOCK))
            })
        target = .nothing
    }

    /// Stays readable from the first wake on.
    package var raw: CInt { descriptor.raw }

    /// Wakes whoever waits, now or later. May be called from any thread.
    package func wake() {
        let end: CInt
        switch target {
        case .itself: end = raw
        case .pipe(let writer): end = writer
        case .nothing: return
        }
        var one: UInt64 = 1
        _ = write(end, &one, MemoryLayout<UInt64>.size)  // it can only fail when it is awake since long
    }
}

/// Waiting for several descriptors at once (poll(2)).
package enum Input {
    /// Waits until one of them can be read, for at most `limit`; returns which can.
    package static func wait(for descriptors: [CInt], atMost limit: Duration?) throws(SystemCallError) -> [Bool] {
        var states = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            let left = deadline.map { max(.zero, $0 - .now) }
            let count = poll(&states, nfds_t(states.count), left.map(milliseconds) ?? -1)
            let error = currentErrno
            if count >= 0 { return states.map { $0.revents != 0 } }
            if error != EINTR { throw SystemCallError("poll", "descriptors", .init(rawValue: error)) }
        }
    }

    /// Rounded up, so that nobody wakes early and finds nothing to do.
    private static func milliseconds(_ duration: Duration) -> CInt {
        let (seconds, attoseconds) = duration.components
        let whole = min(seconds, 1_000_000) * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return CInt(clamping: whole)
    }
}

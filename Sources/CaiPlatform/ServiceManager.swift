import CPlatform
import Glibc

/// What the service manager that started this process wants to hear of it: systemd, `cai entrypoint`, or nobody.
package struct ServiceManager: Sendable {
    /// Where it listens.
    package let socket: NotifySocket?
    /// How often it wants a sign of life at the least (sd_watchdog_enabled(3)); nil for never.
    package let watchdog: Duration?

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, and takes them out of the environment: they are for this
    /// process, and not for anything that is started from here. Call it while there is one thread.
    package static func take() -> ServiceManager {
        let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
        let manager = ServiceManager(environment: Environment.all, process: getpid())
        for name in names { unsetenv(name) }
        return manager
    }

    /// What an environment says to a process.
    package init(environment: [String: String], process: Int32) {
        socket = environment["NOTIFY_SOCKET"].flatMap { NotifySocket(Array($0.utf8)) }
        let isMeant = environment["WATCHDOG_PID"].map { Int32($0) == process } ?? true
        let interval = environment["WATCHDOG_USEC"].flatMap { UInt64($0) } ?? 0
        watchdog = isMeant && interval > 0 && interval < .max ? .microseconds(Int64(clamping: interval)) : nil
    }

    /// Tells it something; waits a little where it cannot keep up, so that nothing it has to know is lost.
    package func tell(_ message: ServiceMessage, _ further: ServiceMessage? = nil) {
        if let further {
            socket?.send(message, further, patience: .seconds(5))
        } else {
            socket?.send(message, patience: .seconds(5))
        }
    }
}

/// The clock that service managers count in.
package enum MonotonicClock {
    /// Microseconds of CLOCK_MONOTONIC.
    package static var microseconds: UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000
    }
}

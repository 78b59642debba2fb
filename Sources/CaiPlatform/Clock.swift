import CPlatform
import Glibc

/// The machine's wall clock.
package enum WallClock {
    /// Seconds since the epoch.
    package static var seconds: Int64 { Int64(time(nil)) }

    /// Nanoseconds since the epoch as the kernel stamps files: never ahead of a file written now.
    package static var nanoseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}

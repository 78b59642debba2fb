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

    /// Now as `2026-01-31T23:59:59.123Z`.
    package static var utcText: String {
        var (now, utc) = (timespec(), tm())
        clock_gettime(CLOCK_REALTIME, &now)
        gmtime_r(&now.tv_sec, &utc)
        let date = [(utc.tm_year + 1900, 4), (utc.tm_mon + 1, 2), (utc.tm_mday, 2)].map(digits).joined(separator: "-")
        let time = [(utc.tm_hour, 2), (utc.tm_min, 2), (utc.tm_sec, 2)].map(digits).joined(separator: ":")
        return "\(date)T\(time).\(digits(CInt(now.tv_nsec / 1_000_000), 3))Z"
    }

    /// A moment as `20260131-235959` in the time of this machine (TZ, else /etc/localtime, else UTC).
    package static func localName(_ seconds: Int64) -> String {
        var (time, local) = (time_t(seconds), tm())
        localtime_r(&time, &local)
        let fields = [
            (local.tm_year + 1900, 4), (local.tm_mon + 1, 2), (local.tm_mday, 2), (local.tm_hour, 2), (local.tm_min, 2),
            (local.tm_sec, 2),
        ]
        let texts = fields.map(digits)
        return texts[..<3].joined() + "-" + texts[3...].joined()
    }

    private static func digits(_ number: CInt, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

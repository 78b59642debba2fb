package import CaiModel
import NIOCore

/// What one client may ask of the service.
package struct ServiceLimits: Sendable {
    /// The most bytes that a request may have.
    let requestBytes: Int64
    /// How slow it may be.
    let pace: Pace

    package init(_ settings: Settings) {
        requestBytes = settings.number(.requestBytes)
        pace = Pace(grace: .seconds(max(1, settings.number(.clientPatience))))
    }
}

/// How slow a client may be: nobody may hold a place with a byte now and then, or by not taking an answer.
struct Pace: Sendable {
    var grace = TimeAmount.seconds(60)
    var bytesPerSecond: Int64 = 1024

    func isTooSlow(_ bytes: Int64, after time: TimeAmount) -> Bool {
        time > grace && bytes < bytesPerSecond * (time.nanoseconds / 1_000_000_000)
    }
}

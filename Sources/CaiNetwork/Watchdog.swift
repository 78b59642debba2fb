import CaiPlatform
import NIOCore

/// The signs of life for the service manager.
///
/// Each is sent by the loop that serves and runs every task: where it hangs, none is sent, and the manager starts the service
/// again. Work in its own thread does not hold them up; it may have much to copy.
struct Watchdog {
    private let manager: ServiceManager

    init(_ manager: ServiceManager) { self.manager = manager }

    /// Begins, if the manager wants them; ends with the loop.
    func feed(on loop: any EventLoop) {
        guard let interval = manager.watchdog, let socket = manager.socket else { return }
        // Twice as often as asked for (sd_watchdog_enabled(3)).
        let pause = TimeAmount.microseconds(Int64(clamping: interval.microseconds / 2))
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: pause) { _ in socket.send(.watchdog) }
    }
}

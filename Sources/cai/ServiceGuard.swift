import CaiCore
import CaiModel
import CaiNetwork
import Logging

/// The link guard of the agent service, with the settings that hold at the moment.
final class ServiceGuard: Sendable {
    private let logger: Logger
    private let hub: EventHub
    private let keeper = GuardKeeper()

    init(_ logger: Logger, _ hub: EventHub) {
        self.logger = logger
        self.hub = hub
    }

    var isRunning: Bool { keeper.isRunning }

    /// Begins with these settings, in place of what runs; not where they switch it off, or where nothing is linked.
    func restart(_ workplace: Workplace) throws {
        keeper.stop()
        guard workplace.settings.isOn(.linkGuard), (try? workplace.volumeState()) != .unused else { return }
        let (logger, hub) = (logger, hub)
        let thread = try GuardThread(
            workplace,
            load: {
                // Links into a directory of the container itself would only look as if something were kept.
                try workplace.requireContainer(for: "serve")
                return try GuardedMachine(workplace)
            },
            report: {
                logger.log(GuardLines.finding($0))
                hub.publish($0.kind.rawValue, $0.json.line)
            })
        keeper.keep(thread)
    }

    /// Lets it finish what is waiting.
    func stop() { keeper.stop() }
}

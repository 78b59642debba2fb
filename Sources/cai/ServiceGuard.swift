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

    /// Starts the guard with these settings, in place of the running one; not where there is no volume. If they switch the
    /// guard of links off, it only removes displaced secrets by their age.
    func restart(_ workplace: Workplace) throws {
        keeper.stop()
        guard (try? workplace.volumeState()) != .unused else { return }  // unknown: the guard finds out
        let (logger, hub) = (logger, hub)
        let guardsLinks = workplace.settings.isOn(.linkGuard)
        let thread = try GuardThread(
            workplace, guardsLinks: guardsLinks,
            load: {
                // Links into a directory of the container itself would only look as if something were kept.
                try workplace.requireContainer(for: "serve")
                return try GuardedMachine(workplace, guardsLinks: guardsLinks)
            },
            report: {
                let finding = GuardLines.finding($0)
                if $0.isRoutine { logger.debug("\(finding.told)") } else { logger.log(finding) }
                hub.publish($0.kind.rawValue, $0.json.line)
            })
        keeper.keep(thread, guardsLinks: guardsLinks)
    }

    /// Stops the guard after it has finished what waits.
    func stop() { keeper.stop() }
}

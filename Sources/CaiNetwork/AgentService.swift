package import CaiModel
package import CaiPlatform
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The agent service from its socket to its end: answers HTTP, reads its settings again on SIGHUP, ends on SIGTERM and
/// SIGINT when the requests that it has begun are answered, and tells its service manager of all that.
///
/// It has one loop, which also feeds the watchdog, and one thread for work that blocks. When nobody asks for anything it
/// wakes up for the watchdog only.
package struct AgentService {
    private let socket: CInt
    private let place: String
    private let jobs: AgentJobs
    private let peers: PeerPolicy
    private let manager: ServiceManager
    private let logger: Logger

    /// Serves on a bound socket, which it closes. `place` names that in what it tells.
    package init(
        socket: CInt, place: String, jobs: AgentJobs, peers: PeerPolicy, manager: ServiceManager, logger: Logger
    ) {
        self.socket = socket
        self.place = place
        self.jobs = jobs
        self.peers = peers
        self.manager = manager
        self.logger = logger
    }

    /// How long requests that were begun may take at the end.
    private static let drainTime = Duration.seconds(5)

    /// Serves until it is told to stop. Throws what keeps it from serving.
    package func run() async throws {
        // Before anybody is told that this is ready: a signal that comes then is not for the default handler.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let worker = Worker()
        let gate = PeerGate(peers, logger: logger)
        let router = Routes.router(AgentState(jobs: jobs, worker: worker))
        let server = HTTPServer(
            socket: socket, group: group, logger: logger,
            answer: { request, peer, channel in
                await gate.answer(request, peer, channel, router)
            },
            whenListening: { channel in
                Watchdog(manager).feed(on: channel.eventLoop)
                manager.tell(.ready, .status("Answering on \(place)"))
                logger.info("answering on \(place)")
            })
        let reloading = ReloadService(
            hangups: hangups, jobs: jobs, worker: worker, gate: gate, manager: manager, place: place, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: reloading), .init(service: server)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = Self.drainTime
        let outcome = await Result.from { try await ServiceGroup(configuration: configuration).run() }
        await worker.stop()
        try await group.shutdownGracefully()
        try outcome.get()
    }
}

extension Result where Failure == any Error, Success == Void {
    fileprivate static func from(_ body: () async throws -> Void) async -> Self {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}

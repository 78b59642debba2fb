package import CaiModel
package import CaiPlatform
package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The agent service from its socket to its end: answers HTTP, reads its settings again on SIGHUP, ends on SIGTERM and
/// SIGINT when the requests that it has begun are answered, and tells its service manager of all that.
///
/// It has three threads: this one waits for signals, one has the loop that serves and also feeds the watchdog, and one does
/// the work that blocks. Tasks run on the loop too, so that there is no libdispatch with threads and a timer of its own: when
/// nobody asks for anything this wakes up for the watchdog only.
package struct AgentService {
    private let socket: CInt
    private let place: String
    private let jobs: AgentJobs
    private let hub: EventHub
    private let peers: PeerPolicy
    private let limits: ServiceLimits
    private let manager: ServiceManager
    private let logger: Logger
    private let whenEnding: @Sendable () -> Void

    /// Serves on a bound socket, which it closes. `place` names that in what it tells; `whenEnding` is called before what was
    /// begun is finished, so that nobody knocks any more.
    package init(
        socket: CInt, place: String, jobs: AgentJobs, hub: EventHub, peers: PeerPolicy, limits: ServiceLimits,
        manager: ServiceManager, logger: Logger, whenEnding: @escaping @Sendable () -> Void = {}
    ) {
        self.socket = socket
        self.place = place
        self.jobs = jobs
        self.hub = hub
        self.peers = peers
        self.limits = limits
        self.manager = manager
        self.logger = logger
        self.whenEnding = whenEnding
    }

    /// What can be asked for: method, path, and what may be in the query.
    package static var routes: [String] { Routes.lines }

    /// How long requests that were begun may take at the end.
    private static let drainTime = TimeAmount.seconds(5)

    /// Serves until it is told to stop. Throws what keeps it from serving. Call it while there is one thread: signals wait
    /// here from its beginning on.
    package func run() throws {
        let signals = HeldSignals()
        let parts = ServiceParts(jobs: jobs, hub: hub, peers: peers, limits: limits, logger: logger)
        let (loop, worker, server) = (parts.loop, parts.worker, parts.server)
        let end = ServiceEnd()
        let serving = Task(executorPreference: LoopExecutor(loop)) {
            let result = await Result.of {
                try await server.run(on: socket) {
                    Watchdog(manager).feed(on: loop)
                    manager.tell(.ready, .status("Answering on \(place)"))
                    logger.info("answering on \(place)")
                }
            }
            worker.submit { end.come(with: result) }
            worker.submit { signals.wake() }
        }
        while end.result == nil {
            switch signals.next() {
            case .hangup: reload(worker, parts.gate)
            case .terminate:
                whenEnding()
                manager.tell(.stopping, .status("Answering what was asked before"))
                hub.close()
                server.stop()
                loop.scheduleTask(in: Self.drainTime) { serving.cancel() }
            case .wake: continue
            }
        }
        try end.result?.get()
    }

    /// Reads settings and manifests again and repairs links, behind the work that was asked for before.
    private func reload(_ worker: Worker, _ gate: PeerGate) {
        manager.tell(.reloading(at: MonotonicClock.microseconds), .status("Reading settings and manifests"))
        worker.submit {
            let reload = jobs.reload()
            gate.apply(reload.peers)
            reload.findings.forEach { logger.log($0) }
            logger.info("reloaded: \(reload.summary)")
            manager.tell(.ready, .status("Answering on \(place); \(reload.summary)"))
        }
    }
}

/// How serving has ended, once it has.
private final class ServiceEnd: Sendable {
    private let state = Mutex<Result<Void, any Error>?>(nil)

    var result: Result<Void, any Error>? { state.withLock { $0 } }

    func come(with result: Result<Void, any Error>) { state.withLock { $0 = result } }
}

extension Result where Success == Void, Failure == any Error {
    fileprivate static func of(_ body: () async throws -> Void) async -> Self {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}

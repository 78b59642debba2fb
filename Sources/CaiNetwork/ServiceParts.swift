import CaiModel
import CaiPlatform
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// What answers requests: the table of the API behind the gate, on one loop and one thread for work that blocks.
struct ServiceParts {
    let loop: any EventLoop
    let worker: Worker
    let gate: PeerGate
    let server: HTTPServer

    init(jobs: AgentJobs, hub: EventHub, peers: PeerPolicy, limits: ServiceLimits, logger: Logger) {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let worker = Worker()
        let counters = Counters()
        let gate = PeerGate(peers, logger: logger, counters: counters)
        let router = Routes.router(
            AgentState(
                jobs: jobs, hub: hub, counters: counters, worker: worker, loop: loop, limits: limits,
                logger: logger))
        server = HTTPServer(loop: loop, pace: limits.pace, logger: logger, counters: counters) {
            request, peer, channel, exchange, go in
            if let refusal = gate.refusal(request, peer) { return refusal }
            if request.headers[.expect]?.lowercased() == "100-continue" { try await go() }
            let context = AgentContext(
                source: .init(channel: channel, logger: logger, exchange: exchange, isRoot: peer?.uid == 0))
            return try await Places.$isForRoot.withValue(context.isRoot) {
                try await router.respond(to: request, context: context)
            }
        }
        self.loop = loop
        self.worker = worker
        self.gate = gate
    }
}

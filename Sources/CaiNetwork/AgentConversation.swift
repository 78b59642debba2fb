package import CaiModel
package import Logging
import NIOCore

/// The agent service for one who is connected already: the same answers, the same jobs, and an end with the connection.
package struct AgentConversation: Sendable {
    private let end: EventLoopFuture<Void>

    /// Begins to answer on a connection, which it closes.
    package init(
        over connection: CInt, jobs: AgentJobs, peers: PeerPolicy, limits: ServiceLimits, logger: Logger
    ) {
        let parts = ServiceParts(
            jobs: jobs, hub: EventHub(), peers: peers, limits: limits, logger: logger)
        let promise = parts.loop.makePromise(of: Void.self)
        end = promise.futureResult
        Task(executorPreference: LoopExecutor(parts.loop)) {
            do {
                promise.succeed(try await parts.server.run(over: connection))
            } catch {
                promise.fail(error)
            }
        }
    }

    /// Waits until the connection has ended and nothing that was asked for over it is being done any more. Throws what kept
    /// it from answering.
    package func wait() throws { try end.wait() }
}

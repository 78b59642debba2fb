import CaiModel
import CaiPlatform
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Lets those in who may use the socket; the others are told so, and the operator as well.
final class PeerGate: Sendable {
    private let policy: Mutex<PeerPolicy>
    private let logger: Logger

    init(_ policy: PeerPolicy, logger: Logger) {
        self.policy = Mutex(policy)
        self.logger = logger
    }

    /// Holds from now on, also for those who are connected.
    func apply(_ policy: PeerPolicy) { self.policy.withLock { $0 = policy } }

    /// The answer to a request.
    func answer(
        _ request: Request, _ peer: Peer?, _ channel: any Channel, _ router: some HTTPResponder<AgentContext>
    ) async -> Response {
        guard let peer, policy.withLock({ $0.allows(uid: peer.uid) }) else {
            // Neither path nor headers: what somebody sends who may not is nobody's business, and may hold secrets.
            logger.warning(
                "refused a request of user \(peer.map { "\($0.uid)" } ?? "unknown")",
                metadata: ["peer_uid": "\(peer?.uid ?? .max)", "peer_pid": "\(peer?.process ?? 0)"])
            return APIError.forbidden.response(closing: true)
        }
        let context = AgentContext(source: .init(channel: channel, logger: logger))
        do {
            return try await router.respond(to: request, context: context)
        } catch {
            return APIError(.internalServerError).response()  // told already; see ErrorAnswers
        }
    }
}

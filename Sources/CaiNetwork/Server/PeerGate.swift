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
    private let counters: Counters

    init(_ policy: PeerPolicy, logger: Logger, counters: Counters) {
        self.policy = Mutex(policy)
        self.logger = logger
        self.counters = counters
    }

    /// Holds from now on, also for those who are connected.
    func apply(_ policy: PeerPolicy) { self.policy.withLock { $0 = policy } }

    /// The answer to somebody who may not; nil for those who may.
    func refusal(_ request: Request, _ peer: Peer?) -> Response? {
        let policy = policy.withLock { $0 }
        guard let peer, policy.allows(uid: peer.uid) else {
            // Neither path nor headers: what somebody sends who may not is nobody's business, and may hold secrets.
            note("refused a request of user \(peer.map { "\($0.uid)" } ?? "unknown")", peer)
            return APIError.forbidden.response(closing: true)
        }
        guard policy.accepts(authorization: request.headers[.authorization]) else {
            note("refused a request of user \(peer.uid) without the right token", peer)
            return APIError.wrongToken.response(closing: true)
        }
        return nil
    }

    private func note(_ sentence: String, _ peer: Peer?) {
        counters.refused()
        logger.warning(
            "\(sentence)", metadata: ["peer_uid": "\(peer?.uid ?? .max)", "peer_pid": "\(peer?.process ?? 0)"])
    }
}

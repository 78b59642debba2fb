import NIOCore
import NIOHTTPTypes
import Synchronization

/// How far the requests of one connection have come in.
///
/// The end of a connection looks like the end of a content to who reads that: only a request whose end was seen here is whole.
final class RequestEnds: Sendable {
    private struct State {
        var begun = 0
        var ended = 0
    }

    private let state = Mutex(State())

    /// The number of the request that is answered next.
    func begin() -> Int {
        state.withLock {
            $0.begun += 1
            return $0.begun
        }
    }

    func end() { state.withLock { $0.ended += 1 } }

    func isWhole(_ number: Int) -> Bool { state.withLock { $0.ended >= number } }
}

/// Sees the ends of requests as they come in.
final class RequestEndHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let ends: RequestEnds

    init(_ ends: RequestEnds) { self.ends = ends }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .end = unwrapInboundIn(data) { ends.end() }
        context.fireChannelRead(data)
    }
}

/// One request on its connection.
struct Exchange: Sendable {
    private let ends: RequestEnds
    private let number: Int
    private let reading = Reading()

    private final class Reading: Sendable {
        let isBegun = Mutex(false)
    }

    init(_ ends: RequestEnds) {
        self.ends = ends
        number = ends.begin()
    }

    /// Whether all of it has come in.
    var isWhole: Bool { ends.isWhole(number) }

    /// To be called by whoever reads the content.
    func beginReading() { reading.isBegun.withLock { $0 = true } }

    /// Whether nobody has begun to read the content.
    var isUnread: Bool { !reading.isBegun.withLock { $0 } }
}

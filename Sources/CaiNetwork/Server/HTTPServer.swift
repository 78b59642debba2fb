import CaiPlatform
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOExtras
import NIOHTTPTypes
import NIOPosix

/// HTTP/1.1 on a bound socket, until it is told to end: then nobody new is let in, and requests that were begun are answered.
///
/// Hummingbird's own server only binds by itself, and tells nobody who connected.
struct HTTPServer: Sendable {
    /// Answers a request of a peer, which is nil where the kernel does not tell who it is. `proceed` tells a client that waits
    /// for it to send the content (RFC 9110, 10.1.1).
    typealias Answer =
        @Sendable (
            _ request: Request, _ peer: Peer?, _ channel: any Channel, _ exchange: Exchange,
            _ proceed: () async throws -> Void
        ) async throws -> Response

    private let loop: any EventLoop
    private let pace: Pace
    private let logger: Logger
    private let answer: Answer
    private let counters: Counters
    private let quiescing: ServerQuiescingHelper

    /// Who says nothing for the grace of `pace` is let go, and who takes what was asked for more slowly than that.
    init(loop: any EventLoop, pace: Pace, logger: Logger, counters: Counters, answer: @escaping Answer) {
        self.loop = loop
        self.pace = pace
        self.logger = logger
        self.counters = counters
        self.answer = answer
        quiescing = ServerQuiescingHelper(group: loop)
    }

    /// So many may be connected.
    private static let mostConnections = 512
    /// So many of them may be of other users than root: whoever does nothing with them does not lock root out.
    private static let mostOfOthers = 448
    /// So much of a content that nobody wants is read, so that its sender comes to reading the answer.
    private static let mostUnwanted = 8 << 20
    /// How large the head of a request may be.
    private static let headLimits = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)

    private typealias Parts = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// One who is connected.
    private struct Connection: Sendable {
        let isRoot: Bool
        let http: HTTP1Channel
        let parts: Parts
    }

    /// What ends a connection behind an answer.
    private struct Unwanted: Error {}

    /// Serves until `stop`, and closes the socket. Whoever is connected when the task is cancelled is let go.
    /// `whenListening` is called once connections are accepted.
    func run(on socket: CInt, whenListening: () -> Void) async throws {
        let server = try await ServerBootstrap(group: loop)
            .serverChannelInitializer { [quiescing] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .bind(socket) { setUp($0) }
        // NIO lets 128 wait, and has no say in that for a socket that was bound before.
        try LocalConnection.listen(socket, waiting: Self.mostConnections)
        whenListening()
        try await serve(server)
    }

    /// Serves one who is connected already, until that connection ends; it closes it.
    func run(over connection: CInt) async throws {
        let connection = try await ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(connection) { setUp($0) }
        await connection.http.handle(value: connection.parts, logger: logger)
    }

    /// Lets nobody new in. `run` returns when the requests that were begun are answered.
    func stop() { quiescing.initiateShutdown(promise: nil) }

    private func serve(_ server: NIOAsyncChannel<Connection, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    let most = connection.isRoot ? Self.mostConnections : Self.mostOfOthers
                    guard counters.connect(most: most) else {
                        group.addTask { try? await connection.parts.executeThenClose { _, _ in } }  // gone already
                        continue
                    }
                    group.addTask {
                        await connection.http.handle(value: connection.parts, logger: logger)
                        counters.disconnect()
                    }
                }
            }
        }
    }

    private func setUp(_ channel: any Channel) -> EventLoopFuture<Connection> {
        peer(of: channel).flatMap { peer in
            let ends = RequestEnds()
            let http = HTTP1Channel(
                responder: { [answer] request, writer, channel in
                    let exchange = Exchange(ends)
                    let response = try await answer(request, peer, channel, exchange) {
                        try await writer.writeInformationalHead(HTTPResponse(status: .continue))
                    }
                    // An answer to HEAD has no content, whatever it says (RFC 9110, 9.3.2).
                    let body = request.method == .head ? ResponseBody() : response.body
                    try await writer.write(response: response.head, body: body)
                    if !exchange.isWhole { try await Self.skip(request, exchange) }
                },
                configuration: .init(
                    additionalChannelHandlers: [RequestEndHandler(ends)], idleTimeout: pace.grace,
                    httpDecoderConfiguration: Self.headLimits))
            return http.setup(channel: channel, logger: logger).flatMapThrowing { parts in
                try channel.pipeline.syncOperations.addHandler(ReaderPace(pace), position: .first)
                return Connection(isRoot: peer?.uid == 0, http: http, parts: parts)
            }
        }
    }

    /// Reads what nobody has read of a content, or throws what ends the connection.
    private static func skip(_ request: Request, _ exchange: Exchange) async throws {
        guard exchange.isUnread else { throw Unwanted() }
        exchange.beginReading()
        var count = 0
        for try await buffer in request.body {
            count += buffer.readableBytes
            if count > mostUnwanted { throw Unwanted() }
        }
        if !exchange.isWhole { throw Unwanted() }
    }

    /// Who connected (SO_PEERCRED, unix(7)).
    private func peer(of channel: any Channel) -> EventLoopFuture<Peer?> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(nil)
        }
        let credentials: EventLoopFuture<Peer> = options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: Peer.socketOption))
        // Whom nobody knows is let in nowhere.
        return credentials.map { Optional($0) }.flatMapErrorThrowing { _ in nil }
    }
}

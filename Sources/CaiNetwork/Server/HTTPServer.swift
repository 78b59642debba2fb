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
    typealias Answer = @Sendable (Request, Peer?, any Channel) async -> Response

    private let loop: any EventLoop
    private let logger: Logger
    private let answer: Answer
    private let quiescing: ServerQuiescingHelper

    /// `answer` answers a request of a peer, which is nil where the kernel does not tell who it is.
    init(loop: any EventLoop, logger: Logger, answer: @escaping Answer) {
        self.loop = loop
        self.logger = logger
        self.answer = answer
        quiescing = ServerQuiescingHelper(group: loop)
    }

    /// Who says nothing for this long is let go.
    private static let idleTime = TimeAmount.seconds(120)

    private typealias Parts = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// One who is connected.
    private struct Connection: Sendable {
        let http: HTTP1Channel
        let parts: Parts
    }

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
        whenListening()
        try await serve(server)
    }

    /// Lets nobody new in. `run` returns when the requests that were begun are answered.
    func stop() { quiescing.initiateShutdown(promise: nil) }

    private func serve(_ server: NIOAsyncChannel<Connection, Never>) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask { await connection.http.handle(value: connection.parts, logger: logger) }
                }
            }
        }
    }

    private func setUp(_ channel: any Channel) -> EventLoopFuture<Connection> {
        peer(of: channel).flatMap { peer in
            let http = HTTP1Channel(
                responder: { [answer] request, writer, channel in
                    let response = await answer(request, peer, channel)
                    try await writer.write(response: response.head, body: response.body)
                }, configuration: .init(idleTimeout: Self.idleTime))
            return http.setup(channel: channel, logger: logger).map { Connection(http: http, parts: $0) }
        }
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

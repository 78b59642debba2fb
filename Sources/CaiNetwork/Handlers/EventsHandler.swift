import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /v1/events`: what is done and noticed, as server-sent events.
struct EventsHandler: Sendable {
    let hub: EventHub
    let loop: any EventLoop

    /// How often somebody who hears nothing is shown that the connection lives.
    private static let pause = TimeAmount.seconds(30)

    func stream(_ context: AgentContext) throws -> Response {
        guard let (id, events) = hub.listen() else { throw APIError.busy }
        let hub = hub
        let loop = loop
        // A client that goes away is noticed when it happens, not at the next event.
        context.channel.closeFuture.whenComplete { _ in hub.leave(id) }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: .init { writer in
                defer { hub.leave(id) }
                let channel = context.channel
                let beat = loop.scheduleRepeatedTask(initialDelay: Self.pause, delay: Self.pause) { _ in
                    hub.beat(id)
                    if !channel.isActive { hub.leave(id) }
                }
                defer { beat.cancel() }
                try await writer.write(ByteBuffer(string: ": listening\n\n"))
                for await event in events { try await writer.write(ByteBuffer(string: event.text)) }
                try await writer.finish(nil)
            })
    }
}

extension EventHub.Event {
    /// As the specification of server-sent events has it; a comment where there is nothing to tell.
    fileprivate var text: String {
        kind.isEmpty ? ": alive\n\n" : "id: \(number)\nevent: \(kind)\ndata: \(line)\n\n"
    }
}

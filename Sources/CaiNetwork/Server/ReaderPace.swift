import NIOCore

/// Lets a client go that does not read what it has asked for.
///
/// It stands next to the socket and looks now and then, only while something waits to be taken. What waited at one look has to
/// be gone at the next, or at least as much as the pace wants; else the connection is closed, whoever writes to it gets an
/// error, and its place is free.
final class ReaderPace: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let pace: Pace
    /// Bytes since the beginning: those that were to be sent, and at the last look also those that had been taken.
    private var written: Int64 = 0
    private var last: (written: Int64, taken: Int64) = (0, 0)
    private var next: Scheduled<Void>?

    init(_ pace: Pace) { self.pace = pace }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let before = written
        written += Int64(unwrapOutboundIn(data).readableBytes)
        context.write(data, promise: promise)
        guard next == nil, written > before else { return }
        last = (written, before)
        lookLater(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func stop() {
        next?.cancel()
        next = nil
    }

    private func lookLater(_ context: ChannelHandlerContext) {
        next = context.eventLoop.assumeIsolated().scheduleTask(in: pace.grace) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        next = nil
        // A channel that cannot say it is closed.
        let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard waiting > 0 else { return }
        let taken = written - Int64(waiting)
        let least = pace.bytesPerSecond * (pace.grace.nanoseconds / 1_000_000_000)
        if taken < min(last.written, last.taken + least) { return context.close(promise: nil) }
        last = (written, taken)
        lookLater(context)
    }
}

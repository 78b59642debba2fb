import CaiPlatform
import Hummingbird
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// The content of a request on its way to a job that reads it from a descriptor: a pipe, so that no more of it is in memory
/// than the pipe holds, and a client is read from no faster than the job works.
final class BodyFeed: Sendable {
    private enum State { case running, complete, cut, tooLarge }

    /// What the job reads from, and closes.
    let reader: CInt
    private let writer: CInt
    private let limit: Int64
    private let pace: Pace
    private let isWhole: @Sendable () -> Bool
    private let state = Mutex(State.running)

    /// Throws `SystemCallError` when there is no pipe to be had.
    /// `isWhole` tells whether the end of the request has come in.
    init(limit: Int64, pace: Pace, isWhole: @escaping @Sendable () -> Bool) throws {
        (reader, writer) = try PipeEnds.make()
        self.isWhole = isWhole
        self.limit = limit
        self.pace = pace
    }

    /// Whether the content came to its end; else throws what kept it. To be asked when the end of the pipe was read.
    func confirm() throws {
        switch state.withLock({ $0 }) {
        case .complete: return
        case .tooLarge: throw APIError.contentTooLarge(limit)
        case .running, .cut: throw APIError.contentCut
        }
    }

    /// Moves the content until it ends, the client goes, or the job has read enough; the job then reads the end.
    func pump(_ body: RequestBody, on loop: any EventLoop) async {
        var pipe = Inlet(writer, loop)
        let end = await move(body, to: &pipe)
        // Before the end can be read.
        state.withLock { $0 = end }
        await pipe.close()
    }

    private func move(_ body: RequestBody, to pipe: inout Inlet) async -> State {
        var count: Int64 = 0
        var unwanted = 0
        let begin = NIODeadline.now()
        do {
            for try await buffer in body {
                count += Int64(buffer.readableBytes)
                if count > limit { return .tooLarge }
                if pace.isTooSlow(count, after: .now() - begin) { return .cut }
                do {
                    guard unwanted == 0 else { throw ChannelError.eof }
                    try await pipe.write(buffer)
                } catch is Inlet.Broken {
                    return .cut
                } catch {
                    // The job has read enough; its answer is read by a client that comes to its end.
                    unwanted += buffer.readableBytes
                    if unwanted > Self.mostUnwanted { return .cut }
                }
            }
            return isWhole() ? .complete : .cut
        } catch {
            return .cut
        }
    }

    private static let mostUnwanted = 8 << 20
}

/// The end of a pipe that is written to: by itself as long as the pipe has room, which is all that a small request needs, and
/// from then on as a channel that waits for it.
private struct Inlet {
    private let writer: CInt
    private let loop: any EventLoop
    private var channel: (any Channel)?

    init(_ writer: CInt, _ loop: any EventLoop) {
        self.writer = writer
        self.loop = loop
    }

    /// It cannot be written to, whoever reads.
    struct Broken: Error {}

    /// Throws `Broken`, and something else when nobody reads any more.
    mutating func write(_ buffer: ByteBuffer) async throws {
        var rest = buffer
        if channel == nil {
            do {
                let count = try rest.withUnsafeReadableBytes { try PipeEnds.writeNow($0, to: writer) }
                rest.moveReaderIndex(forwardBy: count)
            } catch let error as SystemCallError where error.errno != .brokenPipe {
                throw Broken()
            }
            if rest.readableBytes == 0 { return }
            channel = try await makeChannel()
        }
        try await channel?.writeAndFlush(rest).get()
    }

    private func makeChannel() async throws -> any Channel {
        do {
            return try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(output: writer).get()
        } catch {
            throw Broken()
        }
    }

    consuming func close() async {
        if let channel {
            try? await channel.close().get()  // closed already when the job has read enough
        } else {
            _ = Descriptor(owning: writer)
        }
    }
}

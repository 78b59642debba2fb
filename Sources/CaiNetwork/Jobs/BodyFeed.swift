import CaiPlatform
import Hummingbird
import NIOCore
import NIOPosix
import Synchronization

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
        do {
            let pipe = try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(output: writer).get()
            let end = await move(body, to: pipe)
            // Before the end can be read.
            state.withLock { $0 = end }
            try? await pipe.close().get()  // closed already when the job has read enough
        } catch {
            _ = Descriptor(owning: writer)
        }
    }

    private func move(_ body: RequestBody, to pipe: any Channel) async -> State {
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
                    try await pipe.writeAndFlush(buffer).get()
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

import CaiPlatform
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix

/// `GET /v1/export`: the volume as an archive, while it is being written.
struct ExportHandler: Sendable {
    let job: @Sendable (JobCall, () -> Void) throws -> JobAnswer
    let runner: JobRunner

    /// The reading end of a pipe, closed with the last reference.
    private final class Reader: Sendable {
        let descriptor: Descriptor
        init(_ raw: CInt) { descriptor = Descriptor(owning: raw) }
    }

    /// Begins to answer when nothing but the writing itself can fail any more. Where that fails, the connection is cut off: an
    /// answer that ends is whole. The trailer `Cai-Findings` has the number of findings, `Cai-Left-Out` the amounts that were
    /// left out.
    func run(_ arguments: [String], format: String?) async throws -> Response {
        try await runner.places.take()
        let places = runner.places
        let loop = runner.threads.loop
        let (raw, writer) = try PipeEnds.make()
        let reader = Reader(raw)
        let begun = loop.makePromise(of: Void.self)
        let job = job
        let runner = runner
        let work = Task(executorPreference: LoopExecutor(loop)) {
            defer { places.give() }
            return try await runner.run("export", JobCall(arguments: arguments, stream: writer)) { call in
                let result = Result { try job(call) { begun.succeed() } }
                if case .failure(let error) = result { begun.fail(error) }
                return try result.get()
            }
        }
        try await begun.futureResult.get()
        let type = format == "tar.zst" ? "application/zstd" : "application/gzip"
        return Response(
            status: .ok, headers: [.contentType: type],
            body: .init { writer in
                try await Self.move(reader, on: loop, to: &writer)
                let answer = try await work.value
                try await writer.finish([.findings: "\(answer.findings.count)", .leftOut: answer.leftOut ?? "[]"])
            })
    }

    private static func move(
        _ reader: Reader, on loop: any EventLoop, to writer: inout any ResponseBodyWriter
    ) async throws {
        let input = try reader.descriptor.duplicate().release()
        let pipe = try await NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(input: input) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, Never>(wrappingChannelSynchronously: channel)
            }
        }
        try await pipe.executeThenClose { pieces in
            for try await piece in pieces { try await writer.write(piece) }
        }
    }
}

extension HTTPField.Name {
    /// The number of findings of an export.
    static var findings: Self { Self("Cai-Findings") ?? .age }

    /// The amounts that an export left out, by reason.
    static var leftOut: Self { Self("Cai-Left-Out") ?? .age }
}

import HTTPTypes
import Hummingbird
import NIOCore

/// What has a content: `POST /v1/import`, an archive as `cai import --from -` reads it, and `POST /v1/plan`, an index.
struct ImportHandler: Sendable {
    let name: String
    let job: AgentJobs.Job
    let runner: JobRunner
    let limit: Int64
    let pace: Pace

    /// Answers with the report; or, for who accepts `application/x-ndjson`, with a line for each thing that is done and the
    /// report as the last one.
    func run(_ request: Request, _ context: AgentContext, _ arguments: [String]) async throws -> Response {
        if let length = request.headers[.contentLength].flatMap({ Int64($0) }), length > limit {
            throw APIError.contentTooLarge(limit)
        }
        guard request.accepts("application/x-ndjson") else {
            return try await runner.places.with {
                .json(try await perform(request, context, arguments) { _, _ in })
            }
        }
        try await runner.places.take()
        let handler = self
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson"],
            body: .init { writer in
                defer { handler.runner.places.give() }
                try await handler.perform(request, context, arguments, to: &writer)
                try await writer.finish(nil)
            })
    }

    private func perform(
        _ request: Request, _ context: AgentContext, _ arguments: [String],
        _ tell: @escaping @Sendable (String, String) -> Void
    ) async throws -> JobAnswer {
        context.exchange.beginReading()
        let exchange = context.exchange
        let feed = try BodyFeed(limit: limit, pace: pace) { exchange.isWhole }
        let call = JobCall(arguments: arguments, stream: feed.reader, confirm: { try feed.confirm() })
        async let answer = runner.run(name, call, also: tell, job)
        await feed.pump(request.body, on: runner.threads.loop)
        return try await answer
    }

    /// The same, telling line by line.
    private func perform(
        _ request: Request, _ context: AgentContext, _ arguments: [String], to writer: inout any ResponseBodyWriter
    ) async throws {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        async let last: Void = {
            let line: String
            do {
                let answer = try await perform(request, context, arguments) { _, line in continuation.yield(line) }
                line = try JSONLine.result(answer)
            } catch {
                line = (APIError(error) ?? APIError(.internalServerError)).line
            }
            continuation.yield(line)
            continuation.finish()
        }()
        for await line in lines { try await writer.write(ByteBuffer(string: line + "\n")) }
        await last
    }
}

extension Request {
    /// Whether the client asks for a kind of content by its name.
    func accepts(_ type: String) -> Bool {
        headers[values: .accept].flatMap { $0.split(separator: ",") }
            .contains { $0.split(separator: ";")[0].drop { $0 == " " }.lowercased().hasPrefix(type) }
    }
}

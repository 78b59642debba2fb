import HTTPTypes
import Hummingbird

/// What changes something and has no content: `POST /v1/sync`, `POST /v1/links/repair`, `POST /v1/undo`.
struct ChangeHandlers: Sendable {
    let jobs: AgentJobs
    let runner: JobRunner

    func sync(_ arguments: [String]) async throws -> Response { try await run("sync", arguments, jobs.sync) }
    func repair(_ arguments: [String]) async throws -> Response { try await run("repair", arguments, jobs.repair) }
    func undo(_ arguments: [String]) async throws -> Response { try await run("undo", arguments, jobs.undo) }

    private func run(_ name: String, _ arguments: [String], _ job: @escaping AgentJobs.Job) async throws -> Response {
        try await runner.places.with {
            .json(try await runner.run(name, JobCall(arguments: arguments), job))
        }
    }
}

extension Response {
    /// The report of a job: 200 where the command would end with 0, else 422 unless it says another status.
    static func json(_ answer: JobAnswer) -> Response {
        let failure = answer.status.map { HTTPResponse.Status(code: $0) } ?? .unprocessableContent
        var response = json(text: answer.text, status: answer.isSuccess ? .ok : failure)
        if let seconds = answer.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        return response
    }
}

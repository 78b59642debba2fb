import CaiModel
import Hummingbird
import NIOCore

/// Who may log in: `/v1/users` and `/v1/bootstrap`. Contents hold passwords and codes, and so get into no log.
struct AccountHandlers: Sendable {
    private typealias Look = SharedLook<Result<JobAnswer, any Error>>

    private let jobs: AgentJobs
    private let runner: JobRunner
    private let limit: Int64
    private let pace: Pace
    private let looks: [UsersWord: Look]
    private let status: Look

    init(_ jobs: AgentJobs, _ runner: JobRunner, _ worker: Worker, _ loop: any EventLoop, limit: Int64, pace: Pace) {
        self.jobs = jobs
        self.runner = runner
        self.limit = limit
        self.pace = pace
        let look = { (word: UsersWord) in
            Look(worker, loop) { Result { try jobs.users(word, JobCall(arguments: [])) } }
        }
        looks = [.list: look(.list), .lint: look(.lint)]
        status = Look(worker, loop) { Result { try jobs.bootstrap(.status, JobCall(arguments: [])) } }
    }

    /// What `cai users list` and `cai users lint` print with `--json`.
    func look(_ word: UsersWord) async throws -> Response {
        guard let look = looks[word] else { throw APIError.notFound }
        return .json(text: try await look.value().get().text)
    }

    /// What `cai bootstrap status` prints.
    func bootstrapStatus() async throws -> Response { .json(try await status.value().get()) }

    /// A change without a content.
    func change(_ word: UsersWord, _ arguments: [String]) async throws -> Response {
        let jobs = jobs
        return try await runner.places.with {
            .json(
                try await runner.run("users \(word.rawValue)", JobCall(arguments: arguments)) {
                    try jobs.users(word, $0)
                })
        }
    }

    /// A change with a user as its content.
    func put(
        _ word: UsersWord, _ request: Request, _ context: AgentContext, _ arguments: [String]
    ) async throws -> Response {
        let jobs = jobs
        return try await ImportHandler(
            name: "users \(word.rawValue)", job: { try jobs.users(word, $0) }, runner: runner, limit: limit, pace: pace
        ).run(request, context, arguments)
    }

    /// What `cai bootstrap` reads from its standard input is the content.
    func bootstrap(_ word: BootstrapWord, _ request: Request, _ context: AgentContext) async throws -> Response {
        let jobs = jobs
        return try await ImportHandler(
            name: "bootstrap \(word.rawValue)", job: { try jobs.bootstrap(word, $0) }, runner: runner, limit: limit,
            pace: pace
        ).run(request, context, [])
    }
}

import Hummingbird

/// What a handler knows of the request besides the request itself.
struct AgentContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) { coreContext = .init(source: source) }
}

/// What the handlers work with.
struct AgentState: Sendable {
    let health: HealthHandler

    init(jobs: AgentJobs, worker: Worker) {
        health = HealthHandler(SharedLook { try await worker.run { jobs.health() } })
    }
}

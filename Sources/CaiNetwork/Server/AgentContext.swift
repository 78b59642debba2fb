import Hummingbird
import NIOCore

/// What a handler knows of the request besides the request itself.
struct AgentContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) { coreContext = .init(source: source) }
}

/// What the handlers work with.
struct AgentState: Sendable {
    let health: HealthHandler

    init(jobs: AgentJobs, worker: Worker, loop: any EventLoop) {
        health = HealthHandler(SharedLook(worker, loop) { jobs.health() })
    }
}

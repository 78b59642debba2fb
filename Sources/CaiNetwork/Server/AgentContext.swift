import CaiModel
import Hummingbird
import Logging
import NIOCore

/// What a handler knows of the request besides the request itself.
struct AgentContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel
    let exchange: Exchange
    /// Whether root asks.
    let isRoot: Bool

    init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
        exchange = source.exchange
        isRoot = source.isRoot
    }

    struct Source: RequestContextSource {
        let channel: any Channel
        let logger: Logger
        let exchange: Exchange
        let isRoot: Bool
    }
}

/// What the handlers work with.
struct AgentState: Sendable {
    let health: HealthHandler
    let status: StatusHandler
    let looks: LookHandlers
    let changes: ChangeHandlers
    let importing: ImportHandler
    let plan: ImportHandler
    let export: ExportHandler
    let events: EventsHandler
    let accounts: AccountHandlers
    let counters: Counters

    init(
        jobs: AgentJobs, hub: EventHub, counters: Counters, worker: Worker, loop: any EventLoop, limits: ServiceLimits,
        logger: Logger
    ) {
        let runner = JobRunner(
            threads: JobThreads(loop: loop),
            places: Places(4, reserved: 1, waiting: 64, patience: .seconds(2), loop: loop),
            hub: hub, counters: counters, logger: logger)
        self.counters = counters
        health = HealthHandler(SharedLook(worker, loop) { jobs.health() })
        status = StatusHandler(SharedLook(worker, loop) { jobs.status() }, counters, hub)
        looks = LookHandlers(jobs, worker, loop)
        changes = ChangeHandlers(jobs: jobs, runner: runner)
        importing = ImportHandler(
            name: "import", job: jobs.importing, runner: runner, limit: limits.requestBytes, pace: limits.pace)
        plan = ImportHandler(
            name: "plan", job: jobs.plan, runner: runner, limit: min(limits.requestBytes, Int64(PushIndex.largest)),
            pace: limits.pace)
        export = ExportHandler(job: jobs.export, runner: runner)
        events = EventsHandler(hub: hub, loop: loop)
        accounts = AccountHandlers(
            jobs, runner, worker, loop, limit: min(limits.requestBytes, 64 << 10), pace: limits.pace)
    }
}

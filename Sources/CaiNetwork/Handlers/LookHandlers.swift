import CaiModel
import Hummingbird
import NIOCore

/// What only looks: `GET /v1/links`, `GET /v1/persistence`.
struct LookHandlers: Sendable {
    private let links: SharedLook<Result<JobAnswer, any Error>>
    private let guide: SharedLook<Result<JobAnswer, any Error>>
    private let persistence: SharedLook<Result<JobAnswer, any Error>>

    init(_ jobs: AgentJobs, _ worker: Worker, _ loop: any EventLoop) {
        links = SharedLook(worker, loop) { Result { try jobs.links(JobCall(arguments: [])) } }
        guide = SharedLook(worker, loop) { Result { try jobs.guide(JobCall(arguments: [])) } }
        persistence = SharedLook(worker, loop) { Result { try jobs.persistence(JobCall(arguments: [])) } }
    }

    /// The state of every link, as `cai links check --json` prints it.
    func linkStates() async throws -> Response { .json(text: try await links.value().get().text) }

    /// What a host has to know before it looks at what it pushes.
    func pushGuide() async throws -> Response { .json(text: try await guide.value().get().text) }

    /// What survives what, as `cai persistence check --json` prints it.
    func persistenceReport() async throws -> Response { .json(text: try await persistence.value().get().text) }
}

/// `GET /v1/status`.
struct StatusHandler: Sendable {
    private let look: SharedLook<ServiceStatus>
    private let counters: Counters
    private let hub: EventHub

    init(_ look: SharedLook<ServiceStatus>, _ counters: Counters, _ hub: EventHub) {
        self.look = look
        self.counters = counters
        self.hub = hub
    }

    func report() async throws -> Response {
        var status = try await look.value()
        status.running = counters.running
        status.connections = counters.connections
        status.eventReaders = hub.readerCount
        return .json(status)
    }

    /// `GET /metrics`, in the text format of Prometheus.
    func metrics() async throws -> Response {
        let page = MetricsPage(counters: counters, events: hub.counts, readers: hub.readerCount)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: page.text)))
    }
}

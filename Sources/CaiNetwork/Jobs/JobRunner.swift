import CaiModel
import CaiPlatform
import Logging
import Synchronization

/// Runs the jobs that change something, or take long: counted, limited, and told to those who listen.
struct JobRunner: Sendable {
    let threads: JobThreads
    let places: Places
    let hub: EventHub
    let counters: Counters
    let logger: Logger
    private let leftovers = Leftovers()

    init(threads: JobThreads, places: Places, hub: EventHub, counters: Counters, logger: Logger) {
        self.threads = threads
        self.places = places
        self.hub = hub
        self.counters = counters
        self.logger = logger
    }

    /// Runs a job with a place that the caller has. What it tells goes to everybody who listens, and to `also`.
    func run(
        _ name: String, _ call: JobCall, also: @escaping @Sendable (String, String) -> Void = { _, _ in },
        _ job: @escaping @Sendable (JobCall) throws -> JobAnswer
    ) async throws -> JobAnswer {
        counters.begin(name)
        defer { counters.end(name) }
        let hub = hub
        let told = JobCall(arguments: call.arguments, stream: call.stream, confirm: call.confirm) { kind, line in
            hub.publish(kind, line)
            also(kind, line)
        }
        defer { leftovers.giveBack(unless: { [counters] in counters.jobs > 0 }) }
        let answer = try await threads.run { try job(told) }
        answer.findings.forEach { logger.log($0) }
        return answer
    }
}

/// The memory that jobs have used and freed.
private final class Leftovers: Sendable {
    private static let patience = Duration.seconds(1)
    private let isWaiting = Atomic(false)

    /// Gives it back to the kernel a little later, unless something runs then: to take it again at once costs more than a small
    /// job.
    func giveBack(unless isBusy: @escaping @Sendable () -> Bool) {
        guard !isWaiting.exchange(true, ordering: .relaxed) else { return }
        Task.detached { [self] in
            // Cut short only by the end of this process.
            try? await Task.sleep(for: Self.patience)
            isWaiting.store(false, ordering: .relaxed)
            if !isBusy() { Memory.giveBack() }
        }
    }
}

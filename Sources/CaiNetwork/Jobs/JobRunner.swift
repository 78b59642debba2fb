import CaiModel
import CaiPlatform
import Logging

/// Runs the jobs that change something, or take long: counted, limited, and told to those who listen.
struct JobRunner: Sendable {
    let threads: JobThreads
    let places: Places
    let hub: EventHub
    let counters: Counters
    let logger: Logger

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
        let counters = counters
        let answer = try await threads.run {
            // The last one gives back what all of them have left.
            defer { if counters.jobs == 1 { Memory.giveBack() } }
            return try job(told)
        }
        answer.findings.forEach { logger.log($0) }
        return answer
    }
}

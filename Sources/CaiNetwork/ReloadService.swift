import CaiModel
import CaiPlatform
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads settings and manifests again and repairs links, each time that SIGHUP asks for it.
struct ReloadService: Service {
    let hangups: UnixSignalsSequence
    let jobs: AgentJobs
    let worker: Worker
    let gate: PeerGate
    let manager: ServiceManager
    let place: String
    let logger: Logger

    func run() async throws {
        for await _ in hangups.cancelOnGracefulShutdown() { await reload() }
    }

    private func reload() async {
        manager.tell(.reloading(at: MonotonicClock.microseconds), .status("Reading settings and manifests"))
        let jobs = jobs
        do {
            let reload = try await worker.run { jobs.reload() }
            gate.apply(reload.peers)
            reload.findings.forEach { logger.log($0) }
            logger.info("reloaded: \(reload.summary)")
            manager.tell(.ready, .status("Answering on \(place); \(reload.summary)"))
        } catch {
            manager.tell(.ready)  // the service is about to end
        }
    }
}

extension Logger {
    /// Tells a finding at its severity.
    func log(_ finding: Finding) {
        let level: Level =
            switch finding.severity {
            case .note: .notice
            case .warning: .warning
            case .error: .error
            }
        log(level: level, "\(finding.told)")
    }
}

import CaiModel
package import CaiPlatform
package import Logging

/// The agent service where no request can be answered: it keeps its place for what else the service does, such as guarding
/// links, reads its settings again on SIGHUP and ends on SIGTERM and SIGINT.
package struct SilentService {
    private let reason: String
    private let jobs: AgentJobs
    private let manager: ServiceManager
    private let logger: Logger

    /// `reason` says why no request can be answered.
    package init(reason: String, jobs: AgentJobs, manager: ServiceManager, logger: Logger) {
        self.reason = reason
        self.jobs = jobs
        self.manager = manager
        self.logger = logger
    }

    /// Waits until it is told to stop. Call it while no other thread takes signals.
    package func run() {
        let signals = HeldSignals()
        tell(.ready)
        let pause = manager.watchdog.map { $0 / 2 } ?? .seconds(3600)
        while true {
            switch signals.next(within: pause) {
            case nil: if manager.watchdog != nil { manager.socket?.send(.watchdog) }
            case .hangup:
                manager.tell(.reloading(at: MonotonicClock.microseconds))
                let reload = jobs.reload()
                reload.findings.forEach { logger.log($0) }
                logger.info("reloaded: \(reload.summary)")
                tell(.ready)
            case .terminate: return manager.tell(.stopping)
            case .wake: continue
            }
        }
    }

    private func tell(_ message: ServiceMessage) {
        manager.tell(message, .status("No request is answered: \(reason)"))
    }
}

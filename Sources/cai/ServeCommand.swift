import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform
import Logging
import SystemPackage

/// `cai serve`: the agent service.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Be the agent service: answer HTTP on a Unix socket.",
        discussion: """
            GET /v1/health, /v1/status, /v1/links, /v1/persistence, /v1/export, /v1/events and /metrics look; POST \
            /v1/import, /v1/sync, /v1/links/repair and /v1/undo do what the commands of these names do, with their flags as \
            query, and answer what they print with --json: openapi.json describes it. Who may log in is for root alone: /v1/users and \
            /v1/bootstrap, as cai users and cai bootstrap. Root, the agent, and the users of \
            the setting socket_uids may ask; the kernel tells who it is. With socket_token_file a request also needs \
            Authorization: Bearer and the line in that file.

            The socket is /run/containai/agent.sock, or the one that systemd passes. Where /run/containai cannot be written \
            it is in $XDG_RUNTIME_DIR/containai, else in /tmp/containai-UID. A socket that somebody answers on is left \
            alone: exit code 75.

            With manage_users, what passwd, usermod and useradd change is kept within a second (cai users persist).

            SIGHUP reads settings and manifests again and repairs the links (cai init --repair). SIGTERM answers what was \
            asked before and ends. Meanwhile links are kept as cai links watch does, unless link_guard is false. A service \
            manager (NOTIFY_SOCKET) hears of all that, and has its watchdog fed.
            """)

    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Answer on this socket (below the root).", valueName: "path"))
    var socket: String?
    @Flag(help: ArgumentHelp("Print what can be asked for, and end.", visibility: .hidden)) var routes = false

    func run() throws {
        if routes { return AgentService.routes.forEach { print($0) } }
        try reportingFailures {
            StandardError.outliveReaders()
            Memory.share()
            let environment = Environment.all
            let log = SystemLog("cai", environment: environment)
            let manager = ServiceManager.take()
            let passed = try SocketActivation.take()
            let workplace = try global.workplaceAsFound()
            let logger = ServiceLog.logger("cai", log, findings: workplace.settings.findings)
            if let problem = workplace.tokenProblem { logger.log(problem) }
            let socket =
                try AgentSocket(passed: passed)
                ?? AgentSocket(workplace, at: self.socket.map { FilePath($0) }, environment: environment)
            defer { socket.remove() }
            if let exposure = socket.exposure { logger.log(exposure) }
            let hub = EventHub()
            _ = HeldSignals()  // while there is no other thread
            let guardian = ServiceGuard(logger, hub)
            try guardian.restart(workplace)
            defer { guardian.stop() }
            let users = UserWatcher(serving: workplace, logger)
            defer { users?.stop() }
            let jobs = ServiceJobs(workplace, guardian: guardian, logger, isLasting: true) { [global] in
                try global.workplaceAsFound()
            }
            try AgentService(
                socket: socket.descriptorToServe(),
                place: socket.path?.printable ?? "the socket that was passed",
                jobs: jobs.all, hub: hub, peers: workplace.peers,
                limits: ServiceLimits(workplace.settings), manager: manager, logger: logger,
                whenEnding: { socket.remove() }
            ).run()
        }
    }
}

extension UserWatcher {
    /// The watcher of the service; nil where users are not managed, or by somebody else.
    fileprivate convenience init?(serving workplace: Workplace, _ logger: Logger) {
        guard workplace.settings.isOn(.manageUsers), Identity.isRoot else { return nil }
        do {
            try workplace.requireInside(for: "serve")
            try self.init(workplace) { result in
                switch result {
                case .success(let report):
                    report.actions.forEach { logger.notice("\($0)") }
                    report.findings.filter { $0.severity > .note }.forEach { logger.log($0) }
                case .failure(let problem as UserProblem): logger.log(problem.finding)
                case .failure(let error): logger.error("users are not kept: \(error.sentence)")
                }
            }
        } catch {
            logger.error("changes of users are not seen: \(error.sentence)")
            return nil
        }
    }
}

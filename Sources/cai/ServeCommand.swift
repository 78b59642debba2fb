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
            try EventLoopNeeds.checkThreads()
            let place = try openSocket(workplace, passed, environment)
            let socket: AgentSocket?
            switch place {
            case .success(let found): socket = found
            case .failure(let silence):
                socket = nil
                logger.log(silence.finding)
            }
            defer { socket?.remove() }
            for finding in [socket?.exposure, socket?.narrowing].compactMap(\.self) { logger.log(finding) }
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
            guard let socket else {
                return SilentService(reason: place.silence, jobs: jobs.all, manager: manager, logger: logger).run()
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

/// Why the service answers no request.
private struct Silence: Error {
    let finding: Finding
}

extension Result where Failure == Silence {
    /// The reason in words; empty if there is none.
    fileprivate var silence: String {
        if case .failure(let silence) = self { silence.finding.sentence } else { "" }
    }
}

extension ServeCommand {
    /// The socket to answer on, or why none can be had: that is no reason not to guard the links. Throws if another process
    /// answers there, if something else stands there, or for a socket that the caller named.
    private func openSocket(
        _ workplace: Workplace, _ passed: [PassedDescriptor], _ environment: [String: String]
    ) throws -> Result<AgentSocket, Silence> {
        do {
            try EventLoopNeeds.check()
            let made = try AgentSocket(passed: passed)
            return .success(
                try made
                    ?? AgentSocket(workplace, at: self.socket.map { FilePath($0) }, environment: environment))
        } catch {
            if error is AgentSocketProblem || self.socket != nil || !passed.isEmpty { throw error }
            let remedy =
                (error as? SystemCallError)?.subject == EventLoopNeeds.subject
                ? "allow this system call in the seccomp profile of the container"
                : "mount a tmpfs that root can write at /run/containai"
            return .failure(
                Silence(
                    finding: Finding(
                        .error, at: "socket", "no request is answered: \(error.sentence)",
                        advice: "links are guarded all the same; \(remedy), and start the container again")))
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

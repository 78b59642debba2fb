import ArgumentParser
import CaiCore
import CaiManifests
import CaiModel
import CaiNetwork
import CaiPlatform
import SystemPackage

/// `cai serve`: the agent service.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Be the agent service: answer HTTP on a Unix socket.",
        discussion: """
            GET /v1/health answers what cai health --json prints, with status 503 when the container is not well. Root, the \
            agent, and the users of the setting socket_uids may ask; the kernel tells who it is.

            The socket is /run/containai/agent.sock, or the one that systemd passes. Where /run/containai cannot be written \
            it is in $XDG_RUNTIME_DIR/containai, else in /tmp/containai-UID. A socket that somebody answers on is left \
            alone: exit code 75.

            SIGHUP reads settings and manifests again and repairs the links (cai init --repair). SIGTERM answers what was \
            asked before and ends. Meanwhile links are kept as cai links watch does, unless link_guard is false. A service \
            manager (NOTIFY_SOCKET) hears of all that, and has its watchdog fed.
            """)

    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Answer on this socket (below the root).", valueName: "path"))
    var socket: String?

    func run() throws {
        try reportingFailures {
            StandardError.outliveReaders()
            let environment = Environment.all
            let log = SystemLog("cai", environment: environment)
            let manager = ServiceManager.take()
            let passed = try SocketActivation.take()
            let workplace = try global.workplaceAsFound()
            let logger = ServiceLog.logger("cai", log, findings: workplace.settings.findings)
            let work = AgentWork(
                workplace, manifests: ManifestLoader(builtIn: BuiltInManifests.files), environment: environment,
                answers: LocalPage.answers
            ) { [global] in try global.workplaceAsFound() }
            let socket =
                try AgentSocket(passed: passed)
                ?? AgentSocket(workplace, at: self.socket.map { FilePath($0) }, environment: environment)
            defer { socket.remove() }
            _ = HeldSignals()  // while there is no other thread
            let guardian =
                try workplace.settings.isOn(.linkGuard) && (try? workplace.volumeState()) != .unused
                ? GuardThread(
                    workplace,
                    load: {
                        // Links into a directory of the container itself would only look as if something were kept.
                        try workplace.requireContainer(for: "serve")
                        return try GuardedMachine(workplace)
                    }, report: { logger.log(GuardLines.finding($0)) })
                : nil
            defer { guardian?.stop() }
            try AgentService(
                socket: socket.descriptorToServe(),
                place: socket.path?.printable ?? "the socket that was passed",
                jobs: AgentJobs(health: { work.health() }, reload: { work.reload() }),
                peers: workplace.peers, manager: manager, logger: logger
            ).run()
        }
    }
}

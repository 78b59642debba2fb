import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform
import Logging
import SystemPackage

/// `cai receive`: the end of a push inside the container, where no socket is shared.
struct ReceiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Take a push on standard input and output.",
        discussion: """
            For cai push --exec 'docker exec -i NAME cai receive'. Leads it to the agent service; where none runs, does \
            what that would do, with the same plan, locks and answers, and ends with the connection.
            """)

    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("The agent socket (below the root); somebody has to answer there.", valueName: "path"))
    var socket: String?

    func run() throws {
        try reportingFailures {
            StandardError.outliveReaders()
            let workplace = try global.workplaceAsFound()
            do {
                try lead(to: workplace)
            } catch let error as SystemCallError where isNobodyThere(error) {
                try answer(workplace)
            }
        }
    }

    private func lead(to workplace: Workplace) throws(SystemCallError) {
        let path = FilePath(socket ?? workplace.settings.path(.stateDirectory).appending(AgentSocket.name).string)
        try LocalConnection.bridge(LocalConnection.open(workplace.rootPath.appending(path.components)))
    }

    /// Whether no service runs where one would be, and none was named.
    private func isNobodyThere(_ error: SystemCallError) -> Bool {
        socket == nil && error.operation == "connect"
            && [.noSuchFileOrDirectory, .connectionRefused].contains(error.errno)
    }

    /// Does what the service would do.
    private func answer(_ workplace: Workplace) throws {
        let logger = ServiceLog.logger(
            "cai", SystemLog("cai", environment: Environment.all), findings: workplace.settings.findings)
        if let problem = workplace.tokenProblem { logger.log(problem) }
        let guardian = ServiceGuard(logger, EventHub())
        let jobs = ServiceJobs(workplace, guardian: guardian, logger, isLasting: false) { [global] in
            try global.workplaceAsFound()
        }
        let ends = try LocalConnection.pair()
        let own = Descriptor(owning: ends.own)
        let conversation = AgentConversation(
            over: ends.other, jobs: jobs.all, peers: workplace.peers,
            limits: ServiceLimits(workplace.settings), logger: logger)
        let moved = Result { try LocalConnection.bridge(own) }
        // Whoever asked may be gone; what was begun is finished.
        LocalConnection.finishSending(own)
        try conversation.wait()
        try moved.get()
    }
}

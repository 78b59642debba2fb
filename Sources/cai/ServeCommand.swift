import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform

/// `cai serve`: the agent service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer on a Unix socket: GET /v1/health.")

    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("The socket to answer on.", valueName: "path"))
    var socket = "/run/containai/agent.sock"

    func run() async throws {
        let workplace = try global.workplace()
        let server = AgentServer(path: socket) {
            HealthJob(workplace, environment: Environment.all) {
                let session = try Session(workplace)
                return (session.machine, session.entries)
            }.run()
        }
        try await server.run()
    }
}

import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform

/// `cai status`: the state of the agents in this container.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show, for each agent, what is kept, what is cache, what is local, and how large it is.",
        discussion: """
            State is kept on the volume and exported; cache is kept and not exported; local parts belong to this container \
            and are emptied at each start. Exit code 1 if the state of an agent would be lost with the container.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try reportingFailures {
            let session = try Session(try global.workplace())
            let report = try session.workplace.asOwner {
                AgentStatusJob(session.machine, directories: session.directories)
                    .run(workspace: session.workplace.settings.path(.workspace))
            }
            print(global.json ? try report.json() : report.text, terminator: global.json ? "\n" : "")
            if report.states.contains(where: { !$0.isKept }) { throw Exit.found }
        }
    }
}

import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform

/// `cai hooks`: the programs that an image or a workspace wants run around a workload.
struct HooksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hooks", abstract: "Run the startup, shutdown or reload hooks by themselves.",
        subcommands: [Run.self])

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Run the hooks of one kind; exit 1 when one failed.")
        @OptionGroup var global: GlobalOptions
        @Argument(help: "startup, shutdown or reload.") var kind: HookKind

        func run() throws {
            try reportingFailures {
                StandardError.outliveReaders()
                let job = HooksJob(kind, try global.workplaceAsFound(), environment: Environment.all)
                let report = try job.run { name, line in Talk.line("[\(name)] \(line)") }
                report.surroundings.forEach(Talk.finding)
                report.runs.compactMap(\.line).forEach(Talk.line)
                if report.runs.contains(where: { $0.failureCode != nil }) { throw Exit.found }
            }
        }
    }
}

extension HookKind: ExpressibleByArgument {}

import ArgumentParser
import CaiInit
import CaiPlatform
import Dispatch

/// Where the program begins.
///
/// It is synchronous on purpose. An asynchronous main starts libdispatch for every command, and on a machine without
/// /proc that ends about every third run with SIGILL (`without /proc nothing crashes` in CaiSystemTests). An init is
/// chosen before anything else, so that it stays small.
@main
enum Start {
    static func main() {
        restoreEnvironment()
        if let program = Run.wanted { program.main() }
        perform()
    }

    /// Does what the command line says. Only a command that needs it gets a main that is asynchronous.
    private static func perform() {
        do {
            var command = try Cai.parseAsRoot()
            if command is any AsyncParsableCommand, !(command is Cai) { serve() }
            try command.run()
        } catch {
            Cai.exit(withError: error)
        }
    }

    /// Reads the command line once more: a command that was parsed here may not leave this thread.
    private static func serve() -> Never {
        Task {
            await Cai.main()
            Cai.exit()
        }
        dispatchMain()
    }
}

/// The root command. It is asynchronous for the sake of those below it: below a synchronous root they would print their help
/// instead of running.
struct Cai: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cai",
        abstract: "Keeps the container of an AI coding agent durable.",
        discussion: "Every command that changes something shows the same plan with --dry-run.",
        version: Build.version,
        subcommands: [
            EntrypointCommand.self, RunCommand.self, InitCommand.self, SyncCommand.self, LinksCommand.self,
            ImportCommand.self,
            UndoCommand.self,
            HooksCommand.self, HealthCommand.self, PersistenceCommand.self, ServeCommand.self, SystemdCommand.self,
            ManifestCommand.self, ConfigCommand.self,
            VersionCommand.self,
        ]
    )
}

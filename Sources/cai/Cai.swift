import ArgumentParser
import CaiInit
import CaiPlatform

/// Where the program begins.
///
/// It is synchronous on purpose, and so is every command. An asynchronous main starts libdispatch, and on a machine without
/// /proc that ends about every third run with SIGILL (`without /proc nothing crashes` in CaiSystemTests). An init is
/// chosen before anything else, so that it stays small.
@main
enum Start {
    static func main() {
        restoreEnvironment()
        if let program = Run.wanted { program.main() }
        if Relay.isWanted { Relay.perform() }
        if BootstrapHelper.isWanted { BootstrapHelper.perform() } else { Cai.main() }
    }
}

/// The root command.
struct Cai: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cai",
        abstract: "Keeps the container of an AI coding agent durable.",
        discussion: "Every command that changes something shows the same plan with --dry-run.",
        version: Build.version,
        subcommands: [
            EntrypointCommand.self, RunCommand.self, InitCommand.self, SyncCommand.self, LinksCommand.self,
            ImportCommand.self, ExportCommand.self, PushCommand.self, ReceiveCommand.self, SecretsCommand.self,
            UndoCommand.self,
            HooksCommand.self, HealthCommand.self, PersistenceCommand.self, ServeCommand.self, SystemdCommand.self,
            OpencodeCommand.self, UsersCommand.self, BootstrapCommand.self,
            ManifestCommand.self, ConfigCommand.self,
            VersionCommand.self,
        ]
    )
}

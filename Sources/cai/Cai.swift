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
        if BootstrapHelper.isWanted { BootstrapHelper.perform() } else { Cai.begin() }
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
            HooksCommand.self, StatusCommand.self, HealthCommand.self, PersistenceCommand.self, ServeCommand.self,
            SystemdCommand.self,
            OpencodeCommand.self, UsersCommand.self, BootstrapCommand.self,
            ManifestCommand.self, ConfigCommand.self, ThreatModelCommand.self,
            VersionCommand.self,
        ]
    )
}

extension Cai {
    /// Commands that are called often, or have to be quick, and the words that they are called by.
    private static var often: [(words: [String], type: any ParsableCommand.Type)] {
        [
            (["push"], PushCommand.self), (["init"], InitCommand.self), (["sync"], SyncCommand.self),
            (["links", "check"], LinksCommand.Check.self), (["links", "repair"], LinksCommand.Repair.self),
        ]
    }

    /// Runs the command that the arguments name.
    ///
    /// One that is called often is parsed by itself, which takes half the time. What does not come to a command that way
    /// (help, the version, a mistake) is parsed from the root, and told as always.
    static func begin() {
        guard var command = plain(CommandLine.arguments.dropFirst()) else { return main() }
        do {
            try command.run()
        } catch {
            exit(withError: error)
        }
    }

    private static func plain(_ arguments: ArraySlice<String>) -> (any ParsableCommand)? {
        guard let (words, type) = often.first(where: { arguments.starts(with: $0.words) }),
            let command = try? type.parseAsRoot(Array(arguments.dropFirst(words.count))),
            Swift.type(of: command) == type
        else { return nil }
        return command
    }
}

extension CommandConfiguration {
    /// The configuration of a command that is parsed by itself: says that the command is part of `cai`, so that it is not asked
    /// for completion scripts. Those come from the root.
    var often: CommandConfiguration {
        var result = self
        result._superCommandName = "cai"
        return result
    }
}

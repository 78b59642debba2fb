import ArgumentParser

/// `cai entrypoint`: boots, starts the command and stays its init.
///
/// As for `cai run` the flags are here for the help text.
struct EntrypointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entrypoint",
        abstract: "Boot, then run a command as the agent's user: the entrypoint of a container.",
        usage: "cai entrypoint [<flags>] [--] <command> [<arguments> ...]",
        discussion: """
            Runs cai init as a child, starts the services of agent.toml and cai serve, then the command as the agent's user in the workspace, with the container's \
            environment and the variables of .env, and does for it what cai run does. A boot that fails, crashes or takes \
            too long does not keep the command from starting, unless --strict says so.

            SIGTERM, SIGINT and the end of the command run the shutdown hooks, then end the command, the services and \
            what is left; SIGHUP reads settings and manifests again, repairs the links and takes over changed services. On a \
            terminal only the command prints while it runs: lines of services go to the journal, or to services.log in the \
            state directory (/run/containai). Each flag has a variable, CAI_ENTRYPOINT_GRACE for --grace; \
            USE_SYSTEMD=1 is --systemd. Exits with the code of the command, with 128 + the signal that ended it or the \
            boot, with the code of the failed step, and else as cai run.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Steps whose failure is fatal, with commas between: --strict=links,hooks. Without a list: all. Then so is a boot that crashes or takes too long.",
            valueName: "steps"))
    var strict: String?
    @Option(help: ArgumentHelp("The most time that the boot has (60s).", valueName: "time")) var bootTimeout: String?
    @Option(
        help: ArgumentHelp(
            "The most time that the end has, from SIGTERM to SIGKILL; shutdown hooks have half of it (10s).",
            valueName: "time"))
    var grace: String?
    @Option(help: ArgumentHelp("User to run the command as, in place of the agent.", valueName: "user[:group]"))
    var user: String?
    @Option(help: ArgumentHelp("Directory to start the command in, in place of the workspace.", valueName: "dir"))
    var workdir: String?
    @Option(
        name: .customLong("ready-fd"),
        help: ArgumentHelp("Write a line break to this descriptor once the command was started.", valueName: "number"))
    var readyDescriptor: String?
    @Flag(help: "Do not run the agent service, cai serve.") var noAgent = false
    @Flag(help: "Boot, then become /sbin/init.") var systemd = false
    @Flag(name: .shortAndLong, help: "Adopt orphans: accepted, and always so.") var subreaper = false
    @Flag(name: .shortAndLong, help: "Send signals to the command's process group.") var group = false
    @Flag(name: [.customShort("c"), .long], help: "Send signals to the command alone: undoes CAI_ENTRYPOINT_GROUP.")
    var singleChild = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Signal to get when the parent ends.", valueName: "signal"))
    var parentDeathSignal: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Exit code (0-255) that becomes 0; repeatable.", valueName: "code"))
    var expectExitCode: [String] = []
    @Flag(name: .shortAndLong, help: "Tell every orphan that is reaped.") var warnOnReap = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Send the command another signal, or none for 0; repeatable.", valueName: "from:to"))
    var rewrite: [String] = []
    @Flag(name: .shortAndLong, help: "Tell more on standard error; repeatable.") var verbose: Int

    /// Only reached when `entrypoint` was not the first word.
    func run() throws { throw CleanExit.helpRequest(self) }
}

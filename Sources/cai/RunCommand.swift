import ArgumentParser

/// `cai run`: the plain init.
///
/// The flags are here for the help text: `CaiInit.Run` reads them itself, because an init must be small and must pass the
/// command's words on byte for byte (`every flag of cai run is in its help` holds the two together).
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command as its init: forward signals, reap orphans, pass its exit code on.",
        usage: "cai run [<flags>] [--] <command> [<arguments> ...]",
        discussion: """
            Flags end at the first word that is none. Signals are given by name or number: TERM, SIGTERM, 15, RTMIN+3. \
            Each flag has a variable, CAI_RUN_GRACE for --grace; CAI_RUN_VERBOSE is a number, and lists are separated by \
            commas. Exits with the code of the command, with 128 + the signal that ended it, with 127 if it was not \
            found, 126 if it could not be executed, and 125 if the init itself failed.
            """
    )

    @Flag(name: .shortAndLong, help: "Adopt orphans: accepted, and always so.") var subreaper = false
    @Flag(name: .shortAndLong, help: "Send signals to the command's process group.") var group = false
    @Flag(name: [.customShort("c"), .long], help: "Send signals to the command alone: undoes CAI_RUN_GROUP.")
    var singleChild = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Signal to get, and to forward, when the parent ends.", valueName: "signal"))
    var parentDeathSignal: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Exit code (0-255) that becomes 0; repeatable.", valueName: "code"))
    var expectExitCode: [String] = []
    @Flag(name: .shortAndLong, help: "Tell every orphan that is reaped.") var warnOnReap = false
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Forward another signal, or none for 0; repeatable.", valueName: "from:to"))
    var rewrite: [String] = []
    @Flag(name: .shortAndLong, help: "Tell more on standard error; repeatable.") var verbose: Int
    @Option(
        help: ArgumentHelp(
            "Time between SIGTERM and SIGKILL for what the command leaves behind (5s). If given, it also runs for the command itself once SIGTERM was forwarded.",
            valueName: "time"))
    var grace: String?
    @Option(help: ArgumentHelp("User to run the command as, by name or number.", valueName: "user[:group]"))
    var user: String?
    @Option(help: ArgumentHelp("Directory to start the command in.", valueName: "dir")) var workdir: String?

    /// Only reached when `run` was not the first word.
    func run() throws { throw CleanExit.helpRequest(self) }
}

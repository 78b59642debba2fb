package import SystemPackage

/// How an init works on its command: what flags and variables can change.
package struct RunOptions: Hashable, Sendable {
    /// Whether signals go to the process group of the command instead of to the command alone.
    package var signalsGroup = false
    /// The signal that comes when the parent of the init ends.
    package var parentDeathSignal: Signal?
    /// Exit codes that become 0.
    package var expectedCodes: Set<UInt8> = []
    /// Whether every reaped orphan is told on standard error.
    package var warnsOnReap = false
    package var rewriting = SignalRewriting()
    /// How much is told on standard error; 0 is nothing but failures.
    package var verbosity = 0
    /// The most time that processes have between SIGTERM and SIGKILL, where somebody asked for one.
    package var requestedGrace: Duration?
    /// `USER[:GROUP]` to run the command as.
    package var user: String?
    /// Where the command starts; nil for where the init did.
    package var workingDirectory: FilePath?
    /// What only an entrypoint does.
    package var boot = BootOptions()

    package init() {}

    /// The most time that processes have which the command left behind.
    package var grace: Duration { requestedGrace ?? .seconds(5) }

    /// The exit code of the init for one of the command.
    package func code(for code: CInt) -> CInt {
        UInt8(exactly: code).map(expectedCodes.contains) == true ? 0 : code
    }
}

/// What `cai entrypoint` does before its command and beside it.
package struct BootOptions: Hashable, Sendable {
    /// The most time that the boot has.
    package var timeout = Duration.seconds(60)
    /// The boot steps that must not fail, as `cai init --strict` takes them; nil where the settings decide.
    package var strict: String?
    /// Where a line break tells that the command has been started.
    package var readyDescriptor: CInt?
    /// Whether the agent service may run.
    package var hasAgentService = true
    /// Whether `/sbin/init` takes over after the boot.
    package var isForSystemd = false

    package init() {}
}

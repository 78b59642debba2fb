import CPlatform
import Glibc

/// What an init does when its command is stopped and continued, for the shell above it.
struct JobControl {
    private let command: pid_t
    /// Whether this process has stopped, or tried to, because the command was stopped.
    private var isSuspended = false

    init(command: pid_t) { self.command = command }

    /// The command has been stopped. A shell above waits for this process and not for that one, so this one stops as well,
    /// with everybody else in its group, as the terminal would have stopped them all.
    mutating func commandStopped(_ signal: Signal) {
        guard getpid() != 1 else { return }
        // Without a terminal there is no shell that would continue anything.
        guard let isOurs = Terminal.with({ Terminal.isOurs($0) }) else { return }
        let wantsTerminal = signal == .terminalInput || signal == .terminalOutput
        if isOurs, wantsTerminal {
            // It was started in the background and this process has been brought to the foreground meanwhile.
            Terminal.give(to: command)
            kill(-command, SIGCONT)
            return
        }
        isSuspended = true
        let isFromTerminal = wantsTerminal || signal == .terminalStop
        cai_suffer_signal(isFromTerminal ? signal.number : SIGTSTP, isFromTerminal ? 1 : 0)
    }

    /// This process has been continued: so is the command, in the foreground if this process is there now.
    mutating func resume() {
        if getpid() != 1 { _ = Terminal.with { if Terminal.isOurs($0) { tcsetpgrp($0, command) } } }
        if isSuspended { kill(-command, SIGCONT) }
        isSuspended = false
    }
}

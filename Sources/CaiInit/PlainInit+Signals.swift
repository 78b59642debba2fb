import CPlatform
import Glibc

extension PlainInit {
    /// Does what a signal that came in asks for.
    mutating func handle(_ incoming: IncomingSignal) {
        guard isRunning, incoming.signal.isForwarded(from: incoming.origin) else { return }
        if incoming.signal == .continue { resume() }
        forward(incoming.signal, incoming)
    }

    /// Passes a signal on as the rules say.
    mutating func forward(_ signal: Signal, _ incoming: IncomingSignal?) {
        guard let outgoing = options.rewriting(signal) else {
            log.info("swallowed \(signal)")
            return
        }
        if SignalQueue.send(outgoing, to: command, isGroup: options.signalsGroup, as: incoming) {
            log.info("forwarded \(signal)\(outgoing == signal ? "" : " as \(outgoing)") to process \(command)")
        } else {
            let reason = errno
            log.info("\(outgoing) could not be sent to process \(command): errno \(reason)")
        }
        // Only whoever asked for a limit gets one here: engines and service managers have their own.
        if signal == .terminate, options.requestedGrace != nil { startGrace() }
    }

    /// The command has been stopped. A shell above waits for this process and not for that one, so this one stops as well,
    /// with everybody else in its group, as the terminal would have stopped them all.
    mutating func commandStopped(_ signal: Signal) {
        log.debug("process \(command) was stopped by \(signal)")
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
    private mutating func resume() {
        if getpid() != 1 { _ = Terminal.with { if Terminal.isOurs($0) { tcsetpgrp($0, command) } } }
        if isSuspended { kill(-command, SIGCONT) }
        isSuspended = false
    }
}

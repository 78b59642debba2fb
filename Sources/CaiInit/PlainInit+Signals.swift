import Glibc

extension PlainInit {
    /// Does what a signal that came in asks for.
    mutating func handle(_ incoming: IncomingSignal) {
        guard isRunning, incoming.signal.isForwarded(from: incoming.origin) else { return }
        if incoming.signal == .continue { jobControl.resume() }
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
}

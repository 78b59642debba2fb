/// What becomes of a signal on its way to the command (`--rewrite FROM:TO`).
package struct SignalRewriting: Hashable, Sendable {
    /// The signal that goes out for each number; nil for one that is swallowed.
    private var outgoing: [Signal?] = (0...Signal.last).map { Signal(number: $0) }

    /// Every signal goes out as it came in.
    package init() {}

    /// The signal to send for one that came in; nil when it is swallowed.
    package func callAsFunction(_ signal: Signal) -> Signal? { outgoing[Int(signal.number)] }

    /// Adds a rule in the notation of the command line: `TERM:QUIT`, `SIGHUP:15`, `WINCH:0` to swallow. The last rule for
    /// a signal holds; `name` is how errors call the flag. Throws `RunUsageError` for text that is no rule, and for signals
    /// that never come in.
    package mutating func add(_ rule: String, for name: String) throws(RunUsageError) {
        let sides = rule.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2 else {
            throw RunUsageError(
                "\(name): '\(rule)' is not of the form FROM:TO, for example TERM:QUIT, or WINCH:0 to swallow")
        }
        let from = try RunUsageError.signal(sides[0], for: name)
        guard ![.kill, .stop, .child].contains(from) else {
            throw RunUsageError("\(name): \(from) cannot be rewritten, because it is never forwarded")
        }
        outgoing[Int(from.number)] = sides[1] == "0" ? nil : try RunUsageError.signal(sides[1], for: name)
    }
}

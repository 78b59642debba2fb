/// A command line or a `CAI_RUN_*` variable that cannot be understood; the sentence says what about it.
package struct RunUsageError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// The signal of this name or number, or an error that says how signals are named.
    static func signal(_ text: String, for name: String) throws(RunUsageError) -> Signal {
        guard let signal = Signal(text) else {
            throw RunUsageError("\(name): '\(text)' is no signal; write for example TERM, SIGTERM, 15 or RTMIN+3")
        }
        return signal
    }
}

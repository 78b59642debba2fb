import Glibc

/// A signal by its Linux number, 1 to 64 (signal(7)).
package struct Signal: Hashable, Sendable {
    package let number: CInt

    /// A signal of this number; nil where there is none.
    package init?(number: Int) {
        guard (1...Signal.last).contains(number) else { return nil }
        self.number = CInt(number)
    }

    private init(_ number: CInt) { self.number = number }

    package static let last = 64
    package static let hangUp = Signal(SIGHUP)
    package static let interrupt = Signal(SIGINT)
    package static let quit = Signal(SIGQUIT)
    package static let kill = Signal(SIGKILL)
    package static let pipe = Signal(SIGPIPE)
    package static let terminate = Signal(SIGTERM)
    package static let child = Signal(SIGCHLD)
    package static let `continue` = Signal(SIGCONT)
    package static let stop = Signal(SIGSTOP)
    package static let terminalStop = Signal(SIGTSTP)
    package static let terminalInput = Signal(SIGTTIN)
    package static let terminalOutput = Signal(SIGTTOU)
}

/// The first real-time signal. Linux counts from 32 and the C library keeps two for itself; docker, systemd and kill(1)
/// mean 34, whatever C library a program has.
private let firstRealTime = 34

/// The names of signals 1 to 31, in this order.
private let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
]

/// Other names that some of them have.
private let otherNames = ["IOT": 6, "CLD": 17, "POLL": 29, "UNUSED": 31]

extension Signal {
    /// A signal by number (`15`) or by name, with and without `SIG`, in any case; real-time signals as `RTMIN+3` and
    /// `RTMAX-2`. Nil for anything else, zero included.
    package init?(_ text: String) {
        if let number = decimal(text) {
            self.init(number: number)
            return
        }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let index = names.firstIndex(of: name) {
            self.init(number: index + 1)
        } else if let number = otherNames[name] ?? realTimeNumber(name) {
            self.init(number: number)
        } else {
            return nil
        }
    }
}

extension Signal: CustomStringConvertible {
    /// The name with `SIG`; `SIGRTMIN+3` for a real-time signal, the bare number for the two that the C library keeps.
    package var description: String {
        let index = Int(number)
        if index <= names.count { return "SIG" + names[index - 1] }
        if index < firstRealTime { return "signal \(index)" }
        return index == firstRealTime ? "SIGRTMIN" : "SIGRTMIN+\(index - firstRealTime)"
    }
}

private func realTimeNumber(_ name: String) -> Int? {
    for (prefix, base, sign) in [("RTMIN", firstRealTime, 1), ("RTMAX", Signal.last, -1)] where name.hasPrefix(prefix) {
        let rest = name.dropFirst(prefix.count)
        if rest.isEmpty { return base }
        guard rest.first == (sign > 0 ? "+" : "-"), let offset = decimal(rest.dropFirst()) else { return nil }
        let number = base + sign * offset
        return (firstRealTime...Signal.last).contains(number) ? number : nil
    }
    return nil
}

/// A number of at most four decimal digits and nothing else.
func decimal(_ text: some StringProtocol) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
}

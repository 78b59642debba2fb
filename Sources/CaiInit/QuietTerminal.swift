import CPlatform
import Glibc

/// Standard error of this process while it is the terminal of the command.
///
/// The command inherits standard error. If that is a terminal, no other program may write to it from the start of the command
/// to its end: standard error of this process and of its helpers then is a pipe to the relay.
struct QuietTerminal {
    /// True if standard error is a terminal, and so the command's.
    static var isNeeded: Bool { isatty(2) == 1 }

    /// The terminal meanwhile, or -1.
    private var terminal: CInt = -1
    private(set) var isQuiet = false

    /// Descriptors of this process that must stay open.
    var descriptors: [CInt] { terminal >= 0 ? [terminal] : [] }

    /// Replaces standard error by a pipe.
    mutating func begin(writingTo writer: CInt) {
        terminal = cai_duplicate(2)
        isQuiet = dup2(writer, 2) == 2
    }

    /// Makes standard error the terminal again, if it was.
    mutating func end() {
        if terminal >= 0 {
            dup2(terminal, 2)
            close(terminal)
        }
        terminal = -1
        isQuiet = false
    }
}

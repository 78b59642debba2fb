import CPlatform
import CaiPlatform
import Glibc

/// The controlling terminal (credentials(7), "Process group ID"), as far as an init has to do with it: to whom it listens.
enum Terminal {
    /// Calls `body` with a descriptor of the controlling terminal: one of the standard ones, else `/dev/tty`. Returns nil
    /// where there is none.
    static func with<Result>(_ body: (CInt) -> Result) -> Result? {
        for standard in 0...2 where tcgetpgrp(CInt(standard)) >= 0 { return body(CInt(standard)) }
        let device = Descriptor(
            owning: cai_openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0))
        guard device.raw >= 0, tcgetpgrp(device.raw) >= 0 else { return nil }
        return body(device.raw)
    }

    /// Whether it listens to the process group of this process.
    static func isOurs(_ terminal: CInt) -> Bool {
        let foreground = tcgetpgrp(terminal)
        guard foreground == getpgrp() else { return false }
        return foreground != 0 || mayRead()
    }

    /// A process group of another PID namespace has the number 0, ours as well as any in the foreground. Then only the
    /// terminal itself can tell: reading from the background fails with EIO while SIGTTIN is blocked, also reading nothing.
    private static func mayRead() -> Bool {
        let device = Descriptor(
            owning: cai_openat(AT_FDCWD, "/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0))
        var byte: UInt8 = 0
        return device.raw >= 0 && (read(device.raw, &byte, 0) == 0 || errno == EAGAIN)
    }

    /// Starts a command: in the foreground exactly when this process is there. Throws `CommandFailure`; the terminal then
    /// listens to this process again.
    static func start(
        _ command: borrowing Command, leftOut: ([String]) -> Void = { _ in }
    ) throws(CommandFailure) -> (process: pid_t, hasTerminal: Bool) {
        let result = with { terminal in
            let isOurs = isOurs(terminal)
            let process = Swift.Result { () throws(CommandFailure) in
                try command.start(terminal: isOurs ? terminal : nil, patience: patience, leftOut: leftOut)
            }
            if isOurs, case .failure = process { tcsetpgrp(terminal, getpgrp()) }
            return process.map { ($0, isOurs) }
        }
        if let result { return try result.get() }
        return (try command.start(terminal: nil, patience: patience, leftOut: leftOut), false)
    }

    /// Has it listen to the process group that a process leads. One that is gone changes nothing.
    static func give(to group: pid_t) {
        _ = with { tcsetpgrp($0, group) }
    }

    /// Has it listen to this process's group again if it listens to `group` or to one whose processes have all ended: not
    /// if a shell has taken it meanwhile.
    static func takeBack(from group: pid_t) {
        _ = with { terminal in
            let foreground = tcgetpgrp(terminal)
            let isOver = foreground > 0 && kill(-foreground, 0) != 0 && errno == ESRCH
            if foreground == group || isOver { tcsetpgrp(terminal, getpgrp()) }
        }
    }
}

/// The time for the command of a container to be executed: its file may come from a slow network.
private let patience = Duration.seconds(30)

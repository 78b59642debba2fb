import CPlatform
import Glibc

/// What is heard of a child.
package enum ChildNews: Hashable, Sendable {
    /// It has ended with this exit code, or 128 + the signal that ended it.
    case ended(code: CInt)
    /// A signal stopped it.
    case stopped(by: Signal)
}

/// Takes what children have left behind.
package enum Reaper {
    /// Makes sure that ended children wait to be taken, however this process was started: the kernel throws them away when
    /// SIGCHLD is ignored. Returns whether it was.
    package static func prepare() -> Bool { cai_expect_child_ends() != 0 }

    /// Has the orphans of this process's descendants come to it. Process 1 has them anyway. Returns whether they do.
    package static func adoptOrphans() -> Bool { getpid() == 1 || cai_become_subreaper() == 0 }

    /// True if this process has a child, ended or not.
    static var hasChildren: Bool {
        var information = siginfo_t()
        return waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD
    }

    /// Hands over everything there is to hear of children now, without waiting. One SIGCHLD may stand for many of them.
    /// Returns whether there are children left.
    package static func reap(_ hear: (Int32, ChildNews) -> Void) -> Bool {
        while true {
            var status: CInt = 0
            let child = waitpid(-1, &status, WNOHANG | WUNTRACED)
            if child == 0 { return true }
            if child < 0 {
                if errno == EINTR { continue }
                return false
            }
            if let signal = Signal(number: Int(cai_stop_signal(status))) {
                hear(child, .stopped(by: signal))
            } else {
                hear(child, .ended(code: cai_exit_code(status)))
            }
        }
    }
}

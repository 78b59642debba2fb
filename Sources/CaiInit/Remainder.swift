import CaiPlatform
import Glibc

/// What is left when a command has ended: everything else in the PID namespace of process 1, every descendant of another
/// process.
struct Remainder {
    /// The groups that were led by what this process has started: all there is to go by without /proc.
    let groups: [pid_t]

    /// Asks everything to end. Who is stopped is continued, so that it can.
    func terminate() { signal([.terminate, .continue]) }

    /// Ends everything.
    func kill() { signal([.kill]) }

    private func signal(_ signals: [Signal]) {
        if getpid() == 1 {
            signals.forEach { Glibc.kill(-1, $0.number) }
        } else if !signalDescendants(signals) {
            for group in groups { signals.forEach { Glibc.kill(-group, $0.number) } }
        }
    }

    /// Goes on until there is nobody new: processes may be made meanwhile. Returns false where descendants are not known.
    private func signalDescendants(_ signals: [Signal]) -> Bool {
        var known: Set<ProcessIdentity> = []
        for _ in 0..<16 {
            guard let descendants = ProcessTree.descendants() else { return false }
            let new = descendants.filter { known.insert($0).inserted }
            if new.isEmpty { break }
            for process in new { signals.forEach { ProcessTree.signal(process, $0.number) } }
        }
        return true
    }
}

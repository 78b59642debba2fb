import CPlatform
import Glibc
import SystemPackage

/// The parts of the kernel that an event loop cannot do without.
package enum EventLoopNeeds {
    /// Throws the error of the first call that this machine refuses. An event loop ends the process in that case.
    package static func check() throws(SystemCallError) {
        guard let call = cai_missing_for_event_loop() else { return }
        let problem = Errno(rawValue: currentErrno)
        throw SystemCallError(String(cString: call), subject, problem)
    }

    /// The subject of the error that `check` throws.
    package static let subject = "the event loop"

    /// Throws EAGAIN if no thread can be started.
    package static func checkThreads() throws(SystemCallError) {
        guard let thread = Thread({}) else {
            throw SystemCallError("start a thread", "the agent service", .resourceTemporarilyUnavailable)
        }
        thread.join()
    }
}

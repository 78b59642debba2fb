import CPlatform
import Glibc
package import SystemPackage

/// A system call that failed: which one, on what, and why.
package struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    package let operation: String
    /// What it was applied to, printable.
    package let subject: String
    package let errno: Errno

    package init(_ operation: String, _ subject: String, _ errno: Errno) {
        self.operation = operation
        self.subject = subject
        self.errno = errno
    }

    /// Whether the file system does not know the kind of rename that was asked for.
    package var isUnsupportedRename: Bool {
        [.invalidArgument, .noFunction, .notSupported].contains(errno)
    }

    package var description: String { "\(subject): \(operation): \(errno)" }
}

/// Calls until the call is not interrupted by a signal; throws errno as it stood right after the call.
@inline(__always)
func check<Result: SignedInteger>(
    _ operation: @autoclosure () -> String, _ subject: @autoclosure () -> String, _ call: () -> Result
) throws(SystemCallError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        let error = Errno(rawValue: currentErrno)
        if error != .interrupted { throw SystemCallError(operation(), subject(), error) }
    }
}

/// errno of this thread, to be read on the line after the call.
var currentErrno: CInt { errno }

import CPlatform
import Glibc
package import SystemPackage

/// A system call that failed: which one, on what, and why.
package struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
    package let operation: String
    /// What it was applied to, printable.
    package let subject: String
    package let errno: Errno
    /// The effective ids of the thread that made the call.
    package let uid: UInt32
    package let gid: UInt32

    package init(_ operation: String, _ subject: String, _ errno: Errno) {
        self.operation = operation
        self.subject = subject
        self.errno = errno
        uid = geteuid()
        gid = getegid()
    }

    /// Whether the file system does not know the kind of rename that was asked for.
    package var isUnsupportedRename: Bool {
        [.invalidArgument, .noFunction, .notSupported].contains(errno)
    }

    /// True if the file system, or a sandbox, has no hard links, or none for this file.
    package var isUnsupportedLink: Bool {
        [.notPermitted, .noFunction, .notSupported, .tooManyLinks].contains(errno)
    }

    /// True if the file system, or a sandbox, makes no symlinks.
    package var isWithoutSymlinks: Bool {
        operation == "make symlink" && [.notPermitted, .noFunction, .notSupported].contains(errno)
    }

    /// True if a fact about a file of this process's own, such as its mode or a time, is refused by the file system or by a
    /// sandbox.
    var isUnkept: Bool {
        [.notPermitted, .noFunction, .notSupported, .invalidArgument].contains(errno)
    }

    /// True if the machine has no locks of the kind that was asked for.
    static func isWithoutLocks(_ error: CInt) -> Bool { [ENOSYS, EPERM, ENOLCK, EOPNOTSUPP, EINVAL].contains(error) }

    package var description: String {
        if operation == Directory.tooDeep { return "\(subject): lies deeper than \(Directory.deepest) directories" }
        if operation == WorkBudget.operation { return "\(subject): \(WorkBudget.reason)" }
        return "\(subject): \(operation): \(errno)"
    }
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

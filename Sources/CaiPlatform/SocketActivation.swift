import CPlatform
import Glibc
import SystemPackage

/// An open socket or file that the service manager has passed to this process, by name.
package final class PassedDescriptor: Sendable {
    package let name: String
    package let descriptor: Descriptor

    init(name: String, owning raw: CInt) {
        self.name = name
        descriptor = Descriptor(owning: raw)
    }
}

/// Descriptors that a service manager passes (sd_listen_fds_with_names(3)): `LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`.
package enum SocketActivation {
    /// The variables contradict each other; nothing was taken.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Takes what was passed to this process, in its order, close-on-exec from now on. The variables are gone afterwards in
    /// any case, so that no child takes them for its own. Call it once, while there is one thread. Throws `Malformed`.
    package static func take() throws(Malformed) -> [PassedDescriptor] {
        let environment = Environment.all
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
        let names = try names(environment, process: getpid())
        return names.enumerated().map { index, name in
            let raw = first + CInt(index)
            _ = fcntl(raw, F_SETFD, FD_CLOEXEC)  // fails for one that is not open, which whoever uses it will see
            return PassedDescriptor(name: name, owning: raw)
        }
    }

    /// The first one that is passed; the others follow.
    private static let first: CInt = 3

    /// The names of what an environment passes to a process; none where it is meant for another one. Without names each is
    /// called `unknown`. Throws `Malformed`.
    package static func names(
        _ environment: [String: String], process: Int32
    ) throws(Malformed) -> [String] {
        guard let meant = environment["LISTEN_PID"] else { return [] }
        guard let meant = Int32(meant), meant > 0 else { throw Malformed(description: "LISTEN_PID is no process id") }
        guard meant == process, let text = environment["LISTEN_FDS"] else { return [] }
        guard let count = Int(text), count > 0, count < 1 << 20 else {
            throw Malformed(description: "LISTEN_FDS is no number of descriptors")
        }
        guard let list = environment["LISTEN_FDNAMES"] else { return Array(repeating: "unknown", count: count) }
        let names = list.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if names.count == count { return names }
        throw Malformed(description: "LISTEN_FDNAMES has \(names.count) names for \(count) descriptors")
    }
}

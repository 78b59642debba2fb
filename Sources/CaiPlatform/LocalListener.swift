import CPlatform
import Glibc
package import SystemPackage

/// What may be at the name of a Unix socket.
package enum LocalSocketState: Hashable, Sendable {
    case nothing
    /// Somebody accepts connections on it.
    case alive
    /// A socket whose process is gone.
    case dead
    /// Something that is no socket.
    case foreign
}

extension Directory {
    /// Looks at a name by asking whether a connection would be taken; nothing is sent. A socket that this process may not
    /// connect to counts as alive.
    package func localSocket(_ name: FilePath.Component) throws(SystemCallError) -> LocalSocketState {
        guard let status = try status(of: name) else { return .nothing }
        guard status.kind == .socket else { return .foreign }
        let socket = try makeSocket()
        var address = LocalAddress(try socketPath(name))
        let result = address.withUnsafePointer { connect(socket.raw, $0, $1) }
        let problem = currentErrno
        if result == 0 { return .alive }
        switch problem {
        case ECONNREFUSED: return .dead
        case ENOENT: return .nothing
        default: return .alive  // EAGAIN: its queue is full; EPROTOTYPE: it is of another kind, and somebody's
        }
    }

    /// Makes a socket at a name that must be free, with exactly this mode, on which nobody can connect before
    /// `LocalListener.listen`. Changes the umask for a moment: call it while there is nobody else who makes files.
    package func bindLocalSocket(
        _ name: FilePath.Component, mode: UInt16
    ) throws(SystemCallError) -> Descriptor {
        let socket = try makeSocket()
        var address = LocalAddress(try socketPath(name))
        let before = umask(mode_t(0o777 & ~mode))
        let result = address.withUnsafePointer { bind(socket.raw, $0, $1) }
        let problem = currentErrno
        umask(before)
        if result != 0 { throw SystemCallError("bind", label.appending(name).printed, Errno(rawValue: problem)) }
        return socket
    }

    private func makeSocket() throws(SystemCallError) -> Descriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return Descriptor(owning: try check("socket", label.printed) { socket(AF_UNIX, kind, 0) })
    }

    /// A path for an address: the plain one, which tools show, where it leads here; else one through this descriptor, which
    /// is always short.
    private func socketPath(_ name: FilePath.Component) throws(SystemCallError) -> [UInt8] {
        let plain = label.appending(name).printed
        if plain.utf8.count <= LocalAddress.longest, leadsHere(label) { return Array(plain.utf8) }
        let short = "/proc/self/fd/\(descriptor.raw)/\(name.string)"
        guard short.utf8.count <= LocalAddress.longest else {
            throw SystemCallError("bind", plain, .fileNameTooLong)
        }
        return Array(short.utf8)
    }

    private func leadsHere(_ path: FilePath) -> Bool {
        var there = stat()
        var here = stat()
        return path.withPlatformString { stat($0, &there) } == 0 && fstat(descriptor.raw, &here) == 0
            && there.st_dev == here.st_dev && there.st_ino == here.st_ino
    }
}

extension Descriptor {
    /// Whether this is a Unix stream socket on which connections are accepted.
    package var isLocalListener: Bool {
        option(SO_DOMAIN) == AF_UNIX && option(SO_TYPE) == CInt(SOCK_STREAM.rawValue) && option(SO_ACCEPTCONN) == 1
    }

    private func option(_ name: CInt) -> CInt? {
        var value: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(raw, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
}

/// Who connected a Unix socket, as it was at that moment: what SO_PEERCRED fills in (`struct ucred`, unix(7)), which the
/// module does not have.
package struct Peer: Hashable, Sendable {
    package let process: Int32
    package let uid: UInt32
    package let gid: UInt32

    /// The option that tells it.
    package static let socketOption = SO_PEERCRED
}

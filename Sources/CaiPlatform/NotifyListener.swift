import CPlatform
import Glibc
import SystemPackage

/// A socket on which one program tells how it does (sd_notify(3)), under an abstract name that nobody else knows: it needs
/// no path.
package final class NotifyListener: Sendable {
    /// What the program finds in `NOTIFY_SOCKET`.
    package let address: String
    private let socket: Descriptor

    /// Opens one; nil where the kernel gives none.
    package init?() {
        let name =
            "cai/" + String(UInt64.random(in: .min ... .max), radix: 16)
            + String(UInt64.random(in: .min ... .max), radix: 16)
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: Glibc.socket(AF_UNIX, kind, 0))
        var on: CInt = 1
        var target = LocalAddress([0] + Array(name.utf8))
        guard socket.raw >= 0,
            setsockopt(socket.raw, SOL_SOCKET, SO_PASSCRED, &on, socklen_t(MemoryLayout<CInt>.size)) == 0,
            target.withUnsafePointer({ bind(socket.raw, $0, $1) }) == 0
        else { return nil }
        address = "@" + name
        self.socket = socket
    }

    /// For waiting until something has arrived.
    package var descriptor: Int32 { socket.raw }

    /// The next message and the process that sent it, 0 for one that cannot be seen from here. Nil when there is none. It
    /// never waits.
    package func next() -> (text: String, sender: Int32)? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var sender: pid_t = 0
        let count = cai_receive_message(socket.raw, &buffer, buffer.count, &sender)
        return count < 0 ? nil : (String(decoding: buffer[..<count], as: UTF8.self), sender)
    }
}

extension ServicePlan.Readiness {
    /// Whether something listens on the Unix socket at a path, or of an abstract name behind `@`. It never waits.
    package static func isListenedTo(_ path: String) -> Bool {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: Glibc.socket(AF_UNIX, kind, 0))
        guard socket.raw >= 0 else { return false }
        let bytes = Array(path.utf8)
        var address = LocalAddress(bytes.first == UInt8(ascii: "@") ? [0] + bytes.dropFirst() : bytes)
        // EAGAIN: there are more who wait already than the other side lets wait.
        return address.withUnsafePointer { connect(socket.raw, $0, $1) } == 0 || errno == EAGAIN
    }
}

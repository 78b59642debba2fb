import CPlatform
import Glibc

/// The socket on which whoever started this process wants to hear of it (sd_notify(3), `NOTIFY_SOCKET`).
package struct NotifySocket: Sendable {
    private let path: [UInt8]

    /// The socket of a path, or of an abstract name behind `@`. Nil for anything else, an address of another family too.
    package init?(_ address: [UInt8]) {
        guard let first = address.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), address.count > 1,
            address.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path)
        else { return nil }
        path = first == UInt8(ascii: "@") ? [0] + address.dropFirst() : address
    }

    /// Sends a message such as `READY=1`. It never waits: nobody may be listening, and that is no error.
    package func send(_ message: String) {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Descriptor(owning: Glibc.socket(AF_UNIX, kind, 0))
        guard socket.raw >= 0 else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        // A path ends at its zero byte, an abstract name where the address does.
        let length = MemoryLayout<sa_family_t>.size + path.count + (path.first == 0 ? 0 : 1)
        let bytes = Array(message.utf8)
        _ = withUnsafeBytes(of: &address) { address in
            address.baseAddress.map { pointer in
                sendto(
                    socket.raw, bytes, bytes.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL),
                    pointer.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
            }
        }
    }
}

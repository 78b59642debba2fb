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
    package func send(_ message: String) { _ = send(Array(message.utf8)) }

    /// Sends messages in one datagram, with descriptors, of which the service manager gets copies. Waits up to `patience`
    /// where the receiver cannot keep up. Returns whether it was taken.
    @discardableResult
    package func send(
        _ messages: ServiceMessage..., descriptors: [CInt] = [], patience: Duration = .zero
    ) -> Bool {
        send(Array(messages.map(\.text).joined(separator: "\n").utf8), descriptors, patience)
    }

    private func send(_ bytes: [UInt8], _ descriptors: [CInt] = [], _ patience: Duration = .zero) -> Bool {
        DatagramSocket()?.send(bytes, descriptors: descriptors, to: path, patience: patience) == 0
    }
}

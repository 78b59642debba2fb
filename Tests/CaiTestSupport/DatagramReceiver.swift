import Glibc
import SystemPackage

/// A Unix socket that takes datagrams, with descriptors that come with them.
package final class DatagramReceiver {
    /// One datagram.
    package struct Datagram: Hashable {
        package let text: String
        /// Device and inode of each descriptor that came with it.
        package let files: [[UInt64]]
    }

    private let descriptor: Int32

    /// Listens at a path, or at an abstract name behind `@`.
    package init(at name: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = name.hasPrefix("@") ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        if bound != 0 { throw FileTrouble("bind", FilePath(name), errno) }
    }

    deinit { close(descriptor) }

    /// The next one, waiting for it; `limit` milliseconds, by default the guard against a test that would hang.
    package func next(limit: Int32 = 60_000) throws -> Datagram {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&state, 1, limit) != 1 { throw FileTrouble("wait", "datagram", ETIMEDOUT) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var control = [UInt8](repeating: 0, count: 1 << 10)
        var controlLength = 0
        let count = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    defer { controlLength = message.msg_controllen }
                    return recvmsg(descriptor, &message, Int32(MSG_CMSG_CLOEXEC))
                }
            }
        }
        if count < 0 { throw FileTrouble("receive", "datagram", errno) }
        return Datagram(
            text: String(decoding: bytes[..<count], as: UTF8.self), files: try files(Array(control[..<controlLength])))
    }

    private func files(_ control: [UInt8]) throws -> [[UInt64]] {
        let header = MemoryLayout<cmsghdr>.size
        guard control.count >= header else { return [] }
        let length = control.withUnsafeBytes { $0.loadUnaligned(as: cmsghdr.self).cmsg_len }
        return try stride(from: header, to: Int(length), by: 4).map { offset in
            let file = control.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Int32.self) }
            defer { close(file) }
            var status = stat()
            try checked("stat", "descriptor", fstat(file, &status))
            return [UInt64(status.st_dev), UInt64(status.st_ino)]
        }
    }
}

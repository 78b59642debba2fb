import CPlatform
import Glibc
import SystemPackage

/// A nameless Unix socket for datagrams to sockets that have a name.
struct DatagramSocket: ~Copyable {
    private let socket: Descriptor

    /// Nil where the system has no socket to give.
    init?() {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let raw = Glibc.socket(AF_UNIX, kind, 0)
        if raw < 0 { return nil }
        socket = Descriptor(owning: raw)
    }

    /// Sends one datagram with copies of descriptors. The name is a path, or an abstract name behind a zero byte. Waits up
    /// to `patience` while the receiver cannot keep up. Returns 0, or what kept it from being sent.
    func send(
        _ bytes: [UInt8], descriptors: [CInt] = [], to name: [UInt8], patience: Duration = .zero
    ) -> CInt {
        wait(upTo: patience)
        let flags = CInt(MSG_NOSIGNAL) | (patience == .zero ? CInt(MSG_DONTWAIT) : 0)
        var bytes = bytes
        var address = LocalAddress(name)
        var control = controlMessage(descriptors)
        return bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                address.withUnsafePointer { pointer, length in
                    var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                    return withUnsafeMutablePointer(to: &part) { part in
                        var message = msghdr()
                        message.msg_name = UnsafeMutableRawPointer(pointer)
                        message.msg_namelen = length
                        message.msg_iov = part
                        message.msg_iovlen = 1
                        message.msg_control = descriptors.isEmpty ? nil : control.baseAddress
                        message.msg_controllen = descriptors.isEmpty ? 0 : control.count
                        while sendmsg(socket.raw, &message, flags) < 0 {
                            let problem = errno
                            if problem != EINTR { return problem }
                        }
                        return 0
                    }
                }
            }
        }
    }

    private func wait(upTo patience: Duration) {
        guard patience != .zero else { return }
        let microseconds = patience.microseconds
        var limit = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        // Without it the kernel waits longer than asked for, and no worse.
        _ = setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
}

/// Descriptors as they travel beside a message (cmsg(3), SCM_RIGHTS), whose macros Swift does not have.
private func controlMessage(_ descriptors: [CInt]) -> [UInt8] {
    let header = MemoryLayout<cmsghdr>.size
    let length = header + descriptors.count * MemoryLayout<CInt>.size
    var head = cmsghdr()
    head.cmsg_len = length
    head.cmsg_level = SOL_SOCKET
    head.cmsg_type = CInt(1)  // SCM_RIGHTS
    let alignment = MemoryLayout<Int>.size
    var bytes = withUnsafeBytes(of: head) { Array($0) } + descriptors.withUnsafeBytes { Array($0) }
    bytes += Array(repeating: 0, count: (alignment - length % alignment) % alignment)
    return bytes
}

/// The address of a Unix socket: a path, or an abstract name behind a zero byte.
struct LocalAddress {
    private var address = sockaddr_un()
    private let length: socklen_t

    /// How many bytes a name may have.
    static var longest: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1 }

    /// A longer name is cut, and so finds nobody.
    init(_ name: [UInt8]) {
        address.sun_family = sa_family_t(AF_UNIX)
        let name = name.prefix(Self.longest)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        // A path ends at its zero byte, an abstract name where the address does.
        length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (name.first == 0 ? 0 : 1))
    }

    mutating func withUnsafePointer<Result>(
        _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        let length = length
        return Swift.withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

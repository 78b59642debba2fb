import CPlatform
import Glibc

/// A TCP port of this machine, for asking one short question.
package enum LocalPort {
    /// Connects to the port on `127.0.0.1`, else on `::1`, sends the question and returns the first bytes of the answer, at
    /// most `limit`. Nil when nobody listens, or when a step takes longer than this many seconds.
    package static func ask(_ port: UInt16, _ question: [UInt8], limit: Int, seconds: Int) -> [UInt8]? {
        for family in [AF_INET, AF_INET6] {
            let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let socket = Descriptor(owning: Glibc.socket(family, kind, 0))
            var patience = timeval(tv_sec: seconds, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            guard socket.raw >= 0, setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &patience, size) == 0,
                setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &patience, size) == 0,
                connect(socket, family, port)
            else { continue }
            guard send(socket.raw, question, question.count, CInt(MSG_NOSIGNAL)) == question.count else {
                return nil
            }
            return answer(socket, limit)
        }
        return nil
    }

    private static func connect(_ socket: borrowing Descriptor, _ family: CInt, _ port: UInt16) -> Bool {
        if family == AF_INET {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return connect(socket, &address)
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0[15] = 1 }
        return connect(socket, &address)
    }

    private static func connect<Address>(_ socket: borrowing Descriptor, _ address: inout Address) -> Bool {
        let raw = socket.raw
        let size = socklen_t(MemoryLayout<Address>.size)
        return withUnsafeBytes(of: &address) { bytes in
            bytes.baseAddress.map { Glibc.connect(raw, $0.assumingMemoryBound(to: sockaddr.self), size) == 0 } ?? false
        }
    }

    private static func answer(_ socket: borrowing Descriptor, _ limit: Int) -> [UInt8]? {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: limit)
        while answer.count < limit, !answer.contains(0x0A) {
            let count = recv(socket.raw, &buffer, limit - answer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        return answer.isEmpty ? nil : answer
    }
}

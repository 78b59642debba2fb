import Glibc
import SystemPackage

/// An open file descriptor that closes itself. Every descriptor is close-on-exec.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: CInt

    /// Takes over a descriptor that nobody else closes.
    package init(owning raw: CInt) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// Closes now and tells whether the close failed, which on network file systems is when a write fails.
    package consuming func close() throws(SystemCallError) {
        let raw = self.raw
        discard self
        if Glibc.close(raw) != 0 { throw SystemCallError("close", "descriptor \(raw)", Errno(rawValue: errno)) }
    }

    /// Hands the descriptor to somebody else who closes it.
    package consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }
}

extension Descriptor {
    /// Another descriptor for the same open file.
    package func duplicate() throws(SystemCallError) -> Descriptor {
        Descriptor(owning: try check("duplicate", "descriptor \(raw)") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }
}

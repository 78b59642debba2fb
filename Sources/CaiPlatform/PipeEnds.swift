import CPlatform
import Glibc
import SystemPackage

/// The two ends of a pipe, as numbers: for those who hand them to somebody else who closes them.
package enum PipeEnds {
    /// Makes one that holds as much as an unprivileged process may have in one, at most a quarter of a megabyte.
    package static func make() throws(SystemCallError) -> (reader: CInt, writer: CInt) {
        var ends: [CInt] = [-1, -1]
        _ = try check("make pipe", "process") { pipe2(&ends, O_CLOEXEC) }
        // A smaller one is only slower.
        _ = fcntl(ends[0], F_SETPIPE_SZ, CInt(256 << 10))
        return (ends[0], ends[1])
    }

    /// Writes as much as the pipe takes without waiting, and returns how much that was. Throws EPIPE where nobody reads any
    /// more.
    package static func writeNow(_ bytes: UnsafeRawBufferPointer, to writer: CInt) throws(SystemCallError) -> Int {
        if fcntl(writer, F_SETFL, O_NONBLOCK) != 0 { return 0 }  // who comes next waits for it
        do {
            return try check("write", "pipe") { write(writer, bytes.baseAddress, bytes.count) }
        } catch {
            if error.errno == .wouldBlock { return 0 }
            throw error
        }
    }
}

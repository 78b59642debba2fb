import CPlatform
import Glibc
package import SystemPackage

/// Connections of a client, and programs that stand in for one.
package enum LocalConnection {
    /// Connects to a Unix stream socket. Throws ENOENT, ECONNREFUSED when nobody is there.
    package static func open(_ path: FilePath) throws(SystemCallError) -> Descriptor {
        let bytes = path.withPlatformString { start in
            UnsafeBufferPointer(start: start, count: path.length).map { UInt8(bitPattern: $0) }
        }
        if bytes.count > LocalAddress.longest { throw SystemCallError("connect", path.printed, .fileNameTooLong) }
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let made = Descriptor(owning: try check("socket", path.printed) { socket(AF_UNIX, kind, 0) })
        var address = LocalAddress(bytes)
        _ = try check("connect", path.printed) { address.withUnsafePointer { connect(made.raw, $0, $1) } }
        return made
    }

    /// Lets so many wait to be accepted.
    package static func listen(_ socket: CInt, waiting: Int) throws(SystemCallError) {
        _ = try check("listen", "the agent socket") { Glibc.listen(socket, CInt(clamping: waiting)) }
    }

    /// The two ends of a connection of this process with itself; the caller closes both.
    package static func pair() throws(SystemCallError) -> (own: CInt, other: CInt) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        _ = try check("socketpair", "connection") { socketpair(AF_UNIX, kind, 0, &ends) }
        return (ends[0], ends[1])
    }

    /// A program and the connection to it.
    package struct Started: ~Copyable {
        package let connection: Descriptor
        package let process: Int32

        init(connection: consuming Descriptor, process: Int32) {
            self.connection = connection
            self.process = process
        }

        /// Hands the connection over.
        package consuming func take() -> Descriptor { connection }
    }

    /// Starts a line of the shell whose standard input and output are the other end of the connection; it keeps standard
    /// error. It ends by itself when the connection does.
    package static func start(_ line: String) throws(SystemCallError) -> Started {
        let ends = try pair()
        let own = Descriptor(owning: ends.own)
        let other = Descriptor(owning: ends.other)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for number in [CInt(0), 1] { posix_spawn_file_actions_adddup2(&actions, other.raw, number) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var process = pid_t()
        let words: [UnsafeMutablePointer<CChar>?] =
            ["/bin/sh", "-c", line].map { $0.withCString { strdup($0) } } + [nil]
        defer { words.forEach { free($0) } }
        let problem = posix_spawn(&process, "/bin/sh", &actions, &attributes, words, Glibc.environ)
        if problem != 0 { throw SystemCallError("run", line, Errno(rawValue: problem)) }
        return Started(connection: own, process: process)
    }

    /// Waits for a program that was started. Returns its exit code; 128 and the signal's number for one that a signal ended.
    package static func wait(for process: Int32) -> Int {
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return Int(cai_exit_code(status))
    }

    /// Says that nothing more will be sent.
    package static func finishSending(_ connection: borrowing Descriptor) { shutdown(connection.raw, CInt(SHUT_WR)) }

    /// Moves bytes between standard input and output and a connection, until that ends; the end of the input is passed on.
    package static func bridge(_ connection: borrowing Descriptor) throws(SystemCallError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        let input = Descriptor(owning: dup(0))
        let output = Descriptor(owning: dup(1))
        var isOpen = true
        while true {
            let ready = try Input.wait(for: isOpen ? [connection.raw, input.raw] : [connection.raw], atMost: nil)
            if ready[0] {
                let count = try connection.read(into: buffer, "the agent service")
                if count == 0 { return }
                try output.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), "standard output")
            }
            guard isOpen, ready[1] else { continue }
            let count = try input.read(into: buffer, "standard input")
            if count == 0 {
                isOpen = false
                finishSending(connection)
            } else {
                // While nobody takes it, answers wait as well; the service reads what it does not want.
                try connection.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), "the agent service")
            }
        }
    }
}

import CPlatform
import Glibc
import SystemPackage

/// A program that runs while the test goes on, in a session of its own. It is killed when the test lets go of it.
package final class Running {
    /// How a program ended; unlike an exit code this tells a signal from a code of 128 and more.
    package enum Ending: Hashable, Sendable {
        case exited(Int)
        case signalled(Int)
    }

    package let process: Int32
    private var input: Int32
    /// Kept, so that writing to a program that does not read is no broken pipe.
    private let inputReader: Int32
    private let output: Stream
    private let errors: Stream
    private var ending: Ending?

    /// Adds the usual environment of programs to the one of this process, once.
    private static let hasUsualEnvironment: Bool = {
        for (name, value) in Command.usualEnvironment { setenv(name, value, 0) }
        return true
    }()

    /// Starts a program with the environment of the test, or exactly the given one. On a terminal that is its input, output
    /// and controlling terminal; `blocked` are signals it starts with blocked.
    package init(
        _ arguments: [String], environment: [String]? = nil, on terminal: PseudoTerminal? = nil, blocked: [Int32] = []
    ) throws {
        _ = Self.hasUsualEnvironment
        let pipes = try (0..<3).map { _ in try Pipe() }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let terminal {
            posix_spawn_file_actions_addopen(&actions, 0, terminal.path, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
        } else {
            posix_spawn_file_actions_adddup2(&actions, pipes[0].reader, 0)
            posix_spawn_file_actions_adddup2(&actions, pipes[1].writer, 1)
            posix_spawn_file_actions_adddup2(&actions, pipes[2].writer, 2)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in blocked { sigaddset(&mask, signal) }
        posix_spawnattr_setsigmask(&attributes, &mask)
        // The numbers of POSIX_SPAWN_SETSIGMASK and, which the module does not have, POSIX_SPAWN_SETSID.
        posix_spawnattr_setflags(&attributes, 0x08 | 0x80)
        var child = pid_t()
        let problem = withCStrings(arguments) { arguments in
            guard let program = arguments[0] else { return EINVAL }
            guard let environment else {
                return posix_spawnp(&child, program, &actions, &attributes, arguments, Glibc.environ)
            }
            return withCStrings(environment) {
                posix_spawnp(&child, program, &actions, &attributes, arguments, $0)
            }
        }
        for end in [pipes[1].writer, pipes[2].writer] { close(end) }
        (input, inputReader) = (pipes[0].writer, pipes[0].reader)
        output = Stream(pipes[1].reader)
        errors = Stream(pipes[2].reader)
        process = child
        if problem != 0 {
            ending = .exited(127)
            throw FileTrouble("spawn", FilePath(arguments.first ?? ""), problem)
        }
    }

    deinit {
        if input >= 0 { close(input) }
        close(inputReader)
        guard ending == nil else { return }
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Sends a signal.
    package func signal(_ number: Int32) {
        if ending == nil { kill(process, number) }
    }

    /// Queues a signal with a value.
    package func queue(_ number: Int32, _ value: Int32) {
        var word = sigval()
        withUnsafeMutableBytes(of: &word) { $0.storeBytes(of: value, as: Int32.self) }
        sigqueue(process, number, word)
    }

    /// Ends the program's input.
    package func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Writes to the program's input.
    package func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
    }

    /// Lets go of the reading end of what it says on standard error: its next line there meets nobody.
    package func closeErrors() { errors.close() }

    /// The next line of output, waiting for it; nil at its end.
    package func line() throws -> String? { try output.line() }

    /// The next line on standard error, waiting for it; nil at its end.
    package func errorLine() throws -> String? { try errors.line() }

    /// The rest of the output, up to its end.
    package func rest() throws -> String { try output.rest() }

    /// The rest of what it says on standard error.
    package func errorRest() throws -> String { try errors.rest() }

    /// Waits for the end.
    package func end() throws -> Ending {
        if let ending { return ending }
        let handle = try checked("pidfd_open", FilePath("/proc/\(process)"), cai_pidfd_open(process))
        defer { close(handle) }
        try waitUntilReadable(handle, FilePath("/proc/\(process)"))
        var status: Int32 = 0
        waitpid(process, &status, 0)
        let result: Ending = status & 0x7F == 0 ? .exited(Int(status >> 8) & 0xFF) : .signalled(Int(status & 0x7F))
        ending = result
        return result
    }
}

/// A terminal as a terminal emulator has it.
package final class PseudoTerminal {
    package let path: String
    private let master: Int32
    private let stream: Stream

    package init() throws {
        var ends: (Int32, Int32) = (-1, -1)
        var name = [CChar](repeating: 0, count: 64)
        try checked("openpty", "/dev/ptmx", openpty(&ends.0, &ends.1, &name, nil, nil))
        close(ends.1)
        _ = fcntl(ends.0, F_SETFD, FD_CLOEXEC)
        master = ends.0
        stream = Stream(ends.0)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Types.
    package func type(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(master, $0.baseAddress, $0.count) }
    }

    /// Waits until it no longer listens to the process group that a program leads: keys typed before would reach that one.
    package func waitUntilTaken(from program: Running) {
        while tcgetpgrp(master) == program.process { sched_yield() }
    }

    /// Waits until this has been shown behind what was asked for before, and returns everything up to it.
    @discardableResult package func expect(_ text: String) throws -> String { try stream.upTo(text) }
}

/// A stream that is read as far as somebody asks.
private final class Stream {
    private var descriptor: Int32
    private var bytes: [UInt8] = []
    private var isOver = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    func line() throws -> String? {
        while true {
            if let end = bytes.firstIndex(of: 0x0A) {
                defer { bytes.removeFirst(end + 1) }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            guard try read() else { return nil }
        }
    }

    func rest() throws -> String {
        while try read() {}
        defer { bytes = [] }
        return String(decoding: bytes, as: UTF8.self)
    }

    func upTo(_ text: String) throws -> String {
        let wanted = Array(text.utf8)
        while true {
            if let range = bytes.firstRange(of: wanted) {
                defer { bytes.removeFirst(range.upperBound) }
                return String(decoding: bytes[..<range.upperBound], as: UTF8.self)
            }
            guard try read() else {
                throw NotShown(wanted: text, shown: String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    private func read() throws -> Bool {
        guard !isOver else { return false }
        do {
            try waitUntilReadable(descriptor, "output")
        } catch {
            throw NotShown(wanted: "more output", shown: String(decoding: bytes, as: UTF8.self))
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count > 0 { bytes += buffer[..<count] } else { isOver = true }
        return count > 0
    }
}

/// Something that a program was expected to say.
private struct NotShown: Error, CustomStringConvertible {
    let wanted: String
    let shown: String
    var description: String { "expected \(wanted.debugDescription), saw \(shown.debugDescription)" }
}

private struct Pipe {
    let reader: Int32
    let writer: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        try checked("pipe", "pipe", pipe2(&ends, O_CLOEXEC))
        (reader, writer) = (ends[0], ends[1])
    }
}

/// Waits; a minute is the guard against a test that would hang.
private func waitUntilReadable(_ descriptor: Int32, _ what: FilePath) throws {
    var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if poll(&state, 1, 60_000) != 1 { throw FileTrouble("wait", what, ETIMEDOUT) }
}

import CPlatform
import Glibc
package import SystemPackage

/// A program to run to its end: what, as whom, where, and for how long.
///
/// It runs in a process group of its own with an empty input; what it writes to standard output and standard error comes
/// back in one stream. A file that is executable but has no format the kernel knows runs under `/bin/sh`, as a shell
/// would run it.
package struct ChildProcess: Sendable {
    /// How a program ended.
    package enum Ending: Hashable, Sendable {
        /// The exit code; for one that a signal ended 128 + the signal.
        case exited(code: Int)
        /// It was ended because its time was over.
        case timedOut
    }

    /// One line of output.
    package struct Line: Hashable, Sendable {
        /// The bytes without the line break.
        package let bytes: [UInt8]
        /// Whether the line was longer; the rest of it was dropped.
        package let isCut: Bool
    }

    /// The most bytes of one line that are kept.
    package static let longestLine = 16 << 10

    private let program: FilePath
    private let arguments: [String]
    private let environment: [String: String]
    private let directory: Directory?
    private let identity: (uid: UInt32, gid: UInt32)?
    private let limit: Duration?

    /// Describes a run. `arguments` are those behind the program's name; without `identity` the ids stay as they are,
    /// without `limit` it may take as long as it likes.
    package init(
        _ program: FilePath, arguments: [String] = [], environment: [String: String], directory: Directory? = nil,
        identity: (uid: UInt32, gid: UInt32)? = nil, limit: Duration? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.identity = identity
        self.limit = limit
    }

    /// Runs it and hands its output over line by line, the last line also without its line break.
    ///
    /// When the limit is over the whole process group gets SIGTERM and two seconds later SIGKILL. Once the program itself
    /// has ended, what it left running may hold the output open for `drainTime` more and is then no longer listened to.
    /// Throws `SystemCallError` when it cannot be started: ENOENT also for an interpreter that is missing, EPERM while
    /// this process has borrowed somebody's ids, because the child could take root's back.
    package func run(_ line: (Line) -> Void) throws(SystemCallError) -> Ending {
        guard getuid() == geteuid(), getgid() == getegid() else {
            throw SystemCallError("run", program.printed, .notPermitted)
        }
        let pipe = try Pipe()
        let pid = try start(writing: pipe.writer)
        var supervision = Supervision(pid: pid, output: pipe.takeReader(), limit: limit)
        return try supervision.run(line)
    }

    /// Starts the program, or the shell for a script that names no interpreter.
    private func start(writing output: borrowing Descriptor) throws(SystemCallError) -> pid_t {
        do {
            return try spawn(program, [bytes(program)] + arguments.map(bytes), output)
        } catch {
            guard error.errno == .execFormatError else { throw error }
            let shell = FilePath("/bin/sh")
            return try spawn(shell, [bytes(shell), bytes(program)] + arguments.map(bytes), output)
        }
    }

    private func spawn(
        _ path: FilePath, _ arguments: [[CChar]], _ output: borrowing Descriptor
    ) throws(SystemCallError) -> pid_t {
        let variables = environment.filter { !$0.key.isEmpty && !$0.key.contains("=") }
            .map { "\($0.key)=\($0.value)" }.sorted().map(bytes)
        let raw = output.raw
        return try check("run", path.printed) {
            path.withPlatformString { path in
                withPointers(arguments) { arguments in
                    withPointers(variables) { variables in
                        var what = cai_program(
                            path: path, arguments: arguments, environment: variables,
                            working_directory: directory?.descriptor.raw ?? -1, standard_output: raw,
                            uid: identity?.uid ?? 0, gid: identity?.gid ?? 0, change_identity: identity == nil ? 0 : 1)
                        return cai_spawn(&what)
                    }
                }
            }
        }
    }
}

/// How long what a program left running may hold its output open after the program itself has ended.
private let drainTime = Duration.milliseconds(200)
/// How long a program has between SIGTERM and SIGKILL.
private let graceTime = Duration.seconds(2)
/// How often a child is looked after where the kernel has no process descriptors.
private let lookInterval = Duration.milliseconds(10)

/// Waits for one child and for its output.
///
/// The child is only reaped at the very end: until then its number, which is the number of its group too, cannot belong to
/// anybody else, so that a signal never hits a stranger.
private struct Supervision: ~Copyable {
    private enum Phase { case running, asked, killed }

    private let pid: pid_t
    private let output: Descriptor
    /// Readable when the child has ended; -1 where the kernel has no process descriptors.
    private let ended: Descriptor
    private var phase = Phase.running
    /// When the next thing happens: SIGTERM, SIGKILL; nil for never.
    private var deadline: ContinuousClock.Instant?
    private var splitter = LineSplitter()
    private var isOpen = true

    init(pid: pid_t, output: consuming Descriptor, limit: Duration?) {
        self.pid = pid
        self.output = output
        ended = Descriptor(owning: cai_pidfd_open(pid))
        deadline = limit.map { ContinuousClock.now + $0 }
    }

    mutating func run(_ line: (ChildProcess.Line) -> Void) throws(SystemCallError) -> ChildProcess.Ending {
        while try !hasEnded() {
            escalate()
            wait(until: deadline)
            read(line)
        }
        drain(line)
        splitter.finish(line)
        // Whatever ignored SIGTERM goes with the program that took too long.
        if phase != .running { kill(-pid, SIGKILL) }
        var status: CInt = 0
        _ = try check("wait", "process \(pid)") { waitpid(pid, &status, 0) }
        return phase == .running ? .exited(code: Int(cai_exit_code(status))) : .timedOut
    }

    /// Whether the child has ended; it stays a zombie.
    private func hasEnded() throws(SystemCallError) -> Bool {
        var information = siginfo_t()
        _ = try check("wait", "process \(pid)") { waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) }
        return information.si_signo == SIGCHLD
    }

    private mutating func escalate() {
        guard let due = deadline, ContinuousClock.now >= due else { return }
        switch phase {
        case .running:
            kill(-pid, SIGTERM)
            // One that is stopped takes the signal only when it is continued.
            kill(-pid, SIGCONT)
            (phase, deadline) = (.asked, .now + graceTime)
        case .asked:
            kill(-pid, SIGKILL)
            (phase, deadline) = (.killed, nil)
        case .killed: deadline = nil
        }
    }

    /// Sleeps until there is output, the child ends, or the time comes.
    private func wait(until time: ContinuousClock.Instant?) {
        var descriptors: [pollfd] = []
        if isOpen { descriptors.append(pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)) }
        if ended.raw >= 0 { descriptors.append(pollfd(fd: ended.raw, events: Int16(POLLIN), revents: 0)) }
        var rest = time.map { $0 - .now }
        if ended.raw < 0 { rest = min(rest ?? lookInterval, lookInterval) }
        // An interruption by a signal only means that everything is looked at once more.
        poll(&descriptors, nfds_t(descriptors.count), rest?.pollTimeout ?? -1)
    }

    /// Reads what is there now, one buffer at most, so that no flood of output hides a deadline.
    private mutating func read(_ line: (ChildProcess.Line) -> Void) {
        guard isOpen else { return }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(output.raw, &buffer, buffer.count)
        let error = currentErrno
        if count > 0 {
            splitter.add(buffer[..<count], line)
        } else if count == 0 || (error != EAGAIN && error != EINTR) {
            isOpen = false
        }
    }

    /// Reads until every writer is gone, or the time for that is over.
    private mutating func drain(_ line: (ChildProcess.Line) -> Void) {
        let end = ContinuousClock.now + drainTime
        while true {
            read(line)
            guard isOpen, ContinuousClock.now < end else { return }
            var descriptor = pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, (end - .now).pollTimeout)
        }
    }
}

/// Cuts a stream of bytes into lines.
private struct LineSplitter {
    private var bytes: [UInt8] = []
    private var isCut = false
    private var hasLine = false

    mutating func add(_ chunk: ArraySlice<UInt8>, _ line: (ChildProcess.Line) -> Void) {
        var rest = chunk
        while let end = rest.firstIndex(of: 0x0A) {
            append(rest[..<end])
            hasLine = true
            finish(line)
            rest = rest[(end + 1)...]
        }
        append(rest)
    }

    private mutating func append(_ part: ArraySlice<UInt8>) {
        let room = ChildProcess.longestLine - bytes.count
        bytes += part.prefix(room)
        if part.count > room { isCut = true }
        if !part.isEmpty { hasLine = true }
    }

    /// Hands over the line that was begun, if any.
    mutating func finish(_ line: (ChildProcess.Line) -> Void) {
        if hasLine { line(ChildProcess.Line(bytes: bytes, isCut: isCut)) }
        (bytes, isCut, hasLine) = ([], false, false)
    }
}

extension Duration {
    /// Milliseconds for poll(2), rounded up, so that nobody wakes too early.
    fileprivate var pollTimeout: CInt {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return CInt(
            clamping: min(seconds, 1 << 20) * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}

/// A pipe whose reading end never blocks.
private struct Pipe: ~Copyable {
    let reader: Descriptor
    let writer: Descriptor

    init() throws(SystemCallError) {
        var ends: [CInt] = [-1, -1]
        _ = try check("make pipe", "process") { pipe2(&ends, O_CLOEXEC) }
        // It cannot fail: both the descriptor and the flag are good.
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    /// Closes the writing end and keeps the other.
    consuming func takeReader() -> Descriptor { reader }
}

private func bytes(_ text: String) -> [CChar] { text.utf8CString.map { $0 } }
private func bytes(_ path: FilePath) -> [CChar] {
    path.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: path.length + 1)) }
}

/// Calls `body` with a NULL-terminated array of C strings that lives as long as the call.
private func withPointers<Result>(
    _ strings: [[CChar]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: strings.reduce(1) { $0 + $1.count })
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
    defer {
        text.deallocate()
        pointers.deallocate()
    }
    var position = 0
    for (index, string) in strings.enumerated() {
        pointers[index] = text.baseAddress.map { $0 + position }
        for character in string {
            text[position] = character
            position += 1
        }
    }
    pointers[strings.count] = nil
    return body(pointers)
}

import Glibc
import SystemPackage

/// How a program ended, and what it wrote.
struct Finished: Sendable {
    /// The exit code, or 128 and the signal; nil when it had to be stopped because it took too long.
    let code: Int32?
    let output: String
}

/// Runs a program with both outputs in one file; one that takes longer than `seconds` is killed with its group.
func runProgram(_ arguments: [String], output: FilePath, seconds: Int = 60) throws -> Finished {
    let child = try start(arguments, output: output)
    var status: Int32 = 0
    let isEnded = try hasEnded(child, withinSeconds: seconds)
    if !isEnded { kill(-child, SIGKILL) }
    waitpid(child, &status, 0)
    if !isEnded { return Finished(code: nil, output: text(output)) }
    let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
    return Finished(code: code, output: text(output))
}

/// Waits until a child has ended, by its process descriptor (pidfd_open(2)); false when it takes longer.
private func hasEnded(_ child: pid_t, withinSeconds seconds: Int) throws -> Bool {
    guard let openProcess else { throw HarnessError("the C library has no pidfd_open; it needs to be 2.36 or newer") }
    let descriptor = openProcess(child, 0)
    if descriptor < 0 { throw HarnessError("pidfd_open: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while true {
        let count = poll(&watched, 1, Int32(seconds * 1000))
        if count >= 0 { return count > 0 }
        if errno != EINTR { throw HarnessError("poll: \(String(cString: strerror(errno)))") }
    }
}

/// pidfd_open(2), which Swift's Glibc module does not have.
private let openProcess: (@convention(c) (pid_t, UInt32) -> CInt)? = dlsym(nil, "pidfd_open").map {
    unsafeBitCast($0, to: (@convention(c) (pid_t, UInt32) -> CInt).self)
}

/// Starts a program in a process group of its own with an empty input.
func start(_ arguments: [String], output: FilePath) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output.string, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"]
    var child: pid_t = 0
    let error = withArguments(arguments) { argv in
        withArguments(environment) { posix_spawnp(&child, arguments[0], &actions, &attributes, argv, $0) }
    }
    if error != 0 { throw HarnessError("\(arguments[0]): \(String(cString: strerror(error)))") }
    return child
}

private func withArguments<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}

private func text(_ path: FilePath) -> String { String(decoding: Tree.bytes(path), as: UTF8.self) }

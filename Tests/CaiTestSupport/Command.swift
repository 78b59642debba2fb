import FoundationEssentials
import Glibc
package import SystemPackage

/// What a program left behind.
package struct Finished: Sendable, CustomStringConvertible {
    /// The exit code; 128 and the signal's number for a program that a signal ended.
    package let code: Int
    package let output: String
    package let errors: String
    /// Whether it had to be ended because it did not come back.
    package let hung: Bool

    package var description: String { "exit \(code)\(hung ? ", hung" : "")\n\(output)\n--- stderr\n\(errors)" }

    /// Both streams, for statements about all a user sees.
    package var everything: String { output + errors }

    /// The answer of a command with `--json`.
    package var json: JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(output.utf8))) ?? .null  // null fails every expectation
    }
}

/// Starts programs and waits for them.
package enum Command {
    /// The binary under test: the variable `CAI_BINARY`, else the one that the build left beside the test runner.
    package static let binary: FilePath = {
        if let path = getenv("CAI_BINARY") { return FilePath(platformString: path) }
        return binary(named: "cai")
    }()

    /// A program that the build left beside the test runner.
    package static func binary(named name: String) -> FilePath {
        let runner = (try? Files.linkText("/proc/self/exe")) ?? "."
        return runner.removingLastComponent().appending(name)
    }

    /// Runs `cai` on no particular world.
    package static func cai(_ arguments: String...) throws -> Finished { try run([binary.string] + arguments) }

    /// The environment of every program of the tests. Most suites are about single links, for which the files of agents serve
    /// as well as any others, so agent directories are not linked as a whole unless a test asks for that (`linkedAgents`).
    package static let usualEnvironment = ["CAI_AGENT_PLACEMENT": "files"]

    /// The environment in which agent directories are linked as a whole, as they are by default.
    package static let linkedAgents = ["CAI_AGENT_PLACEMENT": "link"]

    /// Whether a program is on the search path.
    package static func exists(_ program: String) -> Bool {
        let directories = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return directories.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    /// Runs a program of the search path, or an absolute one, with an empty input. After `limit` seconds it is ended
    /// and reported as hung.
    package static func run(
        _ arguments: [String], environment: [String: String] = [:], limit: Int = 60
    ) throws -> Finished {
        let output = try Capture()
        let errors = try Capture()
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try checked("socketpair", "end of a program", socketpair(AF_UNIX, kind, 0, &ends))
        defer { close(ends[0]) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.descriptor, 2)
        // Descriptor 9 closes with the program and so tells its end, without a signal and without asking again and
        // again.
        posix_spawn_file_actions_adddup2(&actions, ends[1], 9)

        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let variables = ["PATH": path].merging(usualEnvironment) { $1 }.merging(environment) { $1 }
            .map { "\($0)=\($1)" }
        var child = pid_t()
        let problem = withCStrings(arguments) { arguments in
            withCStrings(variables) { variables in
                arguments.first.flatMap { $0 }.map { posix_spawnp(&child, $0, &actions, nil, arguments, variables) }
                    ?? EINVAL
            }
        }
        close(ends[1])
        guard problem == 0 else { throw FileTrouble("spawn", FilePath(arguments.first ?? ""), problem) }
        let (status, hung) = wait(for: child, end: ends[0], limit: limit)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Finished(code: Int(code), output: try output.text(), errors: try errors.text(), hung: hung)
    }

    private static func wait(for child: pid_t, end: Int32, limit: Int) -> (status: Int32, hung: Bool) {
        var poller = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
        var status: Int32 = 0
        if poll(&poller, 1, Int32(limit) * 1000) == 0, waitpid(child, &status, WNOHANG) == 0 {
            kill(child, SIGKILL)
            waitpid(child, &status, 0)
            return (status, true)
        } else if poller.revents == 0 {
            return (status, false)  // it ended and left something behind that kept the descriptor
        }
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        return (status, false)
    }
}

/// A nameless temporary file that takes a program's output; unlike a pipe it never fills up.
private struct Capture: ~Copyable {
    let descriptor: Int32

    init() throws {
        let path = World.temporaryDirectory.appending("cai-output.\(UInt64.random(in: 0 ... .max))")
        descriptor = try checked(
            "create", path, path.withPlatformString { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) })
        _ = path.withPlatformString { unlink($0) }
    }

    deinit { close(descriptor) }

    func text() throws -> String {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = pread(descriptor, &buffer, buffer.count, off_t(content.count)), count > 0 {
            content += buffer[..<count]
        }
        return String(decoding: content, as: UTF8.self)
    }
}

/// Hands texts to C as a null-terminated vector.
func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let pointers = texts.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    return body(pointers + [nil])
}

extension World {
    /// Runs `cai` on this world. `wrapper` goes before it on the command line, for instance `["setpriv", …]`.
    package func cai(
        _ arguments: String..., environment: [String: String] = [:], wrapper: [String] = []
    ) throws -> Finished {
        try cai(arguments, environment: environment, wrapper: wrapper)
    }

    /// The same with a list of arguments.
    package func cai(
        _ arguments: [String], environment: [String: String] = [:], wrapper: [String] = []
    ) throws -> Finished {
        try Command.run(
            wrapper + [Command.binary.string] + arguments + ["--root", root.string], environment: environment)
    }
}

import CaiTestSupport
import Glibc
import SystemPackage

/// An executable shell script.
func script(_ text: String) -> Item { Item.file("#!/bin/sh\n\(text)\n").mode(0o755) }

/// Where the hooks of these tests are, and no agent service unless a test is about it.
let hookVariables = [
    "CAI_STARTUP_HOOKS=/home/agent/startup.d", "CAI_SHUTDOWN_HOOKS=/home/agent/shutdown.d", "CAI_AGENT_SERVICE=0",
]

extension World {
    /// The words that start `cai entrypoint` as if this world were the machine: as process 1 of a container whose `/home`,
    /// `/mnt`, `/run` and accounts are the world's. `before` goes between the namespaces and the binary, `setup` is a shell
    /// script that runs before it, `variables` are set in exactly this order. Needs root.
    func entrypoint(
        _ words: [String], variables: [String] = [], setup: String = "", before: [String] = []
    ) throws -> [String] {
        try add(["run": [:], "home/agent/workspace": [:]])
        let all =
            ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root", "container=cai-test"] + hookVariables + variables
        return [
            "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
            "sh", "-euc",
            """
            mount --bind "$1/run" /run; : > /run/cai; mount --bind "$2" /run/cai
            mount --bind "$1/home" /home; mount --bind "$1/mnt" /mnt
            mount --bind "$1/mnt/agent-data" /mnt/agent-data
            mount --bind "$1/etc/passwd" /etc/passwd
            \(setup)
            shift 2
            exec "$@"
            """, "sh", root.string, Command.binary.string,
        ] + before + ["env", "-i"] + all + ["/run/cai", "entrypoint"] + words
    }

    /// Starts it, to go on while it runs. The world has to live as long.
    func start(_ words: String..., variables: [String] = [], setup: String = "") throws -> Running {
        try Running(try entrypoint(words, variables: variables, setup: setup))
    }

    /// Runs it to its end.
    func boot(
        _ words: String..., variables: [String] = [], setup: String = "", before: [String] = []
    ) throws -> Finished {
        try withExtendedLifetime(self) {
            try Command.run(try entrypoint(words, variables: variables, setup: setup, before: before))
        }
    }
}

extension Running {
    /// Reads standard error up to the first line that contains a text.
    @discardableResult func said(_ text: String) throws -> String {
        var lines = ""
        while let line = try errorLine() {
            if line.contains(text) { return line }
            lines += line + "\n"
        }
        throw Silence(wanted: text, said: lines)
    }

    /// The process that stands in for process 1 outside: the only child of `unshare`.
    func processOne() throws -> Int32 {
        let children = try Files.text(FilePath("/proc/\(process)/task/\(process)/children"))
        return try children.split(separator: " ").compactMap { Int32($0) }.first
            ?? { throw Silence(wanted: "process 1", said: children) }()
    }
}

private struct Silence: Error, CustomStringConvertible {
    let wanted: String
    let said: String
    var description: String { "expected \(wanted.debugDescription), saw \(said.debugDescription)" }
}

/// A socket for the messages of sd_notify(3).
final class NotifyReceiver {
    private let descriptor: Int32

    init(at path: FilePath) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.string.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        if bound != 0 { throw FileTrouble("bind", path, errno) }
    }

    deinit { close(descriptor) }

    /// The next message, waiting for it; a minute is the guard against a test that would hang.
    func message() throws -> String {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&state, 1, 60_000) != 1 { throw FileTrouble("wait", "notify socket", ETIMEDOUT) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(count, 0)], as: UTF8.self)
    }
}

extension World {
    /// Declares services and other settings for an entrypoint. Returns the variables by which it finds them.
    func declare(_ settings: String) throws -> [String] {
        try put("/home/agent.toml", .file(settings).owned(by: 0))
        return ["CAI_CONFIG=/home/agent.toml"]
    }
}

import CaiPlatform
import Glibc
import SystemPackage
import Testing

/// Runs a shell script and collects its output.
private func shell(
    _ script: String, environment: [String: String] = ["PATH": "/usr/bin:/bin"], limit: Duration? = nil
) throws -> (ending: ChildProcess.Ending, lines: [String]) {
    try collect(ChildProcess("/bin/sh", arguments: ["-c", script], environment: environment, limit: limit))
}

private func collect(_ process: ChildProcess) throws -> (ending: ChildProcess.Ending, lines: [String]) {
    var lines: [String] = []
    let ending = try process.run { lines.append(String(decoding: $0.bytes, as: UTF8.self)) }
    return (ending, lines)
}

@Suite(.serialized) struct `A child process` {
    @Test(arguments: [("exit 0", 0), ("exit 1", 1), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)])
    func `ends with its exit code, or 128 and the signal`(script: String, code: Int) throws {
        #expect(try shell(script).ending == .exited(code: code))
    }

    @Test func `hands both of its outputs over line by line, the last one without its line break too`() throws {
        #expect(try shell("echo one; echo two >&2; echo; printf last").lines == ["one", "two", "", "last"])
        #expect(try shell("true").lines == [])
    }

    @Test func `has long lines cut`() throws {
        var lines: [ChildProcess.Line] = []
        _ = try ChildProcess(
            "/bin/sh", arguments: ["-c", "printf '%070000d\\nshort' 7"], environment: ["PATH": "/bin"]
        ).run { lines.append($0) }
        #expect(lines.map(\.isCut) == [true, false])
        #expect(lines.map(\.bytes.count) == [ChildProcess.longestLine, 5])
    }

    @Test func `loses nothing of a flood of output`() throws {
        let (ending, lines) = try shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 7")
        #expect(ending == .exited(code: 7))
        #expect(lines.count == 20000 && lines.last == "19999")
    }

    @Test func `sees exactly the given environment, in the order of the names`() throws {
        let environment = ["B": "2", "A": "1=x", "C": "", "": "nameless", "D=": "no name"]
        let (_, lines) = try collect(ChildProcess("/usr/bin/env", environment: environment))
        #expect(lines == ["A=1=x", "B=2", "C="])
    }

    @Test func `starts in the given directory, with an empty input and no other descriptor`() throws {
        let scratch = try Scratch()
        let (_, lines) = try collect(
            ChildProcess(
                "/bin/sh", arguments: ["-c", "pwd -P; cat; ls /proc/self/fd"], environment: ["PATH": "/usr/bin:/bin"],
                directory: try Directory.open(scratch.path)))
        #expect(lines == [scratch.path.string, "0", "1", "2", "3"])
    }

    @Test(.asRoot) func `runs with the given ids and no further group`() throws {
        let (_, lines) = try collect(
            ChildProcess(
                "/bin/sh", arguments: ["-c", "id -u; id -g; id -G; grep '^Uid' /proc/self/status"],
                environment: ["PATH": "/usr/bin:/bin"], identity: (1234, 5678)))
        #expect(lines == ["1234", "5678", "5678", "Uid:\t1234\t1234\t1234\t1234"])
    }

    @Test(.asRoot) func `is not started with borrowed ids, which it could turn into root's`() async {
        await #expect(processExitsWith: .success) {
            let process = ChildProcess("/bin/true", environment: [:])
            let error = #expect(throws: SystemCallError.self) {
                try Identity.with(uid: 1234, gid: 1234) { _ = try process.run { _ in } }
            }
            #expect(error?.errno == .notPermitted)
        }
    }

    @Test func `is ended when its time is over`() throws {
        #expect(try shell("exec sleep 1000", limit: .milliseconds(50)).ending == .timedOut)
        #expect(try shell("sleep 1000 & wait", limit: .milliseconds(50)).ending == .timedOut)
        #expect(try shell("exec >&- 2>&-; exec sleep 1000", limit: .milliseconds(50)).ending == .timedOut)
    }

    @Test func `is killed when it ignores SIGTERM`() throws {
        let (ending, lines) = try shell(
            "trap '' TERM; echo ready; while :; do sleep 1000; done", limit: .milliseconds(500))
        #expect(ending == .timedOut)
        #expect(lines.first == "ready")
    }

    @Test func `may leave children behind that hold its output open`() throws {
        let (ending, lines) = try shell("sleep 1000 & echo $!; exit 3", limit: .seconds(100))
        #expect(ending == .exited(code: 3))
        let sleeper = try #require(lines.first.flatMap { pid_t($0) })
        #expect(kill(sleeper, SIGKILL) == 0, "it is left alone")
    }

    @Test func `is not waited for longer because of children that never stop writing`() throws {
        let (ending, lines) = try shell("yes & echo $! >&2; exit 0")
        #expect(ending == .exited(code: 0))
        let writer = lines.first { $0 != "y" }.flatMap { pid_t($0) }
        if let writer { kill(writer, SIGKILL) }
    }

    @Test func `is run by the shell when it is a script that names no interpreter`() throws {
        let scratch = try Scratch()
        let script = try scratch.file("hook", "echo \"$0 $1\"; exit 4", mode: 0o755)
        let (ending, lines) = try collect(
            ChildProcess(script, arguments: ["it's"], environment: [:]))
        #expect(ending == .exited(code: 4))
        #expect(lines == ["\(script) it's"])
    }

    @Test(arguments: [
        ("#!/no/such/interpreter\n", mode_t(0o755), Errno.noSuchFileOrDirectory),
        ("#!/bin/sh\n", mode_t(0o644), Errno.permissionDenied),
    ])
    func `that cannot be started says why`(text: String, mode: mode_t, errno: Errno) throws {
        let scratch = try Scratch()
        let script = try scratch.file("hook", text, mode: mode)
        let error = #expect(throws: SystemCallError.self) { try shellless(script) }
        #expect(error?.errno == errno)
        #expect(error?.subject == script.string)
    }

    @Test func `that does not exist says so`() {
        let error = #expect(throws: SystemCallError.self) { try shellless("/no/such/program") }
        #expect(error?.errno == .noSuchFileOrDirectory)
    }

    private func shellless(_ path: FilePath) throws { _ = try ChildProcess(path, environment: [:]).run { _ in } }
}

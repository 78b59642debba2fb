import CPlatform
import CaiInit
import CaiPlatform
import CaiTestSupport
import Glibc
import Synchronization
import SystemPackage
import Testing

/// Directories that are not there: the child needs some time to try them all.
private let manyDirectories = [FilePath](repeating: "/nonexistent/directory", count: 400_000) + ["/"]

/// Words of a command that stay valid as long as the tests run.
private func words(_ texts: String...) -> UnsafePointer<UnsafeMutablePointer<CChar>?> {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for (index, text) in texts.enumerated() { pointers[index] = strdup(text) }
    pointers[texts.count] = nil
    return UnsafePointer(pointers)
}

private func command(_ program: String, in directories: [FilePath]) -> CaiInit.Command {
    CaiInit.Command(words(program), credentials: nil, user: "", directories: directories, ignoresChildEnds: false)
}

/// The children that a thread has started.
private func children(of thread: Int32) -> [Int32] {
    // There are none where there is no such file.
    let text = (try? Files.text(FilePath("/proc/self/task/\(thread)/children"))) ?? ""
    return text.split(separator: " ").compactMap { Int32($0) }
}

private func failure(
    of command: borrowing CaiInit.Command, patience: Duration
) -> (step: CommandFailure.Step?, children: [Int32]) {
    do throws(CommandFailure) {
        let process = try command.start(terminal: nil, patience: patience)
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        return (nil, [])
    } catch {
        return (error.step, children(of: gettid()))
    }
}

@Suite struct `A command whose start is held up` {
    @Test func `because it is slow is a failure after the time that it has`() {
        let result = failure(of: command("/bin/true", in: manyDirectories), patience: .milliseconds(1))
        #expect(result.step == .late && result.children.isEmpty)
        #expect(failure(of: command("/bin/true", in: manyDirectories), patience: .seconds(60)).step == nil)
    }

    @Test func `because another process has stopped it is a failure, and it is ended`() throws {
        let thread = gettid()
        let isOver = Atomic(false)
        let stopper = try #require(
            Thread {
                while !isOver.load(ordering: .relaxed) { children(of: thread).forEach { kill($0, SIGSTOP) } }
            })
        let result = failure(of: command("/bin/true", in: manyDirectories), patience: .seconds(2))
        isOver.store(true, ordering: .relaxed)
        stopper.join()
        #expect(result.step == .late && result.children.isEmpty)
    }

    @Test func `because opening its file waits is a failure`() throws {
        let world = try World(["program": Item.file("#!/bin/sh\n").mode(0o755)])
        let path = world.path("program").string
        // Whoever opens a file with a lease for writing waits until the lease is given up: 45 seconds.
        let file = open(path, O_RDWR | O_CLOEXEC)
        defer { close(file) }
        #expect(fcntl(file, 10, SIGURG) == 0 && fcntl(file, 1024, F_WRLCK) == 0)
        let result = failure(of: command(path, in: []), patience: .milliseconds(50))
        #expect(result.step == .late && result.children.isEmpty)
    }

    @Test(arguments: [(Errno.timedOut, "in time"), (.interrupted, "before the end began")])
    func `is described with its name`(errno: Errno, sentence: String) {
        let failure = CommandFailure(.late, "tool", errno)
        #expect(failure.code == 126 && failure.description.hasPrefix("tool: "))
        #expect(failure.description.contains(sentence))
    }
}

@Suite struct `A command with more variables than a program can have` {
    private func leftOut(_ variables: [(name: String, value: String)]) throws -> [String] {
        var names: [String] = []
        let command = CaiInit.Command(
            words("/bin/true"), credentials: nil, user: "", directories: [], variables: variables,
            ignoresChildEnds: false)
        let process = try command.start(terminal: nil, leftOut: { names = $0 })
        var status: CInt = 0
        waitpid(process, &status, 0)
        #expect(status == 0)
        return names
    }

    @Test func `starts without one that is too long`() throws {
        let long = String(repeating: "x", count: 128 << 10)
        #expect(try leftOut([("SHORT", "1"), ("LONG", long)]) == ["LONG"])
        #expect(try leftOut([("SHORT", "1"), ("LONG", String(long.dropLast(6)))]) == [])
        #expect(try leftOut([("SHORT", "1"), ("LONG", String(long.dropLast(5)))]) == ["LONG"])
    }

    @Test func `starts without the longest that are too many`() throws {
        let values = (0..<100).map { (name: "LONG\($0)", value: String(repeating: "x", count: 100_000)) }
        let names = try leftOut([("HOME", "/home/agent")] + values)
        #expect(!names.isEmpty && names.count < 100 && !names.contains("HOME"))
    }
}

import CaiTestSupport
import SystemPackage

/// What the tests of `cai run` start below it (Tests/Probe), beside the test runner.
let probe: String = {
    let runner = (try? Files.linkText("/proc/self/exe")) ?? "."
    return runner.removingLastComponent().appending("probe").string
}()

/// The binary under test.
let cai = Command.binary.string

/// Starts a command in a PID namespace of its own, as process 1 when it is not told otherwise.
let inPIDNamespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]

extension Running {
    /// Starts `cai run` with these flags and this command.
    convenience init(run words: [String], on terminal: PseudoTerminal? = nil, blocked: [Int32] = []) throws {
        try self.init([cai, "run"] + words, on: terminal, blocked: blocked)
    }

    /// Waits for `ready` and reads the process id behind it, if there is one.
    @discardableResult func ready() throws -> Int32? {
        let line = try line()?.split(separator: " ").map(String.init) ?? []
        guard line.first == "ready" else { throw Unready(said: line) }
        return line.count > 1 ? Int32(line[1]) : nil
    }

    /// Waits until every signal is blocked, or until the command runs.
    func waitForFirstInstruction(of process: Int32? = nil) throws {
        let process = process ?? self.process
        while true {
            let mask = try status("SigBlk", of: process)
            if mask?.hasPrefix("fffffffe7") == true || mask?.hasPrefix("ffffffff") == true { return }
            if try Files.linkText(FilePath("/proc/\(process)/cwd")) == "/" { return }
        }
    }

    /// A line of /proc/PID/status.
    func status(_ key: String, of process: Int32? = nil) throws -> String? {
        let text = try Files.text(FilePath("/proc/\(process ?? self.process)/status"))
        return text.split(separator: "\n").first { $0.hasPrefix(key + ":") }
            .map { String($0.dropFirst(key.count + 1)).trimmed }
    }
}

/// The first line of a program that did not say it was ready.
private struct Unready: Error {
    let said: [String]
}

extension String {
    fileprivate var trimmed: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}

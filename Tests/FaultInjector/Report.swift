import Synchronization
import SystemPackage

/// Counts cases and prints lines, from several jobs at once.
final class Report: Sendable {
    /// The script that repeats a case.
    private let script: String
    private let counts = Mutex((passed: 0, failed: 0))

    init(script: String = "container/faults") { self.script = script }

    var hasFailed: Bool { counts.withLock { $0.failed > 0 || $0.passed == 0 } }

    /// Counts one case; a failed one is printed with what was wrong and how to see it again.
    func tried(_ isGood: Bool, _ name: String, _ problems: [String], reproduce: String, strace: String? = nil) {
        counts.withLock { counts in
            if isGood {
                counts.passed += 1
                return
            }
            counts.failed += 1
            put("not ok - \(name)")
            for problem in problems.prefix(12) { put("    # \(problem)") }
            if problems.count > 12 { put("    # and \(problems.count - 12) more") }
            if let strace { put("    # \(strace)") }
            put("    # again: \(script) --only '\(reproduce)'")
        }
    }

    /// Counts a failure that belongs to no case.
    func failed(_ sentence: String) {
        counts.withLock { counts in
            counts.failed += 1
            put("not ok - \(sentence)")
        }
    }

    func say(_ line: String) { counts.withLock { _ in put(line) } }

    func finish() { counts.withLock { put("\($0.passed) passed, \($0.failed) failed") } }
}

/// Writes a line at once, whatever standard output is.
private func put(_ line: String) {
    _ = try? FileDescriptor.standardOutput.writeAll((line + "\n").utf8)  // nobody is left to be told
}

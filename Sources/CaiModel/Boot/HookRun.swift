package import SystemPackage

/// What became of one startup hook.
package struct HookRun: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case succeeded
        /// It ended with this exit code; 128 + n for signal n.
        case failed(code: Int)
        /// It was ended after this time.
        case timedOut(Duration)
        case notExecutable
        /// It could not be started; the reason as the end of a sentence.
        case notStarted(reason: String)
    }

    /// The path of the hook inside the root.
    package let path: FilePath
    package let outcome: Outcome
    /// How long it ran.
    package let duration: Duration

    package init(path: FilePath, outcome: Outcome, duration: Duration) {
        self.path = path
        self.outcome = outcome
        self.duration = duration
    }

    /// The line for the log as the predecessors word it, with the reason behind it; nil for a hook that went well.
    package var line: String? {
        switch outcome {
        case .succeeded: nil
        case .notExecutable: "[WARN] Skipping non-executable hook: \(path.printable)"
        case .failed, .timedOut, .notStarted: "[ERROR] Startup hook failed: \(path.printable) (\(reason))"
        }
    }

    /// The same as a finding; nil for a hook that went well.
    package var finding: Finding? {
        switch outcome {
        case .succeeded: nil
        case .notExecutable:
            Finding(
                .warning, at: path.printable, "the startup hook is not executable and was skipped",
                advice: "chmod +x \(shellQuoted(path.printable))")
        case .timedOut:
            Finding(
                .error, at: path.printable, "the startup hook failed: \(reason)",
                advice: "make it faster, let it start the work in the background, or raise hook_timeout_seconds")
        case .failed, .notStarted:
            Finding(.error, at: path.printable, "the startup hook failed: \(reason)")
        }
    }

    private var reason: String {
        switch outcome {
        case .succeeded, .notExecutable: ""
        case .failed(let code): "exit code \(code)"
        case .timedOut(let limit): "still running after \(limit.components.seconds) seconds, ended"
        case .notStarted(let reason): reason
        }
    }
}

/// What became of all startup hooks, in their order.
package struct HooksReport: Sendable {
    package var runs: [HookRun] = []
    /// What was noticed beside single hooks.
    package var surroundings: [Finding] = []
    package init() {}

    /// Everything that was noticed.
    package var findings: [Finding] { surroundings + runs.compactMap(\.finding) }
}

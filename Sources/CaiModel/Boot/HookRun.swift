package import SystemPackage

/// When hooks run.
package enum HookKind: String, Sendable, CaseIterable {
    case startup, shutdown
    /// Behind an import through the agent service.
    case reload

    /// The word at the beginning of a sentence.
    var capitalized: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

    /// The setting that names their directories.
    package var setting: SettingKey {
        switch self {
        case .startup: .startupHooks
        case .shutdown: .shutdownHooks
        case .reload: .reloadHooks
        }
    }
}

/// What became of one hook.
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

    package let kind: HookKind
    /// The path of the hook inside the root.
    package let path: FilePath
    package let outcome: Outcome
    /// How long it ran.
    package let duration: Duration

    package init(_ kind: HookKind = .startup, path: FilePath, outcome: Outcome, duration: Duration) {
        self.kind = kind
        self.path = path
        self.outcome = outcome
        self.duration = duration
    }

    /// The line for the log as the predecessors word it, with the reason behind it; nil for a hook that went well.
    package var line: String? {
        switch outcome {
        case .succeeded: nil
        case .notExecutable: "[WARN] Skipping non-executable hook: \(path.printable)"
        case .failed, .timedOut, .notStarted:
            "[ERROR] \(kind.capitalized) hook failed: \(path.printable) (\(reason))"
        }
    }

    /// The same as a finding; nil for a hook that went well.
    package var finding: Finding? {
        switch outcome {
        case .succeeded: nil
        case .notExecutable:
            Finding(
                .warning, at: path.printable, "the \(kind.rawValue) hook is not executable and was skipped",
                advice: "chmod +x \(shellQuoted(path.printable))")
        case .timedOut:
            Finding(
                .error, at: path.printable, "the \(kind.rawValue) hook failed: \(reason)",
                advice: "make it faster, let it start the work in the background, or raise hook_timeout_seconds")
        case .failed, .notStarted:
            Finding(.error, at: path.printable, "the \(kind.rawValue) hook failed: \(reason)")
        }
    }

    /// The exit code that stands for it: its own, 124 when its time was over, 126 when it could not be started; nil for one
    /// that went well.
    package var failureCode: Int? {
        switch outcome {
        case .succeeded, .notExecutable: nil
        case .failed(let code): code
        case .timedOut: 124
        case .notStarted: 126
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

/// What became of all hooks of a kind, in their order.
package struct HooksReport: Sendable {
    package var runs: [HookRun] = []
    /// What was noticed beside single hooks.
    package var surroundings: [Finding] = []
    package init() {}

    /// Everything that was noticed.
    package var findings: [Finding] { surroundings + runs.compactMap(\.finding) }
}

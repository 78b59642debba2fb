/// How long a code holds, and how often another one may be given in its place.
package struct BootstrapLimits: Hashable, Sendable {
    /// Seconds; nil: it does not expire.
    package let expiry: Int64?
    /// Nil: without a limit.
    package let attempts: Int?

    /// 0 stands for no limit.
    package init(expiry: Int64, attempts: Int64) {
        self.expiry = expiry == 0 ? nil : expiry
        self.attempts = attempts == 0 ? nil : Int(clamping: attempts)
    }

    /// How many seconds behind the last wrong code the next one is looked at: the first half of the attempts is free, and
    /// each behind that waits twice as long as the one before.
    func pause(after failures: Int) -> Int64 {
        guard let attempts, failures > attempts / 2 else { return 0 }
        return 1 << Int64(min(failures - attempts / 2 - 1, 8))
    }
}

/// Why there is no code to be used; the raw values are the predecessors' where they have one.
package enum BootstrapReason: String, Sendable {
    case userExists = "user_exists"
    case completed
    case notInitialized = "not_initialized"
    case invalidState = "invalid_state"
    case invalidSecret = "invalid_secret"
    case expired
    case tooManyAttempts = "too_many_attempts"

    /// The reason as a sentence; the first two as the predecessors' log has them.
    package var sentence: String {
        switch self {
        case .userExists: "Bootstrap mode disabled: one or more configured users already exist."
        case .completed: "Bootstrap mode disabled: initial setup is already complete."
        case .notInitialized: "Bootstrap mode unavailable: there is no one-time code."
        case .invalidState: "Bootstrap mode unavailable: the file of the one-time code is damaged."
        case .invalidSecret: "Bootstrap mode unavailable: the kept one-time code is another one than that of its hash."
        case .expired: "Bootstrap mode unavailable: the one-time code has expired."
        case .tooManyAttempts: "Bootstrap mode unavailable: a wrong one-time code was given too often."
        }
    }
}

/// What is known when something is asked about the first login.
package struct BootstrapSituation: Sendable {
    /// Whether there is a user to log in with.
    package var hasUsers: Bool
    /// When the first setup was done.
    package var completedAt: String?
    package var isCompleted: Bool
    /// Nil: there is no file.
    package var code: Result<BootstrapCode, BootstrapCodeProblem>?
    /// Whether a code in clear that the predecessors keep beside it is another one.
    package var isSecretWrong: Bool
    package var now: Timestamp
    package var limits: BootstrapLimits
    /// Whether what the predecessors wrote has no limits.
    package var isCompatible: Bool

    package init(
        hasUsers: Bool, completedAt: String?, isCompleted: Bool, code: Result<BootstrapCode, BootstrapCodeProblem>?,
        isSecretWrong: Bool, now: Timestamp, limits: BootstrapLimits, isCompatible: Bool
    ) {
        self.hasUsers = hasUsers
        self.completedAt = completedAt
        self.isCompleted = isCompleted
        self.code = code
        self.isSecretWrong = isSecretWrong
        self.now = now
        self.limits = limits
        self.isCompatible = isCompatible
    }

    /// Whether a code can be used, and which; a user comes before a setup that is done, and that before a code
    /// (predecessors 2.6), except where an operator forced one.
    package enum Standing: Hashable, Sendable {
        case active(BootstrapCode)
        case inactive(BootstrapReason)
    }

    package var standing: Standing {
        if case .active(let code) = codeStanding, code.isForced { return .active(code) }
        if hasUsers { return .inactive(.userExists) }
        return isCompleted ? .inactive(.completed) : codeStanding
    }

    private var codeStanding: Standing {
        guard let code else { return .inactive(.notInitialized) }
        guard case .success(let code) = code else { return .inactive(.invalidState) }
        if isSecretWrong { return .inactive(.invalidSecret) }
        if let end = expiry(of: code), now >= end { return .inactive(.expired) }
        if isExhausted(code) { return .inactive(.tooManyAttempts) }
        return .active(code)
    }

    /// When a code ends; nil when it does not. One of the predecessors' ends as ours do, except for their own helper.
    package func expiry(of code: BootstrapCode) -> Timestamp? {
        if code.failures == nil, isCompatible { return nil }
        return code.expiresAt ?? limits.expiry.map { code.createdAt.advanced(by: $0) }
    }

    /// How often a wrong code may be given still; nil: as often as somebody likes.
    package func attemptsLeft(_ code: BootstrapCode) -> Int? {
        guard let attempts = limits.attempts, isCounting(code) else { return nil }
        return max(0, attempts - (code.failures ?? 0))
    }

    private func isExhausted(_ code: BootstrapCode) -> Bool { attemptsLeft(code) == 0 }

    private func isCounting(_ code: BootstrapCode) -> Bool { code.failures != nil || !isCompatible }

    /// How many seconds it takes until a code is looked at again; none when the clock was set back behind the last wrong one.
    package func pause(_ code: BootstrapCode) -> Int64 {
        guard isCounting(code), let failures = code.failures, let failedAt = code.failedAt else { return 0 }
        let elapsed = now.secondsSinceEpoch - failedAt.secondsSinceEpoch
        return elapsed < 0 ? 0 : max(0, limits.pause(after: failures) - elapsed)
    }

    /// The code behind a wrong one.
    package func counting(_ code: BootstrapCode) -> BootstrapCode {
        guard isCounting(code) else { return code }
        var code = code
        code.expiresAt = expiry(of: code)
        code.failures = (code.failures ?? 0) + 1
        code.failedAt = now
        return code
    }
}

package import CaiModel
import CaiPlatform
import Crypto
import FoundationEssentials
import SystemPackage

/// What came of a request about the first login.
package struct BootstrapAnswer: Sendable {
    package var reply: BootstrapReply
    /// What else was noticed; none of it is a reason to refuse.
    package var findings: [Finding] = []
    /// What is done to the machine or, in a preview, would be; never a code.
    package var actions: [String] = []
    package var isPreview = false

    init(_ reply: BootstrapReply) { self.reply = reply }
}

/// The first login: a one-time code that is shown once and makes one user (predecessors 2.6).
///
/// Only a hash of the code is kept. Whatever changes something holds the lock of the predecessors' helper; what is only
/// looked at changes nothing. The time that an answer takes tells nothing about the code.
package struct BootstrapJob {
    /// Whose rules hold.
    package enum Mode: Sendable {
        case own
        /// Those of the predecessors' helper: the code is kept in clear until it is used, and shown as often as asked.
        case compatible
    }

    let workplace: Workplace
    let mode: Mode
    let path: FilePath

    package init(_ workplace: Workplace, mode: Mode) {
        self.workplace = workplace
        self.mode = mode
        path = workplace.settings.path(.usersDirectory)
    }

    // MARK: Looking

    /// How it stands. `includesSecret`: with the code, where that is kept.
    package func status(includesSecret: Bool) throws -> BootstrapAnswer {
        try requireRoot()
        guard workplace.root.existsInRoot(path) else {
            return BootstrapAnswer(answer(try situation(nil), otp: nil))
        }
        let store = BootstrapStore(directory: try UserRecordStore(lookingAt: path, root: workplace.root).directory)
        return BootstrapAnswer(answer(try situation(store), otp: includesSecret ? try store.readSecret() : nil))
    }

    /// How it stands, as an answer.
    private func answer(_ situation: BootstrapSituation, otp: String?) -> BootstrapReply {
        switch situation.standing {
        case .active(let code):
            .active(
                code, otp: otp, expiresAt: situation.expiry(of: code), attemptsLeft: situation.attemptsLeft(code))
        case .inactive(let reason): .inactive(reason, completedAt: situation.completedAt)
        }
    }

    func situation(_ store: BootstrapStore?) throws -> BootstrapSituation {
        let (isCompleted, time) = try store?.readCompletion() ?? (false, nil)
        let code = try store?.readCode()
        var isSecretWrong = false
        if case .success(let code)? = code, let secret = try store?.readSecret() {
            isSecretWrong = !matches(secret, code)
        }
        return BootstrapSituation(
            hasUsers: try UsersJob(workplace, isPreview: true).hasUsers(), completedAt: time, isCompleted: isCompleted,
            code: code, isSecretWrong: isSecretWrong, now: Timestamp(secondsSinceEpoch: WallClock.seconds),
            limits: workplace.settings.bootstrapLimits, isCompatible: mode == .compatible)
    }

    // MARK: Making a code

    /// Makes a code where one is needed and there is none; the answer then holds it, for the only time. One that may not
    /// have been shown is replaced: tell `wasShown` when it was.
    package func initialize(isPreview: Bool = false) throws -> BootstrapAnswer {
        try changing(isPreview) { store, situation in
            switch situation.standing {
            case .active(let code) where mode == .compatible || code.isShown:
                let secret = mode == .compatible ? try store?.readSecret() : nil
                if mode == .own { try store?.removeSecret() }
                return BootstrapAnswer(answer(situation, otp: secret))
            case .active: return try make(store, situation, isForced: false)
            case .inactive(.tooManyAttempts):
                return BootstrapAnswer(.refused(refusal(.tooManyAttempts)))
            case .inactive(let reason) where reason == .userExists || reason == .completed:
                try store?.removeCode()
                return BootstrapAnswer(answer(situation, otp: nil))
            case .inactive: return try make(store, situation, isForced: false)
            }
        }
    }

    /// Makes another code; the one before works no more. Where somebody can log in already it takes `force`, and then the
    /// code makes one more user.
    package func reset(force: Bool, isPreview: Bool = false) throws -> BootstrapAnswer {
        try changing(isPreview) { store, situation in
            let isOver = situation.hasUsers || situation.isCompleted
            if mode == .own, isOver, !force {
                return BootstrapAnswer(.refused(refusal(situation.hasUsers ? .userExists : .completed)))
            }
            let answer = try make(store, situation, isForced: mode == .own && isOver)
            if mode == .compatible { try store?.removeCompletion() }
            return answer
        }
    }

    private func make(
        _ store: BootstrapStore?, _ situation: BootstrapSituation, isForced: Bool
    ) throws -> BootstrapAnswer {
        let action = "make a one-time code"
        guard let store else {
            var answer = BootstrapAnswer(answer(situation, otp: nil))
            answer.actions = [action]
            return answer
        }
        let (salt, otp) = (Self.random(16), Self.random(48))
        var code = BootstrapCode(
            salt: salt, hash: hexadecimal(Self.digest(otp, salt: salt)), now: situation.now,
            expiry: situation.limits.expiry, isForced: isForced)
        if mode == .compatible { code = code.withoutLimits() }
        try store.write(code, secret: mode == .compatible ? otp : nil)
        var answer = BootstrapAnswer(
            .active(
                code, otp: otp, expiresAt: situation.expiry(of: code), attemptsLeft: situation.attemptsLeft(code)))
        answer.actions = [action]
        return answer
    }

    /// Has the code that an answer holds, and that was shown to somebody, not be replaced by the next `initialize`. Returns
    /// what kept that from being noted: then another one is shown.
    package func wasShown(_ answer: BootstrapAnswer) -> Finding? {
        guard case .active(let code, .some, _, _) = answer.reply, !answer.isPreview, !code.isShown else { return nil }
        do {
            _ = try changing(false) { store, situation in
                if case .success(var kept)? = situation.code, kept.hash == code.hash {
                    kept.isShown = true
                    try store?.update(kept)
                }
                return answer
            }
            return nil
        } catch {
            return Finding(
                .warning, at: path.printable,
                "it cannot be noted that the code was shown, so the next start shows another: \(error.sentence)")
        }
    }

    // MARK: Foundations

    /// Runs `body` while nobody else changes anything; in a preview without a store to change.
    func changing(
        _ isPreview: Bool, _ body: (BootstrapStore?, BootstrapSituation) throws -> BootstrapAnswer
    ) throws -> BootstrapAnswer {
        try requireRoot()
        if isPreview {
            let exists = workplace.root.existsInRoot(path)
            let kept = exists ? try UserRecordStore(lookingAt: path, root: workplace.root) : nil
            var answer = try body(nil, situation(kept.map { BootstrapStore(directory: $0.directory) }))
            answer.isPreview = true
            return answer
        }
        let store = BootstrapStore(directory: try UserRecordStore(root: workplace.root, path: path).directory)
        let lock = try store.lock(workplace.settings.duration(.lockTimeout))
        let result = Result { try body(store, situation(store)) }
        lock.release()
        return try result.get()
    }

    private func requireRoot() throws {
        guard Identity.isRoot else {
            throw SystemCallError("open", path.printable, .permissionDenied)
        }
    }

    func refusal(_ reason: BootstrapReason) -> BootstrapRefusal {
        BootstrapRefusal(.inactive, reason.sentence, reason: reason)
    }

    /// Whether a text is the code; how long that takes does not depend on how much of it is right.
    func matches(_ otp: String, _ code: BootstrapCode) -> Bool {
        isSameSecret(Array(hexadecimal(Self.digest(otp, salt: code.salt)).utf8), Array(code.hash.utf8))
    }

    private static func digest(_ otp: String, salt: String) -> SHA256.Digest {
        SHA256.hash(data: Data("\(salt):\(otp)".utf8))
    }

    private static func random(_ count: Int) -> String {
        var source = SystemRandomNumberGenerator()
        return hexadecimal((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }
}

extension Settings {
    var bootstrapLimits: BootstrapLimits {
        BootstrapLimits(expiry: number(.bootstrapExpiry), attempts: number(.bootstrapAttempts))
    }
}

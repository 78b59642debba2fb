import CaiModel
import CaiPlatform

extension BootstrapJob {
    /// Tells whether the code is right: by our rules to one asker only, because a second one has no business to have it.
    package func verify(_ request: [UInt8]) throws -> BootstrapAnswer {
        try using(request, needsUser: false) { store, situation, code, _ in
            if mode == .compatible { return BootstrapAnswer(.verified) }
            if let time = code.verifiedAt {
                return BootstrapAnswer(
                    .refused(
                        BootstrapRefusal(.alreadyVerified, "The one-time code was verified at \(time) already.")))
            }
            var code = code
            code.verifiedAt = situation.now
            code.expiresAt = situation.expiry(of: code)
            code.failures = code.failures ?? 0
            try store.update(code)
            return BootstrapAnswer(.verified)
        }
    }

    /// Ends the first setup without making a user: the image's own one has a way to log in now.
    package func complete(_ request: [UInt8]) throws -> BootstrapAnswer {
        try using(request, needsUser: false) { store, situation, _, _ in
            let name = workplace.settings.text(.user)
            try store.writeCompletion(by: name, at: situation.now)
            try store.removeCode()
            return BootstrapAnswer(.completed(name))
        }
    }

    /// Makes the first user. When it is interrupted behind that, the user is there and the code works no more.
    package func createUser(_ request: [UInt8]) throws -> BootstrapAnswer {
        try using(request, needsUser: true) { store, situation, code, request in
            let users = UsersJob(workplace, isPreview: false)
            if let refusal = try problem(request, users) { return BootstrapAnswer(.refused(refusal)) }
            var answer = BootstrapAnswer(.created(request.username))
            do {
                let report = try users.add(.init(name: request.username, password: .password(request.password)))
                answer.findings = report.findings
                answer.actions = report.actions
            } catch let problem as UserProblem {
                return BootstrapAnswer(.refused(BootstrapRefusal(.createFailed, problem.finding.told)))
            } catch let refused as UsersRefused {
                return BootstrapAnswer(
                    .refused(BootstrapRefusal(.createFailed, refused.findings.map(\.told).joined(separator: "; "))))
            }
            answer.findings += finish(store, situation, request.username)
            return answer
        }
    }

    /// With a user there the code is dead already; so what cannot be written here is no reason to take the user back.
    private func finish(_ store: BootstrapStore, _ situation: BootstrapSituation, _ name: String) -> [Finding] {
        var findings: [Finding] = []
        for work in [{ try store.writeCompletion(by: name, at: situation.now) }, { try store.removeCode() }] {
            do {
                try work()
            } catch {
                findings.append(
                    Finding(
                        .warning, at: path.printable, "the end of the first setup is not noted: \(error.sentence)",
                        advice: "the user is there, and the code works no more"))
            }
        }
        return findings
    }

    private func problem(_ request: BootstrapRequest, _ users: UsersJob) throws -> BootstrapRefusal? {
        let name = request.username
        if let sentence = UserName.problemOfNew(name) {
            return BootstrapRefusal(.invalidUsername, "The name \(sentence).")
        }
        if try UserSurroundings(workplace).builtIn.contains(name) {
            return BootstrapRefusal(.invalidUsername, "\(name) is a user of the image.")
        }
        if let sentence = PasswordPolicy.problem(request.password) {
            return BootstrapRefusal(.invalidPassword, "The password \(sentence).")
        }
        return try users.hasAccount(name)
            ? BootstrapRefusal(.usernameExists, "There is an account of the name \(name).") : nil
    }

    /// Runs `body` with a request whose code is right, and counts one that is wrong before anybody hears of it.
    private func using(
        _ text: [UInt8], needsUser: Bool,
        _ body: (BootstrapStore, BootstrapSituation, BootstrapCode, BootstrapRequest) throws -> BootstrapAnswer
    ) throws -> BootstrapAnswer {
        let request: BootstrapRequest
        do {
            request = try BootstrapRequest(text, needsUser: needsUser)
        } catch {
            return BootstrapAnswer(.refused(error))
        }
        return try changing(false) { store, situation in
            guard let store else { return BootstrapAnswer(.refused(refusal(.notInitialized))) }
            switch situation.standing {
            case .inactive(let reason): return try inactive(reason, store, situation)
            case .active(let code):
                if let refusal = try check(request.otp, code, store, situation) {
                    return BootstrapAnswer(.refused(refusal))
                }
                return try body(store, situation, code, request)
            }
        }
    }

    private func check(
        _ otp: String, _ code: BootstrapCode, _ store: BootstrapStore, _ situation: BootstrapSituation
    ) throws -> BootstrapRefusal? {
        let pause = situation.pause(code)
        if pause > 0 {
            return BootstrapRefusal(
                .tooManyAttempts, "A wrong one-time code was given; try again in \(pause) s.", retryAfter: pause,
                attemptsLeft: situation.attemptsLeft(code))
        }
        if matches(otp, code) { return nil }
        let counted = situation.counting(code)
        if counted != code { try store.update(counted) }
        return BootstrapRefusal(
            .wrongCode, "The one-time code is wrong.", attemptsLeft: situation.attemptsLeft(counted))
    }

    /// The answer where there is no code to be used. A user that an interrupted run began is finished first.
    private func inactive(
        _ reason: BootstrapReason, _ store: BootstrapStore, _ situation: BootstrapSituation
    ) throws -> BootstrapAnswer {
        var findings: [Finding] = []
        if reason == .userExists, situation.code != nil {
            findings = try UsersJob(workplace, isPreview: false).restore().findings
            try store.removeCode()
        }
        let isAnswer = mode == .compatible && reason == .userExists
        var answer = BootstrapAnswer(
            isAnswer
                ? .inactive(reason, completedAt: situation.completedAt) : .refused(refusal(reason)))
        answer.findings = findings
        return answer
    }
}

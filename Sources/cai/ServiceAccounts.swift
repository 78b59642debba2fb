import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform
import SystemPackage

/// The jobs of the agent service that have to do with logging in: those of `cai users` and `cai bootstrap`.
struct ServiceAccounts: Sendable {
    /// What holds now.
    let workplace: @Sendable () throws -> Workplace

    // MARK: users

    func users(_ word: UsersWord, _ call: JobCall) throws -> JobAnswer {
        switch word {
        case .list:
            let users = try UsersJob(workplace(), isPreview: true).list()
            return JobAnswer(text: try JSON.array(users.map(\.json)).text(), isSuccess: true)
        case .lint:
            return JobAnswer(
                text: try LintReport(UsersJob(workplace(), isPreview: true).lint()).json(), isSuccess: true)
        case .add, .passwd: return try put(word, call)
        case .lock:
            let command = try UsersCommand.Lock.parse(call.arguments)
            return try answer(job(command.preview).lock(command.name, force: command.force))
        case .unlock:
            let command = try UsersCommand.Unlock.parse(call.arguments)
            return try answer(job(command.preview).unlock(command.name))
        case .remove:
            let command = try UsersCommand.Remove.parse(call.arguments)
            return try answer(job(command.preview).remove(command.name, force: command.force))
        case .persist: return try answer(job(UsersCommand.Persist.parse(call.arguments).preview).persist())
        case .restore: return try answer(job(UsersCommand.Restore.parse(call.arguments).preview).restore())
        }
    }

    private func put(_ word: UsersWord, _ call: JobCall) throws -> JobAnswer {
        let preview = try UsersCommand.Restore.parse(call.arguments).preview
        let request = try UserRequest(content(call))
        var generated: String?
        let password: NewPassword
        switch request.secret {
        case .password(let text): password = .password(text)
        case .hash(let text): password = .hash(text)
        case .generated:
            let text = try SecretOptions.generated()
            generated = text
            password = .password(text)
        }
        let job = try job(preview)
        guard word == .add else {
            return try answer(job.setPassword(of: request.username, to: password), generated)
        }
        return try answer(
            job.add(
                .init(
                    name: request.username, password: password, uid: request.uid, groups: request.groups,
                    shell: request.shell, home: request.home)), generated)
    }

    private func job(_ preview: PreviewOption) throws -> UsersJob {
        let workplace = try workplace()
        if !preview.dryRun { try workplace.requireInside(for: "users") }
        return UsersJob(workplace, isPreview: preview.dryRun)
    }

    private func answer(_ report: UsersReport, _ generated: String? = nil) throws -> JobAnswer {
        JobAnswer(
            text: try report.json(generated: generated).text(), isSuccess: !report.isFailure,
            findings: report.findings.filter { $0.severity > .note })
    }

    // MARK: the first login

    func bootstrap(_ word: BootstrapWord, _ call: JobCall) throws -> JobAnswer {
        let text = word == .status ? [] : try content(call)
        let workplace = try workplace()
        if word != .status { try workplace.requireInside(for: "bootstrap") }
        let job = BootstrapJob(workplace, mode: .own)
        let answer: BootstrapAnswer
        do {
            switch word {
            case .status: answer = try job.status(includesSecret: false)
            case .verify: answer = try job.verify(text)
            case .complete: answer = try job.complete(text)
            case .createUser: answer = try job.createUser(text)
            }
        } catch {
            let failure = Failure(error)
            throw JobFailure(
                .unavailable, (error as? UserProblem)?.finding.told ?? failure.sentence, advice: failure.advice)
        }
        var result = JobAnswer(
            text: try answer.reply.httpJSON.text(), isSuccess: answer.reply.refusal == nil,
            findings: answer.findings.filter { $0.severity > .note })
        result.status = answer.reply.refusal?.code.status
        result.retryAfter = answer.reply.refusal?.retryAfter
        return result
    }

    /// All that came with a request.
    private func content(_ call: JobCall) throws -> [UInt8] {
        let bytes = try Descriptor(owning: call.stream).readAll(limit: BootstrapRequest.largest, "the content")
        try call.confirm()
        return bytes
    }
}

extension BootstrapReply {
    /// The answer over HTTP: a refusal has what every error of the service has too.
    fileprivate var httpJSON: JSON {
        guard let refusal, case .object(var fields) = json else { return json }
        fields["error"] = .object(["code": .string(refusal.code.rawValue), "message": .string(refusal.message)])
        return .object(fields)
    }
}

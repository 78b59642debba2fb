import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform
import SystemPackage

/// `cai bootstrap`: the one-time code of the first login.
struct BootstrapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bootstrap", abstract: "Let the first user be made with a one-time code.",
        discussion: """
            Every answer is a JSON object on one line of standard output. verify, complete and create-user read one from \
            standard input: {"otp": CODE}, for create-user with "username" and "password" too.

            Only a hash of the code is kept, in users_directory. It is shown once, by init or reset; it ends after \
            bootstrap_expiry_seconds, or after bootstrap_attempts wrong ones, and the last half of those have to wait for \
            each other. A start with bootstrap_code shows one in the log where nobody can log in yet.

            What is refused has "ok": false and a reason, and ends with 1; a wrong code with 77, what may be tried \
            later with 75, and a request that is none with 64. With --compat, and under the name \
            opencode-cloud-bootstrap, codes and answers are those of that program, and it ends with 0.
            """,
        subcommands: [
            Initialize.self, Reset.self, Status.self, Verify.self, Complete.self, CreateUser.self,
        ])

    struct Initialize: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Make a code where one is needed and there is none, and show it.")
        @OptionGroup var options: BootstrapOptions
        @OptionGroup var preview: PreviewOption

        func run() throws {
            try options.run(isChange: !preview.dryRun) { try $0.initialize(isPreview: preview.dryRun) }
        }
    }

    struct Reset: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset",
            abstract: "Make another code and show it; the one before works no more.")
        @OptionGroup var options: BootstrapOptions
        @OptionGroup var preview: PreviewOption
        @Flag(help: "Also where somebody can log in already: the code makes one more user.") var force = false

        func run() throws {
            try options.run(isChange: !preview.dryRun) { try $0.reset(force: force, isPreview: preview.dryRun) }
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Tell whether there is a code; nothing is changed.")
        @OptionGroup var options: BootstrapOptions
        @Flag(help: "With the code, where it is kept: only opencode-cloud keeps it.") var includeSecret = false

        func run() throws { try options.run(isChange: false) { try $0.status(includesSecret: includeSecret) } }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Tell whether a code is right, and count it if it is not; it is told once that it is.")
        @OptionGroup var options: BootstrapOptions

        func run() throws { try options.run(isChange: true) { try $0.verify(try Self.request()) } }
    }

    struct Complete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "complete",
            abstract: "End the first setup without making a user; the code works no more.")
        @OptionGroup var options: BootstrapOptions

        func run() throws { try options.run(isChange: true) { try $0.complete(try Self.request()) } }
    }

    struct CreateUser: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create-user", abstract: "Make the first user; the code works no more.")
        @OptionGroup var options: BootstrapOptions

        func run() throws { try options.run(isChange: true) { try $0.createUser(try Self.request()) } }
    }
}

extension ParsableCommand {
    /// What stands on standard input; nothing where it is too long to be a request.
    fileprivate static func request() throws -> [UInt8] {
        do {
            return try Descriptor.standardInput().readAll(limit: BootstrapRequest.largest, "standard input")
        } catch let error where error.errno == .fileTooLarge {
            return []
        }
    }
}

/// What every part of `cai bootstrap` knows.
struct BootstrapOptions: ParsableArguments {
    @OptionGroup var global: GlobalOptions
    @Flag(help: "Answer as opencode-cloud-bootstrap does, and keep codes as it does.") var compat = false

    /// Does the work and prints its answer. `isChange`: on `/` it is done in a container only.
    func run(isChange: Bool, _ work: (BootstrapJob) throws -> BootstrapAnswer) throws {
        try reportingFailures {
            let job: BootstrapJob
            let answer: BootstrapAnswer
            do {
                let workplace = try global.workplace()
                if isChange { try workplace.requireInside(for: "bootstrap") }
                job = BootstrapJob(workplace, mode: compat ? .compatible : .own)
                answer = try work(job)
            } catch {
                throw Self.answered(error, compat)
            }
            try answer.show(isCompatible: compat)
            if let problem = job.wasShown(answer) { Talk.finding(problem) }
            let code = answer.reply.exitCode
            if !compat, code != .success { throw code }
        }
    }

    /// Says why it could not be done, as an answer too. Returns what to end with.
    private static func answered(_ error: any Error, _ isCompatible: Bool) -> any Error {
        let failure = Failure(error)
        let sentence = (error as? UserProblem)?.finding.told ?? failure.sentence
        print(BootstrapReply.refused(BootstrapRefusal(.unavailable, sentence)).json.line)
        if !isCompatible { return error }
        Talk.error(sentence)
        return ExitCode.success
    }
}

extension BootstrapAnswer {
    /// Prints the answer for programs, and what people want to know beside it.
    fileprivate func show(isCompatible: Bool) throws {
        guard case .object(var fields) = reply.json else { return }
        if isPreview {
            fields["dry_run"] = .bool(true)
            fields["actions"] = .strings(actions)
            actions.forEach { Talk.line("[DRY-RUN] Would \($0)") }
        }
        // At once: who was not told a code is shown another one.
        try InheritedFile.write(Array((JSON.object(fields).line + "\n").utf8), to: 1)
        findings.filter { $0.severity > .note }.forEach(Talk.finding)
        if isCompatible { return }
        if case .refused(let refusal) = reply { Talk.error(refusal.message) }
        if case .inactive(let reason, _) = reply { Talk.info(reason.sentence) }
    }
}

extension BootstrapReply {
    /// The answer on the wire: the predecessors' fields, and more of ours.
    var json: JSON {
        switch self {
        case .active(let code, let otp, let end, let left):
            var fields: [String: JSON] = [
                "ok": .bool(true), "active": .bool(true), "created_at": .string(code.createdAt.description),
            ]
            fields["otp"] = otp.map { .string($0) }
            fields["expires_at"] = end.map { .string($0.description) }
            fields["attempts_left"] = left.map { .number($0) }
            fields["verified_at"] = code.verifiedAt.map { .string($0.description) }
            return .object(fields)
        case .inactive(let reason, let time):
            var fields: [String: JSON] = [
                "ok": .bool(true), "active": .bool(false), "reason": .string(reason.rawValue),
            ]
            if reason == .completed { fields["completed_at"] = time.map { .string($0) } }
            return .object(fields)
        case .verified: return .object(["ok": .bool(true), "active": .bool(true)])
        case .completed(let name):
            return .object([
                "ok": .bool(true), "completed": .bool(true), "active": .bool(false), "username": .string(name),
            ])
        case .created(let name):
            return .object(["ok": .bool(true), "created": .bool(true), "username": .string(name)])
        case .refused(let refusal): return refusal.json
        }
    }

    /// What is refused, and why.
    var refusal: BootstrapRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }

    fileprivate var exitCode: ExitCode {
        guard case .refused(let refusal) = self else { return .success }
        switch refusal.code {
        case .invalidRequest: return .validationFailure
        case .wrongCode: return Exit.notPermitted
        case .tooManyAttempts: return Exit.temporary
        case .inactive, .invalidUsername, .usernameExists, .invalidPassword, .createFailed, .alreadyVerified,
            .unavailable:
            return Exit.found
        }
    }
}

extension BootstrapRefusal {
    fileprivate var json: JSON {
        var fields: [String: JSON] = [
            "ok": .bool(false), "code": .string(code.rawValue), "message": .string(message),
            "status": .number(code.status),
        ]
        if let reason {
            fields["active"] = .bool(false)
            fields["reason"] = .string(reason.rawValue)
        }
        fields["retry_after_seconds"] = retryAfter.map { .number($0) }
        fields["attempts_left"] = attemptsLeft.map { .number($0) }
        return .object(fields)
    }
}

/// This program under the name of the predecessors' helper.
enum BootstrapHelper {
    private static let name = "opencode-cloud-bootstrap"
    private static let commands = ["init", "reset", "status", "verify", "complete", "create-user"]

    /// Whether it was started under that name.
    static var isWanted: Bool { CommandLine.arguments.first?.split(separator: "/").last == name[...] }

    /// Does what the command line asks for, and ends this program.
    static func perform() {
        let words = Array(CommandLine.arguments.dropFirst())
        guard let command = words.first, commands.contains(command) else {
            StandardError.write("Usage: \(name) {\(commands.joined(separator: "|"))}\n")
            BootstrapCommand.exit(withError: Exit.found)
        }
        Cai.main(["bootstrap", command, "--compat"] + words.dropFirst())
    }
}

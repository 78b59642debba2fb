import ArgumentParser
import CaiCore
import CaiModel
import CaiNetwork
import CaiPlatform
import Logging
import Synchronization
import SystemPackage

/// The jobs of the agent service: those of the commands, called as these call them. Settings and manifests are read for each.
struct ServiceJobs: Sendable {
    private let work: AgentWork
    /// What the service was started with.
    private let global: @Sendable () throws -> Workplace
    private let start = Timestamp(secondsSinceEpoch: WallClock.seconds)
    private let guardian: ServiceGuard
    private let memory = PushMemory()
    private let imports = ParsedImports()
    private let guides = GuideText()
    /// Whether it is there for more than one client.
    private let isLasting: Bool
    private let logger: Logger

    /// `find` reads the settings again.
    init(
        _ workplace: Workplace, guardian: ServiceGuard, _ logger: Logger, isLasting: Bool,
        find: @escaping @Sendable () throws -> Workplace
    ) {
        work = AgentWork(
            workplace, manifests: ManifestLoader.standard, environment: Environment.all,
            answers: LocalPage.answers, find: find)
        global = find
        self.isLasting = isLasting
        self.guardian = guardian
        self.logger = logger
    }

    var all: AgentJobs {
        AgentJobs(
            health: { work.health() }, status: { status() }, reload: { reload() },
            links: { call in try answering { try links(call) } },
            persistence: { call in try answering { try persistence(call) } },
            repair: { call in try answering { try repair(call) } },
            sync: { call in try answering { try sync(call) } },
            undo: { call in try answering { try undo(call) } },
            importing: { call in try answering { try importArchive(call) } },
            guide: { call in try answering { try guide(call) } },
            plan: { call in try answering { try plan(call) } },
            export: { call, begin in try answering { try export(call, begin) } },
            users: { word, call in try answering { try accounts.users(word, call) } },
            bootstrap: { word, call in try answering { try accounts.bootstrap(word, call) } })
    }

    private var accounts: ServiceAccounts { ServiceAccounts(workplace: { try global().withoutMistakes() }) }

    /// Reads everything again; the guard goes on with what holds then.
    private func reload() -> AgentReload {
        var reload = work.reload()
        do {
            try guardian.restart(work.workplace)
        } catch {
            reload.findings.append(Finding(.error, at: "links", "are not guarded: \(error)"))
        }
        return reload
    }

    private func session() throws -> Session { try Session(global().withoutMistakes()) }

    // MARK: looks

    private func status() -> ServiceStatus {
        work.status(version: Build.version, commit: Build.commit, start: start, guardsLinks: guardian.isRunning)
    }

    private func links(_ call: JobCall) throws -> JobAnswer {
        let lines = try runLinks(session(), .check)
        return try answer(lines.document, lines.isFailure)
    }

    private func persistence(_ call: JobCall) throws -> JobAnswer {
        let report = try PersistenceCheckCommand.parse([]).look(global())
        return JobAnswer(text: try report.json(), isSuccess: true)
    }

    // MARK: changes

    private func repair(_ call: JobCall) throws -> JobAnswer {
        let session = try session()
        let command = try LinksCommand.Repair.parse(call.arguments)
        let lines = try runLinks(session, command.dryRun ? .dryRun : .repair)
        tell(call, lines.report, session.layout, "links")
        return try answer(lines.document, lines.isFailure)
    }

    private func sync(_ call: JobCall) throws -> JobAnswer {
        let session = try session()
        let lines = try SyncCommand.parse(call.arguments).carryOut(session)
        tell(call, lines.report, session.layout, "sync")
        return try answer(lines.document, lines.failures > 0)
    }

    private func undo(_ call: JobCall) throws -> JobAnswer {
        let session = try session()
        let report = try UndoCommand.parse(call.arguments).carryOut(session)
        tell(call, report, session.layout, "undo")
        return try answer(report.json(session.layout, command: "undo"), report.hasFailed)
    }

    private func importArchive(_ call: JobCall) throws -> JobAnswer {
        let stream = Descriptor(owning: call.stream)
        let command = try imports.command(call.arguments)
        let session = try session()
        let file = ArchiveFile(stream: stream, confirm: call.confirm)
        let lines = try command.carryOut(session, .archive(file))
        tell(call, lines.report, session.layout, "import")
        if let links = lines.links { tell(call, links, session.layout, "links") }
        let findings = try followUp(session, lines.changed)
        var document = lines.document
        if case .object(var fields) = document {
            fields["lines"] = .strings(lines.all)
            fields["reload"] = .array(findings.map(\.json))
            document = .object(fields)
        }
        call.tell(
            "import",
            JSON.object([
                "event": .string("import"), "run": .optional(lines.report.run?.text),
                "changes": .number(lines.changed.count), "dry_run": .bool(command.dryRun),
            ]).line)
        return JobAnswer(text: try document.text(), isSuccess: !lines.isFailure, findings: findings)
    }

    /// What comes behind an import that changed something: new shells get the variables that hold now, and programs that run
    /// are told.
    private func followUp(_ session: Session, _ changed: [String]) throws -> [Finding] {
        guard !changed.isEmpty else { return [] }
        let hook = try session.workplace.asOwner {
            try EnvironmentHookJob(session.machine, entries: session.entries)
                .run(session.options("import", isPreview: false))
        }
        let logger = logger
        return hook.findings.filter { $0.severity > .note }
            + ReloadJob(session.workplace, environment: Environment.all, changed: changed)
            .run { name, line in logger.info("[\(name)] \(line)") }
    }

    private func guide(_ call: JobCall) throws -> JobAnswer {
        let session = try session()
        var loader = ImportConfigurationLoader(session.machine, source: nil, workspaces: session.workspaces)
        let (configuration, repository) = try session.workplace.asOwner { loader.discoverParts() }
        let guide = PushGuide(
            entries: session.entries, layout: session.layout, workspaces: session.workspaces,
            configuration: configuration, repository: repository, remembers: isLasting)
        return JobAnswer(text: try guides.text(of: guide), isSuccess: true)
    }

    private func plan(_ call: JobCall) throws -> JobAnswer {
        let stream = Descriptor(owning: call.stream)
        let command = try imports.command(call.arguments)
        let bytes = try stream.readAll(limit: PushIndex.largest, "the index")
        try call.confirm()
        let request = try PushRequest(bytes)
        let session = try session()
        let job = PushPlanJob(
            session.machine, entries: session.entries, arrangement: command.layout == .volume ? .volume : .home,
            withoutSecrets: command.noSecrets, memory: memory)
        return JobAnswer(text: try sortedJSON(session.workplace.asOwner { try job.run(request) }), isSuccess: true)
    }

    private func export(_ call: JobCall, _ begin: () -> Void) throws -> JobAnswer {
        let stream = Descriptor(owning: call.stream)
        let command = try ExportCommand.parse(["--output=-"] + call.arguments)
        let session = try session()
        let format = command.format ?? .tgz
        let target = ExportTarget(stream: stream, workshop: FilePath(Environment.all["TMPDIR"] ?? "/tmp"))
        let (job, problems) = try command.job(session, format, WallClock.seconds)
        begin()
        let report = try session.workplace.asOwner { try job.run(to: target) { _ in } }
        let isFailure = report.findings.contains { $0.severity == .error }
        var answer = JobAnswer(
            text: try report.document(format).text(), isSuccess: !isFailure, findings: problems + report.findings)
        answer.leftOut = report.leftOut.json.asciiLine
        return answer
    }

    // MARK: answers

    private func answer(_ document: JSON, _ isFailure: Bool) throws -> JobAnswer {
        JobAnswer(text: try document.text(), isSuccess: !isFailure)
    }

    /// Tells each step that was carried out.
    private func tell<Detail>(_ call: JobCall, _ report: RunReport<Detail>, _ layout: Layout, _ command: String) {
        for json in report.outcomes.lazy.filter({ $0.result == .done }).flatMap({ $0.json(layout) }) {
            guard case .object(var fields) = json else { continue }
            fields["event"] = .string("step")
            fields["command"] = .string(command)
            if let run = report.run { fields["run"] = .string(run.text) }
            call.tell("step", JSON.object(fields).line)
        }
    }

    /// Words errors for clients as the command line words them.
    private func answering<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw JobFailure(error) ?? error
        }
    }
}

/// The text of the guide for pushes, which mostly is the same as before: to write it takes longer than to compare it.
private final class GuideText: Sendable {
    private let known = Mutex<(guide: PushGuide, text: String)?>(nil)

    func text(of guide: PushGuide) throws -> String {
        if let known = known.withLock({ $0 }), known.guide == guide { return known.text }
        let text = try sortedJSON(guide)
        known.withLock { $0 = (guide, text) }
        return text
    }
}

extension JobFailure {
    /// Nil for an error that the service words itself.
    fileprivate init?(_ error: any Error) {
        switch error {
        case let broken as BrokenSettings:
            self.init(
                .unavailable, broken.findings.first?.told ?? "the settings cannot be used",
                advice: "cai config show lists them")
            return
        case let problem as UserProblem:
            self.init(.refused, "\(problem.finding.place): \(problem.finding.sentence)", advice: problem.finding.advice)
            return
        case let refused as UsersRefused:
            self.init(.refused, refused.findings.map(\.told).joined(separator: "; "))
            return
        case let request as UserRequest.Problem:
            self.init(.badRequest, request.sentence)
            return
        case let index as PushIndexProblem: self.init(.badRequest, "record \(index.record): \(index.sentence)")
        case is VolumeLock.Held: self.init(.locked, Failure(error))
        case is ArchiveProblem, is SourceProblem: self.init(.badRequest, Failure(error))
        case is UnknownRun: self.init(.notFound, Failure(error))
        case is MachineProblem, is NotInContainer: self.init(.unavailable, Failure(error))
        case is SystemCallError: self.init(.failed, Failure(error))
        case let usage where usage is ValidationError || "\(type(of: usage))" == "CommandError":
            self.init(.badRequest, ImportCommand.message(for: usage))
        default: return nil
        }
    }

    private init(_ kind: Kind, _ failure: Failure) { self.init(kind, failure.sentence, advice: failure.advice) }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// There is no volume of the agents', and none is needed.
private struct VolumeUnused: Error {}

/// One boot while it runs: what earlier steps leave for later ones.
struct Boot {
    let job: InitJob
    /// The machine's trees, or why there are none.
    private var opened: Result<Machine, any Error>
    /// Whether there is no volume, and need not be: what works on it has nothing to do.
    private var isWithoutVolume: Bool {
        if case .failure(is VolumeUnused) = opened { true } else { false }
    }
    private var manifest: ManifestSet?
    private var entries: [Entry] = []
    private var directories: [PlacedDirectory] = []
    /// The places of the secrets among them.
    private var secretPlaces = SecretPlaces([], directories: [])
    private var entryFindings: [Finding] = []
    private var environment: [String: String]
    private var secrets: [String] = []
    /// What `.env` adds to the environment.
    private(set) var variables: [EnvironmentFile.Assignment] = []
    private var placeholderSteps: [Step] = []
    /// What the step `agents` makes.
    private var agentSteps: [Step] = []
    /// The variables that name agent directories on the volume.
    private(set) var agentVariables: [(name: String, value: String)] = []
    private var links: RunReport<LinkPlan>?
    private var ownership: OwnershipReport?
    private var isJournalDue = false
    /// The code of the first login, when the log shows it.
    private(set) var code: BootstrapAnswer?

    /// Whether there are no trees to work on, though there should be.
    var isRefused: Bool { if case .failure = opened { !isWithoutVolume } else { false } }

    private var workplace: Workplace { job.workplace }
    private var isPreview: Bool { job.request.isPreview }

    init(_ job: InitJob) {
        self.job = job
        environment = job.request.environment
        opened = Result {
            if !job.request.force { try job.workplace.requireContainer(for: "init") }
            if try job.workplace.volumeState() == .unused { throw VolumeUnused() }
            return try job.workplace.machine()
        }
        load()
    }

    private mutating func load() {
        guard case .success(let machine) = opened else { return }
        do {
            let found = try workplace.asOwner {
                MachineManifests(
                    job.manifests, machine, workplace.settings, environment: job.request.environment)
            }
            manifest = found.manifests
            directories = found.directories
            entries = found.entries
            secretPlaces = SecretPlaces(entries, directories: directories)
            entryFindings = found.linkFindings
        } catch {
            opened = .failure(error)
        }
    }

    mutating func carryOut(_ name: BootStepName) -> StepWork {
        do {
            if name == .persistence { return try checkPersistence() }
            if isWithoutVolume { return try carryOutWithoutVolume(name) }
            let machine = try opened.get()
            switch name {
            case .journal: return try finishJournal(machine)
            case .persistence: return StepWork()
            case .ownership: return try repairOwnership(machine)
            case .agents: return try prepareAgents(machine)
            case .placeholders: return try makePlaceholders(machine)
            case .environment: return try readEnvironment(machine)
            case .git: return try migrateGit(machine)
            case .links: return try repairLinks(machine)
            case .manifests: return try writeGenerated(machine)
            case .workspace: return try linkWorkspace()
            case .opencode: return try patchOpencode()
            case .users: return try restoreUsers()
            case .bootstrap: return try beginLogins()
            case .hooks: return try runHooks()
            }
        } catch {
            return unusable(error, first: name == .journal)
        }
    }

    /// What a boot is where nothing is kept on a volume of the agents'.
    private mutating func carryOutWithoutVolume(_ name: BootStepName) throws -> StepWork {
        switch name {
        case .journal: return .skipped(workplace.settings.findings)
        case .ownership: return try giveAgentDirectories()
        case .workspace: return try linkWorkspace()
        case .opencode: return try patchOpencode()
        case .users: return try restoreUsers()
        case .bootstrap: return try beginLogins()
        case .hooks: return try runHooks()
        default: return .skipped()
        }
    }

    /// When the trees cannot be opened, the first step says why and the others are skipped.
    private func unusable(_ error: any Error, first: Bool) -> StepWork {
        if case .failure = opened, !first { return .skipped() }
        return StepWork(findings: [Finding(ofStep: error)])
    }

    /// The time to wait for the lock of the volume: no longer than the step has.
    private var lockTimeout: Duration {
        let time = workplace.settings.duration(.lockTimeout)
        return WorkBudget.remaining.map { min($0, time) } ?? time
    }

    private func options(_ command: String) -> RunOptions {
        RunOptions(
            command: command, isPreview: isPreview, lockTimeout: lockTimeout,
            retention: workplace.settings.retention, secrets: secretPlaces)
    }

    private func engine(_ machine: Machine) -> Engine { Engine(machine, entries: entries, options: options("init")) }

    // MARK: the steps

    private mutating func finishJournal(_ machine: Machine) throws -> StepWork {
        var findings = workplace.settings.findings
        do {
            let finished = try workplace.asOwner { try engine(machine).finishPending() }
            findings += finished
            return StepWork(findings: findings, changes: finished.count, isSkipped: finished.isEmpty)
        } catch let error as SystemCallError where error.errno == .permissionDenied && Identity.isRoot {
            isJournalDue = true  // on a volume that belongs to somebody else; the ownership step mends that first
            return .skipped(findings)
        }
    }

    private func checkPersistence() throws -> StepWork {
        let report = try PersistenceCheck(
            workplace.settings.persistentPaths, below: workplace.rootPath,
            environment: PersistenceCheck.environmentOfThisProcess
        ).run()
        var work = StepWork(findings: report.findings, lines: report.warning(strict: false))
        if !report.isClean(strict: false) {
            work.findings.append(
                Finding(
                    .error, at: "mounts", "persistence is not configured for one or more paths",
                    advice: "cai persistence check shows the fix for each"))
        }
        return work
    }

    private func agentsJob(_ machine: Machine) -> AgentsJob {
        AgentsJob(
            machine, entries: entries, directories: directories,
            localDirectory: workplace.settings.path(.localDirectory))
    }

    private mutating func prepareAgents(_ machine: Machine) throws -> StepWork {
        if !isPreview { try makeLocalParent(machine) }
        let result = try workplace.asOwner { try agentsJob(machine).run(options("init")) }
        agentSteps = result.targets.detail.plan.steps
        var work = StepWork(result.migration, machine.layout)
        work.add(StepWork(result.targets, machine.layout))
        work.add(
            StepWork(
                findings: result.local.findings, changes: result.local.changes,
                isSkipped: result.local.changes == 0, actions: result.local.actions))
        work.findings = directories.compactMap(\.obstacle) + work.findings
        let assignments = directories.compactMap { $0.assignment(machine.layout) }
        for (name, value) in assignments where job.request.environment[name] == nil {
            agentVariables.append((name, value))
            environment[name] = value
        }
        return work
    }

    /// Makes the directory that holds `local_directory`, as root, where an image has none: an image from nothing has no /tmp.
    private func makeLocalParent(_ machine: Machine) throws {
        let parent = workplace.settings.path(.localDirectory).removingLastComponent()
        guard Identity.isRoot, machine.owner.uid != 0, !machine.root.existsInRoot(parent) else { return }
        do {
            // Every user may use it, as every user may use /tmp.
            _ = try machine.root.makeDirectories(parent, mode: 0o755)
            try machine.root.openInRoot(parent).descriptor.setMode(0o1777, parent)
        } catch is SystemCallError {
            return  // the step itself says what cannot be made
        }
    }

    private mutating func makePlaceholders(_ machine: Machine) throws -> StepWork {
        let entries = entries
        let report = try workplace.asOwner {
            try engine(machine).run { _ in
                planPlaceholders(Observer(machine).observe(entries, depth: .links), layout: machine.layout)
            }
        }
        placeholderSteps = report.detail.plan.steps
        var work = StepWork(report, machine.layout, without: isPreview ? agentSteps : [])
        let known = Set(placeholderSteps.flatMap(\.places))
        let directories = directories
        let privacy = try workplace.asOwner {
            try engine(machine).run { _ in
                let seen = SecretPartsObserver(machine).observe(directories)
                return planAgentPrivacy(seen.filter { !known.contains(.volume($0.path)) })
            }
        }
        work.add(StepWork(privacy, machine.layout))
        work.add(try expireSecrets(machine))
        return work
    }

    /// Removes displaced secrets that are older than an hour.
    private func expireSecrets(_ machine: Machine) throws -> StepWork {
        let job = SecretExpiryJob(
            machine, places: secretPlaces, lockTimeout: lockTimeout)
        do {
            let count = try workplace.asOwner { try job.run(isPreview: isPreview) }
            if count == 0 { return .skipped() }
            let action = "remove \(count) displaced \(count == 1 ? "secret" : "secrets") older than an hour"
            return StepWork(changes: count, actions: [action])
        } catch {
            return StepWork(findings: [.notExpired(error)], isSkipped: true)
        }
    }

    private mutating func readEnvironment(_ machine: Machine) throws -> StepWork {
        let (file, findings) = try VolumeEnvironment(workplace, machine).read()
        guard let file else { return findings.isEmpty ? .skipped() : StepWork(findings: findings) }
        variables = file.assignments.filter { job.request.environment[$0.name] == nil }
        environment = file.applying(to: environment)
        secrets = file.secrets
        return StepWork(findings: findings)
    }

    private func migrateGit(_ machine: Machine) throws -> StepWork {
        let report = try workplace.asOwner {
            try engine(machine).run { _ in
                let reader = NodeReader(machine.volume)
                return planGitMigration(
                    old: reader.node(at: ".gitconfig"), new: reader.node(at: "git/gitconfig"),
                    isSame: reader.isSameFile(".gitconfig", "git/gitconfig"), layout: machine.layout)
            }
        }
        return StepWork(report, machine.layout)
    }

    private mutating func repairLinks(_ machine: Machine) throws -> StepWork {
        let job = LinksJob(machine, entries: entries)
        let report = try workplace.asOwner {
            let options = options("init")
            let report = try job.run(options, policy: .respectStrangers)
            if !isPreview { try job.stamp(report, options) }
            return report
        }
        links = report
        // A preview has not made the placeholders, so the links ask for them again.
        var work = StepWork(report, machine.layout, without: isPreview ? placeholderSteps + agentSteps : [])
        let removal = try workplace.asOwner { try agentsJob(machine).removeUnwantedLinks(options("init")) }
        work.add(StepWork(removal, machine.layout))
        work.findings = entryFindings + work.findings.map(\.atMostWarning)
        return work
    }

    private func writeGenerated(_ machine: Machine) throws -> StepWork {
        guard let manifest else { return .skipped() }
        let job = GeneratedFilesJob(
            machine: machine, manifests: manifest.manifest,
            variables: directories.compactMap { $0.assignment(machine.layout) })
        let (report, findings) = try workplace.asOwner {
            let (files, findings) = job.files(links: links)
            let report = try engine(machine).run { _ in planGenerated(job.lookAgain(files), layout: machine.layout) }
            return (report, findings)
        }
        var work = StepWork(report, machine.layout)
        work.findings = manifest.findings + findings + work.findings
        return work
    }
}

// The steps that are not runs of the engine.
extension Boot {
    private mutating func repairOwnership(_ machine: Machine) throws -> StepWork {
        let report = OwnershipRepair(machine, entries: entries).run(isPreview: isPreview)
        ownership = report
        var work = StepWork(findings: report.findings, changes: report.changes, isSkipped: report.changes == 0)
        let wasUnreadable = ((manifest?.findings ?? []) + entryFindings).contains { $0.severity > .note }
        if wasUnreadable, report.changes > 0, !isPreview { load() }  // perhaps only for their owner
        if isJournalDue { work.findings += try workplace.asOwner { try engine(machine).finishPending() } }
        let more = try giveAgentDirectories()
        work.findings += more.findings
        work.changes += more.changes
        work.actions += more.actions
        work.isSkipped = work.changes == 0
        return work
    }

    private func giveAgentDirectories() throws -> StepWork {
        var directories = try OpencodeDirectories(workplace, isPreview: isPreview)
        return directories?.run() ?? .skipped()
    }

    private func linkWorkspace() throws -> StepWork {
        let (outcome, findings) = WorkspaceLink(workplace, isPreview: isPreview)
            // The path comes from the container, never from .env, which the agent writes.
            .run(hostWorkspace: job.request.environment["CAI_HOST_WORKSPACE"])
        switch outcome {
        case .made, .planned: return StepWork(findings: findings, changes: 1)
        case .unnecessary, .present, .refused: return StepWork(findings: findings, isSkipped: true)
        }
    }

    private mutating func restoreUsers() throws -> StepWork {
        guard workplace.settings.isOn(.manageUsers) else { return .skipped() }
        let given = environment
        // Nobody who is started later has any use for these.
        for name in UserBootstrap.secretVariables { environment[name] = nil }
        do {
            let report = try UsersJob(workplace, isPreview: isPreview).boot(UserBootstrap(given))
            return StepWork(findings: report.findings, changes: report.changes, actions: report.actions)
        } catch let problem as UserProblem {
            return StepWork(findings: [problem.finding])
        }
    }

    /// Nobody can log in yet, unless the environment says who.
    private mutating func beginLogins() throws -> StepWork {
        let settings = workplace.settings
        guard settings.isOn(.manageUsers), settings.isOn(.bootstrapCode),
            UserBootstrap(job.request.environment).username == nil
        else { return .skipped() }
        do {
            let answer = try BootstrapJob(workplace, mode: .own).initialize(isPreview: isPreview)
            var work = StepWork(answer, at: settings.path(.usersDirectory).printable)
            if case .active(let code, let otp?, let end, _) = answer.reply {
                self.code = answer
                work.lines = announcement(of: code, otp, until: end)
            }
            return work
        } catch let problem as UserProblem {
            return StepWork(findings: [problem.finding])
        }
    }

    /// The first line begins as the predecessors' does: people search for it.
    private func announcement(of code: BootstrapCode, _ otp: String, until end: Timestamp?) -> [String] {
        [
            "INITIAL ONE-TIME PASSWORD (IOTP): \(otp)", "Issued at (UTC): \(code.createdAt)",
            "It is shown once and makes one user\(end.map { ", until \($0)" } ?? ""); cai bootstrap reset makes another.",
        ]
    }

    private func patchOpencode() throws -> StepWork {
        guard !workplace.settings.opencodeRules.isEmpty else { return .skipped(workplace.settings.opencodeFindings) }
        let opencode = try OpencodeJob(workplace, isPreview: isPreview)
        let report = try opencode.run(options("init"))
        var work = StepWork(report, opencode.layout)
        work.findings = workplace.settings.opencodeFindings + work.findings.map(\.atMostWarning)
        work.findings += report.detail.securityWarnings(
            environment: job.request.environment, isDone: report.problems.isEmpty)
        return work
    }

    private func runHooks() throws -> StepWork {
        if isPreview { return .skipped() }  // what a hook would do, nobody can tell
        let hooks = Hooks(
            .startup, workplace, environment: workplace.agentEnvironment(environment),
            redactor: Redactor(secrets: secrets))
        let report = hooks.run(log: job.request.log)
        return StepWork(
            findings: report.findings, changes: 0,
            isSkipped: report.runs.isEmpty,
            lines: report.surroundings.map(\.logLine) + report.runs.compactMap(\.line),
            code: report.runs.lazy.compactMap(\.failureCode).first ?? 1)
    }

    /// Does what can only be done when every step has made what it makes. Returns what did not work.
    func finish() -> [Finding] {
        guard case .success(let machine) = opened, let ownership else { return [] }
        return OwnershipRepair(machine, entries: entries).stamp(ownership, options("init"))
    }
}

import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform

/// `cai init`: everything that has to be right before a workload starts.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Prepare the volume, the links and the environment; the first part of every start.",
        discussion: """
            Steps: \(BootStepName.allCases.map(\.rawValue).joined(separator: ", ")).

            A step that does not work is a warning and the others go on; exit code 0 unless a step named with --strict \
            failed.
            """
    ).often

    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Steps whose failure is fatal: names with commas between, or all.", valueName: "steps"))
    var strict: String?
    @Flag(help: "Show what would be done; no hook runs.") var dryRun = false
    @Flag(help: "Print problems only.") var quiet = false
    @Flag(help: "Show every change.") var verbose = false
    @Flag(help: "Work on / even where this does not look like a container with a volume.") var force = false
    @Flag(help: "Only the steps that mend what can change while a container runs; keeps the report of the last boot.")
    var repair = false
    /// What `cai entrypoint` reads its plan from.
    @Option(help: .hidden) var launchPlan: Int32?
    /// The seconds after which `cai entrypoint` ends the boot.
    @Option(help: .hidden) var bootTime: Int?

    func run() throws {
        try reportingFailures {
            // As a child of an entrypoint: a log that nobody reads is no reason to do half of a boot.
            if launchPlan != nil || repair { StandardError.outliveReaders() }
            let workplace = try global.workplaceAsFound()
            let strict = try strictSteps(workplace.settings)
            let planner = LaunchPlanner(workplace, environment: Environment.all)
            try hand(planner.beginning(isStrict: !strict.isEmpty).beginning)
            let request = InitRequest(
                isPreview: dryRun, strict: strict, force: force, environment: Environment.all,
                steps: repair ? BootStepName.repair : BootStepName.allCases,
                time: bootTime.map { .seconds($0) },
                // Without it the log does not tell which step took too long.
                begin: { name in try? hand(LaunchPlan.beginning(of: name.rawValue)) },
                log: { name, line in Talk.line("[\(name)] \(line)") })
            let loader = ManifestLoader.standard
            let job = InitJob(workplace, manifests: loader, request: request)
            let (report, rest) = job.run()
            show(report)
            if let problem = job.wasShown(rest) { Talk.finding(problem) }
            if !repair, let problem = job.record(report) { Talk.finding(problem) }
            if global.json { print(try report.json()) }
            try hand(planner.rest(report, essential: strict, rest: rest).rest)
            if report.status == .failed || report.isRefused { throw Exit.found }
        }
    }

    /// Writes to the plan, if somebody waits for one.
    private func hand(_ text: [UInt8]) throws {
        if let launchPlan { try InheritedFile.write(text, to: launchPlan) }
    }

    private func strictSteps(_ settings: Settings) throws -> Set<BootStepName> {
        let words = strict.map { $0.split(separator: ",").map(String.init) } ?? settings.list(.strict)
        if words == ["all"] { return Set(BootStepName.allCases) }
        return Set(
            try words.map { word in
                guard let name = BootStepName(rawValue: word) else {
                    throw ValidationError(
                        "There is no boot step \"\(word)\"; steps are "
                            + BootStepName.allCases.map(\.rawValue).joined(separator: ", ") + ".")
                }
                return name
            })
    }

    private func show(_ report: BootReport) {
        for step in report.steps {
            step.lines.forEach(Talk.line)
            if step.lines.isEmpty {
                step.findings.filter { $0.severity > .note || !quiet }.forEach(Talk.finding)
            }
            if dryRun || verbose {
                step.actions.forEach { Talk.line(dryRun ? "[DRY-RUN] Would \($0)" : "        \($0)") }
            }
            let time = "\(Double(Int(step.duration.milliseconds * 10)) / 10) ms"
            let changes = "\(step.changes) change\(step.changes == 1 ? "" : "s")"
            switch step.outcome {
            case .ok: if !quiet { Talk.ok("\(step.name): \(changes) (\(time))") }
            case .skipped: if !quiet { Talk.line("[SKIP] \(step.name): nothing to do (\(time))") }
            case .degraded: Talk.warn("\(step.name): degraded, \(changes) (\(time))")
            case .failed: Talk.error("\(step.name): failed, \(changes) (\(time))")
            }
        }
        if quiet, report.status == .ok { return }
        let time = "\(Double(Int(report.duration.milliseconds * 10)) / 10) ms"
        Talk.info("init \(report.status.rawValue)\(dryRun ? " (nothing was changed)" : "") in \(time)")
    }
}

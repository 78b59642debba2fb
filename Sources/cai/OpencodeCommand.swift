import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform

/// `cai opencode`: OpenCode's configuration as the settings ask for it.
struct OpencodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opencode", abstract: "Make OpenCode's configuration hold what the settings ask for.",
        discussion: """
            OpenCode merges config.json, opencode.json and opencode.jsonc. What counts is the merged value: it is written to \
            the file that decides it, and every other byte of that file stays. [opencode] in agent.toml says what is asked \
            for.
            """,
        subcommands: [Patch.self, Check.self])

    struct Patch: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "patch",
            abstract: "Write what is missing; cai undo brings back what a file held.",
            discussion: "Exit code 1 when a file could not be read or written.")
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Show what would be written.") var dryRun = false
        @Flag(help: "Work on / even where this does not look like a container.") var force = false

        func run() throws { try OpencodeRun(global, isCheck: false, isPreview: dryRun, force: force).run() }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Tell what is missing; exit code 1 when something is.")
        @OptionGroup var global: GlobalOptions

        func run() throws { try OpencodeRun(global, isCheck: true, isPreview: true, force: true).run() }
    }
}

/// One run of either.
private struct OpencodeRun {
    let global: GlobalOptions
    let isCheck: Bool
    let isPreview: Bool
    let force: Bool

    init(_ global: GlobalOptions, isCheck: Bool, isPreview: Bool, force: Bool) {
        self.global = global
        self.isCheck = isCheck
        self.isPreview = isPreview
        self.force = force
    }

    func run() throws {
        try reportingFailures {
            let workplace = try global.workplace()
            if !force, !isPreview { try workplace.requireContainer(for: "opencode patch") }
            workplace.settings.opencodeFindings.forEach(Talk.finding)
            let job = try OpencodeJob(workplace, isPreview: isPreview)
            let report = try job.run(
                RunOptions(
                    command: "opencode", isPreview: isPreview,
                    lockTimeout: workplace.settings.duration(.lockTimeout), retention: workplace.settings.retention))
            let warnings = report.detail.securityWarnings(
                environment: Environment.all, isDone: report.problems.isEmpty)
            if global.json { try json(report, warnings, job.layout).print() }
            show(report, job.layout)
            warnings.forEach(Talk.finding)
            let isMissing = isCheck && !report.detail.plan.isEmpty
            let isBroken = !report.problems.isEmpty || report.worst == .error
            if isMissing || isBroken || !workplace.settings.opencodeFindings.isEmpty { throw Exit.found }
        }
    }

    private func show(_ report: RunReport<OpencodePlan>, _ layout: Layout) {
        report.allFindings.forEach(Talk.finding)
        for outcome in report.outcomes {
            guard let place = outcome.step.places.first else { continue }
            let rules = report.detail.rules.first { $0.place == place }?.rules ?? []
            let what = rules.map(\.words).joined(separator: ", ")
            let file = layout.text(place)
            switch outcome.result {
            case .planned: Talk.line("[DRY-RUN] Would write \(file): \(what.isEmpty ? "the template" : what)")
            case .done: Talk.ok("\(file): \(what.isEmpty ? "created from the template" : what)")
            case .failed, .refused, .skipped: Talk.error(outcome.toldReason ?? "")
            }
            for path in outcome.displaced {
                Talk.line("[DISPLACED] \(layout.text(displaced: path)) -> \(report.kept(path, layout))")
            }
        }
        if report.detail.plan.isEmpty, report.worst != .error {
            Talk.info("OpenCode's configuration is as it should be.")
        }
    }

    private func json(_ report: RunReport<OpencodePlan>, _ warnings: [Finding], _ layout: Layout) -> JSON {
        let rules = report.detail.rules.flatMap { item in
            item.rules.map { rule in
                JSON.object([
                    "file": .string(layout.text(item.place)), "action": .string(rule.action.rawValue),
                    "key": .strings(rule.path), "origin": .string(rule.origin),
                ])
            }
        }
        return report.json(
            layout, command: isCheck ? "opencode check" : "opencode patch",
            extra: [
                "changes": .array(rules), "warnings": .array(warnings.map(\.json)),
                "auth_enabled": report.detail.asksForAuthentication.map { .bool($0) } ?? .null,
            ])
    }
}

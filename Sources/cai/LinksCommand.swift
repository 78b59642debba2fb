import ArgumentParser
import CaiCore
import CaiModel

/// `cai links`: whether the links into the volume are right, and mending them.
struct LinksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "links", abstract: "Check, repair and watch the links into the volume.",
        subcommands: [Check.self, Repair.self, LinksWatchCommand.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Show the state of every link; exit 1 when one is not right."
        ).often
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Print nothing but errors.") var quiet = false

        func run() throws {
            try reportingFailures { try show(global.workplace(), json: global.json, mode: .check, quiet: quiet) }
        }
    }

    struct Repair: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "repair",
            abstract: "Put missing links, adopt what replaced them, make missing targets.",
            discussion: "What an application wrote in place of a link goes to the volume; nothing is deleted.",
            aliases: ["fix"]
        ).often
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Show what would be done.") var dryRun = false
        @Flag(help: "Print nothing but errors.") var quiet = false
        @OptionGroup var force: ForceOption

        func run() throws {
            try reportingFailures {
                let workplace = try global.workplace()
                try force.check(workplace, for: "links repair", isPreview: dryRun)
                try show(workplace, json: global.json, mode: dryRun ? .dryRun : .repair, quiet: quiet)
            }
        }
    }
}

/// Looks at the links and, unless it is a preview, mends them.
func runLinks(_ session: Session, _ mode: LinkLines.Mode) throws -> LinkLines {
    let job = LinksJob(session.machine, entries: session.entries)
    let isPreview = mode != .repair
    let report = try session.workplace.asOwner {
        let options = session.options("links", isPreview: isPreview)
        let report = try job.run(options, policy: .replaceAll)
        if !isPreview { try job.stamp(report, options) }
        return report
    }
    return LinkLines(report, session.layout, mode: mode)
}

private func show(_ workplace: Workplace, json: Bool, mode: LinkLines.Mode, quiet: Bool) throws {
    let session = try Session(workplace)
    let lines = try runLinks(session, mode)
    session.complaints.forEach(Talk.finding)
    lines.report.findings.filter { $0.severity == .warning }.forEach(Talk.finding)
    if json {
        try lines.document.print()
    } else if !quiet {
        lines.text.forEach { print($0) }
    }
    lines.errors.forEach(Talk.error)
    if lines.isFailure { throw Exit.found }
}

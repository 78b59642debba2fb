import ArgumentParser
import CaiCore
import CaiModel

/// `cai sync`: moves live configuration into the volume.
struct SyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Move live configuration into the volume and link it.",
        discussion:
            "Directories merge file by file. What loses is kept below .containai/displaced; cai undo brings it back."
    )

    @OptionGroup var global: GlobalOptions
    @Flag(help: "Show what would be moved.") var dryRun = false
    @Flag(help: "Show every file and every entry that was passed over.") var verbose = false
    @Flag(help: "Work on / even where this does not look like a container with a volume.") var force = false

    func run() throws {
        try reportingFailures {
            let workplace = try global.workplace()
            if !force { try workplace.requireContainer(for: "sync") }
            let session = try Session(workplace)
            let report = try session.workplace.asOwner {
                try SyncJob(session.machine, entries: session.entries)
                    .run(session.options("sync", isPreview: dryRun))
            }
            let lines = SyncLines(report, session.layout, isDryRun: dryRun, isVerbose: verbose)
            session.complaints.forEach(Talk.finding)
            if global.json { try report.json(session.layout, command: "sync", extra: lines.json).print() }
            lines.all.forEach(Talk.line)
            if lines.failures > 0 { throw Exit.found }
        }
    }
}

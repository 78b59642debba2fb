import ArgumentParser
import CaiCore
import CaiModel

/// `cai sync`: moves live configuration into the volume.
struct SyncCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Move live configuration into the volume and link it.",
        discussion:
            "Directories merge file by file. What loses is kept below .containai/displaced; cai undo brings it back."
    ).often

    @OptionGroup var global: GlobalOptions
    @Flag(help: "Show what would be moved.") var dryRun = false
    @Flag(help: "Show every file and every entry that was passed over.") var verbose = false
    @Flag(help: "Work on / even where this does not look like a container with a volume.") var force = false

    func run() throws {
        try reportingFailures {
            let session = try Session(try global.workplace())
            let lines = try carryOut(session)
            session.complaints.forEach(Talk.finding)
            if global.json { try lines.document.print() }
            lines.all.forEach(Talk.line)
            if lines.failures > 0 { throw Exit.found }
        }
    }
    /// Syncs. Throws `NotInContainer` where it does not belong.
    func carryOut(_ session: Session) throws -> SyncLines {
        if !force { try session.workplace.requireContainer(for: "sync") }
        let report = try session.workplace.asOwner {
            try SyncJob(session.machine, entries: session.entries).run(session.options("sync", isPreview: dryRun))
        }
        return SyncLines(report, session.layout, isDryRun: dryRun, isVerbose: verbose)
    }
}

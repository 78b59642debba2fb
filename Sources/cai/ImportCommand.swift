import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform
import SystemPackage

/// `cai import`: configuration from a home, an archive or a stream into the volume.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Bring configuration from a home directory or an archive into the volume.",
        discussion: """
            Without --from, imports from the home directory of this machine. Everything is prepared first and then \
            exchanged in together: a run that fails or is killed leaves the volume as it was, or as it is to be. What \
            has to make room is kept below .containai/displaced; cai undo brings it back. What changed in the container \
            after the last import, and not in the source, is kept.
            """)

    @Option(help: ArgumentHelp("The directory or archive; - reads an archive from standard input.", valueName: "path"))
    var from: String?
    @Option(help: "How the source is arranged: auto, home or volume.") var layout: Arrangement = .auto
    @Flag(help: "Leave out secrets, also those inside files that hold other things too.") var noSecrets = false
    @Flag(help: "Ignore the exclude patterns of the configuration and the built-in ones.") var noExcludes = false
    @Flag(help: "Also remove from the volume what the source does not have; it is kept displaced.") var delete = false
    @Flag(help: "Show what would be done.") var dryRun = false
    @Flag(help: "Show everything that is done and what is left alone.") var verbose = false
    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("Read this import configuration, and no other.", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("Work on the tree below this directory instead of the machine's own.", valueName: "dir"))
    var root = "/"

    enum Arrangement: String, ExpressibleByArgument, CaseIterable { case auto, home, volume }

    func run() throws {
        try reportingFailures {
            let session = try Session(Workplace(root: root, settings: nil).withoutMistakes())
            let source = try open(session)
            let report = try session.workplace.asOwner { try carryOut(session, source) }
            let lines = ImportLines(report, session.layout, isDryRun: dryRun, isVerbose: verbose)
            session.complaints.forEach(Talk.finding)
            if json { try report.json(session.layout, command: "import", extra: lines.json).print() }
            lines.all.forEach(Talk.line)
            if lines.isFailure { throw Exit.found }
        }
    }

    private func open(_ session: Session) throws -> OpenedSource {
        guard let from else { return session.machine.ownHome }
        return try session.machine.openSource(named(from))
    }

    /// The path with a leading `~` as the caller's home.
    private func named(_ text: String) -> FilePath {
        guard text == "~" || text.hasPrefix("~/"), let home = Environment.all["HOME"] else {
            return FilePath(text).absolute
        }
        return FilePath(home).appending(FilePath(String(text.dropFirst(2))).components)
    }

    private func carryOut(_ session: Session, _ source: OpenedSource) throws -> RunReport<ImportPlan> {
        let arrangement: SourceArrangement =
            switch layout {
            case .home: .home
            case .volume: .volume
            case .auto: try source.arrangement(session.entries)
            }
        let request = ImportRequest(
            source: source.tree, arrangement: arrangement, isOwnHome: source.isOwnHome,
            configuration: ImportConfiguration(), withoutSecrets: noSecrets, withoutExcludes: noExcludes,
            mirrors: delete, environment: Environment.all)
        return try ImportJob(session.machine, entries: session.entries)
            .run(request, session.options("import", isPreview: dryRun))
    }
}

extension FilePath {
    /// The path from the root, one that is relative seen from the current directory.
    fileprivate var absolute: FilePath { isAbsolute ? self : ProcessFacts.workingDirectory.pushing(self) }
}

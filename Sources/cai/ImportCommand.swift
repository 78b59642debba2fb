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

            With --sessions, the longer of two versions of a conversation counts if it has all lines of the other. \
            --delete never removes conversations. A database that a program has open is left as it is. A source that is \
            arranged as a volume has its conversations without --sessions.
            """)

    @Option(help: ArgumentHelp("The directory or archive; - reads an archive from standard input.", valueName: "path"))
    var from: String?
    @Option(help: "How the source is arranged: auto, home or volume.") var layout: Arrangement = .auto
    @Flag(help: "Leave out secrets, also those inside files that hold other things too.") var noSecrets = false
    @Flag(help: "Ignore the exclude patterns of the configuration and the built-in ones.") var noExcludes = false
    @Flag(help: "Also bring conversations and all other state of Claude Code, Codex and OpenCode, without caches.")
    var sessions = false
    @Flag(help: "Also remove from the volume what the source does not have; it is kept displaced.") var delete = false
    @Flag(help: "Show what would be done.") var dryRun = false
    @Flag(help: "Show everything that is done and what is left alone.") var verbose = false
    @Flag(help: "Print JSON.") var json = false
    @Option(help: ArgumentHelp("Read this import configuration, and no other.", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("Work on the tree below this directory instead of the machine's own.", valueName: "dir"))
    var root = "/"
    @OptionGroup var force: ForceOption

    @Flag(help: ArgumentHelp("Take what is not in the source for unchanged.", visibility: .hidden)) var partial = false
    @Option(help: ArgumentHelp("How the archive calls its home.", visibility: .hidden)) var sourceHome: String?

    enum Arrangement: String, ExpressibleByArgument, CaseIterable { case auto, home, volume }

    func run() throws {
        try reportingFailures {
            let workplace = try Workplace(root: root, settings: nil).withoutMistakes()
            try force.check(workplace, for: "import", isPreview: dryRun)
            let session = try Session(workplace)
            let lines = try carryOut(session, openInput(session))
            session.complaints.forEach(Talk.finding)
            if json { try lines.document.print() }
            lines.all.forEach(Talk.line)
            if lines.isFailure { throw Exit.found }
        }
    }

    /// What `--from` names, opened with the caller's rights.
    enum Input {
        case tree(OpenedSource)
        case archive(ArchiveFile)
    }

    private func openInput(_ session: Session) throws -> Input {
        guard let from else { return .tree(session.machine.ownHome) }
        if from == "-" { return try .archive(ArchiveFile(nil)) }
        let path = named(from)
        do {
            return .tree(try session.machine.openSource(path))
        } catch let error as SystemCallError where error.errno == .notDirectory {
            return try .archive(ArchiveFile(path))
        }
    }

    /// The path with a leading `~` as the caller's home.
    private func named(_ text: String) -> FilePath {
        guard text == "~" || text.hasPrefix("~/"), let home = Environment.all["HOME"] else {
            return FilePath(text).absolute
        }
        return FilePath(home).appending(FilePath(String(text.dropFirst(2))).components)
    }

    /// Imports, and repairs the links behind it.
    func carryOut(_ session: Session, _ input: Input) throws -> ImportLines {
        let (report, links) = try session.workplace.asOwner { try importAsOwner(session, input) }
        return ImportLines(report, links, session.layout, isDryRun: dryRun, isVerbose: verbose)
    }

    private func importAsOwner(
        _ session: Session, _ input: Input
    ) throws -> (RunReport<ImportPlan>, RunReport<LinkPlan>?) {
        switch input {
        case .tree(let source):
            return try carryOut(session, source, try arrangement { try source.arrangement(session.entries) }, [])
        case .archive(let file):
            let path = file.path
            let archive = try ArchiveSource(
                file, machine: session.machine, entries: session.entries,
                limits: session.workplace.settings.archiveLimits,
                home: sourceHome.map { FilePath($0) }.flatMap { $0.isAbsolute ? $0 : nil }, isPartial: partial,
                isPreview: dryRun)
            let found = try arrangement {
                guard let arrangement = archive.arrangement else { throw SourceProblem.ambiguous(path) }
                return arrangement
            }
            return try withExtendedLifetime(archive) {
                try carryOut(session, archive.opened, found, archive.findings, archive.unsent)
            }
        }
    }

    private func arrangement(_ recognize: () throws -> SourceArrangement) throws -> SourceArrangement {
        switch layout {
        case .home: .home
        case .volume: .volume
        case .auto: try recognize()
        }
    }

    private func carryOut(
        _ session: Session, _ source: OpenedSource, _ arrangement: SourceArrangement, _ findings: [Finding],
        _ unsent: UnsentFiles? = nil
    ) throws -> (RunReport<ImportPlan>, RunReport<LinkPlan>?) {
        let workspaces = session.workspaces
        var loader = ImportConfigurationLoader(
            session.machine, source: arrangement == .home ? source : nil, workspaces: workspaces)
        let (configuration, problems) =
            try config.map { try loader.load(named: FilePath($0).absolute) } ?? loader.discover()
        let request = ImportRequest(
            source: source.tree, arrangement: arrangement, isOwnHome: source.isOwnHome, configuration: configuration,
            withoutSecrets: noSecrets, withoutExcludes: noExcludes, withSessions: sessions,
            mirrors: delete, isPartial: partial && unsent == nil, unsent: unsent, environment: Environment.all,
            workspaces: workspaces)
        var report = try ImportJob(
            session.machine, entries: session.entries, directories: session.directories
        ).run(request, session.options("import", isPreview: dryRun))
        report.findings = findings + problems + report.findings
        return (report, try repairLinks(session, after: report, isOwnHome: source.isOwnHome))
    }

    /// Puts the links that an import made necessary, where links belong: in a container. The logins that an import of the
    /// own home leaves there are not moved by the links either.
    private func repairLinks(
        _ session: Session, after report: RunReport<ImportPlan>, isOwnHome: Bool
    ) throws -> RunReport<LinkPlan>? {
        let isWhole = report.problems.isEmpty && !report.allFindings.contains { $0.severity == .error }
        guard !dryRun, isWhole else { return nil }
        do {
            try session.workplace.requireContainer(for: "import")
        } catch is NotInContainer {
            return nil
        }
        let entries = session.entriesNow().filter { !isOwnHome || !$0.isProfileCredential }
        let job = LinksJob(session.machine, entries: entries)
        let options = session.options("links", isPreview: false)
        guard let run = report.run else {
            let links = try job.run(options, policy: .respectStrangers)
            try job.stamp(links, options)
            return links
        }
        // Noted before anything is done, so that an undo knows it although somebody ends this process meanwhile.
        let notes = AdditionNotes(session.machine)
        let preview = try job.run(session.options("links", isPreview: true), policy: .respectStrangers)
        try notes.append(preview.outcomes, to: run, options)
        // Mostly the links are right already, and need no second look.
        let links = try preview.ofIdleRun ?? job.run(options, policy: .respectStrangers)
        let known = preview.outcomes.map(\.step)
        try notes.append(links.outcomes.filter { !known.contains($0.step) }, to: run, options)
        try notes.keepLinkStamp(of: run, options)
        try job.stamp(links, options)
        return links
    }
}

extension FilePath {
    /// The path from the root, one that is relative seen from the current directory.
    fileprivate var absolute: FilePath { isAbsolute ? self : ProcessFacts.workingDirectory.pushing(self) }
}

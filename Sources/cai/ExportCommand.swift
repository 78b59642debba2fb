import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform
import SystemPackage

/// `cai export`: writes the volume into an archive.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write the volume into an archive.",
        discussion: """
            Without -o the archive is containai-export-YYYYMMDD-HHMMSS.tgz in the current directory. It appears under its \
            name when it is complete, with mode 0600, and replaces a file of that name; its path is the answer. Agents may \
            go on meanwhile: each file, and each SQLite database, is stored as it was at one moment. A file for which that \
            fails is left out and named, and the exit code is 1. Conversations are exported. Caches and local parts of \
            agents are left out, as are dangling links, locks, sockets and what [export] of the configuration excludes; \
            the counts are reported.
            """)

    @OptionGroup var global: GlobalOptions
    @Option(name: [.short, .long], help: "A file, a directory for a file of the usual name, or - for standard output.")
    var output: String?
    @Option(help: "tgz or tar.zst; by default what the name of the output says, else tgz.") var format: ArchiveFormat?
    @Flag(help: "Export caches of agents, and ignore the excludes of [export].") var noExcludes = false
    @Flag(help: "Leave out secrets, also those inside files with other content.") var noSecrets = false

    func run() throws {
        try reportingFailures {
            let session = try Session(try global.workplace())
            let now = Int64(Environment.all["SOURCE_DATE_EPOCH"] ?? "") ?? WallClock.seconds
            let format = format ?? output.flatMap { ArchiveFormat(name: $0) } ?? .tgz
            if output == "-", Watched.isOutput {
                throw ValidationError("an archive is not for a terminal; use -o FILE")
            }
            let target = try ExportTarget(
                output, name: "containai-export-\(WallClock.localName(now)).\(format.rawValue)",
                workshop: FilePath(Environment.all["TMPDIR"] ?? "/tmp"))
            let (job, problems) = try job(session, format, now)
            problems.forEach(Talk.finding)
            let report = try export(job, target, session.workplace)
            session.complaints.forEach(Talk.finding)
            report.findings.forEach(Talk.finding)
            try show(report, format)
            if report.findings.contains(where: { $0.severity == .error }) { throw Exit.found }
        }
    }

    /// Returns the job, and the findings about the configuration.
    func job(_ session: Session, _ format: ArchiveFormat, _ now: Int64) throws -> (ExportJob, [Finding]) {
        var (configuration, problems) = try session.importConfiguration()
        if configuration.exportExcludes == nil, !configuration.excludes.isEmpty {
            problems.append(
                Finding(
                    .note, at: "default_excludes", "counts for imports only, so that the export has what it excludes",
                    advice: "put excludes = [] under [export], with the patterns that exports are to leave out"))
        }
        if configuration.ignoresRepositoryExport {
            problems.append(
                Finding(
                    .warning, at: ".containai/config.toml", "its [export] does not count without trust",
                    advice: "put trust_repository = true into the user's configuration"))
        }
        let job = ExportJob(
            session.machine, choice: choice(session, configuration.exportExcludes ?? []), format: format,
            created: Timestamp(secondsSinceEpoch: now))
        return (job, problems)
    }

    private func choice(_ session: Session, _ patterns: [String]) -> ExportChoice {
        ExportChoice(
            excludes: noExcludes ? .none : Excludes(patterns, builtIn: []), agents: AgentTargets(session.directories),
            localDirectory: session.workplace.settings.path(.localDirectory), includesCaches: noExcludes,
            withoutSecretsOf: noSecrets ? session.entries : nil)
    }

    private func export(_ job: ExportJob, _ target: ExportTarget, _ workplace: Workplace) throws -> ExportReport {
        let line = ProgressLine()
        do {
            let report = try workplace.asOwner {
                try job.run(to: target) { line.show($0) }
            }
            line.clear()
            try target.finish()
            return report
        } catch {
            line.clear()
            target.abandon()
            throw error
        }
    }

    private func show(_ report: ExportReport, _ format: ArchiveFormat) throws {
        let isStream = report.path == "-"
        if global.json {
            let text = try report.document(format).text()
            // The archive has standard output to itself.
            if isStream { Talk.line(text) } else { print(text) }
        } else if !isStream {
            print(report.path.string)
        }
        let things = "\(report.files) files, \(report.directories) directories, \(report.links) links"
        Talk.info("Exported \(things): \(report.contentBytes) bytes in \(report.archiveBytes).")
        if let words = report.leftOut.words { Talk.info("Left out: \(words).") }
    }
}

extension ExportReport {
    /// The report for machines.
    func document(_ format: ArchiveFormat) -> JSON {
        .object([
            "path": .string(path.printable), "format": .string(format.rawValue),
            "created": .string(created.description), "host": .string(host), "files": .number(files),
            "directories": .number(directories), "links": .number(links), "size_bytes": .number(contentBytes),
            "archive_bytes": .number(archiveBytes), "amended": .number(amended), "left_out": leftOut.json,
            "findings": .array(findings.map(\.json)),
        ])
    }
}

extension LeftOut {
    /// The amounts for machines.
    var json: JSON { .array(amounts.map(\.json)) }
}

extension LeftOutAmount {
    fileprivate var json: JSON {
        var fields: [String: JSON] = [
            "reason": .string(reason.word), "files": .number(files), "links": .number(links),
            "directories": .number(directories), "specials": .number(specials), "size_bytes": .number(bytes),
        ]
        if let agent = reason.agent { fields["agent"] = .string(agent) }
        if let pattern = reason.pattern { fields["pattern"] = .string(pattern) }
        return .object(fields)
    }
}

extension ArchiveFormat: ExpressibleByArgument {}

/// One line on a terminal that says how far it is; nothing where standard error is none.
private final class ProgressLine {
    private var last = ContinuousClock.now - .seconds(1)
    private var isShown = false

    func show(_ progress: ExportProgress) {
        guard Watched.isError, ContinuousClock.now - last > .milliseconds(200) else { return }
        last = ContinuousClock.now
        isShown = true
        let what = progress.phase == .reading ? "reading" : "writing"
        StandardError.write("\r\u{1B}[K\(what): \(progress.things) things, \(progress.bytes / 1_000_000) MB")
    }

    func clear() {
        if isShown { StandardError.write("\r\u{1B}[K") }
        isShown = false
    }
}

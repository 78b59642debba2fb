package import CaiModel
import CaiPlatform
package import SystemPackage

/// The result of an export.
package struct ExportReport: Sendable {
    package let path: FilePath
    package let created: Timestamp
    package let host: String
    package let files: Int
    package let directories: Int
    package let links: Int
    /// Bytes of all files, and of the archive.
    package let contentBytes: Int64
    package let archiveBytes: Int64
    /// Files that changed between the list at the front and their place in the archive; a list at the end has them right.
    package let amended: Int
    /// The content of the volume that the archive does not have.
    package let leftOut: LeftOut
    package let findings: [Finding]
}

/// The progress of an export.
package struct ExportProgress: Sendable {
    package enum Phase: String, Sendable { case reading, writing }
    package let phase: Phase
    package let things: Int
    package let bytes: Int64
}

/// `cai export`: writes the volume into an archive.
///
/// The volume is only read. Each file is stored as it was at one moment, SQLite databases too; a file for which that fails
/// is left out and an error finding. The records of `cai` are not exported, displaced content included: they belong to the
/// history of this volume and not to its content. Everything else that is left out is counted.
package struct ExportJob {
    let machine: Machine
    let choice: ExportChoice
    let format: ArchiveFormat
    let created: Timestamp

    package init(_ machine: Machine, choice: ExportChoice, format: ArchiveFormat, created: Timestamp) {
        self.machine = machine
        self.choice = choice
        self.format = format
        self.created = created
    }

    /// Writes everything to a target, which is still to be finished. Throws `SystemCallError` when it cannot be written.
    package func run(to target: ExportTarget, _ progress: (ExportProgress) -> Void) throws -> ExportReport {
        let spool = target.spool
        var survey = ExportSurvey(machine, choice, own: try target.own(), spool: spool)
        try survey.run { progress(ExportProgress(phase: .reading, things: $0, bytes: $1)) }
        var writing = ExportWriting(machine.volume, spool, TarWriter(try sink(target)))
        try writing.run(survey.items, created: created, host: ProcessFacts.hostName) {
            progress(ExportProgress(phase: .writing, things: $0, bytes: $1))
        }
        return report(target, survey, writing)
    }

    private func sink(_ target: ExportTarget) throws -> any ByteSink {
        switch format {
        case .tgz: try GzipSink(target.output, threads: Workers.count)
        case .zstd: try ZstdSink(target.output, threads: Workers.count)
        }
    }

    private func report(_ target: ExportTarget, _ survey: ExportSurvey, _ writing: ExportWriting) -> ExportReport {
        var (files, directories, links, bytes) = (0, 0, 0, Int64(0))
        for item in survey.items {
            switch item.content {
            case .file, .spooled:
                files += 1
                bytes += item.status.size
            case .directory: directories += 1
            case .symlink, .hardLink: links += 1
            case .unread: break
            }
        }
        return ExportReport(
            path: target.path, created: created, host: ProcessFacts.hostName, files: files, directories: directories,
            links: links, contentBytes: bytes, archiveBytes: target.output.written, amended: writing.amendments.count,
            leftOut: survey.leftOut, findings: survey.findings + writing.findings)
    }
}

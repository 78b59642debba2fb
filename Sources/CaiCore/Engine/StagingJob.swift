import CaiModel
import CaiPlatform
import SystemPackage

/// Some files of one directory, as much as one thread takes at a time.
struct StagingJob: Sendable {
    struct Folder: Hashable, Sendable {
        let from: FilePath
        let to: FilePath
    }

    struct File: Sendable {
        let from: FilePath.Component
        let to: FilePath.Component
        let facts: FileFacts
        let mode: UInt16
        let target: VolumePath
        let isNew: Bool
    }

    private enum Files: Sendable {
        case single(ArraySlice<File>)
        /// Under their own names in a directory that is new.
        case many(PlainFiles, Range<Int>, to: VolumePath)
    }

    /// What became of the files.
    struct Result: Sendable {
        /// What the baseline says of them.
        var lines: [UInt8] = []
        /// Whether nothing stood under any of their names.
        var areNew = false
        /// Otherwise those for which that is so.
        var additions: [Addition] = []
        var lostAttributes: Set<String> = []
    }

    private static let size = 32
    /// What a line mostly takes beside the directory.
    private static let roomForFacts = 100
    /// Larger documents have no digest for each key.
    private static let largestDocument: Int64 = 1 << 20

    let folder: Folder
    /// Where the first one goes.
    let first: VolumePath
    private let files: Files

    static func pieces(_ folder: Folder, _ files: [File]) -> [StagingJob] {
        stride(from: 0, to: files.count, by: size).map {
            StagingJob(
                folder: folder, first: files[$0].target, files: .single(files[$0..<min($0 + size, files.count)]))
        }
    }

    static func pieces(_ folder: Folder, _ files: PlainFiles, to target: VolumePath) -> [StagingJob] {
        // Small ones come in very many.
        let size = files.byteCount / Int64(max(files.count, 1)) < 4096 ? 16 * size : size
        return stride(from: 0, to: files.count, by: size).map { start in
            StagingJob(
                folder: folder, first: files.name(at: start).map(target.below) ?? target,
                files: .many(files, start..<min(start + size, files.count), to: target))
        }
    }

    /// Copies the files, or moves them where they were staged for this very run.
    func carryOut(
        from source: SourceTree, to workshop: Directory, _ keys: DocumentKeys, isDurable: Bool
    ) throws -> Result {
        let work = StagingWork(
            source: source, folder: folder.from, from: try source.tree.root.descendant(folder.from),
            to: try workshop.descendant(folder.to), isDurable: isDurable)
        var result = Result()
        switch files {
        case .single(let files):
            for file in files {
                let staged = try work.stage(file)
                result.add(staged, file, keys)
                if file.isNew {
                    result.additions.append(Addition(file.target, .file(staged.digest, size: staged.size)))
                }
            }
        case .many(let files, let range, let target):
            result.areNew = true
            result.lines.reserveCapacity(range.count * (target.relative.length + Self.roomForFacts))
            for index in range {
                guard let name = files.name(at: index) else { continue }
                let file = File(
                    from: name, to: name, facts: files.facts(at: index), mode: files.mode(at: index),
                    target: target.below(name), isNew: true)
                result.add(try work.stage(file), file, keys)
            }
        }
        return result
    }

    fileprivate static func isDocument(_ file: File) -> Bool {
        MergeKind(fileName: file.to.string) != nil && file.facts.size <= largestDocument
    }
}

extension StagingJob.Result {
    fileprivate mutating func add(_ staged: StagedContent, _ file: StagingJob.File, _ keys: DocumentKeys) {
        lines += BaselineText.line(
            file.target,
            .file(
                Baseline.File(
                    digest: staged.digest, size: staged.size, mode: file.mode,
                    keys: keys.digests(of: staged.document, file.target))))
        lostAttributes.formUnion(staged.lostAttributes)
    }
}

/// What a file that was staged holds.
private struct StagedContent {
    let digest: ContentDigest
    let size: Int64
    let document: [UInt8]?
    let lostAttributes: [String]
}

/// The two directories between which files go.
private struct StagingWork {
    let source: SourceTree
    let folder: FilePath
    let from: Directory
    let to: Directory
    let isDurable: Bool

    func stage(_ file: StagingJob.File) throws -> StagedContent {
        try source.isStaged ? move(file) : copy(file)
    }

    private func copy(_ file: StagingJob.File) throws -> StagedContent {
        var digest = RunningDigest()
        var document: [UInt8] = []
        let isDocument = StagingJob.isDocument(file)
        let result: CopiedFile
        do {
            result = try from.copyFile(
                file.from, to: to, file.to, mode: { _ in file.mode }, durable: isDurable,
                restart: {
                    digest.restart()
                    document = []
                },
                each: {
                    digest.add($0)
                    if isDocument { document.append(contentsOf: $0) }
                })
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            throw Refusal(description: "\(from.label.appending(file.from).printable) is gone")
        }
        return StagedContent(
            digest: digest.digest, size: result.source.size, document: isDocument ? document : nil,
            lostAttributes: result.lostAttributes)
    }

    private func move(_ file: StagingJob.File) throws -> StagedContent {
        let isDocument = StagingJob.isDocument(file)
        let sample = try isDocument ? contentSample(file.from, in: from) : nil
        let digest =
            try source.digest(folder.appending(file.from)) ?? sample?.digest
            ?? contentSample(file.from, in: from).digest
        try from.renameExclusively(file.from, to: to, file.to)
        if file.facts.mode != file.mode { try to.keepMode(of: file.to, file.mode) }
        if isDurable { try to.openFile(file.to).sync(to.label.appending(file.to)) }
        return StagedContent(
            digest: digest, size: file.facts.size, document: isDocument ? sample?.document : nil, lostAttributes: [])
    }
}

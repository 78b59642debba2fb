import CaiModel
import CaiPlatform
import SystemPackage

/// Changes many paths of the volume together:
///
/// 1. *stage*: everything new is made below `.containai/staging/RUN` and made durable;
/// 2. *commit*: the journal says that it counts;
/// 3. *exchange*: each piece changes places with what stands at its path, which goes to the displaced store.
///
/// A run that ends before the commit leaves the volume as it was, one that ends behind it is finished by the next one:
/// `BatchExchange` does only what is not done yet.
final class Batch {
    /// Above this many files, one sync of the whole file system is cheaper than one fsync for each.
    private static let fsyncLimit = 8
    /// From this many files on, they are copied by several threads.
    private static let threadedCount = 64

    let machine: Machine
    private let run: RunID
    private let source: SourceTree?
    let placements: [Placement]
    private let keys: DocumentKeys
    /// Of the digests of single values, as the baseline that this becomes part of has it.
    let baselineKey: String
    var record = BatchRecord()
    /// What an undo takes back, but for what `lines` say.
    var additions: [Addition] = []
    /// What the baseline says afterwards.
    var lines = BaselineLines()
    /// Whether anything was noted for an undo.
    var hasAdditions = false
    /// Attributes that the volume could not hold.
    private(set) var lostAttributes: Set<String> = []

    /// Where the new directories of this batch are made.
    private var staged: [VolumePath: StagedDirectory] = [:]
    private var single: [StagingJob.Folder: [StagingJob.File]] = [:]
    private var many: [StagingJob] = []
    private var fileCount = 0

    private struct StagedDirectory {
        let path: FilePath
        let mode: UInt16
        let modified: Int64?
        let source: FilePath?
    }

    init(
        _ machine: Machine, run: RunID, source: SourceTree?, placements: [Placement], baseline: Baseline
    ) {
        self.machine = machine
        self.run = run
        self.source = source
        // Removals first: the log of a database makes room before another version of the database comes.
        self.placements = placements.sorted {
            ($0.content == .nothing ? 0 : 1, $0.target, $0.isForFiles ? 1 : 0)
                < ($1.content == .nothing ? 0 : 1, $1.target, $1.isForFiles ? 1 : 0)
        }
        keys = DocumentKeys(digest: baseline.keyDigest)
        baselineKey = baseline.base.key
    }

    // MARK: stage

    /// Makes everything new and makes it durable. Throws `Refusal` when a file of the source is no longer what the plan saw.
    func stage() throws {
        let workshop = try BatchExchange.workshop(machine.volume, run)
        for placement in placements { try add(placement, workshop) }
        addTimes()
        try fill(workshop)
        try finishDirectories(workshop)
        try noteInodes(workshop)
        try noteAdditions(workshop)
        try noteWritten(workshop)
        try noteTimes(workshop)
        if fileCount > Self.fsyncLimit { try workshop.descriptor.syncFileSystem(workshop.label) }
        try workshop.sync()
    }

    private var isDurableByFile: Bool { fileCount <= Self.fsyncLimit }

    private func add(_ placement: Placement, _ workshop: Directory) throws {
        let target = placement.target
        switch placement.content {
        case .mode(let mode): return addMode(mode, placement)
        case .time: return
        case .nothing:
            try forget(target, found: placement.found)
            record.add(.remove, target, inode: placement.found.facts?.inode ?? 0, isOurs: placement.keeping == .none)
            return
        case .directory(let mode, _, _) where placement.found.isDirectory:
            addMode(mode, placement)
            return
        case .files(let files): return add(files, placement)
        default: break
        }
        let path = place(of: placement)
        let folder = try workshop.descendant(path.removingLastComponent())
        guard let name = path.lastComponent else { return }
        switch placement.content {
        case .directory(let mode, let modified, let from):
            _ = try folder.makeDirectory(name, mode: 0o700)
            staged[target] = StagedDirectory(path: path, mode: mode, modified: modified, source: from)
            addition(of: placement, .directory)
        case .link(let text, let modified):
            try folder.makeLink(name, to: text)
            if let modified { try folder.keepTimes(of: name, accessed: modified, modified: modified) }
            addition(of: placement, .symlink(text: text))
        case .text(let bytes, let mode):
            fileCount += 1
            try folder.writeFile(name, bytes, mode: mode, isDurable: true)
            let written = digest(of: bytes)
            addition(of: placement, .file(written, size: Int64(bytes.count)))
            if target.isReserved { return }
            note(
                target, written, size: Int64(bytes.count), mode: mode,
                document: placement.origin.map(\.document) ?? bytes, source: placement.origin?.digest)
        case .kept(let kept, let source):
            let (from, keptName) = try DisplacedStore(machine.volume).open(source).parent(of: kept)
            var copier = TreeCopier()
            try copier.copy(keptName, in: from, to: folder, as: name)
            lines.append(target, .forgotten)
            if isNew(placement) { try noteContent(of: name, in: folder, target) }
        case .copy(let from, let facts, let mode):
            fileCount += 1
            let pair = StagingJob.Folder(from: from.removingLastComponent(), to: path.removingLastComponent())
            guard let fromName = from.lastComponent else { return }
            single[pair, default: []].append(
                StagingJob.File(
                    from: fromName, to: name, facts: facts, mode: mode, target: target, isNew: isNew(placement)))
        case .mode, .time, .nothing, .files: break
        }
    }

    /// Times come last: every other change in a directory would change it again.
    private func addTimes() {
        for placement in placements {
            guard case .time(let time) = placement.content else { continue }
            record.add(.time, placement.target, inode: placement.found.facts?.inode ?? 0, modified: time)
        }
    }

    /// Many files: in a new directory as they are, in one that was there each as an operation of its own.
    private func add(_ files: PlainFiles, _ placement: Placement) {
        fileCount += files.count
        if let directory = staged[placement.target] {
            let folder = StagingJob.Folder(from: files.directory, to: directory.path)
            many += StagingJob.pieces(folder, files, to: placement.target)
            return
        }
        for index in files.indices {
            guard let name = files.name(at: index) else { continue }
            let target = placement.target.below(name)
            let place = FilePath(record.add(.put, target, inode: 0, isOurs: placement.keeping == .none))
            guard let placeName = place.lastComponent else { continue }
            single[StagingJob.Folder(from: files.directory, to: FilePath()), default: []].append(
                StagingJob.File(
                    from: name, to: placeName, facts: files.facts(at: index), mode: files.mode(at: index),
                    target: target, isNew: isNew(placement)))
        }
    }

    private func addMode(_ mode: UInt16, _ placement: Placement) {
        record.add(.mode, placement.target, inode: placement.found.facts?.inode ?? 0, mode: mode)
        guard let old = placement.found.facts?.mode, old != mode, placement.keeping != .none else { return }
        additions.append(Addition(placement.target, .mode(from: old, to: mode)))
    }

    /// Where a placement is staged: in the new directory that it goes into, or as an operation of its own.
    private func place(of placement: Placement) -> FilePath {
        if let parent = placement.target.parent, let directory = staged[parent],
            let name = placement.target.relative.lastComponent
        {
            return directory.path.appending(name)
        }
        return FilePath(record.add(.put, placement.target, inode: 0, isOurs: placement.keeping == .none))
    }

    private func fill(_ workshop: Directory) throws {
        guard let source, fileCount > 0 else { return }
        let pieces = (many + single.flatMap { folder, files in StagingJob.pieces(folder, files) })
            .sorted { $0.first < $1.first }
        (many, single) = ([], [:])
        let isDurable = isDurableByFile
        let threads = fileCount >= Self.threadedCount ? Workers.count : 1
        let keys = keys
        let results = try Workers.map(pieces, threads: threads) { piece in
            try piece.carryOut(from: source, to: workshop, keys, isDurable: isDurable)
        }
        for piece in results {
            lostAttributes.formUnion(piece.lostAttributes)
            lines.append(piece.lines, areNew: piece.areNew)
            additions += piece.additions
        }
    }

    private func note(
        _ target: VolumePath, _ digest: ContentDigest, size: Int64, mode: UInt16, document: [UInt8]?,
        source: ContentDigest? = nil
    ) {
        lines.append(
            target,
            .file(
                Baseline.File(
                    digest: digest, size: size, mode: mode, keys: keys.digests(of: document, target),
                    source: source == digest ? nil : source)))
    }

    /// Gives the new directories their attributes, modes and times, the inner ones first.
    private func finishDirectories(_ workshop: Directory) throws {
        for (_, directory) in staged.sorted(by: { $1.key < $0.key }) {
            let made = try workshop.descendant(directory.path)
            if let source, let from = directory.source {
                lostAttributes.formUnion(try source.tree.root.descendant(from).copyAttributes(to: made))
            }
            try made.descriptor.keepMode(directory.mode, made.label)
            if let modified = directory.modified {
                try made.descriptor.keepTimes(accessed: modified, modified: modified, made.label)
            }
            if isDurableByFile { try made.sync() }
        }
    }

    private func noteInodes(_ workshop: Directory) throws {
        for (number, operation) in record.operations.enumerated() where operation.kind == .put {
            guard let name = FilePath.Component("\(number)"), let status = try workshop.status(of: name) else {
                throw Refusal(description: "\(operation.path) could not be staged")
            }
            record.operations[number].inode = status.inode
        }
    }

    // MARK: commit

    /// Throws `Refusal` unless every path of the volume still is what the plan saw, `MountedTargets` for paths that cannot be
    /// replaced, and another error where the exchange would not work: after the commit it has to.
    func check() throws {
        let reader = NodeReader(machine.volume)
        var checked: Set<FilePath> = []
        var mounted: Set<VolumePath> = []
        var mounts = MountsBelow()
        for placement in placements.lazy.filter(isOperation).flatMap(\.singles) {
            let path = placement.target.relative
            if reader.node(at: path) != placement.found {
                throw Refusal(
                    description:
                        "\(machine.layout.text(placement.target)) changed after it was looked at; run again")
            }
            guard let parent = reader.openParent(of: path), let name = path.lastComponent else { continue }
            if placement.replaces, parent.isMountPoint(name) || mounts.lieBelow(name, parent, placement.found) {
                mounted.insert(placement.target)
            }
            guard checked.insert(path.removingLastComponent()).inserted else { continue }
            if try parent.foreignOwner() != nil {
                throw SystemCallError("write", parent.label.printable, .permissionDenied)
            }
        }
        if !mounted.isEmpty { throw MountedTargets(paths: mounted) }
        try checkUse()
    }

    /// Throws `Refusal` if a process has a file open that it must not, or a file of a database in the source changed.
    private func checkUse() throws {
        let reader = NodeReader(machine.volume)
        for placement in placements where placement.exclusivity != .none {
            if placement.found.isFile, let name = placement.target.relative.lastComponent,
                let parent = reader.openParent(of: placement.target.relative),
                let user = try FileUse.user(of: name, in: parent)
            {
                throw Refusal(description: "\(user) has \(machine.layout.text(placement.target)) open; run again")
            }
            guard placement.exclusivity == .sourceAndTarget, let source, !source.isStaged,
                case .copy(let path, let facts, _) = placement.content
            else { continue }
            let (parent, name) = try source.tree.parent(of: path)
            if Node(name, in: parent) != .file(facts) {
                throw Refusal(description: "\(path.printable) changed while it was read; run again")
            }
            if let user = try FileUse.user(of: name, in: parent) {
                throw Refusal(description: "\(user) has \(path.printable) open; run again")
            }
        }
    }

    /// Whether it goes into a directory that was there.
    private func isOperation(_ placement: Placement) -> Bool {
        if placement.isForFiles { return staged[placement.target] == nil }
        return placement.target.parent.map { staged[$0] == nil } ?? true
    }

    /// Says in the journal that what is staged counts.
    func commit() throws {
        record.isCommitted = true
        try Journal(volume: machine.volume).begin(run, batch: record, pid: ProcessFacts.id)
    }

    /// Says in the journal that something is being staged.
    func begin() throws { try Journal(volume: machine.volume).begin(run, batch: BatchRecord(), pid: ProcessFacts.id) }
}

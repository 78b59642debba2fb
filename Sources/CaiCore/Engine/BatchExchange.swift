import CaiModel
import CaiPlatform
import SystemPackage

/// What the journal says of a batch.
struct BatchRecord: Codable, Sendable {
    enum Kind: String, Codable, Sendable { case put, remove, mode, time }

    struct Operation: Codable, Sendable {
        let kind: Kind
        /// Encoded, below the root of the volume.
        let path: String
        /// Of what was staged; for `remove` and `mode` of what stands at the path.
        var inode: UInt64
        let mode: UInt16?
        /// Whether a file that makes room goes for good.
        let isOurs: Bool
        /// Nanoseconds since the epoch.
        var modified: Int64?
    }

    var isCommitted = false
    /// Each is staged under its number.
    var operations: [Operation] = []

    /// Adds an operation; returns the name under which it is staged.
    @discardableResult
    mutating func add(
        _ kind: Kind, _ path: VolumePath, inode: UInt64, mode: UInt16? = nil, isOurs: Bool = false,
        modified: Int64? = nil
    ) -> String {
        operations.append(
            Operation(
                kind: kind, path: path.relative.encoded, inode: inode, mode: mode, isOurs: isOurs, modified: modified))
        return String(operations.count - 1)
    }
}

/// Brings the pieces of a committed batch into place. Everything may be done any number of times: what is done already is
/// recognised by its inode.
struct BatchExchange {
    static let directory = FilePath(".containai/staging")
    /// What the baseline says afterwards of what a run wrote, as a baseline of its own, beside what the run staged.
    static let written: FilePath.Component = "written"
    /// Above this many operations, one sync of the whole file system is cheaper than one fsync for each directory.
    private static let fsyncLimit = 8

    let machine: Machine
    let displaced: DisplacedRun

    init(_ machine: Machine, displaced: DisplacedRun) {
        self.machine = machine
        self.displaced = displaced
    }

    /// Where a run stages, made when it is missing.
    static func workshop(_ volume: Tree, _ run: RunID) throws -> Directory {
        try volume.makeDirectories(directory.appending(run.text), mode: 0o700)
    }

    /// Removes what a run staged. Nothing of anybody's may be in it any more.
    static func removeWorkshop(_ volume: Tree, _ run: RunID) throws {
        do {
            let staging = try volume.directory(directory)
            if let name = FilePath.Component(run.text) { try TreeEmptier.remove(name, in: staging) }
            // It stays where it is not empty, for who works in it, and an empty one is in nobody's way.
            try? volume.directory(StateDirectory.path).removeDirectory("staging")
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return
        }
    }

    /// What a run noted for the baseline; nil when that is nothing.
    static func written(_ volume: Tree, _ run: RunID) throws -> BaselineText? {
        let workshop = try workshop(volume, run)
        guard Node(written, in: workshop).isFile else { return nil }
        let path = workshop.label.appending(written)
        return BaselineText(try workshop.openFile(written).readAll(limit: BaselineStore.largest, path))
    }

    /// Carries out what is not done yet.
    func run(_ record: BatchRecord) throws {
        let workshop = try Self.workshop(machine.volume, displaced.id)
        for (number, operation) in record.operations.enumerated() {
            guard let path = VolumePath(recorded: operation.path), let name = FilePath.Component("\(number)")
            else { continue }
            switch operation.kind {
            case .put: try put(operation, path, name, workshop)
            case .remove: try remove(operation, path)
            case .mode: try setMode(operation, path)
            case .time: try setTime(operation, path)
            }
        }
        try sync(record)
        try DirectoryTimes(volume: machine.volume).settle(in: workshop)
        try displaced.takeAdditions(from: workshop)
    }

    private func put(
        _ operation: BatchRecord.Operation, _ target: VolumePath, _ name: FilePath.Component, _ workshop: Directory
    ) throws {
        guard let status = try workshop.status(of: name) else { return }
        if status.inode == operation.inode {
            let (parent, targetName) = try machine.volume.makeParent(of: target.relative, mode: 0o755)
            do {
                guard try exchange(name, workshop, parent, targetName, target, operation) else { return }
            } catch let error as SystemCallError where error.errno == .improperLink {
                // The place lies on a mount below the volume.
                return try placeAcross(name, workshop, parent, targetName, target, operation)
            }
        }
        try giveAway(name, in: workshop, target, operation)
    }

    /// Puts the staged piece at its place. Returns whether something came out of the exchange.
    private func exchange(
        _ name: FilePath.Component, _ workshop: Directory, _ parent: Directory, _ targetName: FilePath.Component,
        _ target: VolumePath, _ operation: BatchRecord.Operation
    ) throws -> Bool {
        try parent.whileUnlocked {
            for _ in 0..<3 {
                if try moveIn(name, workshop, parent, targetName) { return false }
                if try exchangeOnce(name, workshop, parent, targetName) { return true }
                try giveAway(targetName, in: parent, target, operation)
            }
            throw SystemCallError("rename", parent.label.appending(targetName).printable, .resourceBusy)
        }
    }

    /// Whether nothing stood at the place, so that the piece is there now.
    private func moveIn(
        _ name: FilePath.Component, _ workshop: Directory, _ parent: Directory, _ targetName: FilePath.Component
    ) throws(SystemCallError) -> Bool {
        guard try parent.status(of: targetName) == nil else { return false }
        do {
            try workshop.moveExclusively(name, to: parent, targetName)
            return true
        } catch {
            guard error.errno == .fileExists else { throw error }
            return false
        }
    }

    /// Whether both changed places; false where the file system knows no exchange, or not of such a directory.
    private func exchangeOnce(
        _ name: FilePath.Component, _ workshop: Directory, _ parent: Directory, _ targetName: FilePath.Component
    ) throws(SystemCallError) -> Bool {
        do {
            try workshop.rename(name, to: parent, targetName, .exchange)
            return true
        } catch {
            let others: [Errno] = [.noSuchFileOrDirectory, .permissionDenied]
            guard error.isUnsupportedRename || others.contains(error.errno) else { throw error }
            return false
        }
    }

    /// Keeps what had to make room, unless it holds no bytes and never could, or is to go for good.
    private func giveAway(
        _ name: FilePath.Component, in directory: Directory, _ target: VolumePath, _ operation: BatchRecord.Operation
    ) throws {
        let node = Node(name, in: directory)
        if node.isMissing { return }
        if node.isFile, operation.isOurs { return try directory.unlink(name) }
        if case .special = node { return try directory.unlink(name) }
        try displaced.take(name, in: directory, as: Place.volume(target).displacedPath)
    }

    private func remove(_ operation: BatchRecord.Operation, _ target: VolumePath) throws {
        guard let (parent, name) = try existing(target), let status = try parent.status(of: name),
            operation.inode == 0 || status.inode == operation.inode
        else { return }
        try parent.whileUnlocked { try giveAway(name, in: parent, target, operation) }
    }

    private func setMode(_ operation: BatchRecord.Operation, _ target: VolumePath) throws {
        guard let mode = operation.mode, let (parent, name) = try existing(target),
            let status = try parent.status(of: name), status.inode == operation.inode, status.mode != mode
        else { return }
        try parent.keepMode(of: name, mode)
    }

    private func setTime(_ operation: BatchRecord.Operation, _ target: VolumePath) throws {
        guard let time = operation.modified, let (parent, name) = try existing(target),
            let status = try parent.status(of: name), status.inode == operation.inode, status.kind == .directory
        else { return }
        try parent.keepTimes(of: name, accessed: status.accessed, modified: time)
    }

    private func existing(_ target: VolumePath) throws -> (Directory, FilePath.Component)? {
        do {
            return try machine.volume.parent(of: target.relative)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    private func sync(_ record: BatchRecord) throws {
        if record.operations.count > Self.fsyncLimit {
            return try machine.volume.root.descriptor.syncFileSystem(machine.volume.root.label)
        }
        for operation in record.operations {
            guard let path = VolumePath(recorded: operation.path), let (parent, _) = try existing(path) else {
                continue
            }
            try parent.sync()
        }
    }
}

// Places on another mount than the one that holds the workshop.
extension BatchExchange {
    /// Copies the staged piece beside its place and exchanges it there. The inode of the complete copy is noted in the
    /// workshop before the exchange, so that a later run can tell the copy from what came out of the exchange.
    private func placeAcross(
        _ name: FilePath.Component, _ workshop: Directory, _ parent: Directory, _ targetName: FilePath.Component,
        _ target: VolumePath, _ operation: BatchRecord.Operation
    ) throws {
        guard let note = FilePath.Component("\(name.string).inode"), let number = Int(name.string) else { return }
        let swap = TemporaryName.make(displaced.id, number, .swap)
        try parent.whileUnlocked {
            let inode = try notedCopy(name, workshop, parent, swap, note)
            if try parent.status(of: targetName)?.inode != inode {
                try putCopy(swap, parent, targetName, target, operation)
            }
            try giveAway(swap, in: parent, target, operation)
        }
        try TreeEmptier.remove(name, in: workshop)
        try workshop.unlink(note)
    }

    /// The inode of the complete copy; it is made where none is noted.
    private func notedCopy(
        _ name: FilePath.Component, _ workshop: Directory, _ parent: Directory, _ swap: FilePath.Component,
        _ note: FilePath.Component
    ) throws -> UInt64? {
        if case .symlink(let text) = Node(note, in: workshop) { return UInt64(text.string) }
        try TreeEmptier.remove(swap, in: parent)  // half a copy of an interrupted run
        var copier = TreeCopier()
        try copier.copy(name, in: workshop, to: parent, as: swap)
        guard let inode = try parent.status(of: swap)?.inode else { return nil }
        try workshop.makeLink(note, to: FilePath("\(inode)"))
        try workshop.sync()
        return inode
    }

    private func putCopy(
        _ swap: FilePath.Component, _ parent: Directory, _ targetName: FilePath.Component, _ target: VolumePath,
        _ operation: BatchRecord.Operation
    ) throws {
        if try parent.status(of: targetName) != nil {
            do {
                try parent.rename(swap, to: parent, targetName, .exchange)
                return try parent.sync()
            } catch {
                guard error.isUnsupportedRename else { throw error }
                try giveAway(targetName, in: parent, target, operation)
            }
        }
        try parent.renameExclusively(swap, to: parent, targetName)
        try parent.sync()
    }
}

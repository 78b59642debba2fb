import CaiModel
import CaiPlatform
import SystemPackage

/// One file of a database as it was when nobody could change it.
struct DatabasePart {
    let name: FilePath.Component
    let status: FileStatus
    let range: Range<Int64>
    let digest: ContentDigest
}

/// Copies a SQLite database as it is at one moment, while others use it, without an engine: by the locks that SQLite itself
/// takes to read (its file formats, "Locks" and "WAL-Index"), so that everybody else waits for it or goes on as beside any
/// reader.
///
/// With a rollback journal, a shared lock keeps everybody from writing to the database; a journal that nobody works on
/// belongs to a crash and is copied too, for SQLite to roll back. With a write-ahead log, a shared lock on the right to
/// checkpoint and on the right to restart the log freezes the database and lets the log only grow; what it holds of a
/// transaction that is not committed is not read by SQLite. Nothing is written.
struct DatabaseSnapshot {
    /// Somebody kept it locked, or it did not stand still.
    struct Busy: Error {}

    let directory: Directory
    let name: FilePath.Component
    let spool: Spool

    static let suffixes = ["-wal", "-shm", "-journal"]

    // Bytes of the database file that stand for locks.
    private static let pending: Range<Int64> = 0x4000_0000..<0x4000_0001
    private static let reserved: Range<Int64> = 0x4000_0001..<0x4000_0002
    private static let shared: Range<Int64> = 0x4000_0002..<0x4000_0200
    // Bytes of the WAL index that stand for locks.
    private static let checkpoint: Range<Int64> = 121..<122
    private static let firstReader: Range<Int64> = 124..<125

    /// How long others may keep it locked: 5 seconds, and how often it is tried again when a file changed.
    private static let patience = 500
    private static let attempts = 5

    /// The database, and what SQLite needs beside it. Throws `Busy`, `SystemCallError`.
    func take() throws -> [DatabasePart] {
        for _ in 0..<Self.attempts {
            let start = spool.size
            if let parts = try attempt() { return parts }
            spool.rewind(to: start)
        }
        throw Busy()
    }

    private func attempt() throws -> [DatabasePart]? {
        let path = directory.label.appending(name)
        let database = try directory.openFile(name)
        try wait { database.lockRange(Self.pending) }
        try wait { database.lockRange(Self.shared) }
        database.unlockRange(Self.pending)
        guard let index = try open("-shm") else {
            return try withoutIndex(database, database.status(path), path)
        }
        try wait { index.descriptor.lockRange(Self.checkpoint) }
        try wait { index.descriptor.lockRange(Self.firstReader) }
        // Only from here on: until then others write their log back into the database.
        let before = try database.status(path)
        guard let log = try open("-wal"), let main = try copy(database, name, before, path),
            let logged = try copy(log.descriptor, log.name, try log.descriptor.status(path), path)
        else { return nil }
        let isSame = try isStill(index) && isStill(log)
        return try isSame && database.status(path).hasSameContentFacts(as: before) ? [main, logged] : nil
    }

    /// A database with a rollback journal, or with a log that nobody has open.
    private func withoutIndex(
        _ database: borrowing Descriptor, _ before: FileStatus, _ path: FilePath
    ) throws -> [DatabasePart]? {
        var parts: [DatabasePart] = []
        guard let main = try copy(database, name, before, path) else { return nil }
        parts.append(main)
        var others: [Opened] = []
        if let log = try open("-wal") { others.append(log) }
        // Nobody writes, so that a journal with content is one of a crash.
        if database.lockRange(Self.reserved), let journal = try open("-journal") { others.append(journal) }
        for other in others {
            let status = try other.descriptor.status(path)
            if status.size == 0 { continue }
            guard let part = try copy(other.descriptor, other.name, status, path), try isStill(other) else {
                return nil
            }
            parts.append(part)
        }
        // Whoever opened it meanwhile has made an index.
        guard try directory.status(of: companion("-shm")) == nil else { return nil }
        return try database.status(path).hasSameContentFacts(as: before) ? parts : nil
    }

    private func wait(_ lock: () -> Bool) throws {
        for _ in 0..<Self.patience {
            if lock() { return }
            Pause.milliseconds(10)
        }
        throw Busy()
    }

    private func copy(
        _ file: borrowing Descriptor, _ name: FilePath.Component, _ status: FileStatus, _ path: FilePath
    ) throws -> DatabasePart? {
        guard let (range, digest) = try spool.copy(file, status.size, path) else { return nil }
        return DatabasePart(name: name, status: status, range: range, digest: digest)
    }

    // MARK: what stands beside it

    private final class Opened {
        let name: FilePath.Component
        let descriptor: Descriptor
        init(_ name: FilePath.Component, _ descriptor: consuming Descriptor) {
            self.name = name
            self.descriptor = descriptor
        }
    }

    private func companion(_ suffix: String) -> FilePath.Component {
        // A name and a suffix without a slash are always one component.
        FilePath(platformString: (name.bytes + Array(suffix.utf8)).map { CChar(bitPattern: $0) } + [0]).lastComponent
            ?? name
    }

    private func open(_ suffix: String) throws -> Opened? {
        let name = companion(suffix)
        do {
            return Opened(name, try directory.openFile(name))
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }

    /// Whether the name still leads to the file that was opened.
    private func isStill(_ opened: Opened) throws -> Bool {
        let now = try directory.status(of: opened.name)
        return try now?.isSameFile(as: opened.descriptor.status(directory.label)) == true
    }
}

import CArchive
import CaiModel
import CaiPlatform
import SystemPackage

/// A file as it was at one moment.
struct StableContent: Sendable {
    let status: FileStatus
    /// How many of its first bytes: a file that only grows has no other end.
    var size: Int64 { status.size }
    let digest: ContentDigest
    /// By which a second reading is recognised as the same: the digest takes ten times as long.
    let check: UInt32
}

/// CRC-32 of what is added. It tells accidents, not forgeries.
struct RunningCheck {
    private static let zeros = [UInt8](repeating: 0, count: 64 << 10)
    private(set) var value: UInt32 = 0

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        value = libdeflate_crc32(value, bytes.baseAddress, bytes.count)
    }

    /// Adds a hole.
    mutating func addZeros(_ count: Int64) {
        var rest = count
        while rest > 0 {
            let piece = min(rest, Int64(Self.zeros.count))
            value = libdeflate_crc32(value, Self.zeros, Int(piece))
            rest -= piece
        }
    }
}

/// Reading files that somebody may be writing.
///
/// A content is taken when the file was the same before and after it was read, or when it was read twice with the same result
/// at the length it had first: then it was that at the moment between, also of a file that grows all the time.
enum StableReading {
    /// The file did not stand still.
    struct Restless: Error {}
    /// The file is a SQLite database, of which a copy like any other's would be worth nothing.
    struct FoundDatabase: Error {}

    static let attempts = 5
    /// Two changes within this time may have the same time stamp, so that the facts of a file that was just changed say
    /// nothing (a tick of the kernel is at most 10 ms).
    private static let tick: Int64 = 20_000_000
    private static let databaseMagic = Array("SQLite format 3\u{0}".utf8)

    /// Reads for the digest alone. Throws `Restless`, `FoundDatabase`, `SystemCallError` (ENOENT for a file that is gone).
    static func look(_ name: FilePath.Component, in directory: Directory) throws -> StableContent {
        var isFirst = true
        return try read(name, in: directory) {
            if isFirst, $0.starts(with: databaseMagic) { throw FoundDatabase() }
            isFirst = false
        } restart: {
            isFirst = true
        }
    }

    /// Reads into memory.
    static func load(
        _ name: FilePath.Component, in directory: Directory
    ) throws -> (content: StableContent, bytes: [UInt8]) {
        var bytes: [UInt8] = []
        let content = try read(name, in: directory) {
            bytes.append(contentsOf: $0)
        } restart: {
            bytes = []
        }
        return (content, bytes)
    }

    /// Reads, handing out every piece; `restart` takes all of it back.
    static func read(
        _ name: FilePath.Component, in directory: Directory, each: (UnsafeRawBufferPointer) throws -> Void,
        restart: () -> Void
    ) throws -> StableContent {
        let path = directory.label.appending(name)
        for _ in 0..<attempts {
            restart()
            let file = try directory.openFile(name)
            let before = try file.status(path)
            let isSettled = before.changed < WallClock.nanoseconds - tick
            var check = RunningCheck()
            let reading = try digest(file, before.size, path) {
                check.add($0)
                try each($0)
            }
            guard let found = reading else { continue }
            let content = StableContent(status: before, digest: found, check: check.value)
            let after = try file.status(path)
            if isSettled, after.hasSameContentFacts(as: before), after.changed == before.changed { return content }
            if try digest(file, before.size, path, { _ in }) == found { return content }
        }
        throw Restless()
    }

    /// The check of the first bytes; nil when the file is shorter now.
    static func check(
        _ file: borrowing Descriptor, _ size: Int64, _ path: FilePath, _ each: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> UInt32? {
        var running = RunningCheck()
        let isWhole = try file.readPieces(0..<size, path) { bytes in
            running.add(bytes)
            try each(bytes)
        }
        return isWhole ? running.value : nil
    }

    /// The digest of the first bytes; nil when the file is shorter now.
    static func digest(
        _ file: borrowing Descriptor, _ size: Int64, _ path: FilePath, _ each: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> ContentDigest? {
        var running = RunningDigest()
        let isWhole = try file.readPieces(0..<size, path) { bytes in
            running.add(bytes)
            try each(bytes)
        }
        return isWhole ? running.digest : nil
    }
}

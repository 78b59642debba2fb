import CaiModel
import CaiPlatform
import SystemPackage

/// A place for copies of what does not stand still: one file without a name, which is gone with this process.
final class Spool {
    private let file: Result<SharedFile, any Error>
    private let label: FilePath
    private(set) var size: Int64 = 0

    /// Makes the file now, as whoever calls. Where that fails, only what needs it fails.
    init(in path: FilePath) {
        label = path
        file = Result { SharedFile(try Directory.open(path).makeNamelessFile()) }
    }

    /// Copies the first `count` bytes of a file behind what is there. Returns where they are and their digest, or nil when
    /// the file is shorter now.
    func copy(
        _ source: borrowing Descriptor, _ count: Int64, _ path: FilePath
    ) throws -> (range: Range<Int64>, digest: ContentDigest)? {
        var digest = RunningDigest()
        let start = size
        let isWhole = try source.readPieces(0..<count, path) { bytes in
            digest.add(bytes)
            try append(bytes)
        }
        guard isWhole else {
            size = start
            return nil
        }
        return (start..<size, digest.digest)
    }

    /// Takes what was copied from there on back.
    func rewind(to start: Int64) { size = start }

    /// Calls `body` with the bytes of a range.
    func read(_ range: Range<Int64>, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        if range.isEmpty { return }
        if try !file.get().descriptor.readPieces(range, label, body) {
            throw SystemCallError("read", label.printable, .ioError)
        }
    }

    /// Adds bytes behind what is there.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        try file.get().descriptor.write(bytes, at: size, label)
        size += Int64(bytes.count)
    }
}

extension Descriptor {
    /// Calls `body` with the bytes of a range, in pieces. False when the file ends before.
    func readPieces(
        _ range: Range<Int64>, _ path: FilePath, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(min(Int64(range.count), 256 << 10)), alignment: 4096)
        defer { buffer.deallocate() }
        var position = range.lowerBound
        while position < range.upperBound {
            let room = UnsafeMutableRawBufferPointer(
                rebasing: buffer.prefix(Int(min(Int64(buffer.count), range.upperBound - position))))
            let count = try read(into: room, at: position, path)
            if count == 0 { return false }
            try body(UnsafeRawBufferPointer(rebasing: room[..<count]))
            position += Int64(count)
        }
        return true
    }
}

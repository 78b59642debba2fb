import CArchive
import CaiModel
import CaiPlatform
import Synchronization
import SystemPackage

/// The tar inside an archive file, decompressed by a thread of its own and handed out piece by piece.
///
/// It keeps the last megabyte of what it handed out, so that the header blocks of a member can be looked at after libarchive
/// has read them. It belongs to the thread that made it, and must be finished.
final class TarFeed {
    private let queue: BoundedQueue<[UInt8]>
    private let failure: Failure
    private let thread: Thread
    private let buffer: UnsafeMutablePointer<UInt8>
    /// How much of the buffer is filled, and how many bytes of the tar are behind its end.
    private var filled = 0
    private(set) var delivered: Int64 = 0

    private final class Failure: Sendable {
        let error = Mutex<(any Error)?>(nil)
    }

    private static let kept = 1 << 20
    private static let capacity = 4 << 20

    /// Starts to decompress. Throws `SystemCallError`.
    init(_ file: consuming Descriptor, _ archive: FilePath, limits: ArchiveLimits) throws {
        let queue = BoundedQueue<[UInt8]>(capacity: 8)
        let failure = Failure()
        let input = SharedFile(file)
        let thread = Thread {
            do {
                try Decompressor(archive, limits: limits) { queue.push($0) }.run(input.descriptor)
            } catch {
                failure.error.withLock { $0 = error }
            }
            queue.close()
        }
        guard let thread else {
            throw SystemCallError("start a thread", archive.printable, .resourceTemporarilyUnavailable)
        }
        self.queue = queue
        self.failure = failure
        self.thread = thread
        buffer = .allocate(capacity: Self.capacity)
    }

    deinit { buffer.deallocate() }

    /// The next piece, which stays where it is until the next call; nil at the end, and when there is a failure.
    func next() -> UnsafeBufferPointer<UInt8>? {
        guard let piece = queue.pop() else { return nil }
        if filled + piece.count > Self.capacity {
            buffer.update(from: buffer + (filled - Self.kept), count: Self.kept)
            filled = Self.kept
        }
        let place = buffer + filled
        piece.withUnsafeBufferPointer {
            if let first = $0.baseAddress { place.initialize(from: first, count: $0.count) }
        }
        filled += piece.count
        delivered += Int64(piece.count)
        return UnsafeBufferPointer(start: place, count: piece.count)
    }

    /// What kept the rest from being decompressed.
    var error: (any Error)? { failure.error.withLock { $0 } }

    /// The bytes of the tar between two places; nil when they are not kept any more.
    func bytes(from start: Int64, to end: Int64) -> ArraySlice<UInt8>? {
        let first = delivered - Int64(filled)
        guard start >= first, start <= end, end <= delivered else { return nil }
        return ArraySlice(UnsafeBufferPointer(start: buffer + Int(start - first), count: Int(end - start)))
    }

    /// Reads to the end, so that the checksum of all of it is verified. Throws what kept it from being decompressed.
    func drain() throws {
        while queue.pop() != nil {}
        if let error { throw error }
    }

    /// Ends the thread, whatever is left.
    func finish() {
        queue.close(dropping: true)
        thread.join()
    }
}

/// A file that several threads read.
final class SharedFile: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

import CArchive
import CaiModel
import CaiPlatform
import SystemPackage

/// Turns the bytes of an archive file into those of the tar inside: gzip (one or more members), zstd (one or more frames),
/// or tar as it is.
///
/// Checksums are verified, which libarchive's own gzip reader does not do. What is cut off, or followed by something else,
/// is an error. It belongs to the thread that made it.
final class Decompressor {
    /// The consumer wants no more.
    struct Stopped: Error {}

    private let archive: FilePath
    private let limits: ArchiveLimits
    private let deliver: ([UInt8]) -> Bool

    private let input = UnsafeMutablePointer<UInt8>.allocate(capacity: inputSize)
    private let output = UnsafeMutablePointer<UInt8>.allocate(capacity: outputSize)
    private var start = 0
    private var end = 0
    private var made = 0
    private var totalRead: Int64 = 0
    private var totalMade: Int64 = 0

    private typealias MemberWorkers = OrderedWorkers<[UInt8], [UInt8]?>
    private var workers: MemberWorkers?

    /// Room for a whole member of our own.
    private static let inputSize = 1 << 20
    private static let outputSize = 256 << 10
    private static let damaged = "copy it again from where it was made"

    /// `deliver` takes pieces of the tar and says whether it wants more.
    init(_ archive: FilePath, limits: ArchiveLimits, deliver: @escaping ([UInt8]) -> Bool) {
        self.archive = archive
        self.limits = limits
        self.deliver = deliver
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    /// Reads everything. Throws `ArchiveProblem`, `SystemCallError`, or `Stopped`.
    func run(_ file: borrowing Descriptor) throws {
        while end < 6, try fill(file) {}
        let head = Array(UnsafeBufferPointer(start: input, count: end))
        if head.isEmpty { throw problem("is empty") }
        if head.starts(with: [0x1F, 0x8B]) { return try gunzip(file) }
        if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) || isSkippableFrame(head) { return try unzstd(file) }
        if head.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A]) { throw foreign("xz") }
        if head.starts(with: Array("BZh".utf8)) { throw foreign("bzip2") }
        if head.starts(with: [0x50, 0x4B, 3, 4]) {
            throw problem("is a zip file", advice: "unpack it, and import the directory")
        }
        try passThrough(file)
    }

    private func isSkippableFrame(_ head: [UInt8]) -> Bool {
        head.count >= 4 && head[0] & 0xF0 == 0x50 && head.dropFirst().starts(with: [0x2A, 0x4D, 0x18])
    }

    private func foreign(_ compression: String) -> ArchiveProblem {
        problem(
            "is compressed with \(compression), which is not read here",
            advice: "\(compression) -dc FILE | cai import --from -")
    }

    private func problem(_ reason: String, advice: String? = nil) -> ArchiveProblem {
        ArchiveProblem(archive: archive, reason, advice: advice)
    }

    /// Reads more input behind what is there; false at the end of the file.
    private func fill(_ file: borrowing Descriptor) throws -> Bool {
        if start == end { (start, end) = (0, 0) }
        let room = UnsafeMutableRawBufferPointer(start: input + end, count: Self.inputSize - end)
        let count = try file.read(into: room, archive)
        end += count
        totalRead += Int64(count)
        return count > 0
    }

    /// Whether that many bytes of input are there, read if need be; not more than the buffer has room for.
    private func need(_ count: Int, _ file: borrowing Descriptor) throws -> Bool {
        if end - start >= count { return true }
        input.update(from: input + start, count: end - start)
        (start, end) = (0, end - start)
        while end < count, try fill(file) {}
        return end >= count
    }

    /// Hands over what was made, when it is much or the last.
    private func flush(isLast: Bool = false) throws {
        guard made == Self.outputSize || (isLast && made > 0) else { return }
        let content = Array(UnsafeBufferPointer(start: output, count: made))
        made = 0
        try handOver(content)
    }

    private func handOver(_ content: [UInt8]) throws {
        if content.isEmpty { return }  // which would mean the end
        totalMade += Int64(content.count)
        if totalMade > ArchiveLimits.ratioStart, totalMade / limits.ratio > max(totalRead, 1) {
            throw problem(
                "holds more than \(limits.ratio) times its own size",
                advice: "if that is right, raise archive_max_ratio in agent.toml or CAI_ARCHIVE_MAX_RATIO")
        }
        if !deliver(content) { throw Stopped() }
    }

    private func passThrough(_ file: borrowing Descriptor) throws {
        repeat {
            if !deliver(Array(UnsafeBufferPointer(start: input + start, count: end - start))) { throw Stopped() }
            start = end
        } while try fill(file)
    }

    // MARK: gzip

    private func gunzip(_ file: borrowing Descriptor) throws {
        let stream = try Inflation(archive)
        while try need(1, file), input[start] != 0 {
            _ = try need(GzipMember.headerSize, file)
            if let length = GzipMember.length(of: UnsafeBufferPointer(start: input + start, count: end - start)) {
                try addOwn(length, file)
            } else {
                try takeOwn()
                try inflateMember(stream, file)
            }
        }
        try takeOwn()
        try flush(isLast: true)
        try skipPadding(file)
    }

    /// Hands a member of our own to the threads.
    private func addOwn(_ length: Int, _ file: borrowing Descriptor) throws {
        try flush(isLast: true)
        if workers == nil { workers = OrderedWorkers(threads: Workers.count) { GzipMember.decompressor() } }
        guard let workers else {
            throw SystemCallError("start a thread", archive.printable, .resourceTemporarilyUnavailable)
        }
        guard try need(length, file) else {
            try takeOwn()
            throw problem("is cut off", advice: Self.damaged)
        }
        while workers.isFull { try takeOne(workers) }
        workers.add(Array(UnsafeBufferPointer(start: input + start, count: length)))
        start += length
    }

    /// Hands over what the threads have made so far.
    private func takeOwn() throws {
        while let workers, !workers.isEmpty { try takeOne(workers) }
    }

    private func takeOne(_ workers: MemberWorkers) throws {
        guard let content = workers.next() else { throw SystemCallError("decompress", archive.printable, .noMemory) }
        guard let content else { throw problem("is damaged: its gzip data is not right", advice: Self.damaged) }
        try handOver(content)
    }

    /// Decompresses one member, whoever made it.
    private func inflateMember(_ stream: borrowing Inflation, _ file: borrowing Descriptor) throws {
        while true {
            guard try need(1, file) else { throw problem("is cut off", advice: Self.damaged) }
            let isComplete = try inflateSome(stream.state)
            try flush()
            if isComplete { return }
        }
    }

    /// Decompresses what is in both buffers' reach; true when that was the end of a member.
    private func inflateSome(_ stream: UnsafeMutablePointer<z_stream>) throws -> Bool {
        stream.pointee.next_in = input + start
        stream.pointee.avail_in = UInt32(end - start)
        stream.pointee.next_out = output + made
        stream.pointee.avail_out = UInt32(Self.outputSize - made)
        let status = inflate(stream, Z_NO_FLUSH)
        start = end - Int(stream.pointee.avail_in)
        made = Self.outputSize - Int(stream.pointee.avail_out)
        if status == Z_STREAM_END {
            inflateReset(stream)
            return true
        }
        guard status == Z_OK || status == Z_BUF_ERROR else {
            throw problem("is damaged: its gzip data is not right", advice: Self.damaged)
        }
        return false
    }

    /// Zeros may follow the last member: tapes and some copiers add them.
    private func skipPadding(_ file: borrowing Descriptor) throws {
        repeat {
            guard UnsafeBufferPointer(start: input + start, count: end - start).allSatisfy({ $0 == 0 }) else {
                throw problem("is followed by something that is no gzip data", advice: Self.damaged)
            }
            start = end
        } while try fill(file)
    }

    // MARK: zstd

    private func unzstd(_ file: borrowing Descriptor) throws {
        guard let context = ZSTD_createDCtx() else {
            throw SystemCallError("decompress", archive.printable, .noMemory)
        }
        defer { ZSTD_freeDCtx(context) }
        // 32 MiB of window: every level but --ultra and --long is content with it, and memory stays bounded.
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 25)
        var isInside = true
        var mayHoldMore = false
        while true {
            if start == end, !mayHoldMore, try !fill(file) { break }
            isInside = try decompressSome(context)
            // With no room left in the output, the decoder may hold more than it could give.
            mayHoldMore = isInside && made == Self.outputSize
            try flush()
        }
        if isInside { throw problem("is cut off", advice: Self.damaged) }
        try flush(isLast: true)
    }

    /// Decompresses what is in both buffers' reach; false when that was the end of a frame.
    private func decompressSome(_ context: OpaquePointer) throws -> Bool {
        var from = ZSTD_inBuffer(src: input, size: end, pos: start)
        var to = ZSTD_outBuffer(dst: output, size: Self.outputSize, pos: made)
        let result = ZSTD_decompressStream(context, &to, &from)
        (start, made) = (from.pos, to.pos)
        if ZSTD_isError(result) != 0 { throw zstdProblem(result) }
        return result != 0
    }

    private func zstdProblem(_ code: Int) -> ArchiveProblem {
        if ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge {
            return problem(
                "was compressed with a window above 32 MiB", advice: "compress it without --long and --ultra")
        }
        return problem("is damaged: its zstd data is not right", advice: Self.damaged)
    }
}

/// The state of zlib for one stream (inflateInit2).
private struct Inflation: ~Copyable {
    let state: UnsafeMutablePointer<z_stream>

    init(_ archive: FilePath) throws(SystemCallError) {
        let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        state.initialize(to: z_stream())
        // 15 bits of window, and 16 for a gzip header with its checksum.
        guard inflateInit2_(state, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            state.deallocate()
            throw SystemCallError("decompress", archive.printable, .noMemory)
        }
        self.state = state
    }

    deinit {
        inflateEnd(state)
        state.deallocate()
    }
}

import CArchive
import CaiModel
import CaiPlatform
import SystemPackage

/// gzip by several threads: one member, whose deflate blocks are made apart from each other, each with the 32 KiB before it
/// as dictionary, so that the result is one stream and not larger than by one thread.
final class GzipSink: ByteSink {
    private struct Block: Sendable {
        let number: Int
        let content: [UInt8]
        let dictionary: [UInt8]
        let isLast: Bool
    }

    private struct Made: Sendable {
        let number: Int
        let bytes: [UInt8]
        let checksum: UInt
        let size: Int
    }

    private let output: OutputFile
    private let blocks: BoundedQueue<Block>
    private let made: BoundedQueue<Made>
    private let threads: [Thread]
    private let limit: Int
    private var current: [UInt8] = []
    private var dictionary: [UInt8] = []
    private var begun = 0
    private var written = 0
    private var waiting: [Int: Made] = [:]
    private var checksum: UInt = 0
    private var size: UInt32 = 0

    private static let blockSize = 256 << 10
    private static let window = 32 << 10

    init(_ output: OutputFile, threads count: Int) throws {
        let limit = 2 * count + 2
        let blocks = BoundedQueue<Block>(capacity: limit)
        let made = BoundedQueue<Made>(capacity: limit)
        threads = (0..<count).compactMap { _ in Thread { Self.work(blocks, made) } }
        if threads.isEmpty {
            throw SystemCallError("start a thread", output.label.printable, .resourceTemporarilyUnavailable)
        }
        self.output = output
        self.blocks = blocks
        self.made = made
        self.limit = limit
        current.reserveCapacity(Self.blockSize)
        // Deflate, no name, no time, made on Unix.
        try [UInt8]([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]).withUnsafeBytes { try output.write($0) }
    }

    deinit {
        blocks.close(dropping: true)
        made.close(dropping: true)
        threads.forEach { $0.join() }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.blockSize - current.count))
            current.append(contentsOf: piece)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
            if current.count == Self.blockSize { try submit(isLast: false) }
        }
    }

    func finish() throws {
        try submit(isLast: true)
        while written < begun { try takeOne() }
        let trailer = [UInt32(truncatingIfNeeded: checksum), size].flatMap { number in
            (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        try trailer.withUnsafeBytes { try output.write($0) }
    }

    private func submit(isLast: Bool) throws {
        while begun - written >= limit { try takeOne() }
        let block = Block(number: begun, content: current, dictionary: dictionary, isLast: isLast)
        dictionary = Array(current.suffix(Self.window))
        current = []
        current.reserveCapacity(Self.blockSize)
        begun += 1
        _ = blocks.push(block)
    }

    /// Waits for a block and writes what is next in order.
    private func takeOne() throws {
        guard let block = made.pop() else { throw SystemCallError("compress", output.label.printable, .noMemory) }
        waiting[block.number] = block
        while let next = waiting.removeValue(forKey: written) {
            try next.bytes.withUnsafeBytes { try output.write($0) }
            checksum = crc32_combine(checksum, next.checksum, next.size)
            size &+= UInt32(truncatingIfNeeded: next.size)
            written += 1
        }
    }

    // MARK: the threads

    /// Compresses blocks until there are no more. When there is no memory for it, nothing more comes out.
    private static func work(_ blocks: BoundedQueue<Block>, _ made: BoundedQueue<Made>) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        let form = CInt(MemoryLayout<z_stream>.size)
        // Level 6, as gzip has it; a window of 15 bits without header (negative), as a part of a stream needs it.
        guard deflateInit2_(stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, form) == Z_OK else {
            return made.close()
        }
        defer { deflateEnd(stream) }
        while let block = blocks.pop() {
            guard made.push(compress(block, stream)) else { return }
        }
    }

    private static func compress(_ block: Block, _ stream: UnsafeMutablePointer<z_stream>) -> Made {
        deflateReset(stream)
        if !block.dictionary.isEmpty {
            deflateSetDictionary(stream, block.dictionary, UInt32(block.dictionary.count))
        }
        let room = Int(deflateBound(stream, UInt(block.content.count))) + 64
        let bytes = block.content.withUnsafeBufferPointer { content in
            [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: content.baseAddress)
                stream.pointee.avail_in = UInt32(content.count)
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(room)
                // The room is enough for all of it, so that one call does it.
                deflate(stream, block.isLast ? Z_FINISH : Z_SYNC_FLUSH)
                count = room - Int(stream.pointee.avail_out)
            }
        }
        let checksum = block.content.isEmpty ? 0 : crc32(0, block.content, UInt32(block.content.count))
        return Made(number: block.number, bytes: bytes, checksum: checksum, size: block.content.count)
    }
}

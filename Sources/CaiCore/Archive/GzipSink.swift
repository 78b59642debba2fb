import CArchive
import CaiModel
import CaiPlatform
import SystemPackage

/// gzip by several threads: members one after another, each of a piece of the tar, which every reader of gzip takes for one
/// stream (RFC 1952, 2.2). Each says in an extra field how long it is, so that ours are read by several threads too.
final class GzipSink: ByteSink {
    private let output: OutputFile
    private let workers: OrderedWorkers<[UInt8], [UInt8]>
    private var current: [UInt8] = []

    /// Throws `SystemCallError` where there is no thread to be had.
    init(_ output: OutputFile, threads count: Int) throws {
        guard let workers = OrderedWorkers(threads: count, { GzipMember.compressor() }) else {
            throw SystemCallError("start a thread", output.label.printable, .resourceTemporarilyUnavailable)
        }
        self.output = output
        self.workers = workers
        current.reserveCapacity(GzipMember.contentSize)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(GzipMember.contentSize - current.count))
            current.append(contentsOf: piece)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
            if current.count == GzipMember.contentSize { try submit() }
        }
    }

    func finish() throws {
        if !current.isEmpty { try submit() }
        while !workers.isEmpty { try takeOne() }
    }

    private func submit() throws {
        while workers.isFull { try takeOne() }
        workers.add(current)
        current = []
        current.reserveCapacity(GzipMember.contentSize)
    }

    /// Waits for the oldest member and writes it.
    private func takeOne() throws {
        // Nothing comes out where there is no memory.
        guard let member = workers.next(), !member.isEmpty else {
            throw SystemCallError("compress", output.label.printable, .noMemory)
        }
        try member.withUnsafeBytes { try output.write($0) }
    }
}

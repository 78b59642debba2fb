import CArchive
import CaiModel
import CaiPlatform
import SystemPackage

/// Something that takes the bytes of a tar, in order.
protocol ByteSink: AnyObject {
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Ends the compressed form. Nothing is written behind that.
    func finish() throws
}

/// An open file that is written from front to back by one thread.
final class OutputFile {
    let file: SharedFile
    let label: FilePath
    private(set) var written: Int64 = 0

    init(file: SharedFile, label: FilePath) {
        self.file = file
        self.label = label
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
        try file.descriptor.write(bytes, label)
        written += Int64(bytes.count)
    }
}

/// zstd with threads of its own, level 3, with a checksum.
final class ZstdSink: ByteSink {
    private let output: OutputFile
    private let context: OpaquePointer
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)

    init(_ output: OutputFile, threads: Int) throws {
        guard let context = ZSTD_createCCtx() else {
            throw SystemCallError("compress", output.label.printable, .noMemory)
        }
        self.output = output
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        // A library without threads refuses this, and then compresses here.
        ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, CInt(threads))
        // What each thread holds at a time; without it, megabytes each.
        ZSTD_CCtx_setParameter(context, ZSTD_c_jobSize, 1 << 20)
    }

    deinit {
        ZSTD_freeCCtx(context)
        buffer.deallocate()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while input.pos < input.size { _ = try compress(&input, ZSTD_e_continue) }
    }

    func finish() throws {
        var nothing = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
        while try compress(&nothing, ZSTD_e_end) != 0 {}
    }

    private func compress(_ input: inout ZSTD_inBuffer, _ mode: ZSTD_EndDirective) throws -> Int {
        var made = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        let rest = ZSTD_compressStream2(context, &made, &input, mode)
        if ZSTD_isError(rest) != 0 { throw SystemCallError("compress", output.label.printable, .noMemory) }
        if made.pos > 0 { try output.write(UnsafeRawBufferPointer(rebasing: buffer[..<made.pos])) }
        return rest
    }
}

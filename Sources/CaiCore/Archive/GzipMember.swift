import CArchive
import CaiPlatform

/// A gzip member of an export: at most `contentSize` bytes, with an extra field `ca` that holds the length of the whole member
/// in four bytes, the lowest first.
enum GzipMember {
    static let contentSize = 512 << 10
    /// Header with its extra field.
    static let headerSize = 20
    /// No member of ours is longer.
    static let longest = contentSize + contentSize / 64 + 1024

    /// Deflate with an extra field, no time, made on Unix; the extra field is of eight bytes, four of them the length.
    private static let head: [UInt8] = [
        0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 3, 8, 0, UInt8(ascii: "c"), UInt8(ascii: "a"), 4, 0,
    ]
    private static let trailerSize = 8
    /// As gzip has it.
    private static let level: CInt = 6

    /// The length of the member that begins with these bytes; nil when it is not one of ours.
    static func length(of start: UnsafeBufferPointer<UInt8>) -> Int? {
        guard start.count >= headerSize, start.starts(with: head) else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(start[head.count + $1]) << (8 * $1) }
        return (headerSize + trailerSize...longest).contains(length) ? length : nil
    }

    /// What compresses pieces, for one thread; nil without memory for it. What it cannot compress comes out empty.
    static func compressor() -> (([UInt8]) -> [UInt8])? {
        guard let state = Compressor() else { return nil }
        return { content in member(content, state.handle) }
    }

    private static func member(_ content: [UInt8], _ compressor: OpaquePointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: longest) { place, count in
            guard let start = place.baseAddress else { return }
            let made = libdeflate_deflate_compress(
                compressor, content, content.count, start + headerSize, longest - headerSize - trailerSize)
            if made == 0 { return }
            count = headerSize + made + trailerSize
            let header = head + bytes(UInt32(count))
            let trailer =
                bytes(libdeflate_crc32(0, content, content.count)) + bytes(UInt32(truncatingIfNeeded: content.count))
            start.update(from: header, count: headerSize)
            (start + headerSize + made).update(from: trailer, count: trailerSize)
        }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    /// What decompresses members, for one thread; nil without memory for it. A member that is damaged comes out nil.
    static func decompressor() -> (([UInt8]) -> [UInt8]?)? {
        guard let state = Decompressor() else { return nil }
        return { member in content(of: member, state.handle) }
    }

    private static func content(of member: [UInt8], _ decompressor: OpaquePointer) -> [UInt8]? {
        var isRight = false
        let content = [UInt8](unsafeUninitializedCapacity: contentSize) { place, count in
            var read = 0
            isRight =
                libdeflate_gzip_decompress_ex(
                    decompressor, member, member.count, place.baseAddress, contentSize, &read, &count)
                == LIBDEFLATE_SUCCESS && read == member.count
            if !isRight { count = 0 }
        }
        return isRight ? content : nil
    }

    private final class Compressor {
        let handle: OpaquePointer
        init?() {
            guard let handle = libdeflate_alloc_compressor(level) else { return nil }
            self.handle = handle
        }
        deinit { libdeflate_free_compressor(handle) }
    }

    private final class Decompressor {
        let handle: OpaquePointer
        init?() {
            guard let handle = libdeflate_alloc_decompressor() else { return nil }
            self.handle = handle
        }
        deinit { libdeflate_free_decompressor(handle) }
    }
}

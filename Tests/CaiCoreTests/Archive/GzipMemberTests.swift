import CaiCore
import CaiTestSupport
import SystemPackage
import Testing

/// A gzip member made by hand, with its content in stored blocks (RFC 1951, 3.2.4), so that every byte of it is known.
private struct Member {
    var content: [UInt8]
    /// Whether it says how long it is, as members of an export do.
    var isOurs = true
    /// What it says in place of its length, its checksum and its size.
    var length: UInt32?
    var checksum: UInt32?
    var size: UInt32?

    var bytes: [UInt8] {
        let body = Self.stored(content)
        let total = UInt32((isOurs ? 20 : 10) + body.count + 8)
        let head: [UInt8] =
            isOurs
            ? [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 3, 8, 0, 0x63, 0x61, 4, 0] + Self.number(length ?? total)
            : [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
        return head + body + Self.number(checksum ?? Self.crc(content)) + Self.number(size ?? UInt32(content.count))
    }

    private static func stored(_ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = content[...]
        repeat {
            let piece = rest.prefix(65535)
            rest = rest.dropFirst(piece.count)
            let count = UInt16(piece.count)
            result.append(rest.isEmpty ? 1 : 0)
            for value in [count, ~count] { result += [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)] }
            result += piece
        } while !rest.isEmpty
        return result
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = ~0
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }
}

@Suite struct `Archive: members of gzip, our own and others` {
    /// A tar in which members can begin anywhere.
    private static let tar: [UInt8] = {
        var tar = TarBuilder()
        tar.add("first", .file, "the first file")
        tar.add("second", .file, String(repeating: "0123456789", count: 20_000))
        tar.add("third", .file, "the third file")
        return tar.finished
    }()

    /// The tar in members: each says whether it is ours, and where it ends.
    private static func archive(_ plan: [(isOurs: Bool, end: Int)]) -> [UInt8] {
        var start = 0
        return plan.flatMap { isOurs, end in
            defer { start = end }
            return Member(content: Array(tar[start..<end]), isOurs: isOurs).bytes
        }
    }

    private static func expectWhole(_ bytes: [UInt8]) throws {
        let place = try UnpackingPlace()
        #expect(try place.refusal(of: bytes)?.reason == nil)
        #expect(try place.text("first") == "the first file" && place.text("third") == "the third file")
        #expect(try place.text("second").utf8.count == 200_000)
    }

    private static func expectRefused(_ bytes: [UInt8], _ words: String...) throws {
        let place = try UnpackingPlace()
        let reason = try #require(try place.refusal(of: bytes)).reason
        #expect(words.contains { reason.contains($0) }, "\(reason)")
        #expect(try place.changesOutside() == [])
    }

    @Test(arguments: ["o", "f", "oo", "of", "fo", "ofo", "fof", "ooff", "offo", "ooooooooooof", "foooooooooooo"])
    func `are one stream, in whatever order they come`(_ order: String) throws {
        let count = order.count
        let ends = (1...count).map { $0 == count ? Self.tar.count : Self.tar.count / count * $0 }
        try Self.expectWhole(Self.archive(zip(order, ends).map { ($0 == "o", $1) }))
    }

    @Test(arguments: [true, false])
    func `may be empty`(_ isOurs: Bool) throws {
        let empty = Member(content: [], isOurs: isOurs).bytes
        let half = Self.tar.count / 2
        let first = Member(content: Array(Self.tar[..<half])).bytes
        let last = Member(content: Array(Self.tar[half...]), isOurs: !isOurs).bytes
        try Self.expectWhole(empty + empty + first + empty + last + empty)
    }

    @Test func `that say no possible length are read like those of others`() throws {
        for length: UInt32 in [0, 1, 27, 10 << 20, .max] {
            try Self.expectWhole(Member(content: Self.tar, length: length).bytes)
        }
    }

    @Test(arguments: [true, false])
    func `that say a wrong length are refused`(_ isFollowed: Bool) throws {
        let half = Self.tar.count / 2
        let right = UInt32(Member(content: Array(Self.tar[..<half])).bytes.count)
        let next = isFollowed ? Member(content: Array(Self.tar[half...])).bytes : []
        for length in [28, 29, right - 1, right + 1, right + 28, 500_000] {
            let bytes = Member(content: Array(Self.tar[..<half]), length: length).bytes + next
            try Self.expectRefused(bytes, "is damaged", "is cut off", "is followed by")
        }
    }

    @Test(arguments: [true, false])
    func `with a wrong checksum or size are refused`(_ isOurs: Bool) throws {
        let half = Self.tar.count / 2
        let first = Array(Self.tar[..<half])
        let last = Member(content: Array(Self.tar[half...])).bytes
        try Self.expectRefused(Member(content: first, isOurs: isOurs, checksum: 1).bytes + last, "is damaged")
        try Self.expectRefused(Member(content: first, isOurs: isOurs, size: 1).bytes + last, "is damaged")
        try Self.expectRefused(Member(content: Self.tar, isOurs: isOurs, checksum: 1).bytes, "is damaged")
    }

    @Test func `that are cut anywhere are refused`() throws {
        var tar = TarBuilder()
        tar.add("a", .file, "a")
        let content = tar.finished
        let bytes =
            Member(content: Array(content[..<700])).bytes + Member(content: Array(content[700...]), isOurs: false).bytes
        let place = try UnpackingPlace()
        for end in bytes.indices {
            #expect(try place.refusal(of: Array(bytes[..<end])) != nil, "cut at \(end)")
        }
        #expect(try place.refusal(of: bytes) == nil)
    }

    @Test(arguments: [true, false])
    func `may have zeros behind them, and nothing else`(_ isOurs: Bool) throws {
        let whole = Member(content: Self.tar, isOurs: isOurs).bytes
        for count in [1, 511, 10_240, 2 << 20] { try Self.expectWhole(whole + [UInt8](repeating: 0, count: count)) }
        for junk: [UInt8] in [[1], Array("junk".utf8), [0x1F], [0x1F, 0x8B], [0x1F, 0x8C, 8, 0, 0, 0, 0, 0, 0, 3]] {
            try Self.expectRefused(whole + junk, "is damaged", "is followed by", "is cut off")
            try Self.expectRefused(whole + [0, 0, 0] + junk, "is followed by")
        }
    }

    @Test func `with any bit turned over are refused, or hold the same`() throws {
        var tar = TarBuilder()
        tar.add("a", .file, "content")
        let bytes = Member(content: tar.finished).bytes
        // Not the time, the flags and the system of the header, which say nothing about the content.
        for index in [0, 1, 2, 3, 16, 17, 20, 21, 22, 23, 24, 300, 600, bytes.count - 8, bytes.count - 1] {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                let place = try UnpackingPlace()
                if try place.refusal(of: changed) == nil {
                    #expect(try place.text("a") == "content", "\(index).\(bit)")
                }
                #expect(try place.changesOutside() == [])
            }
        }
    }
}

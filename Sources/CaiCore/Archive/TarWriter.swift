import CaiModel
import CaiPlatform
import SystemPackage

/// What is to be stored of one thing.
struct StoredMember {
    enum Kind {
        /// The ranges that hold data; all the rest is holes. Without holes it is one range.
        case file(size: Int64, extents: [Range<Int64>])
        case directory
        case symlink(FilePath), hardLink(FilePath)
    }

    let path: FilePath
    let kind: Kind
    let mode: UInt16
    let uid: UInt32
    let gid: UInt32
    let modified: Int64
    var attributes: [(name: String, value: [UInt8])] = []
}

/// Writes tar in the form of POSIX (pax), with names as the bytes that they are, and sparse files as GNU tar and libarchive
/// read them (GNU.sparse 1.0).
///
/// libarchive's own writer wants names to be text of the locale, and there need not be one where this runs. What a plain
/// header can say is not said again in an extended one, so that most members have none.
struct TarWriter {
    private static let block = 512
    private let sink: any ByteSink
    /// Bytes of content still to come for the last header, and what pads them.
    private var padding = 0

    init(_ sink: any ByteSink) { self.sink = sink }

    /// Writes the headers of a member. The content of a file is to follow: the data of its extents, in pieces.
    mutating func begin(_ member: StoredMember) throws {
        var records: [(String, [UInt8])] = []
        var (size, type, map): (Int64, UInt8, [UInt8]) = (0, 0x30, [])
        var name = member.path.byteArray
        var link: [UInt8] = []
        switch member.kind {
        case .file(let full, let extents):
            size = extents.reduce(0) { $0 + Int64($1.count) }
            if size < full {
                map = Self.sparseMap(extents, full)
                size += Int64(map.count)
                records += [
                    ("GNU.sparse.major", [0x31]), ("GNU.sparse.minor", [0x30]), ("GNU.sparse.name", name),
                    ("GNU.sparse.realsize", Array(String(full).utf8)),
                ]
                name = Array("GNUSparseFile.0/".utf8) + (member.path.lastComponent?.bytes ?? [])
                if !Self.fits(name) { name = Array("GNUSparseFile.0/file".utf8) }
            }
        case .directory:
            type = 0x35
            name.append(0x2F)
        case .symlink(let text): (type, link) = (0x32, text.byteArray)
        case .hardLink(let other): (type, link) = (0x31, other.byteArray)
        }
        if !(Self.isText(name) && Self.isText(link)) { records.insert(("hdrcharset", Array("BINARY".utf8)), at: 0) }
        if !Self.fits(name) { records.append(("path", name)) }
        if !Self.fits(link) { records.append(("linkpath", link)) }
        if size > Self.largestNumber { records.append(("size", Array(String(size).utf8))) }
        if member.modified < 0 || member.modified % 1_000_000_000 != 0 {
            records.append(("mtime", Self.decimal(member.modified)))
        }
        for (key, id) in [("uid", member.uid), ("gid", member.gid)] where id > 0o7777777 {
            records.append((key, Array(String(id).utf8)))
        }
        records += member.attributes.map { ("SCHILY.xattr." + $0.name, $0.value) }
        if !records.isEmpty {
            let text = records.flatMap { Self.record($0, $1) }
            let header = Self.header(
                Array("PaxHeaders/".utf8) + Self.plain(member.path.lastComponent?.bytes ?? []), 0x78,
                Int64(text.count), [], member)
            try write(header + text + [UInt8](repeating: 0, count: Self.gap(Int64(text.count))))
        }
        try write(Self.header(name, type, size, link, member) + map)
        padding = Self.gap(size)
    }

    /// Writes a piece of the content.
    func write(_ bytes: UnsafeRawBufferPointer) throws { try sink.write(bytes) }

    private func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try sink.write($0) } }

    /// Ends the content of a member.
    mutating func end() throws {
        if padding > 0 { try write([UInt8](repeating: 0, count: padding)) }
        padding = 0
    }

    /// Writes a small file of our own.
    mutating func add(_ path: FilePath, _ content: [UInt8], at time: Timestamp) throws {
        let size = Int64(content.count)
        try begin(
            StoredMember(
                path: path, kind: .file(size: size, extents: [0..<size]), mode: 0o600, uid: 0, gid: 0,
                modified: time.secondsSinceEpoch * 1_000_000_000))
        try write(content)
        try end()
    }

    /// Writes the end mark and ends the compression.
    func finish() throws {
        try write([UInt8](repeating: 0, count: 2 * Self.block))
        try sink.finish()
    }

    // MARK: form

    private static let largestNumber: Int64 = 0o77777777777

    private static func gap(_ size: Int64) -> Int { Int((Int64(block) - size % Int64(block)) % Int64(block)) }

    /// Whether a name can stand in a plain header as it is.
    private static func fits(_ name: [UInt8]) -> Bool {
        name.count <= 100 && name.allSatisfy { (0x20..<0x7F).contains($0) }
    }

    /// Whether a name is UTF-8, as extended headers are unless they say otherwise.
    private static func isText(_ name: [UInt8]) -> Bool { String(validating: name, as: UTF8.self) != nil }

    private static func plain(_ name: [UInt8]) -> [UInt8] {
        name.prefix(80).map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "_") }
    }

    /// Seconds with nine decimals.
    private static func decimal(_ nanoseconds: Int64) -> [UInt8] {
        let (seconds, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = String(rest)
        let zeros = String(repeating: "0", count: 9 - digits.utf8.count)
        return Array("\(nanoseconds < 0 ? "-" : "")\(seconds).\(zeros)\(digits)".utf8)
    }

    /// `LENGTH KEY=VALUE\n`, where LENGTH counts all of it.
    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = [0x20] + Array(key.utf8) + [0x3D] + value + [0x0A]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }

    /// The ranges of data as a block of numbers; the last is empty where the file ends with a hole.
    private static func sparseMap(_ extents: [Range<Int64>], _ size: Int64) -> [UInt8] {
        let ranges = extents.last?.upperBound == size ? extents : extents + [size..<size]
        let text = "\(ranges.count)\n" + ranges.map { "\($0.lowerBound)\n\($0.count)\n" }.joined()
        return Array(text.utf8) + [UInt8](repeating: 0, count: gap(Int64(text.utf8.count)))
    }

    private static func header(
        _ name: [UInt8], _ type: UInt8, _ size: Int64, _ link: [UInt8], _ member: StoredMember
    ) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: block)
        func put(_ text: [UInt8], at start: Int, room: Int) {
            result.replaceSubrange(start..<start + min(text.count, room), with: text.prefix(room))
        }
        func put(_ number: Int64, at start: Int, digits: Int) {
            let text = String(number, radix: 8)
            let zeros = [UInt8](repeating: 0x30, count: max(0, digits - text.utf8.count))
            if text.utf8.count <= digits { put(zeros + Array(text.utf8), at: start, room: digits) }
        }
        put(fits(name) ? name : plain(name), at: 0, room: 100)
        put(Int64(member.mode), at: 100, digits: 7)
        put(member.uid > 0o7777777 ? 0 : Int64(member.uid), at: 108, digits: 7)
        put(member.gid > 0o7777777 ? 0 : Int64(member.gid), at: 116, digits: 7)
        put(size > largestNumber ? 0 : size, at: 124, digits: 11)
        put(max(member.modified, 0) / 1_000_000_000, at: 136, digits: 11)
        put([UInt8](repeating: 0x20, count: 8), at: 148, room: 8)
        result[156] = type
        put(fits(link) ? link : plain(link), at: 157, room: 100)
        put(Array("ustar\u{0}00".utf8), at: 257, room: 8)
        put(result.reduce(0) { $0 + Int64($1) }, at: 148, digits: 6)
        result[154] = 0
        return result
    }
}

extension FilePath {
    var byteArray: [UInt8] {
        withPlatformString { start in UnsafeBufferPointer(start: start, count: length).map { UInt8(bitPattern: $0) } }
    }
}

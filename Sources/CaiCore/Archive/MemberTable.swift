import CaiModel
import SystemPackage

/// What an archive has made so far, found by path: about fifty bytes and the path for each, because there may be a million.
struct MemberTable: Sendable {
    private enum Kind: UInt8, Sendable { case none, file, directory, symlink, hardLink }

    private struct Record: Sendable {
        var path: Int
        var length: UInt32
        var kind: Kind
        var mode: UInt16
        /// The number of its digest, from 1; 0 where there is none.
        var digest: UInt32
        var size: Int64
        var modified: Int64
    }

    private var bytes: [UInt8] = []
    private var records: [Record] = []
    /// Numbers of records, from 1, at the places that the hashes of their paths say; 0 where there is none.
    private var slots = [UInt32](repeating: 0, count: 64)
    /// 32 bytes each. The first is that of files which hold nothing.
    private var digests: [UInt8] = Self.bytes(of: CaiCore.digest(of: []))
    private var texts: [UInt32: FilePath] = [:]

    private static let digestSize = 32

    /// How many there are, those that were taken out again included.
    var count: Int { records.count }

    /// Those that are there, in the order of the archive; made one by one.
    var members: some Sequence<ArchiveMember> { records.indices.lazy.compactMap(member) }

    /// The one name in a directory; nil when there is none, or more.
    func onlyName(in directory: FilePath) -> FilePath.Component? {
        var only: FilePath.Component?
        for index in records.indices where records[index].kind != .none {
            var path = path(at: index)
            guard path.removePrefix(directory), let name = path.components.first else { continue }
            if only != nil, only != name { return nil }
            only = name
        }
        return only
    }

    /// Where one of this path is; nil when there is none.
    func index(of path: FilePath) -> Int? {
        path.withBytes { bytes in
            var slot = place(of: bytes)
            while slots[slot] != 0 {
                let index = Int(slots[slot]) - 1
                if isPath(bytes, at: index) { return records[index].kind == .none ? nil : index }
                slot = (slot + 1) & (slots.count - 1)
            }
            return nil
        }
    }

    /// Adds one; of two with the same path the later counts.
    mutating func append(_ member: ArchiveMember) {
        if (records.count + 1) * 2 > slots.count { grow() }
        let kind: Kind
        switch member.kind {
        case .file: kind = .file
        case .directory: kind = .directory
        case .symlink(let text):
            kind = .symlink
            texts[UInt32(records.count)] = text
        case .hardLink(let other):
            kind = .hardLink
            texts[UInt32(records.count)] = other
        }
        let start = bytes.count
        member.path.withBytes { bytes.append(contentsOf: $0) }
        records.append(
            Record(
                path: start, length: UInt32(clamping: bytes.count - start), kind: kind, mode: member.mode,
                digest: 0, size: member.size, modified: member.modified))
        if let digest = member.digest { set(digest, at: records.count - 1) }
        enter(records.count - 1)
    }

    func isDirectory(at index: Int) -> Bool { records[index].kind == .directory }

    /// Nil for one that was taken out.
    func member(at index: Int) -> ArchiveMember? {
        let record = records[index]
        let kind: ArchiveMember.Kind
        switch record.kind {
        case .none: return nil
        case .file: kind = .file
        case .directory: kind = .directory
        case .symlink: kind = .symlink(text: texts[UInt32(index)] ?? FilePath())
        case .hardLink: kind = .hardLink(to: texts[UInt32(index)] ?? FilePath())
        }
        return ArchiveMember(
            path: path(at: index), kind: kind, size: record.size, mode: record.mode, modified: record.modified,
            digest: digest(at: index))
    }

    func path(at index: Int) -> FilePath {
        let start = records[index].path
        return FilePath(tableBytes: bytes[start..<(start + Int(records[index].length))])
    }

    func digest(at index: Int) -> ContentDigest? {
        guard records[index].digest > 0 else { return nil }
        let start = (Int(records[index].digest) - 1) * Self.digestSize
        return ContentDigest(hex: hexadecimal(digests[start..<(start + Self.digestSize)]))
    }

    mutating func set(_ digest: ContentDigest, at index: Int) {
        if records[index].size == 0 {
            records[index].digest = 1
            return
        }
        digests += Self.bytes(of: digest)
        records[index].digest = UInt32(digests.count / Self.digestSize)
    }

    /// Gives a directory its mode and time.
    mutating func set(mode: UInt16, modified: Int64, at index: Int) {
        records[index].mode = mode
        records[index].modified = modified
    }

    /// Takes one out.
    mutating func remove(at index: Int) { records[index].kind = .none }

    // MARK: hashing

    private func isPath(_ wanted: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        let start = records[index].path
        return Int(records[index].length) == wanted.count && bytes[start..<(start + wanted.count)].elementsEqual(wanted)
    }

    private func place(of path: UnsafeBufferPointer<UInt8>) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(path))
        return hasher.finalize() & (slots.count - 1)
    }

    /// Notes where a record is. One of the same path that was taken out makes room.
    private mutating func enter(_ index: Int) {
        let start = records[index].path
        let length = Int(records[index].length)
        var slot = bytes.withUnsafeBufferPointer {
            place(of: UnsafeBufferPointer(rebasing: $0[start..<(start + length)]))
        }
        while slots[slot] != 0 {
            let other = Int(slots[slot]) - 1
            let isSame = bytes.withUnsafeBufferPointer {
                isPath(UnsafeBufferPointer(rebasing: $0[start..<(start + length)]), at: other)
            }
            if isSame { break }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = UInt32(index + 1)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for index in records.indices { enter(index) }
    }

    private static func bytes(of digest: ContentDigest) -> [UInt8] {
        let digits = digest.hex.utf8.map { $0 > 0x39 ? $0 - 0x57 : $0 - 0x30 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension FilePath {
    fileprivate init(tableBytes bytes: ArraySlice<UInt8>) {
        func make(_ start: UnsafePointer<UInt8>) -> FilePath {
            start.withMemoryRebound(to: CChar.self, capacity: bytes.count + 1) { FilePath(platformString: $0) }
        }
        self = make(Array(bytes + [0]))
    }

    fileprivate func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withPlatformString { start in
            start.withMemoryRebound(to: UInt8.self, capacity: length) {
                body(UnsafeBufferPointer(start: $0, count: length))
            }
        }
    }
}

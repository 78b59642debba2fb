import CArchive
import CaiModel
import CaiPlatform
import SystemPackage

/// One member as its header says, before anything was decided about it.
struct TarMember {
    enum Kind {
        case file, directory
        case symlink(FilePath), hardLink(FilePath)
        /// What is never made; the word for it.
        case special(String)
    }

    let name: FilePath
    let kind: Kind
    let size: Int64
    let mode: UInt16
    let modified: Int64
    let attributes: [(name: String, value: [UInt8])]
    let isSparse: Bool
}

/// Reads members one after another (libarchive, tar in all its forms). It belongs to the thread that made it.
final class TarReader {
    private let archive: FilePath
    private let handle: OpaquePointer
    private let feed: TarFeed
    private var last: FilePath?

    /// Starts reading. Throws `SystemCallError`.
    init(_ file: consuming Descriptor, _ archive: FilePath, limits: ArchiveLimits) throws {
        guard let handle = archive_read_new() else { throw SystemCallError("read", archive.printable, .noMemory) }
        self.archive = archive
        self.handle = handle
        do {
            feed = try TarFeed(file, archive, limits: limits)
        } catch {
            archive_read_free(handle)
            throw error
        }
        archive_read_support_format_tar(handle)
        archive_read_set_callback_data(handle, Unmanaged.passUnretained(feed).toOpaque())
        archive_read_set_read_callback(handle) { _, context, place in
            guard let context, let piece = Unmanaged<TarFeed>.fromOpaque(context).takeUnretainedValue().next() else {
                return 0
            }
            place?.pointee = UnsafeRawPointer(piece.baseAddress)
            return piece.count
        }
    }

    deinit {
        archive_read_free(handle)
        feed.finish()
    }

    /// Begins; throws `ArchiveProblem` for what is no tar at all.
    func open() throws {
        guard archive_read_open1(handle) == ARCHIVE_OK else { throw failure("is no tar archive") }
    }

    /// The next member; nil behind the last. Throws `ArchiveProblem` for an archive that is damaged or cut off.
    func next() throws -> TarMember? {
        var entry: OpaquePointer?
        let status = archive_read_next_header(handle, &entry)
        if status == ARCHIVE_EOF {
            try end()
            return nil
        }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry else {
            throw failure(last == nil ? "is no tar archive" : "is damaged: a header is not right")
        }
        let member = try TarMember(entry) ?? { throw failure("has a member without a name") }()
        let (start, position) = (archive_read_header_position(handle), archive_filter_bytes(handle, 0))
        guard let blocks = feed.bytes(from: start, to: position) else {
            throw refusal(member, "has headers of more than a mebibyte")
        }
        if let problem = HeaderGuard.problem(in: blocks) { throw refusal(member, problem) }
        last = member.name
        return member
    }

    /// Calls `body` with each piece of the content of the last member and its place in the file; what is between them is a
    /// hole.
    func readContent(_ body: (UnsafeRawBufferPointer, Int64) throws -> Void) throws {
        while true {
            var place: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let status = archive_read_data_block(handle, &place, &count, &offset)
            if status == ARCHIVE_EOF { return }
            guard status == ARCHIVE_OK else { throw failure("is cut off or damaged") }
            if count > 0 { try body(UnsafeRawBufferPointer(start: place, count: count), offset) }
        }
    }

    /// What is behind the last member: a block of zeros, or the archive was cut off between two members.
    private func end() throws {
        let position = archive_filter_bytes(handle, 0)
        let mark = feed.bytes(from: position - 512, to: position)
        try feed.drain()
        guard let mark, mark.allSatisfy({ $0 == 0 }) else {
            throw ArchiveProblem(archive: archive, "is cut off: its end mark is missing", advice: Self.again)
        }
    }

    private static let again = "copy it again from where it was made"

    private func refusal(_ member: TarMember, _ reason: String) -> ArchiveProblem {
        ArchiveProblem(archive: archive, member: member.name, reason)
    }

    /// The error behind a failed call: what kept the archive from being decompressed, or what libarchive found.
    private func failure(_ reason: String) -> any Error {
        if let error = feed.error { return error }
        let place = last.map { " (behind \($0.printable))" } ?? ""
        return ArchiveProblem(archive: archive, reason + place, advice: last == nil ? nil : Self.again)
    }
}

extension TarMember {
    /// nil for an entry without a name.
    fileprivate init?(_ entry: OpaquePointer) {
        guard let name = archive_entry_pathname(entry) else { return nil }
        self.name = FilePath(platformString: name)
        if let other = archive_entry_hardlink(entry) {
            kind = .hardLink(FilePath(platformString: other))
        } else if let text = archive_entry_symlink(entry) {
            kind = .symlink(FilePath(platformString: text))
        } else {
            kind = Kind(type: archive_entry_filetype(entry))
        }
        size = archive_entry_size(entry)
        mode = UInt16(archive_entry_perm(entry) & 0o7777)
        modified = Self.nanoseconds(Int64(archive_entry_mtime(entry)), Int64(archive_entry_mtime_nsec(entry)))
        attributes = Self.attributes(of: entry)
        isSparse = archive_entry_sparse_count(entry) > 0
    }

    /// A time that no file can have becomes the nearest it can.
    private static func nanoseconds(_ seconds: Int64, _ rest: Int64) -> Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min / 2 : .max / 2) : product &+ rest
    }

    private static func attributes(of entry: OpaquePointer) -> [(name: String, value: [UInt8])] {
        var result: [(name: String, value: [UInt8])] = []
        guard archive_entry_xattr_reset(entry) > 0 else { return result }
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK, let name {
            let bytes = UnsafeRawBufferPointer(start: value, count: size)
            result.removeAll { $0.name == String(cString: name) }
            result.append((String(cString: name), Array(bytes)))
        }
        return result
    }
}

extension TarMember.Kind {
    init(type: UInt32) {
        switch type & 0o170000 {
        case 0o100000: self = .file
        case 0o040000: self = .directory
        case 0o120000: self = .special("a symlink without a target")
        case 0o010000: self = .special("a FIFO")
        case 0o140000: self = .special("a socket")
        case 0o020000, 0o060000: self = .special("a device")
        default: self = .special("of an unknown kind")
        }
    }
}

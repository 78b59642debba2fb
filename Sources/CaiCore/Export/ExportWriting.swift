import CaiModel
import CaiPlatform
import SystemPackage

/// Writes what a survey found, and reads it once more for that: what is stored is what the manifest says, or an amendment at
/// the end tells what it is.
struct ExportWriting {
    private let volume: Tree
    private let spool: Spool
    private var tar: TarWriter
    private(set) var amendments: [ExportManifest.Entry] = []
    private(set) var findings: [Finding] = []
    /// The directory of the last file.
    private var current: (path: FilePath, directory: Directory)?

    /// Files up to this size are read as a whole before a byte of them is stored.
    private static let smallFile: Int64 = 4 << 20

    init(_ volume: Tree, _ spool: Spool, _ tar: TarWriter) {
        self.volume = volume
        self.spool = spool
        self.tar = tar
    }

    /// Stores everything behind a manifest.
    mutating func run(
        _ items: [ExportItem], created: Timestamp, host: String, _ progress: (Int, Int64) -> Void
    ) throws {
        let manifest = ExportManifest(created: created, host: host, entries: items.compactMap(\.entry))
        try tar.add(FilePath(ExportManifest.name), manifest.document, at: created)
        var bytes: Int64 = 0
        for (index, item) in items.enumerated() {
            try store(item)
            bytes += item.status.size
            progress(index + 1, bytes)
        }
        if !amendments.isEmpty {
            let later = ExportManifest(created: created, host: host, entries: amendments)
            try tar.add(FilePath(ExportManifest.amendmentsName), later.document, at: created)
        }
        try tar.finish()
    }

    private mutating func store(_ item: ExportItem) throws {
        switch item.content {
        case .unread: break
        case .directory:
            // One that is gone by now has nothing to keep but its place.
            let directory = try? volume.root.descendant(item.path)
            let attributes = try directory.map { try $0.descriptor.keptAttributes($0.label) }
            try tar.begin(member(item, .directory, attributes ?? []))
        case .symlink(let text): try tar.begin(member(item, .symlink(text)))
        case .hardLink(let other): try tar.begin(member(item, .hardLink(other)))
        case .spooled(let range, _): try store(item.path, item.status, range, attributes: [])
        case .file(let content):
            do {
                try storeFile(item, content)
            } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
                amendments.append(ExportManifest.Entry(path: item.path, kind: .omitted, mode: 0))
            } catch is StableReading.Restless {
                leaveOut(item.path)
            }
        }
    }

    private mutating func leaveOut(_ path: FilePath) {
        amendments.append(ExportManifest.Entry(path: path, kind: .omitted, mode: 0))
        findings.append(.restless(at: volume.root.label.appending(path.components).printable))
    }

    private func member(
        _ item: ExportItem, _ kind: StoredMember.Kind, _ attributes: [(name: String, value: [UInt8])] = []
    ) -> StoredMember {
        StoredMember(
            path: item.path, kind: kind, mode: item.status.mode, uid: item.status.uid, gid: item.status.gid,
            modified: item.status.modified, attributes: attributes)
    }

    // MARK: files

    private mutating func storeFile(_ item: ExportItem, _ content: StableContent) throws {
        guard let name = item.path.lastComponent else { return }
        let directory = try directory(item.path.removingLastComponent())
        let path = directory.label.appending(name)
        let file = try directory.openFile(name)
        let attributes = try file.keptAttributes(path)
        if content.size <= Self.smallFile, !content.status.isSparse {
            if let bytes = try expected(file, content, path) {
                return try store(
                    member(item, .file(size: content.size, extents: [0..<content.size]), attributes), bytes)
            }
        } else {
            let isUntouched = try file.status(path).isUntouched(since: content.status)
            // One that has only grown can be stored as well.
            if try isUntouched || StableReading.digest(file, content.size, path, { _ in }) == content.digest,
                try storeLarge(item, content, file, path, attributes, isUntouched: isUntouched)
            {
                return
            }
        }
        try storeAgain(item.path, name, directory, attributes)
    }

    private mutating func directory(_ path: FilePath) throws -> Directory {
        if let current, current.path == path { return current.directory }
        let directory = try volume.root.descendant(path)
        current = (path, directory)
        return directory
    }

    /// The content, when it is still what the manifest says.
    private func expected(
        _ file: borrowing Descriptor, _ content: StableContent, _ path: FilePath
    ) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(content.size))
        if try file.status(path).isUntouched(since: content.status) {
            let found = try StableReading.check(file, content.size, path) { bytes.append(contentsOf: $0) }
            if found == content.check, try file.status(path).isUntouched(since: content.status) { return bytes }
            bytes = []
        }
        let found = try StableReading.digest(file, content.size, path) { bytes.append(contentsOf: $0) }
        return found == content.digest ? bytes : nil
    }

    /// Stores a large file while it is read. False when it changed meanwhile: what is in the archive then is no moment's
    /// content, and has to be stored again.
    private mutating func storeLarge(
        _ item: ExportItem, _ content: StableContent, _ file: borrowing Descriptor, _ path: FilePath,
        _ attributes: [(name: String, value: [UInt8])], isUntouched: Bool
    ) throws -> Bool {
        let size = content.size
        let extents = content.status.isSparse ? file.dataRanges(size: size) : [0..<size]
        try tar.begin(member(item, .file(size: size, extents: extents), attributes))
        var check = RunningCheck()
        // The check is enough for what nobody touches: whoever writes to the file could make one that has the same.
        var digest = isUntouched ? nil : RunningDigest()
        var position: Int64 = 0
        var isWhole = true
        for extent in extents {
            check.addZeros(extent.lowerBound - position)
            digest?.addZeros(extent.lowerBound - position)
            var left = Int64(extent.count)
            let tar = tar
            isWhole =
                try file.readPieces(extent, path) { bytes in
                    check.add(bytes)
                    digest?.add(bytes)
                    try tar.write(bytes)
                    left -= Int64(bytes.count)
                } && isWhole
            if left > 0 { try fill(left) }
            position = extent.upperBound
        }
        check.addZeros(size - position)
        digest?.addZeros(size - position)
        try tar.end()
        guard isWhole, check.value == content.check else { return false }
        if let digest { return digest.digest == content.digest }
        return try file.status(path).isUntouched(since: content.status)
    }

    /// Writes zeros in place of what a file does not have any more; its header said that they come.
    private func fill(_ count: Int64) throws {
        let zeros = [UInt8](repeating: 0, count: Int(min(count, 64 << 10)))
        var rest = count
        while rest > 0 {
            let piece = Int(min(rest, Int64(zeros.count)))
            try zeros.withUnsafeBytes { try tar.write(UnsafeRawBufferPointer(rebasing: $0.prefix(piece))) }
            rest -= Int64(piece)
        }
    }

    /// Stores a file that is not what the manifest says any more: a copy of it as it is at one moment.
    private mutating func storeAgain(
        _ path: FilePath, _ name: FilePath.Component, _ directory: Directory,
        _ attributes: [(name: String, value: [UInt8])]
    ) throws {
        let start = spool.size
        let spool = spool
        let content = try StableReading.read(name, in: directory) {
            try spool.append($0)
        } restart: {
            spool.rewind(to: start)
        }
        amendments.append(
            ExportManifest.Entry(
                path: path, kind: .file(size: content.size, digest: content.digest), mode: content.status.mode))
        try store(path, content.status, start..<spool.size, attributes: attributes)
        spool.rewind(to: start)
    }

    private mutating func store(
        _ path: FilePath, _ status: FileStatus, _ range: Range<Int64>, attributes: [(name: String, value: [UInt8])]
    ) throws {
        let size = Int64(range.count)
        let item = ExportItem(path: path, status: status, content: .unread)
        try tar.begin(member(item, .file(size: size, extents: [0..<size]), attributes))
        let tar = tar
        try spool.read(range) { try tar.write($0) }
        try self.tar.end()
    }

    private mutating func store(_ member: StoredMember, _ bytes: [UInt8]) throws {
        try tar.begin(member)
        try bytes.withUnsafeBytes { try tar.write($0) }
        try tar.end()
    }
}

extension FileStatus {
    /// Whether nobody has changed the file since, as far as its facts say.
    fileprivate func isUntouched(since status: FileStatus) -> Bool {
        hasSameContentFacts(as: status) && changed == status.changed
    }
}

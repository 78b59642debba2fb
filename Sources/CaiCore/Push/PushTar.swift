import CaiModel
import CaiPlatform
import SystemPackage

/// A tar as it is, without compression: over a local connection that costs more than it saves.
final class PlainSink: ByteSink {
    private let send: (UnsafeRawBufferPointer) throws -> Void
    private var buffer: [UInt8] = []
    private(set) var written: Int64 = 0

    private static let size = 64 << 10

    init(_ send: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.send = send
        buffer.reserveCapacity(2 * Self.size)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.size { try flush() }
    }

    func finish() throws { try flush() }

    private func flush() throws {
        written += Int64(buffer.count)
        try buffer.withUnsafeBytes { try send($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// The members that are pushed.
final class PushTar {
    private let source: SourceTree
    private var tar: TarWriter
    private(set) var files = 0

    init(source: SourceTree, sink: any ByteSink) {
        self.source = source
        tar = TarWriter(sink)
    }

    func add(directory path: FilePath, _ status: FileStatus) throws {
        try tar.begin(member(path, .directory, status))
    }

    func add(link path: FilePath, _ text: FilePath, _ status: FileStatus) throws {
        try tar.begin(member(path, .symlink(text), status))
    }

    /// Adds a file as it is at one moment: one that changes while it is read is as long as its header says, and the next push
    /// has the rest of it.
    func add(file real: FilePath, as path: FilePath) throws {
        let (directory, name) = try source.tree.parent(of: real)
        let file = try directory.openFile(name)
        let label = directory.label.appending(name)
        let status = try file.status(label)
        try tar.begin(member(path, .file(size: status.size, extents: [0..<status.size]), status))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        var left = status.size
        while left > 0 {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(left, Int64(buffer.count)))])
            let count = try file.read(into: room, label)
            guard count > 0 else { throw SystemCallError("read", label.printable, .init(rawValue: 11)) }
            try tar.write(UnsafeRawBufferPointer(rebasing: room[..<count]))
            left -= Int64(count)
        }
        try tar.end()
        files += 1
    }

    /// Adds a file with another content than it has on this machine, or one that is none here.
    func add(_ bytes: [UInt8], as path: FilePath, _ status: FileStatus? = nil) throws {
        let size = Int64(bytes.count)
        try tar.begin(
            StoredMember(
                path: path, kind: .file(size: size, extents: [0..<size]), mode: status?.mode ?? 0o600, uid: 0, gid: 0,
                modified: status?.modified ?? 0))
        try bytes.withUnsafeBytes { try tar.write($0) }
        try tar.end()
        if status != nil { files += 1 }
    }

    func finish() throws { try tar.finish() }

    private func member(_ path: FilePath, _ kind: StoredMember.Kind, _ status: FileStatus) -> StoredMember {
        StoredMember(path: path, kind: kind, mode: status.mode, uid: 0, gid: 0, modified: status.modified)
    }
}

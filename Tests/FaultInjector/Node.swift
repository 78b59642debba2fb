import CPlatform
import Glibc
import SystemPackage

/// One entry of a scanned tree, with everything that a run may have to keep.
struct Node: Equatable {
    enum Content: Hashable {
        case file([UInt8])
        case directory
        case symlink(FilePath)
        case fifo
        case other
    }

    /// Relative to the scanned directory.
    var path: FilePath
    var content: Content
    var mode: UInt32 = 0o644
    var uid: UInt32 = Tree.agent
    /// Nanoseconds since the epoch.
    var modified: Int64 = 0
    var changed: Int64 = 0
    var inode: UInt64 = 0
    /// The first name of the same file, if this is another one.
    var twin: FilePath?
    /// The attribute `user.origin`.
    var attribute: [UInt8] = []

    /// What must never be lost: a file's bytes unless there are none or they are the placeholder `{}`, or a link's text.
    var treasure: Content? {
        switch content {
        case .file(let bytes): bytes.isEmpty || bytes == Array("{}".utf8) || bytes == Array("{}\n".utf8) ? nil : content
        case .symlink: content
        default: nil
        }
    }

    /// Whether one of its names is one that only an unfinished run leaves.
    var isTemporary: Bool {
        path.components.contains { $0.string.hasPrefix(".cai-") }
    }
}

/// Reading, building and emptying directory trees.
enum Tree {
    static let agent: UInt32 = 1000
    static let attributeName = "user.origin"

    /// Every entry below a directory, parents before children, links not followed.
    static func scan(_ directory: FilePath) -> [Node] {
        var nodes: [Node] = []
        func visit(_ path: FilePath) {
            for name in names(directory.appending(path.components)) {
                guard let node = read(path.appending(name), below: directory) else { continue }
                nodes.append(node)
                if node.content == .directory { visit(node.path) }
            }
        }
        visit(FilePath())
        var first: [UInt64: FilePath] = [:]
        for (index, node) in nodes.enumerated() {
            guard case .file = node.content else { continue }
            nodes[index].twin = first[node.inode]
            first[node.inode] = first[node.inode] ?? node.path
        }
        return nodes
    }

    static func names(_ directory: FilePath) -> [FilePath.Component] {
        guard let stream = directory.withPlatformString({ opendir($0) }) else { return [] }
        defer { closedir(stream) }
        var names: [FilePath.Component] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath.Component(platformString: $0) }
            }
            if let name, name.kind == .regular { names.append(name) }
        }
        return names.sorted { $0.string < $1.string }
    }

    static func read(_ path: FilePath, below directory: FilePath) -> Node? {
        let full = directory.appending(path.components)
        var status = stat()
        guard full.withPlatformString({ lstat($0, &status) }) == 0 else { return nil }
        var node = Node(path: path, content: .other, mode: status.st_mode & 0o7777, uid: status.st_uid)
        node.modified = nanoseconds(status.st_mtim)
        node.changed = nanoseconds(status.st_ctim)
        node.inode = UInt64(status.st_ino)
        switch status.st_mode & S_IFMT {
        case S_IFDIR: node.content = .directory
        case S_IFIFO: node.content = .fifo
        case S_IFLNK: node.content = .symlink(linkText(full))
        case S_IFREG:
            node.content = .file(bytes(full))
            node.attribute = attribute(full)
        default: break
        }
        return node
    }

    private static func linkText(_ path: FilePath) -> FilePath {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let length = path.withPlatformString { readlink($0, &buffer, Int(PATH_MAX)) }
        return length < 0
            ? FilePath()
            : buffer.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
            }
    }

    static func bytes(_ path: FilePath) -> [UInt8] {
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let got = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
                if got <= 0 { break }
                count += got
            }
        }
    }

    private static func attribute(_ path: FilePath) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = path.withPlatformString { lgetxattr($0, attributeName, &buffer, buffer.count) }
        return length > 0 ? Array(buffer[..<length]) : []
    }

    /// Builds nodes below a directory: content, holes, modes, owners and times.
    static func build(_ nodes: [Node], below directory: FilePath) throws {
        for node in nodes {
            let path = directory.appending(node.path.components)
            guard let twin = node.twin.map({ directory.appending($0.components) }) else {
                try make(node, path)
                continue
            }
            try check(
                "link \(path)", twin.withPlatformString { twin in path.withPlatformString { Glibc.link(twin, $0) } })
        }
        for node in nodes.reversed() { try finish(node, directory.appending(node.path.components)) }
    }

    private static func make(_ node: Node, _ path: FilePath) throws {
        switch node.content {
        case .file(let bytes): try write(bytes, to: path)
        case .directory: try check("mkdir \(path)", path.withPlatformString { mkdir($0, 0o755) })
        case .symlink(let text):
            try check(
                "symlink \(path)", text.withPlatformString { text in path.withPlatformString { symlink(text, $0) } })
        case .fifo: try check("mkfifo \(path)", path.withPlatformString { mkfifo($0, 0o644) })
        case .other: break
        }
    }

    private static func finish(_ node: Node, _ path: FilePath) throws {
        try check("chown \(path)", path.withPlatformString { lchown($0, node.uid, node.uid) })
        if case .symlink = node.content {
        } else {
            try check("chmod \(path)", path.withPlatformString { chmod($0, node.mode) })
        }
        if !node.attribute.isEmpty {
            try check(
                "setxattr \(path)",
                path.withPlatformString { lsetxattr($0, attributeName, node.attribute, node.attribute.count, 0) })
        }
        let time = timespec(tv_sec: Int(node.modified / 1_000_000_000), tv_nsec: Int(node.modified % 1_000_000_000))
        try check(
            "utimens \(path)", path.withPlatformString { utimensat(AT_FDCWD, $0, [time, time], AT_SYMLINK_NOFOLLOW) })
    }

    /// Writes a file; blocks of zeros become holes.
    static func write(_ bytes: [UInt8], to path: FilePath) throws {
        let descriptor = path.withPlatformString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        try check("create \(path)", descriptor)
        defer { close(descriptor) }
        var start = 0
        while start < bytes.count {
            let end = min(start + 4096, bytes.count)
            if end - start < 4096 || bytes[start..<end].contains(where: { $0 != 0 }) {
                let length = bytes[start..<end].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, start) }
                if length != end - start { throw HarnessError("write \(path): \(errno)") }
            }
            start = end
        }
        try check("truncate \(path)", ftruncate(descriptor, bytes.count))
    }

    /// Removes everything below a directory, the directory itself not.
    static func empty(_ directory: FilePath) throws {
        for name in names(directory) {
            let path = directory.appending(name)
            var status = stat()
            guard path.withPlatformString({ lstat($0, &status) }) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                try empty(path)
                try check("rmdir \(path)", path.withPlatformString { rmdir($0) })
            } else {
                try check("unlink \(path)", path.withPlatformString { unlink($0) })
            }
        }
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Something went wrong with the harness itself, not with what it tests.
struct HarnessError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func check(_ what: @autoclosure () -> String, _ result: some SignedInteger) throws {
    let error = errno
    if result < 0 { throw HarnessError("\(what()): \(String(cString: strerror(error)))") }
}

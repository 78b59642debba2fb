package import Glibc
package import SystemPackage

/// A call that failed while a test was set up or looked at.
package struct FileTrouble: Error, CustomStringConvertible {
    package let description: String

    package init(_ operation: String, _ path: FilePath, _ number: Int32) {
        description = "\(operation) \(path.shown): \(Errno(rawValue: number))"
    }
}

/// Throws the error of a call that returned -1.
@discardableResult
func checked<Number: SignedInteger>(_ operation: String, _ path: FilePath, _ result: Number) throws -> Number {
    guard result == -1 else { return result }
    throw FileTrouble(operation, path, errno)
}

/// Plain file operations by path, for setting tests up and looking at what came of them. Nothing here follows a symlink
/// at the end of a path unless it says so.
package enum Files {
    package static func status(_ path: FilePath) throws -> stat? {
        var status = stat()
        if path.withPlatformString({ lstat($0, &status) }) == 0 { return status }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw FileTrouble("lstat", path, errno)
    }

    package static func exists(_ path: FilePath) -> Bool { (try? status(path)) != nil }

    /// The content of a file, links followed.
    package static func read(_ path: FilePath) throws -> [UInt8] {
        let file = try checked("open", path, path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) })
        defer { close(file) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = try checked("read", path, Glibc.read(file, &buffer, buffer.count)), count > 0 {
            content += buffer[..<count]
        }
        return content
    }

    /// The content as text, links followed.
    package static func text(_ path: FilePath) throws -> String { String(decoding: try read(path), as: UTF8.self) }

    package static func linkText(_ path: FilePath) throws -> FilePath {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try checked(
            "readlink", path, path.withPlatformString { readlink($0, &buffer, buffer.count - 1) })
        return FilePath(platformString: Array(buffer[..<count]) + [0])
    }

    /// The names in a directory, in byte order.
    package static func names(_ path: FilePath) throws -> [FilePath] {
        guard let stream = path.withPlatformString({ opendir($0) }) else { throw FileTrouble("opendir", path, errno) }
        defer { closedir(stream) }
        var names: [FilePath] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath(platformString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }

    /// Writes a file in place: the inode stays.
    package static func write(_ content: some Sequence<UInt8>, to path: FilePath) throws {
        let file = try checked(
            "open", path, path.withPlatformString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) })
        defer { close(file) }
        var rest = Array(content)[...]
        while !rest.isEmpty {
            let count = try checked("write", path, rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) })
            rest = rest.dropFirst(count)
        }
    }

    /// Sets access and modification time, in nanoseconds since the epoch.
    package static func setTime(_ path: FilePath, _ nanoseconds: Int64) throws {
        let time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        let times = [time, time]
        try checked("utimensat", path, path.withPlatformString { utimensat(AT_FDCWD, $0, times, AT_SYMLINK_NOFOLLOW) })
    }

    /// Removes a path and everything below it.
    package static func remove(_ path: FilePath) throws {
        guard let status = try status(path) else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            try checked("unlink", path, path.withPlatformString { unlink($0) })
            return
        }
        if status.st_mode & 0o700 != 0o700 { _ = path.withPlatformString { chmod($0, 0o700) } }
        for name in try names(path) { try remove(path.appending(name.components)) }
        try checked("rmdir", path, path.withPlatformString { rmdir($0) })
    }
}

import CPlatform
import Glibc
package import SystemPackage

/// An open directory. Every operation takes one name inside it and never follows a symlink at that name, so whoever
/// owns the directory cannot send the caller elsewhere.
package final class Directory: Sendable {
    package let descriptor: Descriptor
    /// How to call it in messages.
    package let label: FilePath

    init(owning raw: CInt, label: FilePath) {
        descriptor = Descriptor(owning: raw)
        self.label = label
    }

    /// Opens a path as the kernel resolves it, symlinks included: for paths that the operator named.
    package static func open(_ path: FilePath) throws(SystemCallError) -> Directory {
        let raw = try check("open", path.printed) {
            path.withPlatformString { cai_openat(AT_FDCWD, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) }
        }
        return Directory(owning: raw, label: path)
    }

    /// Opens a path that the operator named below this directory, symlinks resolved as if this directory were `/`: for the
    /// places that contain the agent's trees, never for what lies inside them.
    package func openInRoot(_ path: FilePath) throws -> Directory {
        let inside = FilePath(root: nil, path.components)
        if inside.isEmpty { return try reopened() }
        let raw = inside.withPlatformString {
            cai_open_in_root(descriptor.raw, $0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        if raw >= 0 { return Directory(owning: raw, label: label.appending(inside.components)) }
        let error = currentErrno
        guard error == ENOSYS || error == EPERM else {
            throw SystemCallError("open", label.appending(inside.components).printed, Errno(rawValue: error))
        }
        return try Tree(root: self).directory(inside)
    }

    /// Opens a regular file that the operator named below this directory, symlinks resolved as `openInRoot` does (a
    /// mounted ConfigMap consists of them).
    package func openFileInRoot(_ path: FilePath) throws -> Descriptor {
        let inside = FilePath(root: nil, path.components)
        let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let raw = inside.withPlatformString { cai_open_in_root(descriptor.raw, $0, flags) }
        let error = currentErrno
        let label = label.appending(inside.components)
        if raw >= 0 {
            let file = Descriptor(owning: raw)
            if try file.status(label).kind != .regular { throw SystemCallError("open", label.printed, .notSupported) }
            return file
        }
        guard error == ENOSYS || error == EPERM else {
            throw SystemCallError("open", label.printed, Errno(rawValue: error))
        }
        let (parent, name) = try Tree(root: self).parent(of: inside)
        return try parent.openFile(name)
    }

    /// Whether a path below this directory leads to anything, symlinks resolved as `openInRoot` does. True when that
    /// cannot be told (no descriptor left, no permission), so that nobody replaces a link to something.
    package func existsInRoot(_ path: FilePath) -> Bool {
        let inside = FilePath(root: nil, path.components)
        let raw = inside.withPlatformString { cai_open_in_root(descriptor.raw, $0, O_PATH | O_CLOEXEC) }
        if raw >= 0 {
            _ = Glibc.close(raw)
            return true
        }
        let error = currentErrno
        guard error == ENOSYS || error == EPERM else { return ![ENOENT, ENOTDIR, ELOOP].contains(error) }
        do {
            return try Tree(root: self).status(inside) != nil
        } catch {
            return true
        }
    }

    /// Opens a directory inside this one. A directory that may be searched but not read opens for searching only.
    package func openDirectory(_ name: FilePath.Component) throws(SystemCallError) -> Directory {
        let flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let path = label.appending(name)
        var raw = name.withPlatformString { cai_openat(descriptor.raw, $0, O_RDONLY | flags, 0) }
        if raw < 0, currentErrno == EACCES {
            raw = name.withPlatformString { cai_openat(descriptor.raw, $0, O_PATH | flags, 0) }
        }
        if raw < 0 { throw SystemCallError("open directory", path.printed, Errno(rawValue: currentErrno)) }
        return Directory(owning: raw, label: path)
    }

    /// Another handle on the same directory.
    package func reopened() throws(SystemCallError) -> Directory {
        let raw = try check("open", label.printed) {
            cai_openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        return Directory(owning: raw, label: label)
    }

    /// Facts about this directory itself.
    package func status() throws(SystemCallError) -> FileStatus {
        var raw = stat()
        _ = try check("stat", label.printed) { fstat(descriptor.raw, &raw) }
        return FileStatus(raw)
    }

    /// Facts about an entry; nil when there is none.
    package func status(of name: FilePath.Component) throws(SystemCallError) -> FileStatus? {
        var raw = stat()
        let result = name.withPlatformString { fstatat(descriptor.raw, $0, &raw, AT_SYMLINK_NOFOLLOW) }
        if result == 0 { return FileStatus(raw) }
        let error = currentErrno
        if error == ENOENT { return nil }
        throw SystemCallError("stat", label.appending(name).printed, Errno(rawValue: error))
    }

    /// The text of a symlink.
    package func linkText(of name: FilePath.Component) throws(SystemCallError) -> FilePath {
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(PATH_MAX) + 1)
        defer { buffer.deallocate() }
        let length = try call("readlink", name) { Int(readlinkat(descriptor.raw, $0, buffer, Int(PATH_MAX))) }
        buffer[length] = 0
        return FilePath(platformString: buffer)
    }

    /// The names in this directory without `.` and `..`, in byte order.
    package func names() throws(SystemCallError) -> [FilePath.Component] {
        let raw = try check("open", label.printed) {
            cai_openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        guard let stream = fdopendir(raw) else {
            let error = Errno(rawValue: currentErrno)
            _ = Glibc.close(raw)
            throw SystemCallError("read directory", label.printed, error)
        }
        defer { closedir(stream) }
        var names: [FilePath.Component] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath.Component(platformString: $0) }
            }
            if let name, name.kind == .regular { names.append(name) }
        }
        let error = currentErrno
        if error != 0 { throw SystemCallError("read directory", label.printed, Errno(rawValue: error)) }
        return names.sorted { $0.string < $1.string }
    }

    /// Opens a regular file for reading; anything else is refused without waiting for it (`.notSupported` for a FIFO, a
    /// socket or a device, ELOOP for a symlink).
    package func openFile(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        let path = label.appending(name)
        let raw = try call("open", name) {
            cai_openat(descriptor.raw, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
        }
        let file = Descriptor(owning: raw)
        if try file.status(path).kind != .regular { throw SystemCallError("open", path.printed, .notSupported) }
        return file
    }

    /// Creates a file that must not exist, with exactly this mode whatever the umask is.
    package func createFile(_ name: FilePath.Component, mode: UInt16) throws(SystemCallError) -> Descriptor {
        let path = label.appending(name)
        let raw = try call("create", name) {
            cai_openat(descriptor.raw, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        let file = Descriptor(owning: raw)
        do {
            try file.setMode(mode, path)
        } catch {
            try? unlink(name)  // empty, and nobody's yet
            throw error
        }
        return file
    }

    /// Creates a directory that must not exist, with exactly this mode whatever the umask is.
    package func makeDirectory(_ name: FilePath.Component, mode: UInt16) throws(SystemCallError) -> Directory {
        let path = label.appending(name)
        _ = try call("make directory", name) { mkdirat(descriptor.raw, $0, 0o700) }
        do {
            let made = try openDirectory(name)
            try made.descriptor.setMode(mode, path)
            return made
        } catch {
            try? removeDirectory(name)  // empty, or somebody else's by now, and then it stays
            throw error
        }
    }

    /// Creates a directory, or opens it when somebody else was faster.
    package func makeOrOpenDirectory(_ name: FilePath.Component, mode: UInt16) throws(SystemCallError) -> Directory {
        do {
            return try makeDirectory(name, mode: mode)
        } catch {
            guard error.errno == .fileExists else { throw error }
            return try openDirectory(name)
        }
    }

    /// Creates a symlink that must not exist.
    package func makeLink(_ name: FilePath.Component, to text: FilePath) throws(SystemCallError) {
        _ = try call("make symlink", name) { name in
            text.withPlatformString { symlinkat($0, descriptor.raw, name) }
        }
    }

    /// Creates a FIFO or a socket node that must not exist; they hold no bytes.
    package func makeNode(_ name: FilePath.Component, kind: FileKind, mode: UInt16) throws(SystemCallError) {
        let type = kind == .fifo ? Glibc.S_IFIFO : Glibc.S_IFSOCK
        _ = try call("make node", name) { mknodat(descriptor.raw, $0, type | mode_t(mode & 0o777), 0) }
    }

    /// Makes a call with a name in this directory; `operation` and the full path appear in the error.
    fileprivate func call<Result: SignedInteger>(
        _ operation: @autoclosure () -> String, _ name: FilePath.Component, _ body: (UnsafePointer<CChar>) -> Result
    ) throws(SystemCallError) -> Result {
        try check(operation(), label.appending(name).printed) { name.withPlatformString(body) }
    }

    /// Makes this directory's entries durable.
    package func sync() throws(SystemCallError) { try descriptor.sync(label) }
}

/// How a rename treats what already has the new name.
package enum RenameMode: Sendable {
    /// Fails with EEXIST.
    case exclusive
    /// Both names change places in one step.
    case exchange
    /// The old owner of the name is replaced: only for what holds nobody's data.
    case replace

    var flags: UInt32 { self == .exclusive ? 1 : self == .exchange ? 2 : 0 }
}

extension Directory {
    /// Renames to a name that must not exist (EEXIST), also on file systems whose rename cannot promise that: there a
    /// hard link does, and for a directory a look before the rename.
    package func renameExclusively(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) {
        do {
            return try rename(name, to: directory, newName, .exclusive)
        } catch {
            guard error.isUnsupportedRename else { throw error }
        }
        if try status(of: name)?.kind == .directory {
            if try directory.status(of: newName) != nil {
                throw SystemCallError("rename", directory.label.appending(newName).printed, .fileExists)
            }
            return try rename(name, to: directory, newName, .replace)
        }
        _ = try call("link to \(directory.label.appending(newName).printed)", name) { from in
            newName.withPlatformString { linkat(descriptor.raw, from, directory.descriptor.raw, $0, 0) }
        }
        try unlink(name)
    }

    /// renameat2(2). Throws `.invalidArgument` where the file system knows no exchange, `.improperLink` across file
    /// systems (on overlay also for a directory of a lower layer).
    package func rename(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component, _ mode: RenameMode
    ) throws(SystemCallError) {
        _ = try call("rename to \(directory.label.appending(newName).printed)", name) { from in
            newName.withPlatformString {
                cai_renameat2(descriptor.raw, from, directory.descriptor.raw, $0, mode.flags)
            }
        }
    }

    /// Removes an entry that is not a directory.
    package func unlink(_ name: FilePath.Component) throws(SystemCallError) { try remove(name, flags: 0) }

    /// Removes an empty directory.
    package func removeDirectory(_ name: FilePath.Component) throws(SystemCallError) {
        try remove(name, flags: AT_REMOVEDIR)
    }

    private func remove(_ name: FilePath.Component, flags: CInt) throws(SystemCallError) {
        _ = try call("remove", name) { unlinkat(descriptor.raw, $0, flags) }
    }

    /// Gives an entry to somebody; a symlink itself, never what it points at.
    package func setOwner(of name: FilePath.Component, uid: UInt32, gid: UInt32) throws(SystemCallError) {
        _ = try call("chown", name) { fchownat(descriptor.raw, $0, uid, gid, AT_SYMLINK_NOFOLLOW) }
    }

    /// Changes the mode of a file or directory that the caller may open.
    package func setMode(of name: FilePath.Component, to mode: UInt16) throws(SystemCallError) {
        let path = label.appending(name)
        let raw = try call("open", name) {
            cai_openat(descriptor.raw, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
        }
        let file = Descriptor(owning: raw)
        try file.setMode(mode, path)
    }

    /// Sets the times of an entry; of a symlink itself.
    package func setTimes(of name: FilePath.Component, accessed: Int64, modified: Int64) throws(SystemCallError) {
        _ = try call("set times", name) { cai_set_link_times(descriptor.raw, $0, accessed, modified) }
    }
}

extension FilePath {
    /// The path for messages, control characters replaced.
    var printed: String { String(string.map { $0.isNewline || ($0.asciiValue ?? 0x20) < 0x20 ? "?" : $0 }) }
}

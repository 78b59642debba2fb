import CPlatform
import Glibc
package import SystemPackage

/// An open directory. Every operation takes one name inside it and never follows a symlink at that name, so whoever
/// owns the directory cannot send the caller elsewhere.
package final class Directory: Sendable {
    package let descriptor: Descriptor
    /// How to call it in messages.
    package let label: FilePath
    /// The number of directories between this one and the one that the walk to it began at.
    private let depth: Int

    /// The most directories that a walk goes down. Deeper trees were made to hurt: 16,000 levels overflow the stack of a
    /// recursive walk, and take all descriptors.
    package static let deepest = 256

    init(owning raw: CInt, label: FilePath, depth: Int = 0) {
        descriptor = Descriptor(owning: raw)
        self.label = label
        self.depth = depth
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

    /// Opens a directory inside this one. A directory that may be searched but not read opens for searching only. `..` is
    /// none that is inside. Throws ENAMETOOLONG for one that lies deeper than `deepest` directories, so that every walk over
    /// a tree ends there.
    package func openDirectory(_ name: FilePath.Component) throws(SystemCallError) -> Directory {
        let flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let path = label.appending(name)
        if name.kind == .parentDirectory { throw SystemCallError("open directory", path.printed, .invalidArgument) }
        if depth >= Self.deepest { throw SystemCallError(Self.tooDeep, path.printed, .fileNameTooLong) }
        var raw = name.withPlatformString { cai_openat(descriptor.raw, $0, O_RDONLY | flags, 0) }
        if raw < 0, currentErrno == EACCES {
            raw = name.withPlatformString { cai_openat(descriptor.raw, $0, O_PATH | flags, 0) }
        }
        if raw < 0 { throw SystemCallError("open directory", path.printed, Errno(rawValue: currentErrno)) }
        return Directory(owning: raw, label: path, depth: depth + 1)
    }

    /// The operation of the error for a directory that lies too deep.
    package static let tooDeep = "open a directory that lies deeper than \(deepest) directories"

    /// Opens a directory some steps below this one at once; nil when that does not work, for whatever reason: `openDirectory`
    /// for each step then works, or says why not.
    func openBeneath(_ path: FilePath) -> Directory? {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        let depth = depth + path.components.count
        if depth > Self.deepest { return nil }
        let raw = path.withPlatformString { cai_open_beneath(descriptor.raw, $0, flags) }
        return raw < 0 ? nil : Directory(owning: raw, label: label.appending(path.components), depth: depth)
    }

    /// Opens a directory below this one, each step as `openDirectory`; the empty path is this directory.
    package func descendant(_ path: FilePath) throws(SystemCallError) -> Directory {
        var current = self
        for name in path.components { current = try current.openDirectory(name) }
        return current
    }

    /// Another handle on the same directory.
    package func reopened() throws(SystemCallError) -> Directory {
        let raw = try check("open", label.printed) {
            cai_openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        return Directory(owning: raw, label: label, depth: depth)
    }

    /// The number of its type of file system (statfs(2), `f_type`); nil when the kernel does not tell.
    package var fileSystemMagic: UInt64? {
        var magic: UInt64 = 0
        return cai_filesystem_magic(descriptor.raw, &magic) == 0 ? magic : nil
    }

    /// Facts about this directory itself.
    package func status() throws(SystemCallError) -> FileStatus {
        var raw = stat()
        _ = try check("stat", label.printed) { fstat(descriptor.raw, &raw) }
        return FileStatus(raw)
    }

    /// Facts about an entry; nil when there is none.
    package func status(of name: FilePath.Component) throws(SystemCallError) -> FileStatus? {
        try name.withPlatformString(statusResult).get()
    }

    /// Facts about the entry that the last component of a path names; nil when there is none. The directory is the one
    /// that the rest of the path leads to.
    package func status(ofLastIn path: FilePath) throws(SystemCallError) -> FileStatus? {
        try path.withLastName(statusResult).get()
    }

    func statusResult(_ name: UnsafePointer<CChar>) -> Result<FileStatus?, SystemCallError> {
        var raw = stat()
        if fstatat(descriptor.raw, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 { return .success(FileStatus(raw)) }
        let error = currentErrno
        if error == ENOENT { return .success(nil) }
        return .failure(SystemCallError("stat", label(of: name), Errno(rawValue: error)))
    }

    /// Whether a mount begins at an entry; false before Linux 5.8, which does not tell.
    package func isMountPoint(_ name: FilePath.Component) -> Bool {
        name.withPlatformString { cai_is_mount_point(descriptor.raw, $0) } == 1
    }

    /// The owner of this directory when that is somebody else who does not let this process change its entries; nil when
    /// it may, or as the owner could allow it to itself.
    package func foreignOwner() throws(SystemCallError) -> UInt32? {
        if cai_is_accessible(descriptor.raw, ".", W_OK | X_OK, 0) == 0 { return nil }
        let owner = try status().uid
        return owner == geteuid() ? nil : owner
    }

    /// The error of a change of this directory's entries: EROFS, or EACCES in a directory of another user; nil if the process
    /// may change them, or could allow it to itself.
    package var refusalOfChanges: Errno? {
        if faccessat(descriptor.raw, ".", W_OK | X_OK, AT_EACCESS) == 0 { return nil }
        let error = Errno(rawValue: currentErrno)
        if error == .readOnlyFileSystem { return error }
        var raw = stat()
        return fstat(descriptor.raw, &raw) == 0 && raw.st_uid != geteuid() ? .permissionDenied : nil
    }

    /// The text of a symlink.
    package func linkText(of name: FilePath.Component) throws(SystemCallError) -> FilePath {
        try name.withPlatformString(linkTextResult).get()
    }

    /// The text of the symlink that the last component of a path names.
    package func linkText(ofLastIn path: FilePath) throws(SystemCallError) -> FilePath {
        try path.withLastName(linkTextResult).get()
    }

    private func linkTextResult(_ name: UnsafePointer<CChar>) -> Result<FilePath, SystemCallError> {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            guard let start = buffer.baseAddress else { return .success(FilePath()) }
            let length = readlinkat(descriptor.raw, name, start, Int(PATH_MAX))
            let error = currentErrno
            if length < 0 { return .failure(SystemCallError("readlink", label(of: name), Errno(rawValue: error))) }
            start[length] = 0
            return .success(FilePath(platformString: start))
        }
    }

    private func label(of name: UnsafePointer<CChar>) -> String {
        label.appending(String(cString: name)).printed
    }

    /// The names in this directory without `.` and `..`, in byte order.
    package func names() throws(SystemCallError) -> [FilePath.Component] {
        var names: [FilePath.Component] = []
        try forEachName { text in
            if let name = FilePath.Component(platformString: text), name.kind == .regular { names.append(name) }
        }
        return names.map { (text: $0.string, name: $0) }.sorted { $0.text < $1.text }.map(\.name)
    }

    /// The entries of this directory without `.` and `..`, in byte order of their names, each with the kind that the
    /// listing tells (readdir(3), `d_type`).
    package func listedEntries() throws(SystemCallError) -> [ListedEntry] {
        var entries: [ListedEntry] = []
        try forEachEntry { text, type in
            if let name = FilePath.Component(platformString: text), name.kind == .regular {
                entries.append(ListedEntry(name: name, kind: FileKind(listed: type)))
            }
        }
        return entries.map { (text: $0.name.string, entry: $0) }.sorted { $0.text < $1.text }.map(\.entry)
    }

    /// Calls `body` with the name of each entry as the kernel gives it, `.` and `..` among them.
    func forEachName(_ body: (UnsafePointer<CChar>) -> Void) throws(SystemCallError) {
        try forEachEntry { name, _ in body(name) }
    }

    /// The same with the type of the entry as readdir(3) tells it.
    private func forEachEntry(_ body: (UnsafePointer<CChar>, UInt8) -> Void) throws(SystemCallError) {
        let raw = try check("open", label.printed) {
            cai_openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        guard let stream = fdopendir(raw) else {
            let error = Errno(rawValue: currentErrno)
            _ = Glibc.close(raw)
            throw SystemCallError("read directory", label.printed, error)
        }
        defer { closedir(stream) }
        var count = 0
        while true {
            if count % 1024 == 0 { try WorkBudget.check(label) }
            count += 1
            errno = 0
            guard let entry = readdir(stream) else { break }
            let type = entry.pointee.d_type
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { body($0, type) }
            }
        }
        let error = currentErrno
        if error != 0 { throw SystemCallError("read directory", label.printed, Errno(rawValue: error)) }
    }

    /// Opens a regular file for reading; anything else is refused without waiting for it (`.notSupported` for a FIFO, a
    /// socket or a device, ELOOP for a symlink).
    package func openFile(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        let path = label.appending(name)
        let file = try openAnything(name)
        if try file.status(path).kind != .regular { throw SystemCallError("open", path.printed, .notSupported) }
        return file
    }

    /// Opens an entry for reading, whatever it is but a symlink, and waits for the writer of a FIFO.
    package func openStream(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        Descriptor(
            owning: try call("open", name) {
                cai_openat(descriptor.raw, $0, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0)
            })
    }

    /// Opens an entry for reading without waiting for it, whatever it is but a symlink.
    func openAnything(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        Descriptor(
            owning: try call("open", name) {
                cai_openat(descriptor.raw, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
            })
    }

    /// Creates a file that must not exist, with exactly this mode whatever the umask is.
    package func createFile(_ name: FilePath.Component, mode: UInt16) throws(SystemCallError) -> Descriptor {
        // At once, as far as the umask lets it: who is killed before the mode is set leaves what was wanted.
        let file = try create(name, mode: mode & 0o777 | 0o600)
        do {
            try file.keepMode(mode, label.appending(name))
        } catch {
            try? unlink(name)  // empty, and nobody's yet
            throw error
        }
        return file
    }

    /// Creates a file that must not exist, with mode 0600 or less: the umask may take bits away.
    func createPrivateFile(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        try create(name, mode: 0o600)
    }

    private func create(_ name: FilePath.Component, mode: UInt16) throws(SystemCallError) -> Descriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        return Descriptor(
            owning: try call("create", name) { cai_openat(descriptor.raw, $0, flags, mode_t(mode)) })
    }

    /// Creates a directory that must not exist, with exactly this mode whatever the umask is.
    package func makeDirectory(_ name: FilePath.Component, mode: UInt16) throws(SystemCallError) -> Directory {
        let path = label.appending(name)
        // At once, as with files.
        _ = try call("make directory", name) { mkdirat(descriptor.raw, $0, mode_t(mode & 0o777 | 0o700)) }
        do {
            let made = try openDirectory(name)
            try made.descriptor.keepMode(mode, path)
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

    /// Gives an entry, a symlink itself included, another name, which must not exist (linkat(2)).
    package func makeHardLink(
        of name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) {
        _ = try call("link to \(directory.label.appending(newName).printed)", name) { from in
            newName.withPlatformString { linkat(descriptor.raw, from, directory.descriptor.raw, $0, 0) }
        }
    }

    /// Creates a FIFO or a socket node that must not exist; they hold no bytes.
    package func makeNode(_ name: FilePath.Component, kind: FileKind, mode: UInt16) throws(SystemCallError) {
        let type = kind == .fifo ? Glibc.S_IFIFO : Glibc.S_IFSOCK
        _ = try call("make node", name) { mknodat(descriptor.raw, $0, type | mode_t(mode & 0o777), 0) }
    }

    /// Makes a call with a name in this directory; `operation` and the full path appear in the error.
    func call<Result: SignedInteger>(
        _ operation: @autoclosure () -> String, _ name: FilePath.Component, _ body: (UnsafePointer<CChar>) -> Result
    ) throws(SystemCallError) -> Result {
        try check(operation(), label.appending(name).printed) { name.withPlatformString(body) }
    }

    /// Makes this directory's entries durable.
    package func sync() throws(SystemCallError) { try descriptor.sync(label) }
}

extension FilePath {
    /// Calls `body` with the last component, without copying it.
    fileprivate func withLastName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        withPlatformString { start in
            var name = start + length
            while name > start, name[-1] != CChar(UInt8(ascii: "/")) { name -= 1 }
            return body(name)
        }
    }

    /// The path for messages, control characters replaced.
    var printed: String {
        if string.utf8.allSatisfy({ (0x20..<0x80).contains($0) }) { return string }
        return String(string.map { $0.isNewline || ($0.asciiValue ?? 0x20) < 0x20 ? "?" : $0 })
    }
}

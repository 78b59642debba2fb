import CPlatform
import Glibc
package import SystemPackage

extension Directory {
    /// Opens an entry of any kind for looking at it and for `setOwnerOfEntry`: nothing is read, a symlink is not followed,
    /// a device is not woken.
    package func openEntry(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        let raw = try check("open", label.appending(name).printed) {
            name.withPlatformString { cai_openat(descriptor.raw, $0, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0) }
        }
        return Descriptor(owning: raw)
    }

    /// Whether this process may execute an entry with its effective ids, symlinks followed (faccessat(2)); false on a file
    /// system that executes nothing.
    package func isExecutable(_ name: FilePath.Component) -> Bool {
        name.withPlatformString { cai_is_accessible(descriptor.raw, $0, X_OK, 0) } == 0
    }

    /// Facts about what an entry leads to, symlinks followed as the kernel does; nil when that is nothing or may not be
    /// looked at. For what is then used with no more rights than the caller's.
    package func followedStatus(of name: FilePath.Component) -> FileStatus? {
        var raw = stat()
        let result = name.withPlatformString { fstatat(descriptor.raw, $0, &raw, 0) }
        return result == 0 ? FileStatus(raw) : nil
    }
}

extension Descriptor {
    /// Gives what the descriptor stands for, also an `O_PATH` one and a symlink itself, to somebody. The kernel takes
    /// setuid, setgid of executables and capabilities off with it (chown(2)).
    package func setOwnerOfEntry(uid: UInt32, gid: UInt32, _ path: FilePath) throws(SystemCallError) {
        _ = try check("chown", path.printed) { fchownat(raw, "", uid, gid, AT_EMPTY_PATH) }
    }
}

extension FilePath.Component {
    /// The bytes of the name.
    package var bytes: [UInt8] {
        withPlatformString { UnsafeBufferPointer(start: $0, count: strlen($0)).map { UInt8(bitPattern: $0) } }
    }
}

extension Directory {
    /// Whether this process may make files in it; a file system that is read-only says no.
    package var isWritable: Bool { cai_is_accessible(descriptor.raw, ".", W_OK, 0) == 0 }

    /// Writes to a file without a name, which leaves no trace. Throws `SystemCallError` when that does not work. On file
    /// systems without such files (open(2), O_TMPFILE) it only asks for permission.
    package func checkWriting() throws(SystemCallError) {
        let file = Descriptor(owning: cai_openat(descriptor.raw, ".", namelessFile | O_WRONLY | O_CLOEXEC, 0o600))
        let problem = Errno(rawValue: errno)
        if file.raw >= 0 {
            _ = try check("write", label.printed) { Glibc.write(file.raw, "x", 1) }
        } else if ![EOPNOTSUPP, EISDIR, EINVAL, ENOSYS].contains(problem.rawValue) {
            throw SystemCallError("write", label.printed, problem)
        } else if !isWritable {
            throw SystemCallError("write", label.printed, Errno(rawValue: errno))
        }
    }
}

extension Directory {
    /// Removes this directory, when it is empty and still where it was opened.
    package func removeSelf() throws(SystemCallError) {
        guard let path = resolvedPath else { return }
        _ = try check("remove", path.printed) { path.withPlatformString { rmdir($0) } }
    }
}

extension Directory {
    /// Whether this process may read an entry with its effective ids, a symlink not followed (faccessat(2)).
    package func isReadable(_ name: FilePath.Component) -> Bool {
        name.withPlatformString { cai_is_accessible(descriptor.raw, $0, R_OK, AT_SYMLINK_NOFOLLOW) } == 0
    }
}

extension Directory {
    /// The path of this directory as the kernel knows it, free of symlinks; nil where /proc does not tell.
    package var resolvedPath: FilePath? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let length = readlink("/proc/self/fd/\(descriptor.raw)", start, Int(PATH_MAX))
            guard length > 0 else { return nil }
            start[length] = 0
            return FilePath(platformString: start)
        }
    }
}

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
        name.withPlatformString { faccessat(descriptor.raw, $0, X_OK, AT_EACCESS) } == 0
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

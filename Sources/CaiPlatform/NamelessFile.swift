import CPlatform
import Glibc
package import SystemPackage

/// O_TMPFILE, which the module does not have.
let namelessFile: CInt = 0o20000000 | O_DIRECTORY

extension Directory {
    /// A new file without a name in this directory, mode 0600, for reading and writing: whatever happens, nothing is left of
    /// it. On file systems without such files it has a name for a moment.
    package func makeNamelessFile() throws(SystemCallError) -> Descriptor {
        let raw = cai_openat(descriptor.raw, ".", namelessFile | O_RDWR | O_CLOEXEC, 0o600)
        let problem = Errno(rawValue: currentErrno)
        if raw >= 0 { return Descriptor(owning: raw) }
        guard [.notSupported, .isDirectory, .invalidArgument, .noFunction, .notPermitted].contains(problem),
            let name = FilePath.Component(".cai-\(getpid())-\(UInt64.random(in: 0 ... .max)).part")
        else { throw SystemCallError("create a file in", label.printed, problem) }
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = Descriptor(
            owning: try check("create", label.appending(name).printed) {
                name.withPlatformString { cai_openat(descriptor.raw, $0, flags, 0o600) }
            })
        try unlink(name)
        return file
    }

    /// Gives a file without a name one in this directory that nobody has (linkat(2)). Throws where /proc is missing.
    package func name(_ file: borrowing Descriptor, _ name: FilePath.Component) throws(SystemCallError) {
        let path = "/proc/self/fd/\(file.raw)"
        _ = try check("create", label.appending(name).printed) {
            name.withPlatformString { linkat(AT_FDCWD, path, descriptor.raw, $0, AT_SYMLINK_FOLLOW) }
        }
    }
}

extension Directory {
    /// Whether files can be made here that get their name when they are complete.
    package var canNameFiles: Bool {
        guard access("/proc/self/fd", X_OK) == 0 else { return false }
        let raw = cai_openat(descriptor.raw, ".", namelessFile | O_RDWR | O_CLOEXEC, 0o600)
        if raw >= 0 { close(raw) }
        return raw >= 0
    }
}

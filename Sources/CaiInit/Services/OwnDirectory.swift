import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// A directory of this user's own for what lives as long as the container.
enum OwnDirectory {
    /// Opens a directory that belongs to this user and in which no other user may write; nil for any other. With `making`
    /// a missing one is made with mode 0755 if its parent exists.
    static func open(_ path: FilePath, making: Bool = false) -> Descriptor? {
        let directory = Descriptor(
            owning: path.withPlatformString { path in
                if making { mkdir(path, 0o755) }
                return cai_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
            })
        var status = stat()
        guard directory.raw >= 0, fstat(directory.raw, &status) == 0, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else { return nil }
        return directory
    }
}

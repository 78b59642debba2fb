import CPlatform
import CaiPlatform
import Glibc
package import SystemPackage

/// `services.log` in the state directory: lines of services and of process 1 while the command has the terminal.
///
/// One process writes to it. At `limit` bytes it becomes `services.log.1` in place of the last one, so that both together
/// stay below twice the limit. Lines that do not fit on the disk are dropped.
package final class ServiceLogFile {
    package static let name = "services.log"
    /// The size at which a new file is begun, unless a test has another one.
    package static let largest = 8 << 20

    private let directory: Descriptor
    private let limit: Int
    private var file: CInt = -1

    /// Opens or creates the file, with mode 0640 and the group of its directory. Nil if the directory is not this user's
    /// own, or if something other than a file of this user has the name.
    package init?(in path: FilePath, limit: Int = largest) {
        guard let directory = OwnDirectory.open(path, making: true) else { return nil }
        self.directory = directory
        self.limit = limit
        if !open() { return nil }
    }

    deinit { close() }

    /// Appends whole lines. A removed file is made again.
    package func write(_ bytes: [UInt8]) {
        var status = stat()
        if file < 0 || fstat(file, &status) != 0 || status.st_nlink == 0 {
            close()
            guard open(), fstat(file, &status) == 0 else { return }
        }
        if status.st_size > 0, Int(status.st_size) + bytes.count > limit {
            rotate()
            guard file >= 0, fstat(file, &status) == 0 else { return }
        }
        // No half line stays on a full disk.
        if Glibc.write(file, bytes, bytes.count) != bytes.count { ftruncate(file, status.st_size) }
    }

    private func rotate() {
        if renameat(directory.raw, Self.name, directory.raw, Self.name + ".1") != 0 {
            ftruncate(file, 0)
            return
        }
        close()
        _ = open()
    }

    /// Returns true if the file is open afterwards.
    private func open() -> Bool {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        file = cai_openat(directory.raw, Self.name, flags, 0o640)
        var (status, parent) = (stat(), stat())
        if file >= 0, fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_nlink == 1, fstat(directory.raw, &parent) == 0
        {
            // Another group is a convenience: it may read.
            if status.st_gid != parent.st_gid { fchown(file, uid_t.max, parent.st_gid) }
            if status.st_mode & 0o7777 != 0o640 { fchmod(file, 0o640) }
            return true
        }
        close()
        return false
    }

    private func close() {
        if file >= 0 { Glibc.close(file) }
        file = -1
    }
}

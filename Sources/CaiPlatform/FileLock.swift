import CPlatform
import Glibc
package import SystemPackage

/// An advisory lock (flock(2)) on an open file. It cannot go stale: the kernel drops it with its holder.
package struct FileLock: ~Copyable, Sendable {
    private let file: Descriptor

    /// Waits up to `timeout` for the lock; nil when somebody else kept it. The descriptor is held until the lock is
    /// dropped.
    package init?(
        _ file: consuming Descriptor, _ path: FilePath, timeout: Duration
    ) throws(SystemCallError) {
        let deadline = ContinuousClock.now + timeout
        while true {
            if flock(file.raw, LOCK_EX | LOCK_NB) == 0 { break }
            let error = currentErrno
            guard error == EWOULDBLOCK || error == EINTR else {
                throw SystemCallError("lock", path.printed, Errno(rawValue: error))
            }
            if ContinuousClock.now >= deadline { return nil }
            poll(nil, 0, 20)  // flock(2) has no timeout of its own
        }
        self.file = file
    }

    /// Gives the lock up now.
    package consuming func release() {}

    /// Replaces the content of the locked file: who holds it, for whoever waits.
    package func note(_ text: String, _ path: FilePath) throws(SystemCallError) {
        _ = try check("truncate", path.printed) { ftruncate(file.raw, 0) }
        var text = text
        let bytes = text.withUTF8 { Array($0) }
        _ = try check("write", path.printed) { pwrite(file.raw, bytes, bytes.count, 0) }
    }
}

extension Directory {
    /// Opens a file to lock, creating it with mode 0600 when missing. A symlink or a special file is refused.
    package func openLockFile(_ name: FilePath.Component) throws(SystemCallError) -> Descriptor {
        let path = label.appending(name)
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let raw = try check("open", path.printed) {
            name.withPlatformString { cai_openat(descriptor.raw, $0, flags, 0o600) }
        }
        let file = Descriptor(owning: raw)
        if try file.status(path).kind != .regular { throw SystemCallError("open", path.printed, .notSupported) }
        return file
    }
}

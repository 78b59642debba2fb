import CPlatform
import Glibc
package import SystemPackage

/// An advisory lock (flock(2)) on an open file. It cannot go stale: the kernel drops it with its holder.
///
/// Where the file system or a sandbox has no such lock it is one of fcntl(2), and where there is none of these either, an
/// abstract Unix address made of the file's device and inode: that one keeps out the processes of this network namespace only.
package struct FileLock: ~Copyable, Sendable {
    private let file: Descriptor
    /// The claim of the address, or -1.
    private let claim: Descriptor

    /// The kinds of locks, in the order in which they are tried.
    private enum Kind: CaseIterable { case whole, range, address }

    /// Waits up to `timeout` for the lock; nil when somebody else kept it. The descriptor is held until the lock is
    /// dropped.
    package init?(
        _ file: consuming Descriptor, _ path: FilePath, timeout: Duration
    ) throws(SystemCallError) {
        let deadline = ContinuousClock.now + timeout
        var kinds = Kind.allCases[...]
        var claimed: CInt = -1
        while let kind = kinds.first {
            let result =
                switch kind {
                case .whole: flock(file.raw, LOCK_EX | LOCK_NB)
                case .range: cai_lock_exclusively(file.raw)
                case .address: cai_claim_address(file.raw)
                }
            let error = currentErrno
            if result >= 0 {
                if kind == .address { claimed = result }
                break
            }
            if SystemCallError.isWithoutLocks(error), kinds.count > 1 {
                kinds = kinds.dropFirst()
                if kinds.first == .address { UnkeptFacts.note(.lock, path) }
                continue
            }
            guard [EWOULDBLOCK, EINTR, EACCES, EADDRINUSE].contains(error) else {
                throw SystemCallError("lock", path.printed, Errno(rawValue: error))
            }
            if ContinuousClock.now >= deadline { return nil }
            poll(nil, 0, 20)  // flock(2) has no timeout of its own
        }
        self.file = file
        claim = Descriptor(owning: claimed)
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

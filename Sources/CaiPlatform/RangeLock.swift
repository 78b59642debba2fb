import CPlatform
import Glibc
import SystemPackage

extension Descriptor {
    /// Takes a shared lock on a range of bytes, without waiting (fcntl(2), F_OFD_SETLK); false when somebody else has an
    /// exclusive one, or the file system has no locks of this kind. It is given up with the descriptor.
    package func lockRange(_ range: Range<Int64>) -> Bool {
        cai_lock_range(raw, range.lowerBound, Int64(range.count)) == 0
    }

    /// Gives a lock on a range up.
    package func unlockRange(_ range: Range<Int64>) {
        _ = cai_unlock_range(raw, range.lowerBound, Int64(range.count))
    }
}

/// Waiting without anything to wait for.
package enum Pause {
    package static func milliseconds(_ count: Int32) { poll(nil, 0, count) }
}

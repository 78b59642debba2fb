import CPlatform
import Glibc
package import SystemPackage

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
    /// hard link does. For a directory, and where there are no hard links, it is a look before the rename.
    package func renameExclusively(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) {
        do {
            return try rename(name, to: directory, newName, .exclusive)
        } catch {
            guard error.isUnsupportedRename else { throw error }
        }
        if try status(of: name)?.kind != .directory, try link(name, to: directory, newName) {
            do {
                return try unlink(name)
            } catch {
                try? directory.unlink(newName)  // the same file still has its first name
                throw error
            }
        }
        if try directory.status(of: newName) != nil {
            throw SystemCallError("rename", directory.label.appending(newName).printed, .fileExists)
        }
        // A directory that was filled meanwhile is not replaced (ENOTEMPTY). For a file that was saved since the look there
        // is no such promise; cai's own runs keep each other out by the lock.
        try rename(name, to: directory, newName, .replace)
    }

    /// Gives an entry a second name; false where there are no hard links.
    private func link(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) -> Bool {
        do {
            try makeHardLink(of: name, to: directory, newName)
            return true
        } catch {
            guard error.isUnsupportedLink else { throw error }
            return false
        }
    }

    /// Gives an entry the name of another, which is replaced: by exchange, and the other is removed then, or by a rename
    /// where there is no exchange. Only for what takes a place back that holds content of our own.
    package func takeBack(
        _ name: FilePath.Component, at place: FilePath.Component
    ) throws(SystemCallError) {
        do {
            try rename(name, to: self, place, .exchange)
        } catch {
            guard error.isUnsupportedRename else { throw error }
            return try rename(name, to: self, place, .replace)
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
        do {
            _ = try call("chown", name) { fchownat(descriptor.raw, $0, uid, gid, AT_SYMLINK_NOFOLLOW) }
        } catch {
            guard error.errno == .notPermitted, uid == geteuid() else { throw error }
            let result = name.withPlatformString { cai_change_group(descriptor.raw, $0, gid, AT_SYMLINK_NOFOLLOW) }
            if result != 0 { throw error }
        }
    }

    /// Changes the mode of a file or directory that the caller may open.
    package func setMode(of name: FilePath.Component, to mode: UInt16) throws(SystemCallError) {
        try openAnything(name).setMode(mode, label.appending(name))
    }

    /// The same for an entry of this process's own, whose mode the file system may refuse; see `Descriptor.keepMode`.
    package func keepMode(of name: FilePath.Component, _ mode: UInt16) throws(SystemCallError) {
        try openAnything(name).keepMode(mode, label.appending(name))
    }

    /// The same as `setTimes` for an entry of this process's own, whose times the file system may refuse.
    package func keepTimes(
        of name: FilePath.Component, accessed: Int64, modified: Int64
    ) throws(SystemCallError) {
        do {
            try setTimes(of: name, accessed: accessed, modified: modified)
        } catch {
            guard error.isUnkept else { throw error }
        }
    }

    /// Sets the times of an entry; of a symlink itself.
    package func setTimes(of name: FilePath.Component, accessed: Int64, modified: Int64) throws(SystemCallError) {
        _ = try call("set times", name) { cai_set_link_times(descriptor.raw, $0, accessed, modified) }
    }
}

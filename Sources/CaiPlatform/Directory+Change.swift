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
    /// hard link does, and for a directory a look before the rename.
    package func renameExclusively(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) {
        do {
            return try rename(name, to: directory, newName, .exclusive)
        } catch {
            guard error.isUnsupportedRename else { throw error }
        }
        if try status(of: name)?.kind == .directory {
            if try directory.status(of: newName) != nil {
                throw SystemCallError("rename", directory.label.appending(newName).printed, .fileExists)
            }
            return try rename(name, to: directory, newName, .replace)
        }
        try makeHardLink(of: name, to: directory, newName)
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
        _ = try call("chown", name) { fchownat(descriptor.raw, $0, uid, gid, AT_SYMLINK_NOFOLLOW) }
    }

    /// Changes the mode of a file or directory that the caller may open.
    package func setMode(of name: FilePath.Component, to mode: UInt16) throws(SystemCallError) {
        try openAnything(name).setMode(mode, label.appending(name))
    }

    /// Sets the times of an entry; of a symlink itself.
    package func setTimes(of name: FilePath.Component, accessed: Int64, modified: Int64) throws(SystemCallError) {
        _ = try call("set times", name) { cai_set_link_times(descriptor.raw, $0, accessed, modified) }
    }
}

import CPlatform
import Glibc
package import SystemPackage

/// The mounts of this process, as the kernel tells them.
package enum Mounts {
    /// The text of proc_pid_mountinfo(5). Throws where /proc is missing.
    package static func table() throws(SystemCallError) -> [UInt8] { try kernelFile("/proc/self/mountinfo") }

    /// Whether a mount begins at a path, symlinks followed. Needs no /proc from Linux 5.8 on; on an older kernel a bind
    /// mount inside one file system is seen through /proc. Throws `SystemCallError` when the path cannot be looked up.
    package static func isMountPoint(_ path: FilePath) throws(SystemCallError) -> Bool {
        let found = try RootedLookup(root: "/").find(path)
        if let missing = found.missing.first {
            throw SystemCallError("look up", path.appending(missing).printed, .noSuchFileOrDirectory)
        }
        return found.isMountPoint
    }

    /// The number of the mount that an open descriptor, `O_PATH` too, lies on: from statx(2), else from `mnt_id` in
    /// proc_pid_fdinfo(5). Nil where neither tells.
    package static func id(of descriptor: borrowing Descriptor) -> UInt64? {
        var id: UInt64 = 0
        var isRoot: CInt = -1
        if cai_mount_id(descriptor.raw, &id, &isRoot) == 0 { return id }
        let file = FilePath("/proc/self/fdinfo/\(descriptor.raw)")
        guard let text = try? kernelFile(file) else { return nil }  // without /proc nobody knows
        return mountID(inDescriptorInformation: String(decoding: text, as: UTF8.self))
    }

    /// True if an open descriptor is the directory or file at which its mount begins; false where the kernel does not tell.
    package static func isRoot(_ descriptor: borrowing Descriptor) -> Bool {
        var id: UInt64 = 0
        var isRoot: CInt = -1
        return cai_mount_id(descriptor.raw, &id, &isRoot) == 0 && isRoot == 1
    }

    /// The value of `mnt_id` in the text of proc_pid_fdinfo(5).
    package static func mountID(inDescriptorInformation text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("mnt_id:") {
            return UInt64(line.dropFirst("mnt_id:".count).drop { $0 == "\t" || $0 == " " })
        }
        return nil
    }

    /// Type and read-only flag of a file system. On a network file system this asks the server and can hang: call it
    /// only where the mount table does not tell.
    package static func fileSystem(of descriptor: borrowing Descriptor) -> (magic: UInt64?, isReadOnly: Bool?) {
        var magic: UInt64 = 0
        let hasMagic = cai_filesystem_magic(descriptor.raw, &magic) == 0
        var status = statvfs()
        let hasStatus = fstatvfs(descriptor.raw, &status) == 0
        return (hasMagic ? magic : nil, hasStatus ? status.f_flag & UInt(readOnlyFlag) != 0 : nil)
    }
}

extension Mounts {
    /// True if no program can be run from the file system of an open descriptor, as its mount says (`noexec`).
    package static func forbidsExecution(_ descriptor: borrowing Descriptor) -> Bool {
        var status = statvfs()
        return fstatvfs(descriptor.raw, &status) == 0 && status.f_flag & UInt(noExecutionFlag) != 0
    }
}

/// ST_NOEXEC of statvfs(3).
private let noExecutionFlag = 8

/// ST_RDONLY of statvfs(3): an enumerator in the C library.
private let readOnlyFlag = 1

/// A whole file of /proc or /sys, at most 16 MiB.
func kernelFile(_ path: FilePath) throws(SystemCallError) -> [UInt8] {
    let raw = try check("open", path.printed) {
        path.withPlatformString { cai_openat(AT_FDCWD, $0, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0) }
    }
    return try Descriptor(owning: raw).readAll(limit: 16 << 20, path)
}

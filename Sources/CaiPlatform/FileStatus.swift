import CPlatform
import Glibc

/// What kind of thing a directory entry is.
package enum FileKind: Sendable, Hashable {
    case regular, directory, symlink, fifo, socket, blockDevice, characterDevice
}

/// Facts about one directory entry, as stat(2) tells them; times are nanoseconds since the epoch.
package struct FileStatus: Sendable, Hashable {
    package let kind: FileKind
    /// Permission bits with setuid, setgid and sticky: `0o7777`.
    package let mode: UInt16
    package let size: Int64
    package let allocated: Int64
    package let uid: UInt32
    package let gid: UInt32
    package let device: UInt64
    package let inode: UInt64
    package let linkCount: UInt64
    package let modified: Int64
    package let changed: Int64
    package let accessed: Int64

    init(_ raw: stat) {
        var raw = raw
        kind = FileKind(raw.st_mode)
        mode = UInt16(raw.st_mode & 0o7777)
        size = Int64(raw.st_size)
        allocated = Int64(raw.st_blocks) * 512
        uid = raw.st_uid
        gid = raw.st_gid
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        linkCount = UInt64(raw.st_nlink)
        modified = cai_mtime_ns(&raw)
        changed = cai_ctime_ns(&raw)
        accessed = cai_atime_ns(&raw)
    }

    /// Whether both describe the same inode.
    package func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

extension FileKind {
    init(_ mode: mode_t) {
        switch mode & S_IFMT {
        case S_IFDIR: self = .directory
        case S_IFLNK: self = .symlink
        case S_IFIFO: self = .fifo
        case S_IFSOCK: self = .socket
        case S_IFBLK: self = .blockDevice
        case S_IFCHR: self = .characterDevice
        default: self = .regular
        }
    }
}

import CPlatform
import Glibc
package import SystemPackage

/// The facts about one path that explain a failure. They are read by path, only to word advice: nothing is decided from them.
package struct PathFacts: Sendable {
    package let status: FileStatus
    /// The number of the mount that the path lies on; nil where the kernel does not tell.
    package let mountID: UInt64?
    package let isMountPoint: Bool
    package let isImmutable: Bool
    package let isAppendOnly: Bool

    /// Looks at a path, which is not followed at its end; nil if it is missing or cannot be looked at.
    package init?(_ path: FilePath) {
        var raw = stat()
        guard path.withPlatformString({ lstat($0, &raw) }) == 0 else { return nil }
        status = FileStatus(raw)
        var mount: UInt64 = 0
        var flags: CUnsignedInt = 0
        let isKnown = path.withPlatformString { cai_path_facts($0, &mount, &flags) } == 0
        mountID = isKnown && mount != 0 ? mount : nil
        isMountPoint = isKnown && flags & 1 != 0
        isImmutable = isKnown && flags & 2 != 0
        isAppendOnly = isKnown && flags & 4 != 0
    }

    /// The rights that `allows` asks about.
    package struct Rights: OptionSet, Sendable {
        package let rawValue: CInt
        package init(rawValue: CInt) { self.rawValue = rawValue }
        package static let read = Rights(rawValue: R_OK)
        package static let write = Rights(rawValue: W_OK)
        package static let search = Rights(rawValue: X_OK)
    }

    /// False if owner and mode refuse these rights to the effective user; a read-only file system refuses nothing here.
    package static func allows(_ rights: Rights, at path: FilePath) -> Bool {
        let result = path.withPlatformString { faccessat(AT_FDCWD, $0, rights.rawValue, AT_EACCESS) }
        return result == 0 || errno != EACCES
    }

    /// The bytes and inodes that are left for users on the file system of a path; nil where that is not known, or where the
    /// file system does not count inodes.
    package static func room(at path: FilePath) -> (bytes: UInt64, nodes: UInt64?)? {
        var status = statvfs()
        guard path.withPlatformString({ statvfs($0, &status) }) == 0 else { return nil }
        return (UInt64(status.f_bavail) * UInt64(status.f_frsize), status.f_files == 0 ? nil : UInt64(status.f_favail))
    }
}

extension Identity {
    /// True if the process is root's, also while this thread works as another user.
    package static var isRootProcess: Bool { getuid() == 0 || geteuid() == 0 }

    /// The capabilities that this thread may use as soon as it is root again (proc_pid_status(5), `CapPrm`); nil without
    /// /proc.
    package static var capabilities: UInt64? {
        guard let text = try? kernelFile("/proc/thread-self/status") else { return nil }  // as said
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix("CapPrm:") {
            return UInt64(line.dropFirst("CapPrm:".count).drop { $0 == "\t" || $0 == " " }, radix: 16)
        }
        return nil
    }
}

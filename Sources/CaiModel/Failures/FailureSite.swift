package import SystemPackage

/// The capabilities (capabilities(7)) whose absence explains a refusal.
package enum Capability: Int, CaseIterable, Hashable, Sendable {
    case chown = 0
    case dacOverride = 1
    case fileOwner = 3
    case setGID = 6
    case setUID = 7
    case linuxImmutable = 9
    case systemAdministration = 21

    /// The name that `--cap-add` takes.
    package var name: String {
        switch self {
        case .chown: "CHOWN"
        case .dacOverride: "DAC_OVERRIDE"
        case .fileOwner: "FOWNER"
        case .setGID: "SETGID"
        case .setUID: "SETUID"
        case .linuxImmutable: "LINUX_IMMUTABLE"
        case .systemAdministration: "SYS_ADMIN"
        }
    }

    /// The capabilities that a mask, as in proc_pid_status(5), does not hold.
    package static func missing(in mask: UInt64) -> Set<Capability> {
        Set(allCases.filter { mask & (1 << UInt64($0.rawValue)) == 0 })
    }
}

/// The rights of the process that failed.
package struct FailedUser: Hashable, Sendable {
    /// The effective ids: for work that root does as the agent those of the agent.
    package let uid: UInt32
    package let gid: UInt32
    /// True if the process itself is root, whatever the effective ids are.
    package let isRoot: Bool
    /// The capabilities that the process does not have.
    package let missing: Set<Capability>

    package init(uid: UInt32, gid: UInt32, isRoot: Bool, missing: Set<Capability> = []) {
        self.uid = uid
        self.gid = gid
        self.isRoot = isRoot
        self.missing = missing
    }

    /// True if the process is root and has this capability.
    func has(_ capability: Capability) -> Bool { isRoot && !missing.contains(capability) }
}

/// The mount that a path lies on.
package struct FailedMount: Hashable, Sendable {
    package let mountPoint: String
    /// The type of the file system: `ext4`, `nfs4`, `fuse.sshfs`.
    package let fileSystem: String
    package let isReadOnly: Bool
    /// True if a directory or file of another file system tree is mounted, as engines do with host paths and volumes.
    package let isBind: Bool
    /// The bytes and inodes that are left; nil if they are not known, or not limited.
    package let freeBytes: UInt64?
    package let freeNodes: UInt64?

    package init(
        mountPoint: String, fileSystem: String, isReadOnly: Bool = false, isBind: Bool = false,
        freeBytes: UInt64? = nil, freeNodes: UInt64? = nil
    ) {
        self.mountPoint = mountPoint
        self.fileSystem = fileSystem
        self.isReadOnly = isReadOnly
        self.isBind = isBind
        self.freeBytes = freeBytes
        self.freeNodes = freeNodes
    }

    /// True for the root file system of the container.
    var isRoot: Bool { mountPoint == "/" }

    /// True if another machine or program decides about access: a network file system, a share of the host, FUSE.
    var isServed: Bool {
        [.network, .share].contains(FileSystemFamily(type: fileSystem))
    }
}

/// The file or directory whose owner, mode or attribute stands in the way, or, if none does, the one that failed.
package struct FailedEntry: Hashable, Sendable {
    package let path: String
    package let uid: UInt32
    package let gid: UInt32
    package let mode: UInt16
    package let isDirectory: Bool
    /// True if owner and mode refuse the user what was tried.
    package let refuses: Bool
    /// True if a mount begins there.
    package let isMountPoint: Bool
    package let isImmutable: Bool
    package let isAppendOnly: Bool

    package init(
        path: String, uid: UInt32, gid: UInt32, mode: UInt16, isDirectory: Bool = false, refuses: Bool = false,
        isMountPoint: Bool = false, isImmutable: Bool = false, isAppendOnly: Bool = false
    ) {
        self.path = path
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.isDirectory = isDirectory
        self.refuses = refuses
        self.isMountPoint = isMountPoint
        self.isImmutable = isImmutable
        self.isAppendOnly = isAppendOnly
    }
}

/// A failed system call with the facts that the advice about it depends on.
package struct FailureSite: Hashable, Sendable {
    /// The kinds of operations that advice tells apart.
    package enum Action: Hashable, Sendable {
        case read, change, setAttribute, setOwner, setMode, becomeUser

        /// The kind of an operation, by its name in `SystemCallError`.
        package init(operation: String) {
            let reading = ["open", "read", "stat", "look up", "list attributes", "seek", "enter"]
            if operation.hasPrefix("set attribute") {
                self = .setAttribute
            } else if operation.hasPrefix("change to user") {
                self = .becomeUser
            } else if operation == "chown" {
                self = .setOwner
            } else if operation == "chmod" {
                self = .setMode
            } else if reading.contains(where: { operation == $0 || operation.hasPrefix($0 + " ") })
                || operation == "readlink"
            {
                self = .read
            } else {
                self = .change
            }
        }
    }

    package let errno: Errno
    package let action: Action
    /// The path that failed, printable; empty if the error is about none.
    package let path: String
    package let entry: FailedEntry?
    package let mount: FailedMount?
    package let user: FailedUser
    /// The bytes that were about to be written, if known.
    package let neededBytes: UInt64?

    package init(
        _ errno: Errno, _ action: Action = .change, path: String, entry: FailedEntry? = nil, mount: FailedMount? = nil,
        user: FailedUser, neededBytes: UInt64? = nil
    ) {
        self.errno = errno
        self.action = action
        self.path = path
        self.entry = entry
        self.mount = mount
        self.user = user
        self.neededBytes = neededBytes
    }
}

package import SystemPackage

/// One line of proc_pid_mountinfo(5): a mount as this process sees it.
package struct Mount: Hashable, Sendable {
    /// The kernel's number for this mount; unique while it exists.
    package let id: UInt64
    package let parent: UInt64
    /// `major:minor` of the file system; equal for two mounts of the same one.
    package let device: String
    /// The directory of the file system that is mounted, as a path inside that file system.
    package let root: FilePath
    /// Where it is mounted, as a path from this process's root directory.
    package let mountPoint: FilePath
    /// The type, with its subtype: `fuse.sshfs`.
    package let fileSystem: String
    /// The device, the export or whatever the file system calls its source; printable.
    package let source: String
    /// Whether writes fail here, because of the mount or because of the file system.
    package let isReadOnly: Bool
    /// Whether the mounted directory was deleted on its file system: what is written here is lost with the mount.
    package let isDeleted: Bool
    /// Where an overlay keeps what is written to it; nil for everything else.
    package let upperDirectory: FilePath?

    package init(
        id: UInt64, parent: UInt64, device: String, root: FilePath, mountPoint: FilePath, fileSystem: String,
        source: String, isReadOnly: Bool = false, isDeleted: Bool = false, upperDirectory: FilePath? = nil
    ) {
        self.id = id
        self.parent = parent
        self.device = device
        self.root = root
        self.mountPoint = mountPoint
        self.fileSystem = fileSystem
        self.source = source
        self.isReadOnly = isReadOnly
        self.isDeleted = isDeleted
        self.upperDirectory = upperDirectory
    }
}

extension Mount {
    /// The engine's volume that is mounted, as a whole, at exactly this path; nil when it is anything else.
    func engineVolume(mountedAt path: FilePath) -> String? {
        guard mountPoint == path, case .engineVolume(let name, let below) = MountRoot(root), below.isEmpty else {
            return nil
        }
        return isPlain(name) ? name : nil
    }
}

/// Every mount this process can see, in the kernel's order.
package struct MountTable: Hashable, Sendable {
    package let mounts: [Mount]
    /// What could not be read; one note per line that was skipped.
    package let findings: [Finding]

    package init(mounts: [Mount] = [], findings: [Finding] = []) {
        self.mounts = mounts
        self.findings = findings
    }

    /// The mount with this number; nil when it is not visible from here.
    package func mount(id: UInt64) -> Mount? { mounts.first { $0.id == id } }

    /// The mount that a path without symlinks lies on, by its longest prefix; of several mounts on the same place the
    /// last one, which hides the others.
    ///
    /// Only right where no mount number is known: a mount that hides a whole subtree is not seen to hide what was
    /// mounted inside it before.
    package func mount(holding path: FilePath) -> Mount? {
        var best: Mount?
        for mount in mounts where path.starts(with: mount.mountPoint) {
            if mount.mountPoint.components.count >= (best?.mountPoint.components.count ?? 0) { best = mount }
        }
        return best
    }
}

package import SystemPackage

/// What was seen of one path: the facts that a verdict is made from.
package struct PathSighting: Hashable, Sendable {
    /// What is at the path.
    package enum Presence: Hashable, Sendable {
        case directory, other, missing
        /// It could not be looked up; the reason as the end of a sentence.
        case unreadable(String)
    }

    package let presence: Presence
    /// The path without symlinks, as the mount table names it; for a missing path what would be created.
    package let resolved: FilePath
    /// The number of the mount that holds the path, or its nearest ancestor when it is missing.
    package let mountID: UInt64?
    /// Whether a mount begins at exactly this path.
    package let isMountPoint: Bool
    /// statfs(2)'s type and read-only flag, asked for only where the mount table does not tell.
    package let magic: UInt64?
    package let isReadOnly: Bool?

    package init(
        presence: Presence, resolved: FilePath, mountID: UInt64?, isMountPoint: Bool = false, magic: UInt64? = nil,
        isReadOnly: Bool? = nil
    ) {
        self.presence = presence
        self.resolved = resolved
        self.mountID = mountID
        self.isMountPoint = isMountPoint
        self.magic = magic
        self.isReadOnly = isReadOnly
    }
}

/// What was seen of the machine: the same for every path of one check.
package struct MountSurroundings: Hashable, Sendable {
    package let table: MountTable
    /// The number of the mount of the root directory that paths were looked up below.
    package let rootMountID: UInt64?
    /// That root directory, as the mount table names it.
    package let root: FilePath
    /// Whether the environment says Kubernetes; the mount table is asked too.
    package let isKubernetesEnvironment: Bool

    package init(
        table: MountTable, rootMountID: UInt64?, root: FilePath = "/", isKubernetesEnvironment: Bool = false
    ) {
        self.table = table
        self.rootMountID = rootMountID
        self.root = root
        self.isKubernetesEnvironment = isKubernetesEnvironment
    }

    /// The mount of the root directory; nil when it is not visible, as after chroot(2).
    var rootMount: Mount? {
        if let rootMountID { return table.mount(id: rootMountID) }
        return table.mount(holding: root)
    }

    /// Whether this is a Kubernetes pod: the environment says so, or a kubelet made one of the mounts.
    var isKubernetes: Bool {
        isKubernetesEnvironment
            || table.mounts.contains { mount in
                isOfKubelet(mount.root) || mount.mountPoint.ends(with: "secrets/kubernetes.io/serviceaccount")
            }
    }

    /// The file systems that the node keeps its own files on, by the mounts every pod gets from there.
    var nodeDevices: Set<String> {
        let files: [FilePath] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"]
        let mounts = table.mounts.filter {
            !FileSystemFamily.isMemory($0) && (files.contains($0.mountPoint) || isOfKubelet($0.root))
        }
        return Set(mounts.map(\.device))
    }
}

extension FileSystemFamily {
    static func isMemory(_ mount: Mount) -> Bool { FileSystemFamily(type: mount.fileSystem) == .memory }
}

private func isOfKubelet(_ root: FilePath) -> Bool {
    let names = root.components.map(\.string)
    return zip(names, names.dropFirst()).contains { $0 == "kubelet" && $1 == "pods" }
}

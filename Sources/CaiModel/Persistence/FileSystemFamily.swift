/// What a type of file system says about where its bytes are.
package enum FileSystemFamily: Hashable, Sendable {
    case disk, memory, overlay, network, share, image, kernel, automount, unknown

    /// By the name in the mount table, subtype included.
    package init(type: String) {
        let name = type.lowercased()
        self = Self.byType[name] ?? (name.hasPrefix("fuse") ? .share : .unknown)
    }

    /// By statfs(2)'s `f_type`, which cannot tell one FUSE file system from another.
    package init(magic: UInt64) { self = Self.byMagic[magic & 0xFFFF_FFFF] ?? .unknown }

    /// Whether everything that changes files goes through this kernel, which then reports it (inotify(7)).
    package var reportsChanges: Bool { [.disk, .memory, .overlay].contains(self) }

    private static let types: [(FileSystemFamily, [String])] = [
        (
            .disk,
            [
                "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "nilfs2", "vfat",
                "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfsplus", "ubifs", "jffs2", "ecryptfs", "minix", "udf",
                "gfs2", "ocfs2",
            ]
        ),
        (.memory, ["tmpfs", "ramfs", "hugetlbfs"]),
        (
            .overlay,
            ["overlay", "overlayfs", "aufs", "unionfs", "fuse.fuse-overlayfs", "fuse.unionfs"]
        ),
        (
            .network,
            [
                "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ceph", "glusterfs", "lustre", "afs", "beegfs",
                "gpfs", "davfs", "orangefs", "pvfs2", "weka", "wekafs", "ncpfs", "coda", "fuse.sshfs",
                "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.s3fs", "fuse.mount-s3", "fuse.mountpoint-s3",
                "fuse.gcsfuse", "fuse.rclone", "fuse.juicefs", "fuse.blobfuse", "fuse.blobfuse2", "fuse.goofys",
                "fuse.curlftpfs", "fuse.davfs2", "fuse.cephfs", "fuse.moosefs", "fuse.mfs", "fuse.lizardfs",
                "fuse.seaweedfs",
            ]
        ),
        (.share, ["9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "osxfs", "fakeowner", "drvfs", "hostfs", "wslfs"]),
        (.image, ["squashfs", "erofs", "iso9660", "cramfs", "romfs", "fuse.squashfuse"]),
        (
            .kernel,
            [
                "proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "debugfs", "tracefs",
                "securityfs",
                "configfs", "fusectl", "pstore", "efivarfs", "bpf", "binfmt_misc", "nsfs", "rpc_pipefs", "selinuxfs",
                "fuse.lxcfs",
            ]
        ),
        (.automount, ["autofs"]),
    ]

    private static let byType = Dictionary(
        types.flatMap { family, names in names.map { ($0, family) } }, uniquingKeysWith: { first, _ in first })

    private static let byMagic: [UInt64: FileSystemFamily] = [
        0xEF53: .disk, 0x5846_5342: .disk, 0x9123_683E: .disk, 0x2FC1_2FC1: .disk, 0xF2F5_2010: .disk,
        0x0102_1994: .memory, 0x8584_58F6: .memory, 0x9584_58F6: .memory, 0x794C_7630: .overlay,
        0x6969: .network, 0xFF53_4D42: .network, 0xFE53_4D42: .network, 0x517B: .network, 0x00C3_6400: .network,
        0x5346_414F: .network, 0x6B41_4653: .network, 0x0BD0_0BD0: .network,
        0x0102_1997: .share, 0x6573_5546: .share, 0x786F_4256: .share,
        0x7371_7368: .image, 0xE0F5_E1E2: .image, 0x9660: .image, 0x28CD_3D45: .image,
        0x9FA0: .kernel, 0x6265_6572: .kernel, 0x1CD1: .kernel, 0x6367_7270: .kernel, 0x0027_E0EB: .kernel,
        0x0187: .automount,
    ]
}

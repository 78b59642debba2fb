import CaiModel
import SystemPackage
import Testing

private let hash = "9d8e7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e8d"
private let uuid = "2c1b6f0e-8a4d-4f57-9c3e-0123456789ab"
private let overlayRoot = "1 0 0:50 / / rw - overlay overlay rw,upperdir=/u"

/// What holds /data when its mount has this line's rest, below a root with that line.
private func classify(
    _ rest: String, root: String = overlayRoot, others: [String] = [], isKubernetes: Bool = false, isFile: Bool = false
) throws -> MountClassification {
    let table = MountTable(parsing: Array(([root, "7 1 \(rest)"] + others).joined(separator: "\n").utf8))
    try #require(table.findings.isEmpty)
    let classifier = MountClassifier(
        MountSurroundings(table: table, rootMountID: 1, isKubernetesEnvironment: isKubernetes))
    return classifier.classify(
        PathSighting(presence: isFile ? .other : .directory, resolved: "/data", mountID: 7, isMountPoint: true))
}

@Suite struct `The storage that holds a path` {
    @Test(arguments: [
        ("8:1 /var/lib/docker/volumes/my-vol/_data /data rw - ext4 /dev/sda1 rw", StorageKind.namedVolume),
        ("8:1 /volumes/my.vol/_data /data rw - xfs /dev/sda1 rw", .namedVolume),
        ("8:1 /var/lib/containers/storage/volumes/v/_data /data rw - btrfs /dev/sda1 rw", .namedVolume),
        ("8:1 /home/u/.local/share/containers/storage/volumes/v/_data /data rw - ext4 /dev/sda1 rw", .namedVolume),
        ("8:1 /var/lib/docker/volumes/v/_data/part /data rw - ext4 /dev/sda1 rw", .namedVolume),
        ("8:1 /volumes/\(hash)/_data /data rw - ext4 /dev/sda1 rw", .anonymousVolume),
        ("8:1 /volumes/\(hash)/_data/volumes/inner/_data /data rw - ext4 /dev/sda1 rw", .namedVolume),
        ("8:1 /volumes/outer/_data/volumes/\(hash)/_data /data rw - ext4 /dev/sda1 rw", .anonymousVolume),
        ("8:1 /volumes/\(hash.dropLast())/_data /data rw - ext4 /dev/sda1 rw", .namedVolume),
        ("8:1 /volumes/\(hash.uppercased())/_data /data rw - ext4 /dev/sda1 rw", .namedVolume),
        ("8:1 /home/me/project /data rw - ext4 /dev/sda1 rw", .bindMount),
        ("8:1 /srv/volumes/x /data rw - ext4 /dev/sda1 rw", .bindMount),
        ("254:16 / /data rw - ext4 /dev/vdb rw", .disk), ("0:61 / /data rw - zfs tank/data rw", .disk),
        ("0:60 / /data rw - tmpfs tmpfs rw", .memory), ("0:60 / /data rw - ramfs none rw", .memory),
        ("0:60 / /data rw - hugetlbfs none rw", .memory), ("0:60 /run/x /data rw - tmpfs tmpfs rw", .bindMount),
        ("0:60 / /data rw - nfs4 server:/export rw", .network), ("0:60 / /data rw - cifs //server/share rw", .network),
        ("0:60 / /data rw - ceph mon1:/ rw", .network), ("0:60 / /data rw - fuse.glusterfs g:/v rw", .network),
        ("0:60 / /data rw - fuse.sshfs me@host: rw", .network), ("0:60 / /data rw - 9p share rw", .hostShare),
        ("0:60 /Users/me /data rw - fakeowner /run/host_mark/Users rw", .hostShare),
        ("0:60 /me /data rw - virtiofs mount0 rw", .hostShare),
        ("0:60 / /data rw - fuse.grpcfuse grpcfuse rw", .hostShare),
        ("0:60 / /data ro - squashfs /dev/loop0 ro", .readOnlyImage), ("0:60 / /data rw - proc proc rw", .kernel),
        ("0:60 / /data rw - autofs systemd-1 rw", .unknown), ("0:60 / /data rw - strangefs x rw", .unknown),
        ("0:51 / /data rw - overlay overlay rw", .containerLayer),
        ("0:50 /data /data rw - overlay overlay rw", .containerLayer),
        ("0:51 /srv /data rw - overlay overlay rw", .bindMount),
        ("0:51 / /data rw - fuse.fuse-overlayfs fuse-overlayfs rw", .containerLayer),
        ("8:1 /pods/\(uuid)/volumes/kubernetes.io~empty-dir/work /data rw - ext4 /dev/sda1 rw", .emptyDir),
        ("0:60 /pods/\(uuid)/volumes/kubernetes.io~empty-dir/work /data rw - tmpfs tmpfs rw", .emptyDirMemory),
        (
            "8:1 /var/lib/kubelet/pods/\(uuid)/volumes/kubernetes.io~csi/pvc/mount /data rw - ext4 a rw",
            .persistentVolumeClaim
        ),
        ("8:1 /var/lib/kubelet/pods/\(uuid)/volumes/kubernetes.io~nfs/v /data rw - ext4 a rw", .persistentVolumeClaim),
        ("8:1 /var/lib/kubelet/pods/\(uuid)/volumes/kubernetes.io~configmap/c /data ro - ext4 a rw", .kubernetesObject),
        ("8:1 /var/lib/kubelet/pods/\(uuid)/volume-subpaths/v/c/0 /data rw - ext4 a rw", .persistentVolumeClaim),
        ("8:1 /opt/local-path-provisioner/pvc-\(uuid)_ns_claim /data rw - ext4 a rw", .persistentVolumeClaim),
        ("8:1 /srv/pvc-notes /data rw - ext4 /dev/sda1 rw", .bindMount),
    ])
    func `is told from the line of its mount`(line: String, kind: StorageKind) throws {
        #expect(try classify(line).kind == kind)
    }

    @Test(arguments: [
        ("8:16 / /data rw - ext4 /dev/sdb rw", StorageKind.persistentVolumeClaim),
        ("8:16 /part /data rw - ext4 /dev/sdb rw", .persistentVolumeClaim),
        ("8:1 /srv/agents /data rw - ext4 /dev/sda1 rw", .hostPath),
        ("0:60 / /data rw - tmpfs tmpfs rw", .emptyDirMemory), ("0:60 / /data ro - tmpfs tmpfs rw", .kubernetesObject),
        ("0:60 / /data rw - nfs4 s:/e rw", .network),
    ])
    func `in a pod is told from the node's own file systems`(line: String, kind: StorageKind) throws {
        let hosts = "8 1 8:1 /var/lib/kubelet/pods/\(uuid)/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw"
        #expect(try classify(line, others: [hosts]).kind == kind)
        let moved = "8 1 8:1 /k/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw"
        #expect(try classify(line, others: [moved], isKubernetes: true).kind == kind)
    }

    @Test(arguments: [
        "1 0 0:33 /var/lib/docker/btrfs/subvolumes/abc / rw - btrfs /dev/sda1 rw", "1 0 0:70 / / rw - zfs tank/abc rw",
        "1 0 8:1 /var/lib/docker/vfs/dir/abc / rw - ext4 /dev/sda1 rw", "1 0 253:4 /rootfs / rw - xfs /dev/dm-4 rw",
        "1 0 0:70 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw", "1 0 254:0 / / rw - ext4 /dev/vda rw",
        "1 0 0:70 / / rw - virtiofs rootfs rw", "1 0 0:70 / / rw - tmpfs tmpfs rw",
    ])
    func `2.13 #7: is the container layer on any root file system when nothing is mounted`(root: String) {
        let table = MountTable(parsing: Array(root.utf8))
        let result = MountClassifier(MountSurroundings(table: table, rootMountID: 1))
            .classify(PathSighting(presence: .directory, resolved: "/data", mountID: 1))
        #expect(result.kind == .containerLayer)
    }

    @Test func `is the container layer for a bind mount of a directory of that layer`() throws {
        let vfs = "1 0 8:1 /docker/vfs/dir/abc / rw - ext4 /dev/sda1 rw"
        #expect(
            try classify("8:1 /docker/vfs/dir/abc/x /data rw - ext4 /dev/sda1 rw", root: vfs).kind == .containerLayer)
        #expect(try classify("8:1 /docker/vfs/dir/abcd/x /data rw - ext4 /dev/sda1 rw", root: vfs).kind == .bindMount)
        let disk = try classify("8:1 /x /data rw - ext4 /dev/sda1 rw", root: "1 0 8:1 / / rw - ext4 /dev/sda1 rw")
        #expect(disk.kind == .bindMount && disk.notes == [.sameDiskAsRoot])
    }

    @Test(arguments: [
        ("0:60 /volumes/v/_data /data rw - tmpfs tmpfs rw", RiskNote.keptInMemory),
        ("0:61 /volumes/v/_data /data rw - overlay overlay rw", .insideOuterLayer),
        ("8:1 /srv//deleted /data rw - ext4 /dev/sda1 rw", .deletedSource),
    ])
    func `has a note when it is less durable than its kind`(line: String, note: RiskNote) throws {
        #expect(try classify(line).notes == [note])
    }

    @Test func `has a note when a single file is mounted`() throws {
        #expect(try classify("8:1 /srv/a.json /data rw - ext4 a rw", isFile: true).notes == [.singleFile])
    }

    @Test func `is found by the number of the mount, not by the longest prefix`() {
        let table = MountTable(
            parsing: Array("\(overlayRoot)\n7 1 8:1 /volumes/v/_data /data rw - ext4 a rw".utf8))
        let classifier = MountClassifier(MountSurroundings(table: table, rootMountID: 1))
        let hidden = PathSighting(presence: .directory, resolved: "/data", mountID: 1)
        #expect(classifier.classify(hidden).kind == .containerLayer)
        let moved = PathSighting(presence: .directory, resolved: "/elsewhere", mountID: 7)
        #expect(classifier.classify(moved).kind == .namedVolume)
    }

    @Test func `is found by the longest prefix where no number is known`() {
        let table = MountTable(
            parsing: Array("\(overlayRoot)\n7 1 8:1 /volumes/v/_data /data rw - ext4 a rw".utf8))
        let classifier = MountClassifier(MountSurroundings(table: table, rootMountID: nil))
        #expect(
            classifier.classify(PathSighting(presence: .directory, resolved: "/data/x", mountID: nil)).kind
                == .namedVolume)
        #expect(
            classifier.classify(PathSighting(presence: .directory, resolved: "/dat", mountID: nil)).kind
                == .containerLayer)
    }

    @Test(arguments: [
        (UInt64(0x0102_1994), StorageKind.memory), (0x794C_7630, .containerLayer), (0x6969, .network),
        (0xFE53_4D42, .network), (0x0102_1997, .hostShare), (0xEF53, .unknown), (0x1234, .unknown),
    ])
    func `is told from the type of the file system, as far as that goes, without a mount table`(
        magic: UInt64, kind: StorageKind
    ) {
        let classifier = MountClassifier(MountSurroundings(table: MountTable(), rootMountID: 1))
        let other = PathSighting(presence: .directory, resolved: "/data", mountID: 9, magic: magic)
        #expect(classifier.classify(other).kind == kind)
        let root = PathSighting(presence: .directory, resolved: "/data", mountID: 1, magic: magic)
        #expect(classifier.classify(root).kind == .containerLayer)
        let nothing = MountClassifier(MountSurroundings(table: MountTable(), rootMountID: nil))
        #expect(nothing.classify(PathSighting(presence: .directory, resolved: "/", mountID: nil)).kind == .unknown)
    }

    @Test func `is described without terminal sequences`() throws {
        let source = try classify(#"0:60 /a\033[2J /data rw - nfs4 s\033[1m:/e rw"#).source
        #expect(source == #"/a\x1b[2J on s\u{1b}[1m:/e (nfs4)"#)
    }
}

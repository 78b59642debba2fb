import SystemPackage

/// The next step after a failed system call, by error, mount, user and capability.
///
/// The first row that applies gives the sentence. It names the path and the mount, says who can change that, and gives a step
/// that this user in this container can take. Root is never told to become root.
package enum FailureAdvice {
    struct Row: Sendable {
        /// The name by which the tests know the row.
        let name: String
        let errors: Set<Errno>
        let applies: @Sendable (FailureSite) -> Bool
        let sentence: @Sendable (FailureSite) -> String

        init(
            _ name: String, _ errors: Set<Errno>, if applies: @escaping @Sendable (FailureSite) -> Bool = { _ in true },
            _ sentence: @escaping @Sendable (FailureSite) -> String
        ) {
            self.name = name
            self.errors = errors
            self.applies = applies
            self.sentence = sentence
        }
    }

    /// The sentence for a failure; nil if the table has none for the error.
    package static func sentence(for site: FailureSite) -> String? { row(for: site)?.sentence(site) }

    /// The name of the row that a failure is answered from.
    package static func rowName(for site: FailureSite) -> String? { row(for: site)?.name }

    /// The names of all rows.
    package static var rowNames: [String] { rows.map(\.name) }

    private static func row(for site: FailureSite) -> Row? {
        rows.first { $0.errors.contains(site.errno) && $0.applies(site) }
    }

    static let rows: [Row] = refusals + readOnly + full + broken + shapes + limits
    private static let denied: Set<Errno> = [.permissionDenied, .notPermitted]

    /// Access that is refused.
    private static let refusals: [Row] = [
        Row("identity", denied.union([.invalidArgument]), if: { $0.action == .becomeUser }) { _ in
            "this container does not let its root become another user: start it with --cap-add SETUID --cap-add SETGID, "
                + "or as the agent from the start with --user"
        },
        Row("immutable", denied, if: { $0.entry?.isImmutable ?? false }) { $0.flagged("immutable", "i") },
        Row("append only", denied, if: { $0.entry?.isAppendOnly ?? false }) { $0.flagged("append-only", "a") },
        Row("unmapped owner", denied, if: { $0.isRefused && $0.entry?.uid == 65534 && $0.user.isRoot }) { site in
            "\(site.spot) belongs to an id that this user namespace does not have, so that only the host can change its "
                + "owner: map that id into the container, or change the owner on the host"
        },
        Row("served", denied, if: { $0.isServed && $0.action != .setOwner && ($0.user.isRoot || !$0.isForeign) }) {
            site in
            "\(site.spot) is served by \(site.served), and there it is decided who may do this: give it to uid "
                + "\(site.user.uid) there, or mount it for that uid"
        },
        Row("foreign, root without CAP_CHOWN", denied, if: { $0.isForeign && $0.user.isRoot && !$0.user.has(.chown) }) {
            site in
            "\(site.spot) belongs to uid \(site.owner), and this container has no CAP_CHOWN: chown "
                + "\(site.user.uid):\(site.user.gid) it on the host, or start the container with --cap-add CHOWN"
        },
        Row("foreign, root", denied, if: { $0.isForeign && $0.user.isRoot }) { site in
            "\(site.spot) belongs to uid \(site.owner); give it to the agent: \(site.chown)"
        },
        Row("foreign, user", denied, if: { $0.isForeign }) { site in
            "\(site.spot) belongs to uid \(site.owner), and only root can change that: docker exec -u root CONTAINER "
                + site.chown
        },
        Row("mode", denied, if: { $0.isRefused }) { site in
            "the mode \(octal(site.entry?.mode ?? 0)) of \(site.spot) does not allow it: chmod u+rw"
                + "\(site.entry?.isDirectory ?? false ? "x" : "") \(shellQuoted(site.place))"
        },
        Row("owner of a file", denied, if: { $0.action == .setOwner && $0.user.isRoot && !$0.user.has(.chown) }) {
            site in
            "this container has no CAP_CHOWN: start it with --cap-add CHOWN, or change the owner of \(site.spot) on the host"
        },
        Row("owner of a file, root", denied, if: { $0.action == .setOwner && $0.user.isRoot }) { site in
            "the file system or the user namespace does not let root change the owner of \(site.spot): map the ids into the "
                + "container, or change the owner on the host"
        },
        Row("owner of a file, user", denied, if: { $0.action == .setOwner && !$0.user.isRoot }) { site in
            "only root can change the owner of \(site.spot): docker exec -u root CONTAINER \(site.chown)"
        },
        Row("mode of a file", denied, if: { $0.action == .setMode && $0.user.uid == 0 && !$0.user.has(.fileOwner) }) {
            site in
            "this container has no CAP_FOWNER: start it with --cap-add FOWNER, or change the mode of \(site.spot) on the host"
        },
        Row("root without CAP_DAC_OVERRIDE", denied, if: { $0.user.uid == 0 && !$0.user.has(.dacOverride) }) { site in
            "this container has no CAP_DAC_OVERRIDE, so that root may only use what belongs to it: start it with "
                + "--cap-add DAC_OVERRIDE, or chown 0:0 \(shellQuoted(site.place))"
        },
        Row("security module", denied, if: { !$0.path.isEmpty }) { site in
            "owner and mode of \(site.spot) allow this, so that a security module or a seccomp profile refuses it: with "
                + "SELinux, mount \(site.mount.map { $0.isRoot ? "it" : $0.mountPoint } ?? "it") with :z"
        },
        Row("refused", denied) { _ in
            "the container's seccomp profile or capabilities refuse this: start it with others"
        },
    ]

    /// File systems that cannot be written.
    private static let readOnly: [Row] = [
        Row("read-only root", [.readOnlyFileSystem], if: { $0.mount?.isRoot ?? false && $0.mount?.isReadOnly ?? false })
        {
            site in
            "\(site.place) lies on the container's root file system, which is read-only: start the container without "
                + "--read-only, or mount a volume or tmpfs at a directory above it"
        },
        Row("read-only", [.readOnlyFileSystem], if: { $0.mount?.isReadOnly ?? false }) { site in
            "\(site.mountWords) is mounted read-only, which only the one who starts the container can change: mount it "
                + "without :ro (cai persistence check shows how)"
        },
        Row("read-only once", [.readOnlyFileSystem], if: { $0.mount != nil }) { site in
            "\(site.mountWords) can be written by now; run it again, and see dmesg on the host if it happens again"
        },
        Row("read-only, unknown", [.readOnlyFileSystem]) { _ in "mount the file system writable" },
    ]

    /// File systems without room.
    private static let full: [Row] = [
        Row("attribute", [.noSpace, .diskQuotaExceeded, .outOfRange], if: { $0.action == .setAttribute }) { site in
            "\(site.mountWords) has no room for this attribute of \(site.place), which says nothing about its free space: "
                + "remove the attribute (getfattr -d shows them)"
        },
        Row("no inode", [.noSpace], if: { $0.mount?.freeNodes == 0 }) { site in
            "\(site.mountWords) has no inode left: remove files there (cai undo --list shows what cai keeps) and run it again"
        },
        Row("full", [.noSpace], if: { $0.isFull }) { site in
            "free some space on \(site.mountWords), which has \(site.freeWords) left (cai undo --list shows what cai "
                + "keeps), and run it again"
        },
        Row("too large", [.noSpace], if: { $0.isTooLarge }) { site in
            "\(site.mountWords) has \(site.freeWords) left, and \(bytes(site.neededBytes ?? 0)) are needed: use a larger "
                + "volume, or remove what is not needed"
        },
        Row("not full", [.noSpace], if: { $0.mount?.freeBytes != nil }) { site in
            "\(site.mountWords) has \(site.freeWords) left, so that a quota or a limit of the file system refuses: see "
                + "df -i, quota and dmesg on the host"
        },
        Row("no space", [.noSpace]) { _ in "see df -h and df -i for what is full there" },
        Row("quota", [.diskQuotaExceeded]) { site in
            "the quota of uid \(site.user.uid) on \(site.mountWords) is used up: remove files there, or have it raised on "
                + "the host"
        },
    ]

    /// Storage and servers that fail.
    private static let broken: [Row] = [
        Row("i/o", [.ioError]) { site in
            "\(site.mountWords) reports a defect, which only the host can mend: see dmesg there before anything is "
                + "written again"
        },
        Row(
            "server", [.staleNFSFileHandle, .socketNotConnected, .timedOut, .hostIsDown, .noRouteToHost],
            if: { !$0.path.isEmpty }
        ) { site in
            "\(site.mountWords) does not answer: mount it again on the host, and restart the container"
        },
        Row("not supported", [.notSupported], if: { $0.action == .setAttribute || $0.mount?.isServed ?? false }) {
            site in
            "\(site.mountWords) does not know this: use a volume on ext4, XFS or btrfs"
        },
    ]

    /// Entries that are not what is needed.
    private static let shapes: [Row] = [
        Row("mount point", [.resourceBusy], if: { $0.entry?.isMountPoint ?? false }) { site in
            "\(site.place) is a mount (\(site.mount?.fileSystem ?? "unknown type")), which cannot be replaced from inside "
                + "the container: change its content where it comes from, or mount the directory around it instead"
        },
        Row("busy", [.resourceBusy]) { site in
            "end the program that uses \(site.place.isEmpty ? "it" : site.place), or remove the mount below it, and run it again"
        },
        Row("across mounts", [.improperLink]) { site in
            "\(site.mountWords) is a mount of its own, into which nothing can be renamed: mount it outside the "
                + "directories that are kept"
        },
        Row("kind", [.isDirectory, .tooManySymbolicLinkLevels]) { _ in "remove it, or put a regular file there" },
        Row("not a file", [.notSupported], if: { $0.action == .read }) { _ in "remove it, or put a regular file there"
        },
        Row("not a directory", [.notDirectory]) { _ in "make its parents real directories" },
        Row("running program", [.textFileBusy]) { site in
            "end the program that runs from \(site.place), and run it again"
        },
        Row("refilled", [.directoryNotEmpty]) { site in
            "a program keeps adding to \(site.place): end it, and run it again"
        },
        Row("name", [.fileNameTooLong]) { site in
            "shorten the name: 255 bytes fit on most file systems, 143 on an encrypted one"
                + (site.mount.map { " (\($0.mountPoint) is \($0.fileSystem))" } ?? "")
        },
        Row("size", [.fileTooLarge]) { _ in "make it smaller, or raise the limit of file sizes (ulimit -f)" },
    ]

    /// Limits of the process and of the machine.
    private static let limits: [Row] = [
        Row("descriptors", [.tooManyOpenFiles]) { _ in
            "raise the limit of open files: docker run --ulimit nofile=65536:65536, or ulimit -n"
        },
        Row("descriptors of the host", [.tooManyOpenFilesInSystem]) { _ in
            "the host has too many files open: raise fs.file-max there, or end programs"
        },
        Row("memory", [.noMemory]) { _ in "give the container more memory (docker run --memory), or end programs in it"
        },
        Row("kernel", [.noFunction]) { _ in
            "the kernel or the container's seccomp profile does not have this call: use a newer kernel or engine"
        },
        // ENOLCK has no name in swift-system.
        Row("locks", [Errno(rawValue: 37)]) { site in
            "\(site.mountWords) has no locks: use a volume on a local file system"
        },
    ]
}

extension FailureSite {
    /// The path that the sentence is about: the one that stands in the way, else the one that failed.
    fileprivate var place: String { entry?.path ?? path }

    /// The path with the mount that it lies on, unless that is the container's root file system.
    fileprivate var spot: String {
        guard let mount, !mount.isRoot else { return place }
        return mount.mountPoint == place ? "\(place) (\(mount.fileSystem))" : "\(place) on \(mountWords)"
    }

    /// The mount with its type.
    fileprivate var mountWords: String {
        guard let mount else { return path.isEmpty ? "the file system" : "the file system of \(path)" }
        return mount.isRoot
            ? "the container's root file system (\(mount.fileSystem))" : "\(mount.mountPoint) (\(mount.fileSystem))"
    }

    fileprivate var served: String {
        mount?.fileSystem.hasPrefix("nfs") ?? false ? "an NFS server" : "the \(mount?.fileSystem ?? "file") server"
    }

    fileprivate var isServed: Bool { mount?.isServed ?? false }
    fileprivate var isRefused: Bool { entry?.refuses ?? false }
    fileprivate var isForeign: Bool { isRefused && entry?.uid != user.uid }
    fileprivate var owner: UInt32 { entry?.uid ?? 0 }

    /// The command that gives the entry to the user.
    fileprivate var chown: String {
        "chown \(entry?.isDirectory ?? false ? "-R " : "")\(user.uid):\(user.gid) \(shellQuoted(place))"
    }

    /// The sentence for an attribute that chattr(1) sets.
    fileprivate func flagged(_ name: String, _ letter: String) -> String {
        let command = "chattr -\(letter) \(shellQuoted(place))"
        return user.has(.linuxImmutable)
            ? "\(spot) has the attribute \(name), which root takes away: \(command)"
            : "\(spot) has the attribute \(name), which only root of the host can take away: \(command) there"
    }

    /// True if hardly anything fits. What a failed copy has given back already leaves some room.
    fileprivate var isFull: Bool { (mount?.freeBytes).map { $0 < 16 << 20 } ?? false }

    fileprivate var isTooLarge: Bool {
        guard let free = mount?.freeBytes, let neededBytes else { return false }
        return neededBytes >= free
    }

    fileprivate var freeWords: String { bytes(mount?.freeBytes ?? 0) }
}

/// A number of bytes in words.
private func bytes(_ count: UInt64) -> String {
    for (shift, unit) in [(30, "GB"), (20, "MB"), (10, "KB")] where count >> UInt64(shift) > 0 {
        return "\(count >> UInt64(shift)) \(unit)"
    }
    return "\(count) bytes"
}

/// A mode with four digits.
private func octal(_ mode: UInt16) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

import CaiModel
import SystemPackage
import Testing

private let agent = FailedUser(uid: 1000, gid: 1000, isRoot: false, missing: Set(Capability.allCases))
/// Root that works as the agent, with the capabilities of an ordinary container.
private let root = FailedUser(uid: 1000, gid: 1000, isRoot: true, missing: [.linuxImmutable, .systemAdministration])
private let bareRoot = FailedUser(uid: 1000, gid: 1000, isRoot: true, missing: Set(Capability.allCases))
private let fullRoot = FailedUser(uid: 0, gid: 0, isRoot: true)

private let layer = FailedMount(mountPoint: "/", fileSystem: "overlay")
private let volume = FailedMount(mountPoint: "/mnt/agent-data", fileSystem: "ext4", isBind: true)
private let served = FailedMount(mountPoint: "/mnt/agent-data", fileSystem: "nfs4")
private let path = "/mnt/agent-data/codex/auth.json"

private func readOnly(_ mountPoint: String) -> FailedMount {
    FailedMount(mountPoint: mountPoint, fileSystem: "ext4", isReadOnly: true)
}

private func room(_ bytes: UInt64, nodes: UInt64? = 1000) -> FailedMount {
    FailedMount(mountPoint: "/mnt/agent-data", fileSystem: "ext4", freeBytes: bytes, freeNodes: nodes)
}

private func entry(
    _ uid: UInt32, mode: UInt16 = 0o600, refuses: Bool = true, isMountPoint: Bool = false, isImmutable: Bool = false,
    isAppendOnly: Bool = false, isDirectory: Bool = false
) -> FailedEntry {
    FailedEntry(
        path: path, uid: uid, gid: uid, mode: mode, isDirectory: isDirectory, refuses: refuses,
        isMountPoint: isMountPoint, isImmutable: isImmutable, isAppendOnly: isAppendOnly)
}

/// A failure, the row that answers it, and words of the sentence.
struct AdviceCase: Sendable, CustomTestStringConvertible {
    let row: String
    let site: FailureSite
    let words: [String]

    init(
        _ row: String, _ errno: Errno, _ action: FailureSite.Action = .change, _ entry: FailedEntry? = nil,
        on mount: FailedMount? = volume, by user: FailedUser = root, path place: String = path, needed: UInt64? = nil,
        says words: String...
    ) {
        self.row = row
        site = FailureSite(
            errno, action, path: place, entry: entry, mount: mount, user: user, neededBytes: needed)
        self.words = words
    }

    var testDescription: String { row }
}

private let cases: [AdviceCase] = [
    AdviceCase(
        "identity", .notPermitted, .becomeUser, on: nil, by: bareRoot, path: "", says: "--cap-add SETUID", "--user"),
    AdviceCase(
        "immutable", .notPermitted, .change, entry(1000, refuses: false, isImmutable: true), by: fullRoot,
        says: "chattr -i \(path)"),
    AdviceCase(
        "immutable", .notPermitted, .change, entry(1000, refuses: false, isImmutable: true), by: root,
        says: "only root of the host"),
    AdviceCase(
        "append only", .notPermitted, .change, entry(1000, refuses: false, isAppendOnly: true), by: agent,
        says: "chattr -a \(path)", "of the host"),
    AdviceCase("unmapped owner", .permissionDenied, .read, entry(65534), says: "user namespace", "on the host"),
    AdviceCase("served", .permissionDenied, .read, entry(0), on: served, says: "NFS server", "uid 1000"),
    AdviceCase("served", .permissionDenied, .read, entry(1000), on: served, by: agent, says: "NFS server"),
    AdviceCase(
        "foreign, root without CAP_CHOWN", .permissionDenied, .read, entry(0), by: bareRoot,
        says: "CAP_CHOWN", "on the host", "/mnt/agent-data (ext4)"),
    AdviceCase(
        "foreign, root", .permissionDenied, .read, entry(0), says: "uid 0", "chown 1000:1000 \(path)"),
    AdviceCase(
        "foreign, root", .permissionDenied, .change, entry(0, isDirectory: true), says: "chown -R 1000:1000 \(path)"),
    AdviceCase(
        "foreign, user", .permissionDenied, .read, entry(0), by: agent, says: "only root can",
        "docker exec -u root CONTAINER chown 1000:1000"),
    AdviceCase("mode", .permissionDenied, .read, entry(1000, mode: 0), says: "0000", "chmod u+rw \(path)"),
    AdviceCase(
        "mode", .permissionDenied, .change, entry(1000, mode: 0o500, isDirectory: true), says: "chmod u+rwx \(path)"),
    AdviceCase("owner of a file", .notPermitted, .setOwner, entry(5, refuses: false), by: bareRoot, says: "CAP_CHOWN"),
    AdviceCase("owner of a file, root", .notPermitted, .setOwner, entry(5, refuses: false), says: "map the ids"),
    AdviceCase(
        "owner of a file, user", .notPermitted, .setOwner, entry(5, refuses: false), by: agent, says: "docker exec"),
    AdviceCase(
        "mode of a file", .notPermitted, .setMode, entry(5, refuses: false),
        by: FailedUser(uid: 0, gid: 0, isRoot: true, missing: [.fileOwner]), says: "CAP_FOWNER"),
    AdviceCase(
        "root without CAP_DAC_OVERRIDE", .permissionDenied, .read, entry(0, refuses: false),
        by: FailedUser(uid: 0, gid: 0, isRoot: true, missing: [.dacOverride]), says: "CAP_DAC_OVERRIDE"),
    AdviceCase(
        "security module", .permissionDenied, .read, entry(1000, refuses: false), says: "SELinux",
        "mount /mnt/agent-data with :z"),
    AdviceCase("refused", .notPermitted, on: nil, path: "", says: "seccomp"),
    AdviceCase("read-only root", .readOnlyFileSystem, on: readOnly("/"), says: "--read-only", "tmpfs"),
    AdviceCase(
        "read-only", .readOnlyFileSystem, on: readOnly("/mnt/agent-data"), says: "/mnt/agent-data (ext4)",
        "without :ro"),
    AdviceCase("read-only once", .readOnlyFileSystem, says: "dmesg"),
    AdviceCase("read-only, unknown", .readOnlyFileSystem, on: nil, says: "writable"),
    AdviceCase("attribute", .noSpace, .setAttribute, on: room(79 << 30), says: "attribute", "getfattr"),
    AdviceCase("no inode", .noSpace, on: room(79 << 30, nodes: 0), says: "no inode left", "cai undo --list"),
    AdviceCase("full", .noSpace, on: room(4096), says: "free some space on /mnt/agent-data", "4 KB"),
    AdviceCase("too large", .noSpace, on: room(100 << 20), needed: 300 << 20, says: "100 MB left", "300 MB are needed"),
    AdviceCase("not full", .noSpace, on: room(79 << 30), says: "79 GB left", "quota"),
    AdviceCase("no space", .noSpace, on: nil, says: "df"),
    AdviceCase("quota", .diskQuotaExceeded, says: "quota of uid 1000", "/mnt/agent-data"),
    AdviceCase("i/o", .ioError, says: "/mnt/agent-data (ext4)", "dmesg"),
    AdviceCase("server", .staleNFSFileHandle, on: served, says: "does not answer"),
    AdviceCase("server", .socketNotConnected, .read, on: served, says: "mount it again on the host"),
    AdviceCase("not supported", .notSupported, .setAttribute, says: "ext4, XFS or btrfs"),
    AdviceCase("not supported", .notSupported, on: served, says: "ext4, XFS or btrfs"),
    AdviceCase(
        "mount point", .resourceBusy, .change, entry(1000, refuses: false, isMountPoint: true),
        says: "\(path) is a mount (ext4)", "mount the directory around it"),
    AdviceCase("busy", .resourceBusy, .change, entry(1000, refuses: false), says: "end the program"),
    AdviceCase("across mounts", .improperLink, says: "a mount of its own"),
    AdviceCase("kind", .isDirectory, .read, says: "put a regular file there"),
    AdviceCase("kind", .tooManySymbolicLinkLevels, .read, says: "put a regular file there"),
    AdviceCase("not a file", .notSupported, .read, says: "put a regular file there"),
    AdviceCase("not a directory", .notDirectory, says: "real directories"),
    AdviceCase("running program", .textFileBusy, says: "end the program that runs from \(path)"),
    AdviceCase("refilled", .directoryNotEmpty, says: "keeps adding"),
    AdviceCase("name", .fileNameTooLong, says: "255 bytes"),
    AdviceCase("size", .fileTooLarge, says: "ulimit -f"),
    AdviceCase("descriptors", .tooManyOpenFiles, says: "--ulimit nofile"),
    AdviceCase("descriptors of the host", .tooManyOpenFilesInSystem, says: "fs.file-max"),
    AdviceCase("memory", .noMemory, says: "--memory"),
    AdviceCase("kernel", .noFunction, says: "seccomp"),
    AdviceCase("locks", Errno(rawValue: 37), on: served, says: "no locks"),
]

@Suite struct `The advice after a failed system call` {
    @Test(arguments: cases) func `follows the error, the mount, the user and the capabilities`(_ item: AdviceCase)
        throws
    {
        #expect(FailureAdvice.rowName(for: item.site) == item.row)
        let sentence = try #require(FailureAdvice.sentence(for: item.site))
        for word in item.words { #expect(sentence.contains(word), "\(sentence)") }
    }

    @Test func `has a case for each row of the table`() {
        #expect(Set(cases.map(\.row)) == Set(FailureAdvice.rowNames))
    }

    /// Each error with each mount, user and entry.
    private static let everything: [FailureSite] = {
        let errors = Set(cases.map(\.site.errno))
        let actions = Set(cases.map(\.site.action))
        let mounts = [nil, layer, volume, served, readOnly("/"), readOnly("/mnt/agent-data"), room(0), room(79 << 30)]
        let entries = [nil] + [0, 1000, 65534].map { entry($0) } + [entry(1000, refuses: false, isImmutable: true)]
        return errors.flatMap { errno in
            actions.flatMap { action in
                mounts.flatMap { mount in
                    entries.flatMap { entry in
                        [agent, root, bareRoot, fullRoot].map {
                            FailureSite(errno, action, path: path, entry: entry, mount: mount, user: $0)
                        }
                    }
                }
            }
        }
    }()

    @Test func `never tells root to become root`() {
        for site in Self.everything where site.user.isRoot {
            let sentence = FailureAdvice.sentence(for: site) ?? ""
            let isWrong = ["as root", "run as root", "-u root", "only root can", "sudo"].contains(
                where: sentence.contains)
            #expect(!isWrong, "\(site): \(sentence)")
        }
    }

    @Test func `asks for space only where there is none`() {
        for site in Self.everything where (site.mount?.freeBytes ?? .max) > 16 << 20 {
            #expect(FailureAdvice.sentence(for: site)?.contains("free some space") != true, "\(site)")
        }
    }

    @Test func `calls a mount read-only only where it is`() {
        for site in Self.everything where site.mount?.isReadOnly == false {
            #expect(FailureAdvice.sentence(for: site)?.contains(":ro") != true, "\(site)")
        }
    }

    @Test func `names the path or its mount where permission or room is missing`() {
        let errors: Set<Errno> = [.permissionDenied, .notPermitted, .readOnlyFileSystem, .ioError, .diskQuotaExceeded]
        for site in Self.everything where errors.contains(site.errno) && site.mount != nil && site.action == .read {
            let sentence = FailureAdvice.sentence(for: site) ?? ""
            let point = site.mount?.mountPoint ?? ""
            let names = [path] + (point == "/" ? ["root file system"] : [point])
            #expect(names.contains(where: sentence.contains) || sentence.contains("CAP_"), "\(site): \(sentence)")
        }
    }

    @Test(arguments: [
        ("open", FailureSite.Action.read), ("open directory", .read), ("read directory", .read), ("stat", .read),
        ("read attribute user.a", .read), ("readlink", .read), ("rename to /a/b", .change), ("remove", .change),
        ("make symlink", .change), ("create", .change), ("write", .change), ("set attribute user.a", .setAttribute),
        ("chown", .setOwner), ("chmod", .setMode), ("change to user 1000", .becomeUser),
    ])
    func `tells reading from changing by the name of the operation`(operation: String, action: FailureSite.Action) {
        #expect(FailureSite.Action(operation: operation) == action)
    }

    @Test func `reads the missing capabilities from the mask of proc`() {
        // The default capabilities of Docker: 00000000a80425fb.
        #expect(Capability.missing(in: 0xa804_25fb) == [.linuxImmutable, .systemAdministration])
        #expect(Capability.missing(in: 0) == Set(Capability.allCases))
    }
}

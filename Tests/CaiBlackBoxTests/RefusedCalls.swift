import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A machine that refuses something: the profile of a container runtime, or a file system.
struct Refusal: Sendable, CustomTestStringConvertible {
    /// The rules of `probe refuse`.
    let rules: [String]
    /// Part of the sentence that a command says, and of the command: without one the command must come to its end as if
    /// nothing were refused.
    let sentences: [Errand: String]
    /// True for a row that runs without CAI_THOROUGH too.
    let isUsual: Bool

    init(_ rules: String..., usual: Bool = false, says sentences: [Errand: String] = [:]) {
        self.rules = rules
        self.sentences = sentences
        isUsual = usual
    }

    var testDescription: String { rules.joined(separator: " ") }

    /// The words that go before a command.
    var wrapper: [String] { [probe, "refuse"] + rules + ["--"] }

    /// True if the binary under test can meet it: the C library of a dynamic binary starts no thread if the answer of
    /// clone3(2) is EPERM.
    var isMet: Bool { !rules.contains("clone3=EPERM") || isStaticBinary }
}

/// True if the binary under test is the static one.
let isStaticBinary = (try? Command.cai("version", "--json").json["static"].bool) ?? false

/// A command that is tried on such a machine.
enum Errand: String, CaseIterable, Sendable {
    case initialize = "init"
    case sync, repair, importing, export, users, serve
}

/// Each call with the errors that runtimes and file systems give, and the sentence where something is left undone.
let refusals: [Refusal] = [
    Refusal("clone3=ENOSYS"), Refusal("clone3=EPERM", usual: true),
    Refusal("memfd_create=ENOSYS"), Refusal("memfd_create=EPERM"),
    Refusal("openat2=ENOSYS"), Refusal("openat2=EPERM", usual: true),
    Refusal("statx=ENOSYS"), Refusal("statx=EPERM"),
    Refusal("renameat2=ENOSYS"), Refusal("renameat2=EPERM"),
    Refusal("renameat2/4/3=EINVAL"), Refusal("renameat2/4/3=ENOSYS"), Refusal("renameat2/4/3=EPERM"),
    Refusal("renameat2/4/3=EINVAL", "linkat=EPERM", usual: true), Refusal("renameat2/4/3=EINVAL", "linkat=EOPNOTSUPP"),
    Refusal("renameat2=EPERM", "linkat=ENOSYS"),
    Refusal("linkat=EPERM"), Refusal("linkat=ENOSYS"), Refusal("linkat=EOPNOTSUPP"),
    Refusal("faccessat2=ENOSYS"), Refusal("faccessat2=EPERM", usual: true),
    Refusal("close_range=ENOSYS"), Refusal("close_range=EPERM"),
    Refusal("pidfd_open=ENOSYS"), Refusal("pidfd_open=EPERM"),
    Refusal("pidfd_send_signal=ENOSYS"), Refusal("pidfd_send_signal=EPERM"),
    Refusal("inotify_init1=ENOSYS", says: [.serve: "links are looked at every"]),
    Refusal("inotify_init1=EMFILE", says: [.serve: "fs.inotify.max_user_instances"]),
    Refusal("inotify_add_watch=ENOSPC", usual: true, says: [.serve: "fs.inotify.max_user_watches"]),
    Refusal("inotify_add_watch=EPERM", says: [.serve: "links are looked at every"]),
    Refusal("flock=ENOSYS", usual: true), Refusal("flock=EPERM"), Refusal("flock=ENOLCK"), Refusal("flock=EOPNOTSUPP"),
    Refusal("fchmod=EPERM", usual: true), Refusal("fchmod=ENOSYS"), Refusal("fchmod=EOPNOTSUPP"),
    Refusal("fchownat=EPERM", says: [.serve: "only root can connect"]),
    Refusal("fchownat=EINVAL", says: [.serve: "only root can connect"]),
    Refusal("fchown=EPERM", usual: true, says: [.users: "the home directory cannot be made"]),
    Refusal("fchown=EINVAL", says: [.users: "the home directory cannot be made"]),
    Refusal("fsetxattr=EPERM"), Refusal("fsetxattr=ENOSYS"), Refusal("fsetxattr=EINVAL"),
    Refusal("fsetxattr=EOPNOTSUPP"),
    Refusal("flistxattr=ENOSYS"), Refusal("flistxattr=EPERM"), Refusal("fgetxattr=ENOSYS"), Refusal("fgetxattr=EPERM"),
    // O_TMPFILE, without the bit that it shares with O_DIRECTORY.
    Refusal("openat/2/0x400000=EOPNOTSUPP"), Refusal("openat/2/0x400000=EINVAL", usual: true),
    Refusal("openat/2/0x400000=EPERM"),
    Refusal("copy_file_range=ENOSYS"), Refusal("copy_file_range=EPERM"),
    Refusal("fsync=EINVAL"), Refusal("syncfs=ENOSYS"), Refusal("syncfs=EPERM"),
    Refusal("utimensat=EPERM"), Refusal("utimensat=ENOSYS"),
    Refusal("epoll_create1=ENOSYS", says: [.serve: "no request is answered"]),
    Refusal("timerfd_create=EPERM", usual: true, says: [.serve: "no request is answered"]),
    Refusal("eventfd2=ENOSYS", says: [.serve: "no request is answered"]),
]

extension World {
    /// A machine on which an agent has worked in a home of the container, with a host to import from and accounts.
    static func refusing() throws -> World {
        let login = Item.file(#"{"login":1}"#).mode(0o600)
        let world = try accountWorld([
            "/etc/containai/agent.toml": "",
            "/etc/passwd": .file("root:x:0:0::/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n").owned(by: 0),
            "/etc/group": .file("root:x:0:\nagent:x:1000:\n").owned(by: 0),
            "/etc/shadow": .file("root:*:1::::::\nagent:!:1::::::\n").mode(0o640).owned(by: 0),
            "/etc/gshadow": .file("root:*::\nagent:!::\n").mode(0o640).owned(by: 0),
            "/run": [:], "/tmp": ([:] as Item).mode(0o1777), "/host": [:],
            "/home/agent/.claude.json": login.attribute("user.note", "kept"),
            "/home/agent/.codex": ["auth.json": .file("codex login").mode(0o600), "sessions": ["s": "talk"]],
            "/home/agent/.config/gh/hosts.yml": .file("gh login").mode(0o600),
        ])
        let host: Item = [
            ".claude.json": .file(#"{"host":1}"#).mode(0o600), ".codex": ["auth.json": .file("host login").mode(0o600)],
        ]
        try world.put("/host", host.ofAgent.owned(by: World.agent))
        return world
    }
}

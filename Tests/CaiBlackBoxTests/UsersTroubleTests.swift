import CaiTestSupport
import SystemPackage
import Testing

/// What a disturbed command is, and how the world is before it.
struct UsersCommandCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let arguments: [String]

    func prepared() throws -> World {
        let world = try accountWorld()
        try world.addUser("alice", "--group", "sudo")
        try world.addUser("bob")
        if arguments.first == "restore" { try world.recreate(keepingHomes: false) }
        return world
    }

    func words(_ world: World) -> [String] {
        [cai, "users"] + arguments.map { $0.replacing("{in}", with: world.path("/in").string) } + [
            "--root", world.root.string,
        ]
    }
}

private let commands = [
    UsersCommandCase(
        testDescription: "add", arguments: ["add", "carol", "--hash-file", "{in}/hash", "--group", "sudo"]),
    UsersCommandCase(testDescription: "passwd", arguments: ["passwd", "alice", "--hash-file", "{in}/other"]),
    UsersCommandCase(testDescription: "lock", arguments: ["lock", "alice"]),
    UsersCommandCase(testDescription: "remove", arguments: ["remove", "alice"]),
    UsersCommandCase(testDescription: "restore", arguments: ["restore"]),
]

/// Every command killed and on a full disk, and the two that write most with other errors too.
private let pairs: [(UsersCommandCase, String)] = commands.flatMap { command in
    let faults =
        ["signal=SIGKILL", "error=ENOSPC"]
        + (["add", "restore"].contains(command.testDescription) ? ["error=EIO", "error=EROFS"] : [])
    return faults.map { (command, $0) }
}

/// The calls that change something.
private let calls = [
    "openat", "write", "fsync", "syncfs", "fchmod", "fchown", "fchownat", "mkdirat", "unlinkat", "rename", "renameat",
    "renameat2",
    "utimensat", "linkat",
]

@Suite(.rootOnly, .needs("strace")) struct `Users and trouble` {
    @Test(arguments: zip(pairs.map(\.0), pairs.map(\.1)))
    func `leave whole account files whatever call is the last, and the next run mends the rest (2.13, 15)`(
        _ command: UsersCommandCase, _ fault: String
    ) throws {
        for call in calls {
            if fault != "signal=SIGKILL", ["unlinkat", "utimensat", "linkat"].contains(call) { continue }
            var number = 1
            while true {
                let world = try command.prepared()
                let log = world.path("/strace.log").string
                let run = try Command.run(
                    [
                        "strace", "-f", "-o", log, "-e", "trace=\(call)", "-e",
                        "inject=\(call):\(fault):when=\(number)", "--",
                    ]
                        + command.words(world))
                guard try Files.text(FilePath(log)).contains("(INJECTED)") || run.code == 137 else { break }
                try expectWholeness(
                    of: world, after: "\(command.testDescription): \(fault) at \(call) \(number)\n\(run)")
                // Reading is most of what openat does.
                number += call == "openat" ? 7 : 1
            }
        }
    }

    private func expectWholeness(of world: World, after what: String) throws {
        #expect(!what.contains("$6$"), "\(what)")
        try world.expectWholeLines(what)
        let mended = try world.users("restore")
        #expect(mended.code == 0, "\(what)\n\(mended)")
        for name in ["alice", "bob", "carol"] {
            let entries = try ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].map {
                try world.entry($0, name) != nil
            }
            #expect(Set(entries).count == 1, "\(what): \(name) \(entries)")
            let kept = world.exists(usersVolume.appending("\(name).json"))
            #expect(kept == entries[0], "\(what): \(name)")
            guard entries[0] else { continue }
            let hash = try #require(try world.entry("/etc/shadow", name)?[1])
            #expect([someHash, otherHash, "!" + someHash].contains(hash), "\(what): \(name)")
            #expect(try world.text(usersVolume.appending("\(name).json")).contains(hash), "\(what): \(name)")
        }
        #expect(try world.entry("/etc/passwd", "bob") != nil, "\(what)")
        #expect(try world.text("/etc/passwd").hasPrefix(imageAccounts["/etc/passwd"] ?? "?"), "\(what)")
        let leftovers = try ["/etc", usersVolume, "/home"].flatMap { try Files.names(world.path($0)).map(\.string) }
            .filter {
                $0.hasSuffix(".cai") || $0.hasSuffix(".part") || $0.hasPrefix(".removing-") || $0.hasPrefix(".cai-")
            }
        #expect(leftovers == [], "\(what)")
        #expect(try world.users("restore").errors == "[INFO] Nothing to do.\n", "\(what)")
    }
}

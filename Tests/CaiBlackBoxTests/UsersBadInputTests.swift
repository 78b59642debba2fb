import CaiTestSupport
import SystemPackage
import Testing

/// A file of the users volume that no account can be made from.
struct BadRecord: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var name: FilePath = "bad.json"
    let content: String
    let sentence: String

    init(_ description: String, _ content: String, _ sentence: String) {
        testDescription = description
        self.content = content
        self.sentence = sentence
    }
}

private func record(_ fields: String) -> String {
    #"{"username":"bad","password_hash":"\#(someHash)","locked":false,\#(fields)}"#
}

private let badRecords = [
    BadRecord("not JSON", "{\"username\":", "is not JSON"),
    BadRecord("empty", "", "is not JSON"),
    BadRecord("an array", "[]", "is not a JSON object"),
    BadRecord("no name", #"{"password_hash":"x","locked":false}"#, "\"username\" is missing"),
    BadRecord("a number as name", #"{"username":1,"password_hash":"x","locked":false}"#, "is not a string"),
    BadRecord("locked as a string", #"{"username":"bad","password_hash":"x","locked":"no"}"#, "\"locked\""),
    BadRecord("a name with a slash", #"{"username":"../bad","password_hash":"x","locked":false}"#, "\"username\""),
    BadRecord("a name with a newline", #"{"username":"a\nroot:x","password_hash":"x","locked":false}"#, "\"username\""),
    BadRecord(
        "the name of another file", #"{"username":"other","password_hash":"\#(someHash)","locked":false}"#,
        "not the name"),
    BadRecord("an empty hash", #"{"username":"bad","password_hash":"","locked":false}"#, "no password hash"),
    BadRecord(
        "a plain password", #"{"username":"bad","password_hash":"hunter2hunter","locked":false,"uid":0}"#, "\"uid\""),
    BadRecord(
        "a hash with a colon", #"{"username":"bad","password_hash":"$6$a:b","locked":false}"#, "no password hash"),
    BadRecord("uid 0", record(#""uid":0"#), "is 0, which is root"),
    BadRecord("gid 0", record(#""gid":0"#), "is 0, which is root"),
    BadRecord("a negative uid", record(#""uid":-1"#), "no id of a user"),
    BadRecord("a uid of 2^32", record(#""uid":4294967296"#), "no id of a user"),
    BadRecord("a shell with a colon", record(#""shell":"/bin/sh:0:0""#), "\"shell\""),
    BadRecord("a home with ..", record(#""home":"/home/../root""#), "\"home\""),
    BadRecord("groups as a string", record(#""groups":"sudo""#), "\"groups\""),
]

@Suite(.rootOnly) struct `Users and bad input` {
    @Test(arguments: badRecords)
    func `puts a bad record aside, says why, and goes on with the others (2.13, 16)`(_ bad: BadRecord)
        throws
    {
        let world = try accountWorld([
            "/var/lib/opencode-users/bad.json": .file(bad.content).owned(by: 0),
            "/var/lib/opencode-users/good.json": oldRecord("good"),
        ])
        let lint = try world.users("lint")
        #expect(lint.code == 78 && lint.output.contains(bad.sentence), "\(lint)")
        let restored = try world.users("restore")
        #expect(
            restored.code == 1 && restored.errors.contains(bad.sentence) && !restored.everything.contains("hunter2"),
            "\(restored)")
        #expect(try world.entry("/etc/passwd", "good") != nil && world.entry("/etc/passwd", "bad") == nil)
        let names = try Files.names(world.path(usersVolume)).map(\.string)
        let aside = try #require(names.first { $0.hasPrefix("bad.json.invalid-") })
        #expect(try world.text(usersVolume.appending(aside)) == bad.content && !names.contains("bad.json"))
        #expect(try world.users("restore").code == 0)
    }

    @Test(arguments: ["/home/../root", "/home/bob/..", "/../etc"])
    func `refuses a home that leads out of where it seems to lie`(home: String) throws {
        let world = try accountWorld([:])
        let added = try world.users("add", "bob", "--generate", "--home", home)
        #expect(added.code != 0 && added.errors.contains("contains \"..\""), "\(added)")
        #expect(try world.entry("/etc/passwd", "bob") == nil)
    }

    @Test func `does not follow a record that is a symlink`() throws {
        let world = try accountWorld(["/var/lib/opencode-users/bad.json": .link("/in/hash")])
        let restored = try world.users("restore")
        #expect(restored.code == 1 && restored.errors.contains("symlink"), "\(restored)")
        #expect(try world.text("/in/hash") == someHash + "\n")
    }

    @Test func `makes no home behind a symlink that another user planted`() throws {
        let world = try accountWorld([
            "/var/lib/opencode-users/bob.json": .file(
                record(#""home":"/home/opencoder/link/bob""#).replacing("bad", with: "bob")
            )
            .owned(by: 0),
            "/home/opencoder/link": .link("/etc"),
        ])
        let restored = try world.users("restore")
        #expect(restored.errors.contains("home directory cannot be made"), "\(restored)")
        #expect(!world.exists("/etc/bob") && !world.exists("/etc/.cai-home-bob"))
        #expect(try world.entry("/etc/passwd", "bob") != nil)
    }

    @Test func `trusts no records that others than root can write`() throws {
        let world = try accountWorld([
            "/var/lib/opencode-users": (["bob.json": oldRecord("bob")] as Item).mode(0o777).owned(by: 1000)
        ])
        let restored = try world.users("restore")
        #expect(try restored.code == 1 && world.entry("/etc/passwd", "bob") == nil, "\(restored)")
    }

    @Test func `makes no account whose id is somebody else's`() throws {
        let world = try accountWorld()
        try world.put("/var/lib/opencode-users/bad.json", .file(record(#""uid":1000"#)).owned(by: 0))
        let restored = try world.users("restore")
        #expect(
            try restored.code == 1 && restored.errors.contains("is that of opencoder")
                && world.entry("/etc/passwd", "bad") == nil, "\(restored)")
        #expect(world.exists("/var/lib/opencode-users/bad.json"))
    }

    @Test(arguments: [
        ("Upper", "lower-case"), ("", "lower-case"), ("a:b", "lower-case"), ("a\nb", "lower-case"),
        ("../x", "lower-case"),
        ("opencoder", "image"), ("root", "account of that name"),
    ]) func `refuses the name of a new user (2.13, 18)`(_ name: String, _ why: String) throws {
        let world = try accountWorld()
        let before = try world.accountTexts()
        let added = try world.users("add", name, "--hash-file", world.path("/in/hash").string)
        #expect(added.code == 1 && added.errors.contains(why), "\(added)")
        #expect(
            try world.accountTexts() == before
                && Files.names(world.path(usersVolume)).filter { $0.string.hasSuffix(".json") } == [])
    }

    @Test(arguments: [
        ("short-1A", "less than 12"), ("alllowercaseletters", "three of"), ("", "less than 12"),
        ("tab\tin-Password1", "control"),
    ]) func `refuses a weak password without repeating it`(_ password: String, _ why: String) throws {
        let world = try accountWorld(["/in/weak": .file(password + "\n")])
        let added = try world.users("add", "alice", "--password-file", world.path("/in/weak").string)
        #expect(added.code == 1 && added.errors.contains(why), "\(added)")
        #expect(password.isEmpty || !added.everything.contains(password))
    }

    @Test(arguments: ["", "secret", "$6$short", "a:b", "$6$salt$" + String(repeating: "x", count: 86) + "\\"])
    func `refuses what is no hash without repeating it`(_ hash: String) throws {
        let world = try accountWorld(["/in/bad": .file(hash + "\n")])
        let added = try world.users("add", "alice", "--hash-file", world.path("/in/bad").string)
        #expect(added.code == 1 && (hash.isEmpty || !added.everything.contains(hash)), "\(added)")
    }

    @Test func `changes nothing on a read-only /etc, and says so (2.13, 12)`() throws {
        let world = try accountWorld()
        let etc = world.path("/etc").string
        let readOnly = inMountNamespace("mount --bind '\(etc)' '\(etc)'; mount -o remount,bind,ro '\(etc)'")
        let added = try world.cai(
            ["users", "add", "alice", "--hash-file", world.path("/in/hash").string], wrapper: readOnly)
        #expect(added.code != 0 && added.errors.contains("ead-only"), "\(added)")
        #expect(!world.exists("/var/lib/opencode-users/alice.json"))
    }

    @Test func `waits for the lock of the account files, and says who is in the way`() throws {
        let world = try accountWorld(["/etc/containai/agent.toml": "preset = \"opencode\"\nlock_timeout_seconds = 1\n"])
        let script = """
            import fcntl, sys
            file = open(sys.argv[1], "w"); fcntl.lockf(file, fcntl.LOCK_EX); print("ready", flush=True); sys.stdin.read()
            """
        let holder = try Running(["python3", "-c", script, world.path("/etc/.pwd.lock").string])
        #expect(try holder.line() == "ready")
        let refused = try world.users("add", "alice", "--hash-file", world.path("/in/hash").string)
        #expect(refused.code == 1 && refused.errors.contains("changing the accounts"), "\(refused)")
        holder.closeInput()
        _ = try holder.end()
        try world.addUser("alice")
    }

    @Test func `loses no user when 50 are added at once (2.13, 17)`() throws {
        let world = try accountWorld([
            "/etc/containai/agent.toml": "preset = \"opencode\"\nlock_timeout_seconds = 120\n"
        ])
        let hash = world.path("/in/hash").string
        let adding = try (0..<50).map { number in
            try Running([cai, "users", "add", "user\(number)", "--hash-file", hash, "--root", world.root.string])
        }
        for each in adding { #expect(try each.end() == .exited(0)) }
        let list = try world.users("list").output.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(list.count == 50 && Set(list.map { $0[1] }).count == 50 && list.allSatisfy { $0.count == 5 })
        try world.recreate()
        #expect(try world.users("restore").code == 0)
        #expect(try world.users("list").output.split(separator: "\n").map { $0.split(separator: "\t") } == list)
    }

    @Test(arguments: ["/etc/passwd", "/etc/group", "/etc/shadow"] as [FilePath])
    func `an account file that is mounted as a single file is named, and nothing is left of the user`(
        _ file: FilePath
    ) throws {
        let world = try accountWorld()
        try world.put("/outside", .file(imageAccounts[file] ?? ""))
        let mount = inMountNamespace("mount --bind \"\(world.path("/outside"))\" \"\(world.path(file))\"")
        let before = try Snapshot(of: world.root)
        let hash = world.path("/in/hash").string
        for options in [["--dry-run"], []] {
            let run = try world.cai(["users", "add", "alice", "--hash-file", hash] + options, wrapper: mount)
            #expect(run.code == 1 && run.errors.contains("is a single file that is mounted there"), "\(run)")
        }
        let left = try Snapshot(of: world.root).differences(from: before, .content)
        #expect(left.allSatisfy { $0.contains(".lock") || $0.contains(".pwd.lock") }, "\(left)")
        #expect(try world.users("list").output == "")
    }

    @Test func `restores 10,000 users`() throws {
        let world = try accountWorld()
        try world.remove("/etc/skel")
        for number in 0..<10_000 { try world.put(usersVolume.appending("u\(number).json"), oldRecord("u\(number)")) }
        let restored = try world.users("restore")
        #expect(restored.code == 0, "\(restored.errors.suffix(300))")
        let users = try world.text("/etc/passwd").split(separator: "\n").filter { $0.hasPrefix("u") }
        #expect(users.count == 10_000 && Set(users.map { $0.split(separator: ":")[2] }).count == 10_000)
    }
}

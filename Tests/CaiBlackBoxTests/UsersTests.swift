import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.rootOnly) struct `Users` {
    @Test func `are added to all four files, and every other byte stays`() throws {
        let world = try accountWorld()
        let added = try world.users(
            "add", "alice", "--password-file", world.path("/in/password").string, "--group", "sudo")
        #expect(added.code == 0 && added.errors == "[OK] Added user: alice\n" && added.output.isEmpty, "\(added)")
        let password = try #require(try world.entry("/etc/shadow", "alice")?[1])
        #expect(password.hasPrefix("$y$"))
        let texts = try world.accountTexts()
        #expect(texts[0] == imageAccounts["/etc/passwd"].map { $0 + "alice:x:1001:1001::/home/alice:/bin/bash\n" })
        #expect(texts[1] == "root:x:0:\nsudo:x:27:opencoder,alice\nopencoder:x:1000:\nalice:x:1001:\n")
        #expect(texts[2].hasPrefix(imageAccounts["/etc/shadow"] ?? "?") && texts[2].hasSuffix(":0:99999:7:::\n"))
        #expect(texts[3] == "root:*::\nsudo:*::opencoder,alice\nopencoder:!::\nalice:!::\n")
        #expect(try world.mode("/etc/shadow") == 0o640 && world.mode("/etc/passwd") == 0o644)
        #expect(try world.text("/home/alice/.bashrc") == "# skeleton\n")
        #expect(try Files.status(world.path("/home/alice/.config/deep"))?.st_uid == 1001)
        #expect(try world.mode("/var/lib/opencode-users/alice.json") == 0o600)
        let record = try world.text("/var/lib/opencode-users/alice.json")
        #expect(record.contains(password) && record.contains("\"version\" : 2") && record.contains("\"uid\" : 1001"))
    }

    @Test func `have passwords that the system's own crypt accepts`() throws {
        let world = try accountWorld()
        let generated = try world.users("add", "alice", "--generate")
        let password = String(generated.output.dropLast())
        #expect(generated.code == 0 && password.count == 30, "\(generated)")
        let hash = try #require(try world.entry("/etc/shadow", "alice")?[1])
        let script = "import crypt, sys, warnings; sys.exit(crypt.crypt(sys.argv[1], sys.argv[2]) != sys.argv[2])"
        #expect(try Command.run(["python3", "-W", "ignore", "-c", script, password, hash]).code == 0)
        #expect(try Command.run(["python3", "-W", "ignore", "-c", script, password + "x", hash]).code == 1)
    }

    @Test func `are shown without their hashes`() throws {
        let world = try accountWorld()
        try world.addUser("alice")
        for command in [["list"], ["list", "--json"], ["show", "alice"], ["show", "alice", "--json"], ["lint"]] {
            let shown = try world.cai(["users"] + command)
            #expect(!shown.everything.contains("$6$") && shown.code <= 1, "\(shown)")
        }
        let list = try world.users("list")
        #expect(list.output == "alice\t1001\t/home/alice\t/bin/bash\tunlocked\n", "\(list)")
        #expect(try world.users("show", "bob").code == 1)
    }

    @Test func `preview a change and make none`() throws {
        let world = try accountWorld(["/var/lib/opencode-users/bob.json": oldRecord("bob")])
        let before = try world.snapshot()
        let hash = world.path("/in/hash").string
        for command in [["add", "carol", "--hash-file", hash], ["restore"], ["persist"], ["lint"], ["list"]] {
            let isChange = !["lint", "list"].contains(command[0])
            _ = try world.cai(["users"] + command + (isChange ? ["--dry-run"] : []))
            #expect(try world.snapshot().differences(from: before) == [], "\(command)")
        }
    }

    @Test func `keep their hash while they are locked, and the last one is protected`() throws {
        let world = try accountWorld()
        try world.addUser("alice")
        let refused = try world.users("lock", "alice")
        #expect(refused.code == 1 && refused.errors.contains("--force"), "\(refused)")
        try world.addUser("bob")
        #expect(try world.users("lock", "alice").code == 0)
        #expect(try world.entry("/etc/shadow", "alice")?[1] == "!" + someHash)
        #expect(try world.text("/var/lib/opencode-users/alice.json").contains("\"locked\" : true"))
        #expect(try world.users("lock", "alice").errors == "[INFO] Nothing to do.\n")
        let changed = try world.users("passwd", "alice", "--hash-file", world.path("/in/other").string)
        #expect(try changed.code == 0 && world.entry("/etc/shadow", "alice")?[1] == "!" + otherHash, "\(changed)")
        #expect(try world.users("unlock", "alice").code == 0)
        #expect(try world.entry("/etc/shadow", "alice")?[1] == otherHash)
        #expect(try world.users("remove", "bob").code == 0)
        #expect(try world.users("remove", "alice").code == 1)
        #expect(try world.users("remove", "alice", "--force").code == 0)
        #expect(
            try world.accountTexts()
                == ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].map { imageAccounts[$0] ?? "" })
        #expect(world.exists("/home/alice/.bashrc"))
    }

    @Test func `come back in a new container with the same ids, groups, passwords and locks (2.13, 10)`() throws {
        let world = try accountWorld()
        try world.addUser("zoe", "--group", "sudo")
        try world.addUser("alice")
        try world.addUser("bob")
        _ = try world.users("lock", "bob")
        _ = try world.users("remove", "zoe")
        let before = try ["alice", "bob"].map { try [world.entry("/etc/passwd", $0), world.entry("/etc/shadow", $0)] }
        try world.recreate()
        let restored = try world.users("restore")
        #expect(
            restored.code == 0 && restored.errors == "[OK] Restored user: alice\n[OK] Restored user: bob\n",
            "\(restored)")
        #expect(
            try ["alice", "bob"].map { try [world.entry("/etc/passwd", $0), world.entry("/etc/shadow", $0)] } == before)
        let after = try world.snapshot()
        #expect(try world.users("restore").errors == "[INFO] Nothing to do.\n")
        #expect(try world.snapshot().differences(from: after) == [])
    }

    @Test func `of the predecessors' records get an id that stays, that of their home where there is one`() throws {
        let world = try accountWorld([
            "/var/lib/opencode-users/carol.json": oldRecord("carol"),
            "/var/lib/opencode-users/bob.json": oldRecord("bob"),
            "/home/carol": ([:] as Item).owned(by: 1001), "/home/gone": ([:] as Item).owned(by: 1002),
        ])
        #expect(try world.users("restore").code == 0)
        #expect(
            try world.entry("/etc/passwd", "carol")?[2] == "1001" && world.entry("/etc/passwd", "bob")?[2] == "1003")
        try world.put("/var/lib/opencode-users/aaron.json", oldRecord("aaron"))
        try world.recreate(keepingHomes: false)
        #expect(try world.users("restore").code == 0)
        #expect(
            try world.entry("/etc/passwd", "carol")?[2] == "1001" && world.entry("/etc/passwd", "bob")?[2] == "1003")
    }

    @Test func `changed with passwd, usermod and useradd are kept`() throws {
        let world = try accountWorld()
        try world.addUser("alice")
        try world.put(
            "/etc/shadow", .file(try world.text("/etc/shadow").replacing(someHash, with: otherHash)).owned(by: 0))
        try world.put(
            "/etc/passwd", .file(try world.text("/etc/passwd") + "dave:x:1500:1500::/home/dave:/bin/sh\n").owned(by: 0))
        try world.put("/etc/shadow", .file(try world.text("/etc/shadow") + "dave:\(someHash):1::::::\n").owned(by: 0))
        let kept = try world.users("persist")
        #expect(
            kept.code == 0
                && kept.errors
                    == "[OK] Kept the changes of user: alice\n[OK] Migrated unmanaged user to managed records: dave\n",
            "\(kept)")
        try world.recreate()
        #expect(try world.users("restore").code == 0)
        #expect(try world.entry("/etc/shadow", "alice")?[1] == otherHash)
        #expect(try world.entry("/etc/passwd", "dave")?[2...3] == ["1500", "1500"])
    }

    @Test func `changed in a container that is only restarted are not set back to the record`() throws {
        let world = try accountWorld()
        try world.addUser("alice")
        try world.put(
            "/etc/shadow", .file(try world.text("/etc/shadow").replacing(someHash, with: otherHash)).owned(by: 0))
        #expect(try world.users("restore").errors == "[OK] Kept the changes of user: alice\n")
        #expect(try world.entry("/etc/shadow", "alice")?[1] == otherHash)
    }

    @Test func `have records in which what others wrote stays`() throws {
        let world = try accountWorld()
        let more = #""locked":false,"email":"bob@example.com","n":12345678901234567890,"deep":{ "a": [1, null] }}"#
        try world.put(
            "/var/lib/opencode-users/bob.json",
            .file(#"{"username":"bob","password_hash":"\#(someHash)",\#(more)"#).owned(by: 0))
        let kept = [#""email" : "bob@example.com""#, #""n" : 12345678901234567890"#, #""deep" : { "a": [1, null] }"#]
        for command in [["restore"], ["lock", "bob", "--force"], ["unlock", "bob"]] {
            #expect(try world.cai(["users"] + command).code == 0)
            let record = try world.text("/var/lib/opencode-users/bob.json")
            #expect(kept.allSatisfy(record.contains) && JSONValue(parsing: record) != nil, "\(record)")
            #expect(record.contains("\"version\" : 2"))
        }
        try world.put(
            "/etc/shadow", .file(try world.text("/etc/shadow").replacing(someHash, with: otherHash)).owned(by: 0))
        #expect(try world.users("persist").code == 0)
        let record = try world.text("/var/lib/opencode-users/bob.json")
        #expect(kept.allSatisfy(record.contains) && record.contains(otherHash), "\(record)")
    }

    @Test func `whose removal was interrupted are shown by a preview, and stay until it is done`() throws {
        let world = try accountWorld()
        try world.addUser("alice")
        try world.addUser("bob")
        let record = try world.text("/var/lib/opencode-users/alice.json")
        try world.remove("/var/lib/opencode-users/alice.json")
        try world.put("/var/lib/opencode-users/.removing-alice", .file(record).mode(0o600).owned(by: 0))
        let before = try world.snapshot()
        let preview = try world.users("restore", "--dry-run")
        #expect(preview.errors == "[DRY-RUN] Finished the removal of user: alice\n", "\(preview)")
        #expect(try world.snapshot().differences(from: before) == [])
        #expect(try world.users("restore").errors == "[OK] Finished the removal of user: alice\n")
        #expect(try world.entry("/etc/passwd", "alice") == nil && world.entry("/etc/passwd", "bob") != nil)
    }

    @Test func `get another shell and no group where theirs are missing, and keep both in the record`() throws {
        let world = try accountWorld(["/bin/fish": ""])
        try world.addUser("alice", "--shell", "/bin/fish", "--group", "sudo")
        try world.recreate()
        try world.remove("/bin/fish")
        try world.put("/etc/group", .file("root:x:0:\nopencoder:x:1000:\n").owned(by: 0))
        let restored = try world.users("restore")
        #expect(restored.code == 0 && restored.errors.contains("no group sudo"), "\(restored)")
        #expect(try world.entry("/etc/passwd", "alice")?[6] == "/bin/bash")
        _ = try world.users("persist")
        let record = try world.text("/var/lib/opencode-users/alice.json")
        #expect(record.contains("/bin/fish") && record.contains("sudo"))
    }

    @Test func `work on images without shadow and gshadow, and before lines of name services`() throws {
        let world = try accountWorld()
        try world.remove("/etc/shadow")
        try world.remove("/etc/gshadow")
        try world.put("/etc/passwd", .file("root:x:0:0::/:/bin/sh\n+::::::").owned(by: 0))
        try world.put("/etc/group", .file("root:x:0:\n+:::").owned(by: 0))
        try world.addUser("alice")
        let hash = someHash
        #expect(
            try world.text("/etc/passwd")
                == "root:x:0:0::/:/bin/sh\nalice:\(hash):1001:1001::/home/alice:/bin/bash\n+::::::")
        #expect(try world.text("/etc/group") == "root:x:0:\nalice:x:1001:\n+:::")
        #expect(!world.exists("/etc/shadow"))
        #expect(try world.users("remove", "alice", "--force").code == 0)
        #expect(try world.text("/etc/passwd") == "root:x:0:0::/:/bin/sh\n+::::::")
    }

    @Test func `are what pwck, grpck and getent think they are`() throws {
        let world = try accountWorld()
        try world.put("/etc/passwd", .file("root:x:0:0:root:/root:/bin/sh\n").owned(by: 0))
        for name in ["/etc/group", "/etc/gshadow", "/etc/shadow"] as [FilePath] {
            let first = try world.text(name).split(separator: "\n").first.map(String.init) ?? ""
            try world.put(name, .file(first + "\n").owned(by: 0))
        }
        try world.addUser("alice")
        try world.addUser("bob")
        _ = try world.users("lock", "bob")
        for command in [["pwck", "-r", "-q"], ["grpck", "-r"]] {
            let check = try Command.run(command + ["-R", world.root.string])
            #expect(!check.everything.contains("alice") && !check.everything.contains("bob"), "\(check)")
        }
        let status = try Command.run(["passwd", "-S", "bob", "-R", world.root.string])
        #expect(status.output.hasPrefix("bob L ") || status.code != 0, "\(status)")
    }
}

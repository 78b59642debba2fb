import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.rootOnly) struct `The code of the first login` {
    @Test func `is shown once, kept as a hash only, and makes one user (2.13, 19, 23 and 24)`() throws {
        let world = try accountWorld()
        let made = try world.bootstrap("init")
        let code = try #require(made.json["otp"].text)
        #expect(code.wholeMatch(of: /[0-9a-f]{96}/) != nil && !made.errors.contains(code), "\(made)")
        #expect(made.json["ok"].bool == true && made.json["active"].bool == true && made.code == 0)
        #expect(try !world.usersVolumeHolds(code) && world.mode(codeFile) == 0o600 && world.mode(codeLock) == 0o600)
        for words in [["init"], ["status"], ["status", "--include-secret"]] {
            let again = try world.cai(["bootstrap"] + words)
            #expect(again.code == 0 && again.json["active"].bool == true, "\(again)")
            #expect(again.json["otp"] == .null && !again.everything.contains(code), "\(again)")
        }
        let verified = try world.bootstrap("verify", input: request(code))
        #expect(verified.code == 0 && verified.output == "{\"active\":true,\"ok\":true}\n", "\(verified)")
        let second = try world.bootstrap("verify", input: request(code))
        #expect(second.code == 1 && second.json["code"].text == "already_verified", "\(second)")

        let created = try world.bootstrap("create-user", input: request(code, "alice"))
        #expect(created.code == 0, "\(created)")
        #expect(created.output == "{\"created\":true,\"ok\":true,\"username\":\"alice\"}\n")
        let hash = try #require(try world.entry("/etc/shadow", "alice")?[1])
        let script = "import crypt, sys; sys.exit(crypt.crypt(sys.argv[1], sys.argv[2]) != sys.argv[2])"
        #expect(try Command.run(["python3", "-W", "ignore", "-c", script, firstPassword, hash]).code == 0)
        #expect(try world.text("/var/lib/opencode-users/alice.json").contains(hash))
        #expect(
            try world.text(completionFile).contains("\"username\" : \"alice\"") && world.mode(completionFile) == 0o600)
        #expect(!world.exists(codeFile) && world.exists(codeLock))
        for (command, input) in [
            ("create-user", request(code, "bob")), ("verify", request(code)), ("complete", request(code)),
        ] {
            let refused = try world.bootstrap(command, input: input)
            #expect(refused.code == 1 && refused.json["ok"].bool == false, "\(refused)")
            #expect(refused.json["reason"].text == "user_exists" && refused.json["status"].number == 403)
        }
        let over = try world.bootstrap("init")
        #expect(over.code == 0 && over.json["active"].bool == false && over.json["otp"] == .null, "\(over)")
        #expect(try world.entry("/etc/passwd", "bob") == nil)
    }

    @Test func `is not made again where somebody can log in, unless an operator forces it (2.13, 22)`() throws {
        let world = try accountWorld()
        let code = try world.newCode()
        let completed = try world.bootstrap("complete", input: request(code))
        #expect(
            completed.output == "{\"active\":false,\"completed\":true,\"ok\":true,\"username\":\"opencoder\"}\n"
                && completed.code == 0, "\(completed)")
        let before = try world.snapshot()
        let refused = try world.cai("bootstrap", "reset")
        #expect(refused.code == 1 && refused.json["reason"].text == "completed", "\(refused)")
        #expect(try world.cai("bootstrap", "init").json["reason"].text == "completed")
        #expect(try world.snapshot().differences(from: before) == [])

        let forced = try world.newCode("reset", "--force")
        #expect(try world.bootstrap("create-user", input: request(code, "alice")).code == 77)
        #expect(try world.bootstrap("create-user", input: request(forced, "alice")).code == 0)
        #expect(try world.bootstrap("reset").json["reason"].text == "user_exists")
        let more = try world.newCode("reset", "--force")
        #expect(try world.bootstrap("create-user", input: request(more, "bob")).code == 0)
        #expect(try world.bootstrap("create-user", input: request(more, "carol")).code == 1)
        #expect(
            try ["alice", "bob", "carol"].map { try world.entry("/etc/passwd", $0) != nil } == [true, true, false])
    }

    @Test func `is looked at without any trace (2.13, 24)`() throws {
        let world = try accountWorld()
        try world.remove(usersVolume)
        let empty = try world.snapshot()
        let none = try world.cai("bootstrap", "status")
        #expect(none.code == 0 && none.json["reason"].text == "not_initialized", "\(none)")
        #expect(
            try world.cai("bootstrap", "init", "--dry-run").json["actions"].array == [.text("make a one-time code")])
        #expect(try world.snapshot().differences(from: empty) == [])
        _ = try world.newCode()
        try world.put("/etc/passwd", .file(try world.text("/etc/passwd") + "eve:x:1009:1009::/home/eve:/bin/sh\n"))
        let before = try world.snapshot()
        let status = try world.cai("bootstrap", "status")
        #expect(status.json["reason"].text == "user_exists" && status.json["active"].bool == false, "\(status)")
        #expect(try world.cai("bootstrap", "reset", "--force", "--dry-run").json["otp"] == .null)
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `ends after its time, also when the container was started again in between`() throws {
        let world = try accountWorld([
            "/etc/containai/agent.toml": "preset = \"opencode\"\nbootstrap_expiry_seconds = 60\n"
        ])
        let code = try world.newCode()
        try world.setCodeField("expires_at", to: "\"2020-01-01T00:00:00Z\"")
        for command in ["verify", "complete", "create-user"] {
            let refused = try world.bootstrap(command, input: request(code, "alice"))
            #expect(refused.code == 1 && refused.json["reason"].text == "expired", "\(refused)")
        }
        let other = try world.newCode()
        #expect(other != code)
        #expect(try world.bootstrap("verify", input: request(code)).json["code"].text == "otp_invalid")
        #expect(try world.bootstrap("verify", input: request(other)).code == 0)
    }

    @Test func `is dead after too many wrong ones, and the last of them have to wait`() throws {
        let world = try accountWorld(["/etc/containai/agent.toml": "preset = \"opencode\"\nbootstrap_attempts = 20\n"])
        let code = try world.newCode()
        let wrong = try world.bootstrap("verify", input: request(wrongCode))
        #expect(
            wrong.code == 77 && wrong.json["attempts_left"].number == 19 && wrong.json["status"].number == 401,
            "\(wrong)")
        try world.setCodeField("attempts", to: "18")
        try world.setCodeField("failed_at", to: "\"2020-01-01T00:00:00Z\"")
        #expect(try world.bootstrap("verify", input: request(wrongCode)).json["attempts_left"].number == 1)
        let early = try world.bootstrap("verify", input: request(code))
        #expect(early.code == 75 && early.json["code"].text == "too_many_attempts", "\(early)")
        #expect((early.json["retry_after_seconds"].number ?? 0) > 0)
        try world.setCodeField("failed_at", to: "\"2020-01-01T00:00:00Z\"")
        #expect(try world.bootstrap("verify", input: request(wrongCode)).json["attempts_left"].number == 0)
        try world.setCodeField("failed_at", to: "\"2020-01-01T00:00:00Z\"")
        for words in [["verify"], ["create-user"]] {
            let dead = try world.bootstrap(words[0], input: request(code, "alice"))
            #expect(dead.code == 1 && dead.json["reason"].text == "too_many_attempts", "\(dead)")
        }
        let start = try world.bootstrap("init")
        #expect(start.code == 1 && start.json["ok"].bool == false && start.json["otp"] == .null, "\(start)")
        let other = try world.newCode("reset")
        #expect(try world.bootstrap("verify", input: request(other)).code == 0)
    }

    @Test(arguments: [
        ("", 64, "invalid_request"), ("[]", 64, "invalid_request"), ("{\"otp\":1}", 64, "invalid_request"),
        ("{\"otp\":\"OTP\",\"username\":\"alice\"}", 64, "invalid_request"),
        ("{\"otp\":\"OTP\",\"username\":\"\",\"password\":\"x\"}", 64, "invalid_request"),
        (request("OTP", "Upper"), 1, "invalid_username"), (request("OTP", "../x"), 1, "invalid_username"),
        (request("OTP", "a\\nroot"), 1, "invalid_username"), (request("OTP", "opencoder"), 1, "invalid_username"),
        (request("OTP", "alice", password: "Short-pw-1"), 1, "invalid_password"),
        (request("OTP", "alice", password: "onlylowercaseletters"), 1, "invalid_password"),
        (request("OTP", "alice", password: "New\\nline-Password1"), 1, "invalid_password"),
        (request("OTP", "root"), 1, "username_exists"), (request(wrongCode, "Upper"), 77, "otp_invalid"),
    ]) func `refuses a request without repeating it`(_ input: String, _ exit: Int, _ reason: String) throws {
        let world = try accountWorld()
        let code = try world.newCode()
        let before = try world.accountTexts()
        let input = input.replacing("OTP", with: code)
        let refused = try world.bootstrap("create-user", input: input)
        #expect(refused.code == exit && refused.json["code"].text == reason, "\(refused)")
        #expect(refused.json["ok"].bool == false && refused.json["message"].text != nil)
        for secret in [code, firstPassword, "Short-pw-1", "onlylowercaseletters", "line-Password1"] {
            #expect(!refused.everything.contains(secret))
        }
        #expect(try world.accountTexts() == before)
        #expect(try world.bootstrap("create-user", input: request(code, "alice")).code == 0)
    }

    @Test func `is none where its file is damaged, and what was done stays done`() throws {
        let world = try accountWorld([
            "/var/lib/opencode-users/.initial-otp.json": .file("{\"version\":1,").mode(0o600).owned(by: 0)
        ])
        #expect(try world.bootstrap("status").json["reason"].text == "invalid_state")
        let code = try world.newCode()
        #expect(try world.bootstrap("verify", input: request(code)).code == 0)
        try world.put(completionFile, .file("").mode(0o600).owned(by: 0))
        let shut = try world.bootstrap("create-user", input: request(code, "alice"))
        #expect(shut.code == 1 && shut.json["reason"].text == "completed", "\(shut)")
        try world.remove(completionFile)
        try world.put(codeFile, .link("/in/hash"))
        let followed = try world.bootstrap("init")
        #expect(followed.code != 0 && followed.json["code"].text == "unavailable", "\(followed)")
        #expect(try world.text("/in/hash") == someHash + "\n")
    }

    @Test func `is not made where there is the record of a user`() throws {
        let world = try accountWorld(["/var/lib/opencode-users/bob.json": oldRecord("bob")])
        let started = try world.bootstrap("init")
        #expect(started.json["reason"].text == "user_exists" && !world.exists(codeFile), "\(started)")
    }
}

@Suite(.rootOnly) struct `Many askers at once` {
    private static let settings: Item = .file(
        "preset = \"opencode\"\nlock_timeout_seconds = 240\nbootstrap_attempts = 100\n")

    private func run(_ world: World, _ command: String, _ inputs: [String]) throws -> [JSONValue] {
        let asking = try inputs.map { input in
            let program = try Running([cai, "bootstrap", command, "--root", world.root.string])
            program.write(input)
            program.closeInput()
            return program
        }
        return try asking.map { program in
            let answer = JSONValue(line: try program.rest())
            _ = try program.end()
            return answer
        }
    }

    @Test func `have one success, and every wrong code counts`() throws {
        let world = try accountWorld(["/etc/containai/agent.toml": Self.settings])
        let code = try world.newCode()
        let answers = try run(world, "verify", (0..<50).map { request($0 % 2 == 0 ? code : wrongCode) })
        let count = { (reason: String) in answers.count { $0["code"].text == reason } }
        #expect(answers.count { $0["ok"].bool == true } == 1, "\(answers)")
        #expect(count("already_verified") == 24 && count("otp_invalid") == 25, "\(answers)")
        #expect(try world.bootstrap("status").json["attempts_left"].number == 75)
    }

    @Test func `make one user`() throws {
        let world = try accountWorld(["/etc/containai/agent.toml": Self.settings])
        let code = try world.newCode()
        let answers = try run(world, "create-user", (0..<50).map { request(code, "user\($0)") })
        #expect(answers.count { $0["created"].bool == true } == 1, "\(answers)")
        #expect(answers.count { $0["reason"].text == "user_exists" } == 49, "\(answers)")
        #expect(try world.text("/etc/passwd").split(separator: "\n").count { $0.hasPrefix("user") } == 1)
        #expect(try world.users("list").output.split(separator: "\n").count == 1)
    }
}

import CaiTestSupport
import SystemPackage
import Testing

private let prefix = "INITIAL ONE-TIME PASSWORD (IOTP): "

extension Finished {
    /// The codes that a log shows.
    fileprivate var codes: [String] {
        errors.split(separator: "\n").filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
}

@Suite(.rootOnly) struct `The first start` {
    @Test func `shows a code once, which makes one user and is dead in the next container`() throws {
        let world = try accountWorld()
        let preview = try world.cai("init", "--json", "--dry-run")
        #expect(preview.codes.isEmpty && preview.errors.contains("Would make a one-time code"), "\(preview)")
        #expect(!world.exists(codeFile))
        let boot = try world.cai("init", "--json")
        let code = try #require(boot.codes.count == 1 ? boot.codes.first : nil, "\(boot)")
        #expect(boot.errors.contains("\nIssued at (UTC): 2") && !boot.output.contains(code), "\(boot)")
        #expect(boot.outcome("bootstrap") == "ok" && boot.outcome("users") == "ok")
        #expect(try !world.text("/run/containai/boot.json").contains(code) && !world.usersVolumeHolds(code))
        let again = try world.cai("init", "--json")
        #expect(again.codes.isEmpty && again.errors.contains("the one-time code that was shown at"), "\(again)")
        #expect(try world.bootstrap("create-user", input: request(code, "alice")).code == 0)
        try world.recreate()
        let next = try world.cai("init", "--json")
        #expect(try next.codes.isEmpty && world.entry("/etc/passwd", "alice") != nil, "\(next)")
        #expect(next.errors.contains("Bootstrap mode disabled: one or more configured users already exist."))
        #expect(try world.bootstrap("create-user", input: request(code, "bob")).code == 1)
    }

    @Test(arguments: [
        ("environment", ""), ("setting", "bootstrap_code = false\n"), ("users", "manage_users = false\n"),
    ]) func `shows no code where it is not wanted`(_ what: String, _ settings: String) throws {
        let world = try accountWorld(["/etc/containai/agent.toml": .file("preset = \"opencode\"\n" + settings)])
        let variables = ["OPENCODE_BOOTSTRAP_USER": "alice", "OPENCODE_BOOTSTRAP_PASSWORD_HASH": someHash]
        let boot = try world.cai("init", environment: what == "environment" ? variables : [:])
        #expect(boot.codes.isEmpty && !world.exists(codeFile), "\(boot)")
    }

    @Test func `shows another code where it cannot be told that the first was seen (2.13, 20)`() throws {
        let world = try accountWorld()
        let lost = try world.newCode()
        try world.setCodeField("shown", to: "false")
        let boot = try world.cai("init")
        let code = try #require(boot.codes.count == 1 ? boot.codes.first : nil, "\(boot)")
        #expect(try world.bootstrap("verify", input: request(lost)).code == 77)
        #expect(try world.bootstrap("verify", input: request(code)).code == 0)
    }

    @Test func `makes no code where one record is unusable and another is not (2.13, 11)`() throws {
        let world = try accountWorld(["/var/lib/opencode-users/bad.json": .file("{").owned(by: 0)])
        #expect(try world.cai("init").codes.count == 1)
        try world.put("/var/lib/opencode-users/bob.json", oldRecord("bob"))
        let boot = try world.cai("init")
        #expect(boot.codes.isEmpty && !world.exists(codeFile), "\(boot)")
    }

    @Test func `keeps the end of the setup wherever the directory of the users lies (2.13, 25)`() throws {
        let world = try accountWorld([
            "/etc/containai/agent.toml": "preset = \"opencode\"\nusers_directory = \"/data/users\"\n",
            "/data": ([:] as Item).owned(by: 0),
        ])
        let code = try #require(try world.cai("init").codes.first)
        #expect(try world.bootstrap("complete", input: request(code)).code == 0)
        try world.recreate()
        try world.remove("/run")
        let next = try world.cai("init")
        #expect(next.codes.isEmpty && world.exists("/data/users/.bootstrap-complete.json"), "\(next)")
    }

    @Test func `says that a dead code stays dead`() throws {
        let world = try accountWorld()
        _ = try world.newCode()
        try world.bootstrap("verify", input: request(wrongCode)).json["ok"].bool.map { #expect(!$0) }
        try world.setCodeField("attempts", to: "10")
        let boot = try world.cai("init", "--json")
        #expect(boot.codes.isEmpty && boot.outcome("bootstrap") == "degraded", "\(boot)")
        #expect(boot.errors.contains("cai bootstrap reset"))
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.rootOnly) struct `opencode-cloud-bootstrap` {
    @Test func `is this program under that name: one JSON line, and exit code 0 always`() throws {
        let world = try accountWorld()
        let first = try world.helper("init")
        let code = try #require(first.json["otp"].text)
        #expect(first.code == 0 && first.errors.isEmpty && first.json["created_at"].text != nil, "\(first)")
        #expect(try world.text(clearFile) == code && world.mode(clearFile) == 0o600 && world.mode(codeFile) == 0o600)
        let state = try #require(JSONValue(parsing: try world.text(codeFile)))
        #expect(state["version"].number == 1 && state["active"].bool == true)
        #expect(state["salt"].text?.count == 32 && state["otp_hash"].text?.count == 64)
        #expect(try world.helper("init").json["otp"].text == code)
        #expect(try world.helper("status").json == first.json.without(["otp"]))
        #expect(try world.helper("status", "--include-secret").json["otp"].text == code)
        for _ in 0..<2 {
            #expect(try world.helper("verify", input: request(code)).output == "{\"active\":true,\"ok\":true}\n")
        }
        for _ in 0..<12 {
            let wrong = try world.helper("verify", input: request(wrongCode))
            #expect(wrong.code == 0 && wrong.errors.isEmpty, "\(wrong)")
            #expect(wrong.json["code"].text == "otp_invalid" && wrong.json["status"].number == 401)
        }
        #expect(try world.helper("verify", input: "nonsense").json["code"].text == "invalid_request")
        let created = try world.helper("create-user", input: request(code, "alice"))
        #expect(created.code == 0 && created.json["created"].bool == true, "\(created)")
        #expect(!world.exists(clearFile) && !world.exists(codeFile) && world.exists(codeLock))
        let over = try world.helper("complete", input: request(code))
        #expect(over.code == 0 && over.json["ok"].bool == true && over.json["reason"].text == "user_exists", "\(over)")
        #expect(try world.helper("reset").json["otp"].text != nil && !world.exists(completionFile))
        #expect(try world.helper("create-user", input: request(code, "bob")).json["reason"].text == "user_exists")
    }

    @Test(arguments: [[], ["nonsense"], ["--help"]])
    func `tells how it is used where it does not know the command`(_ words: [String]) throws {
        let world = try accountWorld(["/in/opencode-cloud-bootstrap": .link(Command.binary)])
        let run = try Command.run([world.path("/in/opencode-cloud-bootstrap").string] + words)
        #expect(run.code == 1 && run.output.isEmpty && run.errors.contains("create-user"), "\(run)")
    }

    @Test func `answers in its way where the machine does not let it work`() throws {
        let world = try accountWorld([
            "/var/lib/opencode-users": ([:] as Item).mode(0o777).owned(by: 1000)
        ])
        let run = try world.helper("init")
        #expect(run.code == 0 && run.json["ok"].bool == false && run.json["code"].text == "unavailable", "\(run)")
    }

    /// A code as the predecessors' helper left it.
    private func predecessors(_ code: String) throws -> [FilePath: Item] {
        let salt = String(repeating: "ab", count: 16)
        let sum = try Command.run(["sh", "-c", "printf %s \"$1\" | sha256sum", "sh", "\(salt):\(code)"]).output.prefix(
            64)
        return [
            codeFile: .file(
                "{\"version\":1,\"active\":true,\"created_at\":\"2026-01-01T00:00:00Z\",\"salt\":\"\(salt)\",\"otp_hash\":\"\(sum)\"}\n"
            ).mode(0o600).owned(by: 0),
            clearFile: .file(code).mode(0o600).owned(by: 0),
        ]
    }

    @Test func `has files that both ways read, and the code in clear goes with the first start of ours`() throws {
        let code = String(repeating: "5a", count: 48)
        let world = try accountWorld([
            "/etc/containai/agent.toml": "preset = \"opencode\"\nbootstrap_expiry_seconds = 0\n"
        ])
        for (file, item) in try predecessors(code) { try world.put(file, item) }
        #expect(try world.helper("init").json["otp"].text == code)
        #expect(try world.helper("verify", input: request(code)).json["active"].bool == true)
        let taken = try world.bootstrap("init")
        #expect(taken.code == 0 && taken.json["active"].bool == true && !world.exists(clearFile), "\(taken)")
        #expect(try world.bootstrap("verify", input: request(wrongCode)).json["attempts_left"].number == 9)
        #expect(try world.helper("status", "--include-secret").json["otp"] == .null)
        #expect(try world.helper("create-user", input: request(code, "alice")).json["created"].bool == true)
    }

    @Test func `holds a code of ours to its limits, and a code in clear to its hash`() throws {
        let world = try accountWorld()
        let code = try world.newCode()
        try world.setCodeField("expires_at", to: "\"2020-01-01T00:00:00Z\"")
        let late = try world.helper("verify", input: request(code))
        #expect(late.code == 0 && late.json["reason"].text == "expired", "\(late)")
        try world.put(clearFile, .file(wrongCode).mode(0o600).owned(by: 0))
        #expect(try world.helper("status").json["reason"].text == "invalid_secret")
        let other = try world.helper("init").json["otp"].text
        #expect(try other != nil && other == world.text(clearFile))
    }
}

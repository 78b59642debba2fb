import CaiTestSupport
import SystemPackage
import Testing

@Suite(.rootOnly, .needs("curl"), .needs("setpriv")) struct `Users over the agent socket` {
    private func post(_ world: World, _ path: String, _ content: String, as wrapper: [String] = []) throws -> Answer {
        try world.put("/content", .file(content).mode(0o644))
        return try world.ask(path, "--data-binary", "@\(world.path("/content").string)", wrapper: wrapper)
    }

    @Test func `are made with the code of the first login, and no secret is in the log`() throws {
        let world = try accountWorld(["/run": [:]])
        let service = try Service(world).ready()
        let code = try world.newCode()
        #expect(try world.ask("/v1/bootstrap").body["active"].bool == true)
        let wrong = try post(world, "/v1/bootstrap/verify", request(wrongCode))
        #expect(wrong.status == "401" && wrong.body["error"]["code"].text == "otp_invalid", "\(wrong)")
        #expect(wrong.body["code"].text == "otp_invalid" && wrong.body["ok"].bool == false)
        #expect(try post(world, "/v1/bootstrap/verify", request(code)).status == "200")
        let weak = try post(world, "/v1/bootstrap/create-user", request(code, "alice", password: "Weak-pass-1"))
        #expect(weak.status == "400" && weak.body["code"].text == "invalid_password", "\(weak)")
        let made = try post(world, "/v1/bootstrap/create-user", request(code, "alice"))
        #expect(made.status == "200" && made.body["username"].text == "alice", "\(made)")
        let late = try post(world, "/v1/bootstrap/create-user", request(code, "bob"))
        #expect(late.status == "403" && late.body["reason"].text == "user_exists", "\(late)")

        let added = try post(world, "/v1/users", "{\"username\":\"bob\",\"generate\":true,\"uid\":1234}")
        let generated = try #require(added.body["password"].text, "\(added)")
        _ = try post(world, "/v1/users/passwd", "{\"username\":\"bob\",\"password\":\"Another-horse-8\"}")
        _ = try post(world, "/v1/users?dry-run", "{\"username\":\"carol\",\"password\":\"Another-horse-8\"}")
        let list = try world.ask("/v1/users").body.array
        #expect(list.map { $0["username"].text } == ["alice", "bob"] && list.last?["uid"].number == 1234)
        #expect(!"\(list)".contains("$y$"))
        let locked = try world.ask("/v1/users/lock?name=bob", "--request", "POST")
        #expect(try locked.status == "200" && world.entry("/etc/shadow", "bob")?[1].hasPrefix("!$") == true)
        #expect(try world.ask("/v1/users/remove?name=bob", "--request", "POST").status == "200")
        let last = try world.ask("/v1/users/remove?name=alice", "--request", "POST")
        #expect(last.status == "422" && last.body["error"]["code"].text == "refused", "\(last)")

        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest() + service.program.rest()
        for secret in [code, wrongCode, firstPassword, "Weak-pass-1", generated, "Another-horse-8", "$y$"] {
            #expect(!log.contains(secret), "\(log)")
        }
    }

    @Test func `are root's business, whoever else may use the socket`() throws {
        let world = try accountWorld(["/run": [:]])
        let service = try Service(world).ready()
        let code = try world.newCode()
        let before = try world.accountTexts()
        #expect(try world.ask("/v1/health", wrapper: asUser(1000)).status != "403")
        for (method, path) in [
            ("GET", "/v1/users"), ("HEAD", "/v1/users"), ("GET", "/v1/users/lint"), ("GET", "/v1/bootstrap"),
            ("POST", "/v1/users/restore"), ("POST", "/v1/users/remove?name=alice&force"),
            ("POST", "/v1/users?nonsense"),
        ] {
            let options = method == "HEAD" ? ["--head"] : ["--request", method]
            let run = try Command.run(
                asUser(1000) + ["curl", "--silent", "--unix-socket", world.agentSocket.string] + options
                    + ["--write-out", "%{stderr}%{http_code}", "http://cai\(path)"])
            #expect(run.errors == "403", "\(method) \(path) \(run)")
            if method != "HEAD" { #expect(run.json["error"]["code"].text == "root_only") }
        }
        let asked = try post(world, "/v1/bootstrap/create-user", request(code, "alice"), as: asUser(1000))
        #expect(asked.status == "403" && asked.body["error"]["code"].text == "root_only", "\(asked)")
        #expect(try world.accountTexts() == before)
        #expect(try world.bootstrap("status").json["attempts_left"].number == 10)
        #expect(try service.stop() == .exited(0))
    }

    @Test(arguments: [
        ("[]", "JSON object"), ("{\"username\":\"x\"}", "password"), ("{\"password\":\"Secret-horse-1\"}", "username"),
        ("{\"username\":\"x\",\"password\":\"Secret-horse-1\",\"generate\":true}", "one of"),
        ("{\"username\":\"x\",\"password\":\"Secret-horse-1\",\"group\":\"sudo\"}", "key"),
        ("{\"username\":\"x\",\"password\":\"Secret-horse-1\",\"groups\":\"sudo\"}", "groups"),
        ("{\"username\":\"x\",\"password\":\"Secret-horse-1\",\"uid\":-1}", "uid"),
    ]) func `are not made from a content that means something else`(_ content: String, _ words: String) throws {
        let world = try accountWorld(["/run": [:]])
        let service = try Service(world).ready()
        let before = try world.accountTexts()
        let answer = try post(world, "/v1/users", content)
        #expect(answer.status == "400" && answer.body["error"]["message"].text?.contains(words) == true, "\(answer)")
        #expect(try !"\(answer.body)".contains("Secret-horse") && world.accountTexts() == before)
        #expect(try service.stop() == .exited(0))
    }
}

import CaiTestSupport
import FoundationEssentials
import Glibc
import SystemPackage
import Testing

/// The description of the API that is part of the repository.
private struct Description {
    let document: JSONValue

    init() throws {
        let path = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("openapi.json")
        document = JSONValue(line: try Files.text(path))
        try #require(document["openapi"].text == "3.1.0")
    }

    /// Path, method, status; the last is missing for the answer to what nobody foresaw.
    var operations: [(path: String, method: String, statuses: [String: JSONValue], query: [String])] {
        document["paths"].members.flatMap { path, methods in
            methods.members.map { method, operation in
                (
                    path, method.uppercased(),
                    Dictionary(uniqueKeysWithValues: operation["responses"].members.filter { $0.key != "default" }),
                    operation["parameters"].array.compactMap { $0["name"].text }
                )
            }
        }
    }

    func responses(_ path: String, _ method: String) -> JSONValue {
        document["paths"][path][method.lowercased()]["responses"]
    }

    /// What is wrong with a value, by the parts of JSON Schema that the description uses.
    func problems(_ value: JSONValue, _ schema: JSONValue, at place: String = "$") -> [String] {
        if let reference = schema["$ref"].text {
            let name = String(reference.split(separator: "/").last ?? "")
            return problems(value, document["components"]["schemas"][name], at: place)
        }
        var found: [String] = []
        let types = schema["type"].text.map { [$0] } ?? schema["type"].array.compactMap(\.text)
        if !types.isEmpty, !types.contains(where: { value.isOf($0) }) { return ["\(place) is no \(types)"] }
        if !schema["enum"].array.isEmpty, !schema["enum"].array.contains(value) { found.append("\(place) is \(value)") }
        if case .array(let items) = value, schema["items"] != .null {
            found += items.enumerated().flatMap { problems($1, schema["items"], at: "\(place)[\($0)]") }
        }
        guard case .object(let members) = value else { return found }
        for name in schema["required"].array.compactMap(\.text) where members[name] == nil {
            found.append("\(place).\(name) is missing")
        }
        for (name, member) in members {
            let known = schema["properties"][name]
            if known != .null {
                found += problems(member, known, at: "\(place).\(name)")
            } else if schema["additionalProperties"] == .bool(false) {
                found.append("\(place).\(name) is not described")
            } else if case .object = schema["additionalProperties"] {
                found += problems(member, schema["additionalProperties"], at: "\(place).\(name)")
            }
        }
        return found
    }
}

extension JSONValue {
    fileprivate var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }

    fileprivate func isOf(_ type: String) -> Bool {
        switch (type, self) {
        case ("null", .null), ("boolean", .bool), ("string", .text), ("array", .array), ("object", .object): true
        case ("integer", .number(let number)): number == number.rounded()
        case ("number", .number): true
        default: false
        }
    }
}

/// One request and what has to be its answer.
private struct Case: Sendable {
    let method: String
    let path: String
    let query: String
    let status: String
    let options: [String]

    init(_ method: String, _ path: String, _ status: String, _ query: String = "", _ options: [String] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.status = status
        self.options = options
    }
}

@Suite(.rootOnly, .needs("curl"), .needs("setpriv")) struct `openapi.json` {
    @Test func `has the routes that the service has, with what may be in their queries`() throws {
        let described = try Description().operations.map {
            "\($0.method) \($0.path) \($0.query.sorted().joined(separator: ","))"
        }
        let routes = try Command.cai("serve", "--routes")
        #expect(
            routes.code == 0 && routes.output.split(separator: "\n").map(String.init).sorted() == described.sorted())
    }

    /// Every status of every route is brought about once, and its content held against the schema.
    @Test func `describes every answer that there is`() throws {
        let description = try Description()
        var seen: Set<String> = []
        func check(_ world: World, _ example: Case, as wrapper: [String] = []) throws {
            let body = world.root.appending("body").string
            try Files.write([], to: FilePath(body))
            chmod(body, 0o666)
            let run = try Command.run(
                wrapper + ["curl", "--silent", "--max-time", "50", "--unix-socket", world.agentSocket.string]
                    + ["--request", example.method, "--output", body]
                    + ["--write-out", "%{http_code} %{content_type}", "http://cai\(example.path)\(example.query)"]
                    + example.options)
            let answer = run.output.split(separator: " ", maxSplits: 1).map(String.init)
            #expect(answer.first == example.status, "\(example) \(run) \((try? Files.text(FilePath(body))) ?? "")")
            seen.insert("\(example.method) \(example.path) \(example.status)")
            let type = String((answer.last ?? "").prefix { $0 != ";" })
            let content = description.responses(example.path, example.method)[example.status]["content"]
            #expect(content[type] != .null, "\(example): \(type) is not described")
            guard type == "application/json" else { return }
            let document = JSONValue(line: try Files.text(FilePath(body)))
            #expect(description.problems(document, content[type]["schema"]) == [], "\(example)")
        }

        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let good = world.root.appending("good.tar").string
        var tar = TarBuilder()
        tar.add(".claude/skills/one/skill.md", .file, "skill\n")
        try Files.write(tar.finished, to: FilePath(good))
        let index = world.root.appending("index").string
        try Files.write(Array("cai-index 1\nD 755 .claude\0F 644 3 5 - CLAUDE.md\0".utf8), to: FilePath(index))
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let content = ["--data-binary", "@\(good)"]
        for (path, method) in description.operations.map({ ($0.path, $0.method) }) {
            try check(world, Case(method, path, "400", "?nonsense"))
            try check(world, Case(method, path, "403"), as: asUser(1234))
        }
        try Files.remove(world.home.appending(".claude/settings.json"))
        try check(world, Case("GET", "/v1/health", "503"))
        try check(world, Case("POST", "/v1/links/repair", "200"))
        try check(world, Case("GET", "/v1/health", "200"))
        for path in ["/v1/status", "/v1/links", "/v1/plan", "/v1/export", "/v1/persistence", "/metrics"] {
            try check(world, Case("GET", path, "200"))
        }
        try check(world, Case("GET", "/v1/events", "200", "", ["--max-time", "1"]))
        try check(world, Case("POST", "/v1/import", "200", "?layout=home", content))
        try check(
            world,
            Case("POST", "/v1/import", "200", "?layout=home", content + ["--header", "Accept: application/x-ndjson"]))
        try check(world, Case("POST", "/v1/plan", "200", "", ["--data-binary", "@\(index)"]))
        try world.saveByRename("home/agent/.claude/CLAUDE.md", "saved\n")
        try check(world, Case("POST", "/v1/sync", "200"))
        var newer = TarBuilder()
        newer.add(".claude/skills/one/skill.md", .file, "another skill\n")
        try Files.write(newer.finished, to: FilePath(good))
        try check(world, Case("POST", "/v1/import", "200", "?layout=home", content))
        try check(world, Case("POST", "/v1/undo", "200"))
        try check(world, Case("POST", "/v1/undo", "404", "?id=nothing"))

        // What cannot be done.
        try world.put("home/agent/.config/containai/config.toml", "[env]\nimport = [\"A\"]\nenv_file = \"/absolute\"\n")
        try check(world, Case("POST", "/v1/import", "422", "?layout=home", content))
        try Files.remove(world.home.appending(".zshrc"))
        try world.put("home/agent/.zshrc/inside", "a directory where a file belongs\n")
        try check(world, Case("POST", "/v1/sync", "422"))
        try Files.remove(world.home.appending(".zshrc"))
        try world.put("home/agent/.zshrc", .fifo)
        try check(world, Case("POST", "/v1/links/repair", "422"))
        chown(world.volume.appending("claude/skills/one").string, 0, 0)
        try check(world, Case("POST", "/v1/undo", "422"))

        // As many as may are at it.
        let slow = try (0..<4).map { _ in
            let client = try LocalClient(to: world.agentSocket)
            client.send("POST /v1/import HTTP/1.1\r\nHost: cai\r\nContent-Length: 10240\r\n\r\nx")
            return client
        }
        while try world.ask("/v1/status").body["running"]["import"].number != 4 {}
        for (method, path) in jobs + accountJobs { try check(world, Case(method, path, "429")) }
        slow.forEach { $0.finishSending() }
        let listeners = try (0..<64).map { _ in
            let client = try LocalClient(to: world.agentSocket)
            client.send("GET /v1/events HTTP/1.1\r\nHost: cai\r\n\r\n")
            _ = try client.upTo(": listening")
            return client
        }
        try check(world, Case("GET", "/v1/events", "429"))
        withExtendedLifetime(listeners) {}
        #expect(try service.stop() == .exited(0))

        // Without a volume, and with less room.
        try world.remove("mnt/agent-data")
        try world.put("etc/containai/agent.toml", "request_max_bytes = 10\n")
        let bare = try Service(world).ready()
        for (method, path) in jobs + [("GET", "/v1/links"), ("GET", "/v1/plan")] {
            let small = ["/v1/import", "/v1/plan"].contains(path) && method == "POST"
            let tiny = path == "/v1/plan" ? ["--data-binary", "x"] : ["--data-binary", "0"]
            if path == "/v1/plan", method == "POST" { continue }
            try check(world, Case(method, path, "503", "", small ? tiny : []))
        }
        for path in ["/v1/import", "/v1/plan"] { try check(world, Case("POST", path, "413", "", content)) }
        #expect(try bare.stop() == .exited(0))
        try world.put("etc/containai/agent.toml", "")
        let again = try Service(world).ready()
        try check(world, Case("POST", "/v1/plan", "503", "", ["--data-binary", "@\(index)"]))
        #expect(try again.stop() == .exited(0))

        try askAboutAccounts { try check($0, $1) }

        let described = description.operations.flatMap { operation in
            operation.statuses.keys.map { "\(operation.method) \(operation.path) \($0)" }
        }
        #expect(seen == Set(described), "\(seen.symmetricDifference(described).sorted())")
    }

    /// Every answer about who may log in.
    private func askAboutAccounts(_ check: (World, Case) throws -> Void) throws {
        // Without the watcher of account files, which would put a bad record aside before it is asked about.
        let settings = "preset = \"opencode\"\nmanage_users = false\n"
        let world = try accountWorld(["run": [:], "/etc/containai/agent.toml": .file(settings)])
        let service = try Service(world).ready()
        func content(_ text: String) throws -> [String] {
            try world.put("content", .file(text))
            return ["--data-binary", "@\(world.root.appending("content").string)"]
        }
        let code = try world.newCode()
        for word in ["verify", "complete", "create-user"] {
            let path = "/v1/bootstrap/\(word)"
            try check(world, Case("POST", path, "400", "", content("nonsense")))
            try check(world, Case("POST", path, "401", "", content(request(wrongCode, "alice"))))
            try check(world, Case("POST", path, "413", "", content(String(repeating: "x", count: 70_000))))
        }
        try check(world, Case("GET", "/v1/bootstrap", "200"))
        try check(world, Case("POST", "/v1/bootstrap/verify", "200", "", content(request(code))))
        try check(world, Case("POST", "/v1/bootstrap/verify", "409", "", content(request(code))))
        try check(world, Case("POST", "/v1/bootstrap/create-user", "409", "", content(request(code, "root"))))
        try check(world, Case("POST", "/v1/bootstrap/create-user", "200", "", content(request(code, "alice"))))
        for word in ["verify", "complete", "create-user"] {
            try check(world, Case("POST", "/v1/bootstrap/\(word)", "403", "", content(request(code, "bob"))))
        }
        let forced = try world.newCode("reset", "--force")
        try check(world, Case("POST", "/v1/bootstrap/complete", "200", "", content(request(forced))))

        let bob = "{\"username\":\"bob\",\"generate\":true,\"groups\":[\"sudo\"]}"
        try check(world, Case("POST", "/v1/users", "200", "", content(bob)))
        try check(world, Case("POST", "/v1/users", "422", "", content(bob)))
        try check(world, Case("GET", "/v1/users", "200"))
        try check(world, Case("GET", "/v1/users/lint", "200"))
        try check(world, Case("POST", "/v1/users/passwd", "200", "", content(bob)))
        try check(world, Case("POST", "/v1/users/passwd", "422", "", content(bob.replacing("bob", with: "eve"))))
        for path in ["/v1/users", "/v1/users/passwd"] {
            try check(world, Case("POST", path, "413", "", content(String(repeating: "x", count: 70_000))))
        }
        for word in ["lock", "unlock", "remove"] {
            try check(world, Case("POST", "/v1/users/\(word)", "200", "?name=bob"))
            try check(world, Case("POST", "/v1/users/\(word)", "422", "?name=nobody"))
        }
        for word in ["persist", "restore"] {
            try check(world, Case("POST", "/v1/users/\(word)", "200"))
            try world.put("/var/lib/opencode-users/bad.json", .file("{").owned(by: 0))
            try check(world, Case("POST", "/v1/users/\(word)", "422"))
        }
        try world.put("etc/containai/agent.toml", "nonsense")
        for (method, path) in accountJobs {
            let isNamed = ["lock", "unlock", "remove"].contains { path.hasSuffix("/\($0)") }
            try check(world, Case(method, path, "503", isNamed ? "?name=alice" : "", content(bob)))
        }
        for path in ["/v1/users", "/v1/users/lint", "/v1/bootstrap"] { try check(world, Case("GET", path, "503")) }
        #expect(try service.stop() == .exited(0))
    }

    private let accountJobs =
        ["", "/passwd", "/lock", "/unlock", "/remove", "/persist", "/restore"].map { ("POST", "/v1/users\($0)") }
        + ["verify", "complete", "create-user"].map { ("POST", "/v1/bootstrap/\($0)") }

    /// What needs a place.
    private let jobs = [
        ("POST", "/v1/links/repair"), ("POST", "/v1/sync"), ("POST", "/v1/undo"), ("POST", "/v1/import"),
        ("POST", "/v1/plan"), ("GET", "/v1/export"),
    ]
}

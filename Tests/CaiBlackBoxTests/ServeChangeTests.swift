import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// An archive of a home, as a host would send it.
private func archive(_ marker: String = "first") -> TarBuilder {
    var tar = TarBuilder()
    tar.add(".claude/settings.json", .file, #"{"model":"\#(marker)"}"#)
    tar.add(".claude/skills/one/skill.md", .file, "skill \(marker)\n")
    tar.add(".claude/.credentials.json", .file, #"{"token":"\#(marker)"}"#)
    return tar
}

/// What is different on a volume; that something was staged and removed again shows in the time of one directory.
private func changes(of world: World, since before: Snapshot) throws -> [String] {
    try Snapshot(of: world.volume).differences(from: before).filter { !$0.hasPrefix(".containai: mtime") }
}

extension World {
    /// Posts an archive.
    func post(_ archive: [UInt8], _ path: String = "/v1/import", _ options: String...) throws -> Answer {
        let file = root.appending("posted")
        try Files.write(archive, to: file)
        let run = try Command.run(
            ["curl", "--silent", "--unix-socket", agentSocket.string, "--write-out", "%{stderr}%{http_code}"]
                + ["http://cai\(path)", "--data-binary", "@\(file)"] + options)
        return Answer(status: run.errors, body: run.json, run: run)
    }
}

@Suite(.needs("curl")) struct `An archive that is posted to cai serve` {
    @Test func `is imported: the files are the owner's, links lead to them, and it can be undone`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        let answer = try world.post(archive().finished)
        #expect(answer.status == "200" && answer.body["command"].text == "import", "\(answer.run)")
        #expect(try world.text("home/agent/.claude/settings.json").contains("first"))
        #expect(try world.text("mnt/agent-data/claude/skills/one/skill.md") == "skill first\n")
        #expect(try world.mode("mnt/agent-data/claude/.credentials.json") == 0o600)
        #expect(world.link("home/agent/.claude/skills") == "/mnt/agent-data/claude/skills")
        if World.isRoot {
            for path in ["claude/skills/one/skill.md", "claude/settings.json", ".containai-imported-at"] {
                #expect(try #require(try Files.status(world.volume.appending(path))).st_uid == World.agent)
            }
        }
        let second = try world.post(archive().finished)
        #expect(second.status == "200" && second.body["steps"].array.isEmpty, "\(second.run)")
        _ = try world.post(archive("second").finished)
        let run = try #require(
            world.ask("/v1/undo?dry-run", "--request", "POST").body["steps"].array.first?["run"].text)
        let undone = try world.ask("/v1/undo?id=\(run)", "--request", "POST")
        #expect(undone.status == "200", "\(undone.run)")
        #expect(try world.text("mnt/agent-data/claude/skills/one/skill.md") == "skill first\n")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `takes the options of the command in its query, and no others`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let preview = try world.post(archive().finished, "/v1/import?dry-run=true&layout=home")
        #expect(preview.status == "200" && preview.body["dry_run"].bool == true, "\(preview.run)")
        #expect(!world.exists("mnt/agent-data/claude"))
        let safe = try world.post(archive().finished, "/v1/import?no-secrets&layout=home&delete=false")
        #expect(safe.status == "200", "\(safe.run)")
        #expect(!(try world.text("mnt/agent-data/claude/.credentials.json").contains("first")))
        for query in ["nosecrets", "layout=house", "dry-run=maybe", "dry-run&dry-run", "from=/etc", "config=/etc/x"] {
            let answer = try world.post(archive().finished, "/v1/import?\(query)")
            #expect(answer.status == "400" && answer.body["error"]["message"].text != nil, "\(query) \(answer.run)")
        }
        withExtendedLifetime(service) {}
    }

    @Test func `is told of line by line to who asks for that`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        let answer = try world.post(archive().finished, "/v1/import", "--header", "Accept: application/x-ndjson")
        let lines = answer.run.output.split(separator: "\n").map { JSONValue(line: $0) }
        #expect(lines.last?["result"]["command"].text == "import", "\(answer.run)")
        #expect(lines.dropLast().contains { $0["path"].text == "/mnt/agent-data/claude/settings.json" })
        let broken = try world.post([1, 2, 3], "/v1/import", "--header", "Accept: application/x-ndjson")
        #expect(JSONValue(line: Substring(broken.run.output))["error"]["code"].text == "bad_request", "\(broken.run)")
        withExtendedLifetime(service) {}
    }

    @Test func `changes nothing and leaves nothing when it is damaged, too large, or something else`() throws {
        let world = try World(["run": [:], "etc/containai/agent.toml": "request_max_bytes = 100000\n"])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let before = try Snapshot(of: world.volume)
        var large = archive()
        large.add(".claude/skills/large", .file, String(repeating: "x", count: 200_000))
        for (content, status) in [
            (archive().bytes, "400"), (Array(archive().finished.dropLast(2000)), "400"), ([], "400"),
            (Array("nonsense".utf8), "400"), (large.finished, "413"),
        ] {
            let answer = try world.post(content)
            #expect(answer.status == status, "\(answer.run)")
        }
        // A content whose length nobody says is only found out while it comes.
        let chunked = try world.post(large.finished, "/v1/import", "--header", "Transfer-Encoding: chunked")
        #expect(chunked.status == "413" || chunked.status == "400", "\(chunked.run)")
        #expect(try changes(of: world, since: before) == [])
        #expect(try world.ask("/v1/status").status == "200")
        withExtendedLifetime(service) {}
    }

    /// Of a plain tar the end mark may have come, of one with a list of its length the end of the request has not.
    @Test func `changes nothing and leaves nothing when the client goes before its end`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let before = try Snapshot(of: world.volume)
        let content = archive().finished
        let heads = [
            "Content-Length: \(content.count + 1)\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n\(String(content.count, radix: 16))\r\n",
        ]
        for head in heads {
            for count in [0, 1, 512, 1024, content.count - 1024, content.count] {
                for waits in [true, false] {
                    let client = try LocalClient(to: world.agentSocket)
                    client.send("POST /v1/import HTTP/1.1\r\nHost: cai\r\n" + head)
                    client.send(content.prefix(count))
                    if waits {
                        client.finishSending()
                        #expect(!(try client.rest().hasPrefix("HTTP/1.1 200")))
                    }
                }
            }
        }
        // Whoever did not wait is gone when nothing is worked on any more.
        while try world.ask("/v1/status").body["running"] != .object([:]) {}
        #expect(try changes(of: world, since: before) == [])
        let after = try world.post(content)
        #expect(after.status == "200", "\(after.run)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `has a place only while who sends it does so`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world, environment: ["CAI_CLIENT_PATIENCE_SECONDS": "1"]).ready()
        let slow = try (0..<4).map { _ in
            let client = try LocalClient(to: world.agentSocket)
            client.send("POST /v1/import HTTP/1.1\r\nHost: cai\r\nContent-Length: 10240\r\n\r\nx")
            return client
        }
        // Nobody ends these connections but the service, which looks when a byte comes.
        for client in slow {
            while client.send("x"), try world.ask("/v1/status").body["running"]["import"].number ?? 0 > 0 {}
        }
        #expect(try world.post(archive().finished).status == "200")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `is answered with 429 while as many as may are being received, and taken afterwards`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        let slow = try (0..<4).map { _ in
            let client = try LocalClient(to: world.agentSocket)
            client.send("POST /v1/import HTTP/1.1\r\nHost: cai\r\nContent-Length: 10240\r\n\r\nx")
            return client
        }
        while try world.ask("/v1/status").body["running"]["import"].number != 4 {}
        let refused = try world.post(archive().finished, "/v1/import", "--include")
        #expect(refused.status == "429" && refused.run.output.lowercased().contains("retry-after: 1"), "\(refused.run)")
        #expect(try world.ask("/v1/links").status == "200")
        slow.forEach { $0.finishSending() }
        while try world.ask("/v1/status").body["running"] != .object([:]) {}
        #expect(try world.post(archive().finished).status == "200")
        #expect(try service.stop() == .exited(0))
    }
}

@Suite(.needs("curl")) struct `An export of cai serve` {
    @Test func `has a place only while somebody takes it`() throws {
        let world = try World(["run": [:], "mnt/agent-data/claude": [:]])
        // More than the kernel and the service hold for one who does not read, and not to be compressed.
        var state: UInt64 = 88_172_645_463_325_252
        let noise = (0..<(1 << 20)).map { _ -> UInt64 in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        try Files.write(noise.withUnsafeBytes { Array($0) }, to: world.volume.appending("claude/noise"))
        let service = try Service(world, environment: ["CAI_CLIENT_PATIENCE_SECONDS": "1"]).ready()
        let silent = try (0..<4).map { _ in
            let client = try LocalClient(to: world.agentSocket)
            client.send("GET /v1/export HTTP/1.1\r\nHost: cai\r\n\r\n")
            return client
        }
        for client in silent { #expect(try client.upTo("\r\n\r\n").hasPrefix("HTTP/1.1 200")) }
        while try world.ask("/v1/status").body["running"] != .object([:]) {}
        // What came is cut off where nobody took it.
        for client in silent { #expect(!(try client.rest().hasSuffix("\r\n\r\n"))) }
        let whole = try Command.run(
            [
                "sh", "-c",
                "curl --fail --silent --unix-socket '\(world.agentSocket)' http://cai/v1/export | tar -tzf - | grep -c noise",
            ])
        #expect(whole.output == "1\n", "\(whole)")
        #expect(try service.stop() == .exited(0))
    }
}

@Suite(.needs("curl")) struct `cai serve does the work of` {
    @Test func `cai links, cai persistence and cai sync, with the same answers`() throws {
        let world = try World(["run": [:], "home/agent/.claude/CLAUDE.md": "mine\n"])
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        #expect(try world.ask("/v1/links").body == world.cai("links", "check", "--json").json)
        #expect(try world.ask("/v1/persistence").body == world.cai("persistence", "check", "--json").json)
        let preview = try world.ask("/v1/sync?dry-run", "--request", "POST")
        #expect(preview.body == (try world.cai("sync", "--dry-run", "--json").json), "\(preview.run)")
        let synced = try world.ask("/v1/sync", "--request", "POST")
        #expect(synced.status == "200" && synced.body["summary"]["synced"].number == 1, "\(synced.run)")
        #expect(try world.text("mnt/agent-data/claude/CLAUDE.md") == "mine\n")
        let repaired = try world.ask("/v1/links/repair", "--request", "POST")
        #expect(repaired.status == "200" && repaired.body["summary"]["missing"].number ?? 0 > 0, "\(repaired.run)")
        #expect(try world.ask("/v1/links").body["summary"]["missing"].number == 0)
        #expect(try world.ask("/v1/undo?id=nothing", "--request", "POST").status == "404")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `cai export, as a stream that can be imported elsewhere`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        #expect(try world.post(archive().finished).status == "200")
        for format in ["tgz", "tar.zst"] {
            let file = world.root.appending("exported")
            let answer = try world.ask("/v1/export?format=\(format)", "--output", file.string)
            #expect(answer.status == "200", "\(answer.run)")
            let other = try World([:])
            let run = try other.cai("import", "--from", file.string)
            #expect(run.code == 0, "\(run)")
            #expect(try other.text("mnt/agent-data/claude/skills/one/skill.md") == "skill first\n")
        }
        #expect(try world.ask("/v1/export?format=zip").status == "400")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `cai export, with the amounts that it left out in a trailer`() throws {
        let world = try World([
            "run": [:], "mnt/agent-data/claude": ["cache": ["c": "123"], "projects": ["p.jsonl": "{}\n"]],
            "home/agent/.config/containai/config.toml": "[export]\nexcludes = [\"m\u{FC}ll\"]\n",
            "mnt/agent-data/m\u{FC}ll": "1",
        ])
        let service = try Service(world).ready()
        let client = try LocalClient(to: world.agentSocket)
        client.send("GET /v1/export HTTP/1.1\r\nHost: cai\r\nTE: trailers\r\n\r\n")
        let trailer = "Cai-Left-Out: "
        _ = try client.upTo(trailer)
        // A line end is one character of a string.
        let value = JSONValue(line: try client.upTo("\r\n").dropLast())
        #expect(value.array.map { $0["reason"].text } == ["cache", "excluded"], "\(value)")
        #expect(value.array.first?["files"].number == 1 && value.array.last?["pattern"].text == "m\u{FC}ll", "\(value)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `an export whose client goes away ends, and holds nothing`() throws {
        let world = try World([
            "run": [:], "mnt/agent-data/claude/large": .file(String(repeating: "0123456789", count: 400_000)),
        ])
        let service = try Service(world).ready()
        for _ in 0..<5 {
            let client = try LocalClient(to: world.agentSocket)
            client.send("GET /v1/export HTTP/1.1\r\nHost: cai\r\n\r\n")
            _ = try client.upTo("HTTP/1.1 200")
        }
        while try world.ask("/v1/status").body["running"] != .object([:]) {}
        #expect(try service.stop() == .exited(0))
    }

    @Test func `without a volume says so`() throws {
        let world = try World(["run": [:]])
        try world.remove("mnt/agent-data")
        let service = try Service(world).ready()
        for (path, method) in [("/v1/links", "GET"), ("/v1/sync", "POST"), ("/v1/export", "GET"), ("/v1/undo", "POST")]
        {
            let answer = try world.ask(path, "--request", method)
            #expect(answer.status == "503" && answer.body["error"]["advice"].text != nil, "\(path) \(answer.run)")
        }
        #expect(try world.post(archive().finished).status == "503")
        #expect(try world.ask("/v1/status").body["volume_state"].text == "absent")
        #expect(try service.stop() == .exited(0))
    }
}

@Suite(.needs("curl")) struct `Who listens to cai serve` {
    @Test func `hears of applied steps, drift and adoption, and of the end`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world).ready()
        let listener = try LocalClient(to: world.agentSocket)
        listener.send("GET /v1/events HTTP/1.1\r\nHost: cai\r\n\r\n")
        #expect(try listener.upTo(": listening").lowercased().contains("content-type: text/event-stream"))
        #expect(try world.post(archive().finished).status == "200")
        _ = try listener.upTo("event: step")
        #expect(try listener.upTo("\n\n").contains(#""command":"import""#))
        try world.saveByRename("home/agent/.claude/settings.json", "{\"saved\":true}")
        _ = try listener.upTo("event: adopted")
        #expect(try listener.upTo("\n\n").contains(".claude/settings.json"))
        #expect(try world.ask("/v1/status").body["event_readers"].number == 1)
        #expect(try world.ask("/metrics").run.output.contains("cai_event_readers 1\n"))
        #expect(try service.stop() == .exited(0))
        _ = try listener.rest()
    }

    @Test func `and goes away is not held`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        for _ in 0..<100 {
            let listener = try LocalClient(to: world.agentSocket)
            listener.send("GET /v1/events HTTP/1.1\r\nHost: cai\r\n\r\n")
            _ = try listener.upTo(": listening")
            while try world.ask("/v1/status").body["event_readers"].number ?? 0 > 1 {}
        }
        while try world.ask("/v1/status").body["event_readers"].number != 0 {}
        #expect(try service.stop() == .exited(0))
    }
}

@Suite(.needs("curl")) struct `A token for the agent socket` {
    @Test func `has to come with each request where one is configured`() throws {
        let world = try World([
            "run": [:], "etc/containai/agent.toml": "socket_token_file = \"/etc/containai/token\"\n",
            "etc/containai/token": .file("sesame-open-sesame\n").mode(0o600),
        ])
        let service = try Service(world).ready()
        for (header, status) in [
            ("X-None: 1", "403"), ("Authorization: Bearer sesame-shut-sesame", "403"),
            ("Authorization: Bearer ", "403"),
            ("Authorization: sesame-open-sesame", "403"), ("Authorization: Bearer sesame-open-sesame", "200"),
            ("authorization: bearer sesame-open-sesame", "200"),
        ] {
            #expect(try world.ask("/v1/status", "--header", header).status == status, "\(header)")
        }
        try world.put("etc/containai/token", .file("short\n").mode(0o600))
        service.program.signal(SIGHUP)
        try service.ready()
        #expect(try world.ask("/v1/status", "--header", "Authorization: Bearer short").status == "403")
        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest()
        #expect(log.contains("without the right token") && log.contains("holds no token"), "\(log)")
        #expect(!log.contains("sesame") && !log.contains("short"), "\(log)")
    }
}

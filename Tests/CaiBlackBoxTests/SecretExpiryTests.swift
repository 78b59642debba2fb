import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let store: FilePath = "/mnt/agent-data/.containai/displaced"

/// The name of a run that began some seconds ago.
private func run(_ command: String, secondsAgo: Int) -> String {
    var moment = time(nil) - secondsAgo
    var parts = tm()
    gmtime_r(&moment, &parts)
    var text = [CChar](repeating: 0, count: 32)
    strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) + "-" + command
}

/// Content that a run displaced: secrets by declaration, pattern and name, and a plain file.
private let displaced: Item = [
    "volume": [
        "codex": ["auth.json": "old login"], "qwen": ["channels": ["a": ["credentials.json": "old channel"]]],
        ".env": "A=old", "notes": ["id_rsa": "old key", "plain.txt": "plain"], "copilot": ["config.json": "// old"],
    ],
    "home": [".claude": [".credentials.json": "old claude"], ".vimrc": "vim"],
]
private let plain: [FilePath: String] = ["volume/notes/plain.txt": "plain", "home/.vimrc": "vim"]

extension World {
    /// The files that a run keeps, with their text, without its own records.
    fileprivate func kept(_ run: String) throws -> [FilePath: String] {
        let base = path(store.appending(run))
        return try Snapshot(of: base).facts.filter { $0.value.kind == .file && $0.key.components.count > 1 }
            .reduce(into: [:]) { $0[$1.key] = try Files.text(base.appending($1.key.components)) }
    }
}

@Suite struct `Displaced secrets` {
    private func world(_ runs: String...) throws -> World {
        let world = try World()
        #expect(try world.cai("init").code == 0)
        for run in runs { try world.put(store.appending(run), displaced) }
        return world
    }

    @Test func `are removed by a start after an hour, and everything else stays`() throws {
        let (old, recent) = (run("import", secondsAgo: 3601), run("sync", secondsAgo: 3000))
        let world = try world(old, recent)
        let before = try world.snapshot()
        let preview = try world.cai("init", "--dry-run")
        #expect(preview.errors.contains("Would remove 6 displaced secrets older than an hour"), "\(preview)")
        #expect(try world.snapshot().differences(from: before) == [])
        let boot = try world.cai("init", "--json")
        #expect(boot.changes("placeholders") == 6, "\(boot)")
        #expect(try world.kept(old) == plain)
        #expect(try world.kept(recent).count == 8)
        let list = try world.cai("undo", "--list")
        let lines = list.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix(recent) && lines[0].hasSuffix(" bytes"), "\(list)")
        #expect(
            lines.last?.hasPrefix("\(old)  2 items, ") == true
                && lines.last?.hasSuffix("bytes; 6 secrets were removed by age") == true, "\(list)")
        #expect(try world.cai("undo", "--list", "--json").json.array.last?["expired_secrets"].number == 6)
        let settled = try Snapshot(of: world.path("/mnt"))
        let second = try world.cai("init", "--json")
        #expect(second.changes("placeholders") == 0, "\(second)")
        #expect(try Snapshot(of: world.path("/mnt")).differences(from: settled) == [])
    }

    @Test func `are removed by each run that changes something`() throws {
        let old = run("import", secondsAgo: 3700)
        let world = try world(old)
        #expect(try world.cai("links", "check").code == 0)
        #expect(try world.kept(old).count == 8, "a check changes nothing")
        try world.remove("/home/agent/.gitconfig")
        #expect(try world.cai("links", "repair").code == 0)
        #expect(try world.kept(old) == plain)
    }

    @Test func `come back with an undo within the hour, and not after it`() throws {
        let (old, recent) = (run("import", secondsAgo: 4000), run("import", secondsAgo: 3500))
        let world = try world(old, recent)
        let undo = try world.cai("undo", recent)
        #expect(undo.code == 0 && world.volumeText("codex/auth.json") == "old login", "\(undo)")
        #expect(world.volumeText("notes/id_rsa") == "old key")
        #expect(try world.kept(old) == plain, "the undo is a run that changes something")
        let late = try world.cai("undo", old)
        #expect(late.errors.contains("[NOTICE] \(old): 6 secrets were removed by age"), "\(late)")
        #expect(late.code == 0 && world.volumeText("codex/auth.json") == "old login", "\(late)")
    }

    @Test func `of a guard's run are kept for an hour each`() throws {
        let (running, over) = (run("guard", secondsAgo: 5400), run("guard", secondsAgo: 7300))
        let world = try world(running, over)
        #expect(try world.cai("init").code == 0)
        #expect(try world.kept(running).count == 8, "the files were displaced now")
        #expect(try world.kept(over) == plain)
    }

    @Test(.needs("curl"), arguments: [true, false])
    func `are removed by cai serve when the hour is over, with and without the guard of links`(hasGuard: Bool) throws {
        let world = try World(["run": [:]])
        let old = run("import", secondsAgo: 3598)
        #expect(try world.cai("init").code == 0)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": hasGuard ? "true" : "false"]).ready()
        // The service has to notice a run that comes later.
        try world.put(store.appending("part"), displaced)
        let (part, run) = (world.path(store.appending("part")).string, world.path(store.appending(old)).string)
        #expect(rename(part, run) == 0)
        let secrets: [FilePath] = ["volume/codex/auth.json", "volume/.env", "volume/notes/id_rsa", "home/.claude"]
        while secrets.contains(where: { world.exists(store.appending(old).appending($0.components)) }) {}
        #expect(try world.kept(old) == plain)
        #expect(try world.ask("/v1/status").body["guards_links"].bool == hasGuard)
        #expect(try service.stop() == .exited(0))
    }

    @Test(.needs("curl")) func `that an application saved again are no line of the log, and events as before`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world).ready()
        let listener = try LocalClient(to: world.agentSocket)
        listener.send("GET /v1/events HTTP/1.1\r\nHost: cai\r\n\r\n")
        _ = try listener.upTo(": listening")
        for token in ["first", "second", "third"] {
            try world.saveByRename("/home/agent/.claude.json", "{\"token\":\"\(token)\"}")
            _ = try listener.upTo("event: adopted")
            #expect(try listener.upTo("\n\n").contains(".claude.json"))
        }
        try world.saveByRename("/home/agent/.vimrc", "set number\n")
        _ = try listener.upTo("event: adopted")
        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest()
        #expect(!log.contains(".claude.json"), "\(log)")
        #expect(log.contains(".vimrc"), "\(log)")
    }
}

@Suite struct `Modes of secrets in agent directories` {
    private static let volume: Item = [
        "codex": [
            "auth.json": .file("{\"a\":1}").mode(0o644), "config.toml": .file("a = 1\n").mode(0o644),
            "secrets": (["deep": .file("x").mode(0o644)] as Item).mode(0o755),
        ],
        "qwen": [
            "mcp-oauth-tokens-v2.json": .file("{\"a\":1}").mode(0o666),
            "channels": ["a-credentials.json": .file("{\"a\":1}").mode(0o640)],
        ],
        "vibe": [".env": .file("A=b\n").mode(0o400)],
        "copilot": ["config.json": .link("/etc/passwd"), "mcp-config.json": .file("{\"a\":1}").mode(0o750)],
    ]

    @Test func `lose what others may do at a start, and a second start changes nothing`() throws {
        let world = try World()
        try world.add(below: "/mnt/agent-data", Self.volume)
        let preview = try world.linked("init", "--dry-run")
        #expect(preview.errors.contains("codex/secrets"), "\(preview)")
        #expect(try world.volumeMode("codex/secrets") == 0o755)
        #expect(try world.linked("init").code == 0)
        for (path, mode) in [
            ("codex/auth.json", 0o600), ("codex/config.toml", 0o644), ("codex/secrets", 0o700),
            ("codex/secrets/deep", 0o644), ("qwen/mcp-oauth-tokens-v2.json", 0o600),
            ("qwen/channels/a-credentials.json", 0o600), ("vibe/.env", 0o400), ("copilot/mcp-config.json", 0o700),
        ] as [(FilePath, UInt16)] { #expect(try world.volumeMode(path) == mode, "\(path)") }
        #expect(try world.mode("/etc/passwd") == 0o644)
        let settled = try Snapshot(of: world.path("/mnt"))
        #expect(try world.linked("init").code == 0)
        #expect(try Snapshot(of: world.path("/mnt")).differences(from: settled) == [])
    }
}

import CaiTestSupport
import SystemPackage
import Testing

@Suite(.needs("tar")) struct `The content of cai export` {
    /// A volume with conversations of two agents, caches, local parts and what agents leave behind.
    private static let volume: Item = [
        "claude": [
            "projects": ["-work": ["a.jsonl": "{\"turn\":1}\n", "b.jsonl": "{\"turn\":2}\n"]],
            "todos": ["t.json": "[]"], "cache": ["changelog.md": "12345", "deep": ["x": "123"]],
            "statsig": ["s": "12"], "sessions": .link("/tmp/.containai/claude/sessions"),
            "daemon": .link("/tmp/.containai/claude/daemon"), "settings.json": "{}",
            "settings.json.lock": [:], "plugins": ["own.lock": ["kept": "kept"]],
            "gone": .link("nowhere"), "loop": .link("loop"), "real": .link("settings.json"),
            "absolute": .link("/mnt/agent-data/claude/settings.json"),
        ],
        "claude.lock": ["owner": "7"], "notes.lock": [:],
        "codex": [
            "sessions": ["2026": ["rollout-1.jsonl": "{}\n"]], "tmp": ["arg0": .link("/usr/local/bin/gone")],
            "logs_2.sqlite": "log", "app-server-control": ["codex.sock": .socket],
        ],
        "mine": ["local": .link("/tmp/.containai/mine"), "file": "mine"],
        ".containai": ["displaced": ["20260101T000000Z-sync": ["volume": ["claude": ["old": "old!"]], "added": "[]"]]],
    ]

    private func world(_ configuration: String = "") throws -> World {
        let world = try World()
        try world.add(["/mnt": ["agent-data": Self.volume]])
        try world.put("/tmp/.containai/claude/sessions", ["123.json": "{}"])
        if !configuration.isEmpty {
            try world.put("/home/agent/.config/containai/config.toml", .file(configuration))
        }
        return world
    }

    private func exported(
        _ world: World, _ arguments: String..., environment: [String: String] = [:]
    ) throws -> (names: Set<String>, run: Finished) {
        let archive = world.path("/out.tgz").string
        let run = try world.cai(["export", "--json", "-o", archive] + arguments, environment: environment)
        let list = try Command.run(["tar", "-tzf", archive])
        try #require(list.code == 0, "\(run) \(list)")
        return (Set(list.output.split(separator: "\n").map(String.init)), run)
    }

    private func amount(_ run: Finished, _ reason: String, agent: String? = nil) -> JSONValue? {
        run.json["left_out"].array.first {
            $0["reason"].text == reason && (agent == nil || $0["agent"].text == agent)
        }
    }

    @Test func `has the conversations without --no-excludes, and not the caches, with their counts`() throws {
        let (names, run) = try exported(world())
        #expect(run.code == 0, "\(run)")
        for name in [
            "claude/projects/-work/a.jsonl", "claude/projects/-work/b.jsonl", "claude/todos/t.json",
            "codex/sessions/2026/rollout-1.jsonl", "mine/file",
        ] { #expect(names.contains(name), "\(name): \(names)") }
        #expect(!names.contains { $0.hasPrefix("claude/cache") || $0.hasPrefix("claude/statsig") }, "\(names)")
        #expect(!names.contains { $0.hasPrefix("codex/tmp") || $0 == "codex/logs_2.sqlite" }, "\(names)")
        let claude = try #require(amount(run, "cache", agent: "claude"))
        #expect(claude["files"].number == 3 && claude["size_bytes"].number == 10, "\(run)")
        let codex = try #require(amount(run, "cache", agent: "codex"))
        #expect(codex["files"].number == 1 && codex["links"].number == 1 && codex["size_bytes"].number == 3, "\(run)")
        #expect(
            run.errors.contains(
                "[INFO] Left out: cache of claude: 3 files, 10 B; cache of codex: 1 file, 3 B, 1 link; "
                    + "local parts: 2 links; dangling links: 3 links; locks of agents: 1 file, 1 B; "
                    + "sockets, FIFOs and devices: 1 entry; displaced content: 1 file, 4 B."), "\(run)")
    }

    @Test func `has the caches with --no-excludes, and never local parts, links that dangle, locks and sockets`() throws
    {
        let world = try world("[export]\nexcludes = [\"mine\"]\n")
        for flags in [[], ["--no-excludes"]] {
            let archive = world.path("/out.tgz").string
            let run = try world.cai(["export", "--json", "-o", archive] + flags)
            let list = try Command.run(["tar", "-tzf", archive])
            let names = Set(list.output.split(separator: "\n").map(String.init))
            #expect(run.code == 0 && list.code == 0, "\(run)")
            #expect(names.contains("claude/cache/deep/x") == !flags.isEmpty, "\(names)")
            #expect(names.contains("mine/file") == !flags.isEmpty, "\(names)")
            #expect((amount(run, "cache") == nil) == !flags.isEmpty, "\(run)")
            for name in [
                "claude/sessions", "claude/daemon", "claude/gone", "claude/loop", "claude/settings.json.lock/",
                "claude.lock/", "mine/local", "codex/app-server-control/codex.sock",
            ] { #expect(!names.contains(name), "\(name)") }
            for name in [
                "claude/real", "claude/absolute", "claude/plugins/own.lock/kept", "notes.lock/",
                "codex/app-server-control/",
            ] { #expect(names.contains(name), "\(name): \(names)") }
        }
    }

    @Test func `follows [export] of the user's configuration, and not the excludes of imports`() throws {
        let world = try world("default_excludes = [\"claude/projects\", \"mine\"]\n")
        let (names, run) = try exported(world)
        #expect(names.contains("claude/projects/-work/a.jsonl") && names.contains("mine/file"), "\(names)")
        #expect(run.errors.contains("[NOTICE] default_excludes: counts for imports only"), "\(run)")
        try world.put(
            "/home/agent/.config/containai/config.toml",
            .file("default_excludes = [\"claude/projects\"]\n[export]\nexcludes = [\"mine/f*\"]\n"))
        let (others, second) = try exported(world)
        #expect(others.contains("claude/projects/-work/a.jsonl") && !others.contains("mine/file"), "\(others)")
        #expect(!second.errors.contains("default_excludes"), "\(second)")
        let excluded = try #require(amount(second, "excluded"))
        #expect(excluded["pattern"].text == "mine/f*" && excluded["files"].number == 1, "\(second)")
        #expect(second.errors.contains("excluded by mine/f*: 1 file, 4 B"), "\(second)")
    }

    @Test func `is not changed by [export] of a repository without trust`() throws {
        let world = try world()
        try world.put("/home/agent/workspace/.containai/config.toml", .file("[export]\nexcludes = [\"claude\"]\n"))
        let (names, run) = try exported(world)
        #expect(names.contains("claude/projects/-work/a.jsonl"), "\(names)")
        #expect(run.code == 0 && run.errors.contains("its [export] does not count"), "\(run)")
        let trust = "[workspace.\"/home/agent/workspace\"]\ntrust_repository = true\n"
        try world.put("/home/agent/.config/containai/config.toml", .file(trust))
        let (others, second) = try exported(world)
        #expect(!others.contains("claude/projects/-work/a.jsonl"), "\(second)")
    }

    @Test func `of a directory that a variable has moved on the volume has no caches either`() throws {
        let world = try world()
        try world.put("/mnt/agent-data/second", ["cache": ["c": "123"], "projects": ["p.jsonl": "{}\n"]])
        let (names, run) = try exported(world, environment: ["CLAUDE_CONFIG_DIR": "/mnt/agent-data/second"])
        #expect(names.contains("second/projects/p.jsonl") && !names.contains("second/cache/c"), "\(run)")
        #expect(amount(run, "cache", agent: "claude")?["files"].number == 4, "\(run)")
    }

    @Test func `goes back into an empty volume with every conversation`() throws {
        let world = try world()
        let (_, run) = try exported(world)
        let other = try World()
        let back = try other.cai("import", "--from", world.path("/out.tgz").string)
        #expect(run.code == 0 && back.code == 0, "\(back)")
        for name in ["claude/projects/-work/a.jsonl", "codex/sessions/2026/rollout-1.jsonl"] as [FilePath] {
            let path = FilePath("/mnt/agent-data").appending(name.components)
            #expect(try other.text(path) == world.text(path), "\(back)")
        }
    }

    @Test func `is counted for secrets too`() throws {
        let world = try world()
        try world.put("/mnt/agent-data/codex/auth.json", .file("{\"k\":\"v\"}").mode(0o600))
        try world.put("/mnt/agent-data/.env", .file("A=b\n").mode(0o600))
        try world.put("/mnt/agent-data/mine/id_rsa", .file("key").mode(0o600))
        let (names, run) = try exported(world, "--no-secrets")
        #expect(!names.contains("codex/auth.json") && !names.contains(".env") && !names.contains("mine/id_rsa"))
        #expect(amount(run, "secret")?["files"].number == 3, "\(run)")
        #expect(amount(run, "secret")?["size_bytes"].number == 16, "\(run)")
    }
}

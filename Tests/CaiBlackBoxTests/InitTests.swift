import CaiTestSupport
import SystemPackage
import Testing

extension Finished {
    /// The outcome of a step of a boot.
    func outcome(_ step: String) -> String? { json["steps"].array.first { $0["name"].text == step }?["outcome"].text }

    /// How many changes a step of a boot made or, in a preview, would make.
    func changes(_ step: String) -> Int? { json["steps"].array.first { $0["name"].text == step }?["changes"].number }

    /// All findings of a boot as `place: sentence`.
    var bootFindings: [String] { json["steps"].array.flatMap(\.findings) }
}

/// A snapshot without what a boot writes each time: its own report.
private func settled(_ world: World) throws -> Snapshot {
    try world.remove("run")
    return try Snapshot(of: world.path("mnt"))
}

@Suite struct `Boot: cai init` {
    @Test func `A3, A60: a fresh volume gets its directories and placeholders, the home its links`() throws {
        let world = try World()
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0, "\(boot)")
        for directory in [
            "claude", "claude/plugins", "claude/skills", "config/gh", "codex", "shell", "config/tmux",
            "local/share/tmux",
            "shell/bashrc.d", "vscode-server/data/Machine",
        ] {
            let path = FilePath("mnt/agent-data").appending(directory)
            #expect(try Files.status(world.path(path)) != nil, "\(path)")
        }
        #expect(try world.text("home/agent/.claude/settings.json") == "{}\n")
        #expect(try world.cai("links", "check").code == 0)
        #expect(JSONValue(parsing: try world.text("run/containai/boot.json"))?["schema"].number == 1)
    }

    @Test func `A4, B agents: secrets are private, also without a source`() throws {
        let world = try World()
        _ = try world.cai("init")
        for file in [
            "claude/.credentials.json", "claude/claude.json", "codex/auth.json", "local/share/opencode/auth.json",
            "config/gh/hosts.yml", "config/opencode/opencode.json",
        ] { #expect(try world.mode(FilePath("mnt/agent-data").appending(file)) == 0o600, "\(file)") }
        #expect(try world.mode("mnt/agent-data/config/gh") == 0o700)
    }

    @Test func `1.18 #19: no JSON document is empty`() throws {
        let world = try World()
        _ = try world.cai("init")
        let empty = try Snapshot(of: world.volume).facts.filter { $0.value.kind == .file && $0.value.size == 0 }
        #expect(empty.keys.filter { $0.extension == "json" } == [])
    }

    @Test func `1.18 #19, #20: a second boot writes nothing on the volume and in the home`() throws {
        let world = try World(["home/agent/.vimrc": "live"])
        _ = try world.cai("init")
        _ = try world.cai("init")
        let volume = try settled(world)
        let home = try Snapshot(of: world.home)
        let boot = try world.cai("init", "--json")
        #expect(try settled(world).differences(from: volume) == [], "\(boot)")
        #expect(try Snapshot(of: world.home).differences(from: home) == [])
        #expect(boot.json["steps"].array.allSatisfy { $0["changes"].number == 0 }, "\(boot)")
    }

    @Test func `the preview of a first boot writes nothing and counts the same changes`() throws {
        let world = try World(["home/agent": [".vimrc": "live", ".claude/settings.json": #"{"a": 1}"#]])
        let before = try world.snapshot()
        let preview = try world.cai("init", "--dry-run", "--json")
        #expect(try world.snapshot().differences(from: before) == [])
        let boot = try world.cai("init", "--json")
        for step in ["placeholders", "git", "links", "manifests", "workspace"] {
            #expect(preview.changes(step) == boot.changes(step), "\(step)\n\(preview)\n\(boot)")
        }
        #expect(try world.lost(since: before) == [])
    }

    @Test func `A61: an existing volume keeps its files, and its links resolve`() throws {
        let world = try World([
            "mnt/agent-data": ["claude": ["settings.json": #"{"mine": 1}"#, "marker": "m"], "own": ["x": "x"]]
        ])
        let before = try world.snapshot()
        #expect(try world.cai("init").code == 0)
        #expect(try world.lost(since: before) == [])
        #expect(try world.text("home/agent/.claude/settings.json") == #"{"mine": 1}"#)
        #expect(try world.text("mnt/agent-data/claude/marker") == "m")
    }

    @Test func `A66: edits made through links survive a new container`() throws {
        let world = try World()
        _ = try world.cai("init")
        try Files.write(Array("edited".utf8), to: world.resolved("home/agent/.vimrc"))
        try world.saveByRename("home/agent/.claude.json", #"{"login": 1}"#)
        _ = try world.cai("init")
        try world.remove("home/agent")
        try world.put("home/agent", [:])
        #expect(try world.cai("init").code == 0)
        #expect(try world.text("home/agent/.vimrc") == "edited")
        #expect(try world.text("home/agent/.claude.json") == #"{"login": 1}"#)
    }

    @Test func `A67, B edge 1, B agents 12, 1.18 #26: an optional entry is linked once one side exists`() throws {
        let world = try World()
        _ = try world.cai("init")
        for name in [".pi", ".kimi", ".cursor", ".gemini", ".copilot", ".aider.conf.yml", ".continue"] {
            #expect(!world.exists(FilePath("home/agent").appending(name)), "\(name)")
        }
        for name in ["pi", "kimi", "cursor", "gemini", "copilot", "aider", "continue"] {
            #expect(!world.exists(FilePath("mnt/agent-data").appending(name)), "\(name)")
        }
        try world.put("home/agent/.gemini/oauth_creds.json", .file(#"{"t": 1}"#).mode(0o644))
        try world.put("mnt/agent-data/kimi/config.toml", "a = 1")
        #expect(try world.cai("init").code == 0)
        #expect(world.link("home/agent/.gemini/oauth_creds.json") == "/mnt/agent-data/gemini/oauth_creds.json")
        #expect(world.link("home/agent/.kimi/config.toml") == "/mnt/agent-data/kimi/config.toml")
        #expect(try world.mode("mnt/agent-data/gemini/oauth_creds.json") == 0o600)
        #expect(!world.exists("mnt/agent-data/gemini/settings.json"))
    }

    @Test func `boot leaves a link of the user's own, repair replaces it and keeps its text`() throws {
        let world = try World(["home/agent": [".vimrc": .link("own/vimrc"), "own": ["vimrc": "x"]]])
        #expect(try world.cai("init").code == 0)
        #expect(world.link("home/agent/.vimrc") == "own/vimrc")
        #expect(try world.cai("links", "repair").code == 0)
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
        #expect(try world.displaced() == ["home/.vimrc": "-> own/vimrc"])
    }

    @Test func `1.12 step 4: the old git config moves to its place`() throws {
        let world = try World(["mnt/agent-data/.gitconfig": "[user]\n\tname = A\n"])
        let before = try world.snapshot()
        #expect(try world.cai("init").code == 0)
        #expect(try world.text("home/agent/.gitconfig") == "[user]\n\tname = A\n")
        #expect(!world.exists("mnt/agent-data/.gitconfig"))
        #expect(try world.lost(since: before) == [])
    }

    @Test(
        arguments: [
            ("mnt/agent-data/.env", Item.link("/etc/passwd"), ".env is symlink - skipping"),
            ("mnt/agent-data/.env", Item.fifo, "skipping"),
            ("mnt/agent-data/.env", Item("TOKEN-VALUE-WITHOUT-EQUALS\n9BAD=secret-value\n"), "line 1"),
            ("mnt/agent-data/claude", Item("a file"), "/mnt/agent-data/claude"),
            ("mnt/agent-data/editors/vimrc", Item.link("gone"), "/mnt/agent-data/editors/vimrc"),
            ("home/agent/.agents", Item(dictionaryLiteral: ("x", "y")), "~/.agents"),
            ("home/agent/.bash_env.d", Item("a file"), ".bash_env.d"),
            ("mnt/agent-data/containai/manifests/a.toml", Item("broken"), "a.toml"),
        ] as [(FilePath, Item, String)])
    func `promise 4, A35, #6: one bad thing is one warning, the rest of the boot is done`(
        path: FilePath, item: Item, words: String
    ) throws {
        let world = try World()
        try world.put(path, item)
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0 && boot.json["status"].text == "degraded", "\(boot)")
        #expect(boot.bootFindings.contains { $0.contains(words) }, "\(boot)")
        #expect(!boot.everything.contains("secret-value"))
        #expect(world.link("home/agent/.zshrc") == "/mnt/agent-data/shell/zshrc")
        #expect(try world.cai("init", "--strict", "persistence").code == 1 || boot.outcome("persistence") != "failed")
    }

    @Test(.rootOnly) func `A36, A36b: .env that nobody may read is read after the ownership was repaired`() throws {
        let world = try World()
        try world.put("mnt/agent-data/.env", Item("A=1\n").mode(0o600).owned(by: 0))
        let boot = try world.cai("init", "--json")
        #expect(boot.outcome("environment") == "ok", "\(boot)")
        let facts = try Snapshot(of: world.volume).facts
        #expect(facts[".env"]?.uid == World.agent && facts[".env"]?.mode == 0o600)
    }

    @Test(.rootOnly) func `1.18 #36: files of nobody are given to the agent`() throws {
        let world = try World()
        try world.put(
            "mnt/agent-data/claude", Item(dictionaryLiteral: ("x", Item("y").owned(by: 65534))).owned(by: 65534))
        let boot = try world.cai("init", "--json")
        #expect(boot.changes("ownership") == 2, "\(boot)")
        #expect(try Snapshot(of: world.volume).facts.values.allSatisfy { $0.uid == World.agent })
    }

    @Test(.rootOnly) func `ownership: a link that the agent planted leads root nowhere`() throws {
        let world = try World(["outside": ["root.txt": "root's"]])
        try world.put("mnt/agent-data/evil", .link("/outside/root.txt"))
        try world.put("mnt/agent-data/evildir", .link("../../outside"))
        let before = try Snapshot(of: world.path("outside"))
        _ = try world.cai("init")
        #expect(try Snapshot(of: world.path("outside")).differences(from: before) == [])
    }

    @Test func `--strict makes chosen steps fatal, and knows its steps`() throws {
        let world = try World(["mnt/agent-data/containai/manifests/a.toml": "broken"])
        #expect(try world.cai("init").code == 0)
        let strict = try world.cai("init", "--strict", "manifests", "--json")
        #expect(strict.code == 1 && strict.json["status"].text == "failed", "\(strict)")
        #expect(try world.cai("init", "--strict", "git").code == 0)
        let unknown = try world.cai("init", "--strict", "nonsense")
        #expect(unknown.code == 64 && unknown.errors.contains("nonsense"), "\(unknown)")
    }

    @Test func `without a volume the boot says so, prepares nothing and exits 1`() throws {
        let world = try World()
        try world.remove("mnt")
        let boot = try world.cai("init")
        #expect(boot.code == 1 && boot.errors.contains("/mnt/agent-data: the volume is not there"), "\(boot)")
    }

    @Test(.rootOnly, .needs("setpriv")) func `the agent alone can boot`() throws {
        let world = try World()
        let boot = try world.cai("init", "--json", wrapper: asAgent)
        #expect(boot.code == 0, "\(boot)")
        #expect(try world.cai("links", "check", wrapper: asAgent).code == 0)
    }

    @Test func `a link of the user manifests gets into the specification, and the home gets wrappers`() throws {
        let world = try World([
            "mnt/agent-data/containai/manifests/a.toml": """
            [[entries]]
            source = ".own"
            target = "own"
            container_link = ".own"
            flags = "d"
            [agent]
            name = "mine"
            binary = "sh"
            default_args = ["-c", 'echo "a,b"']
            """
        ])
        #expect(try world.cai("init").code == 0)
        let links =
            try JSONValue(parsing: world.text("mnt/agent-data/containai/user-link-spec.json"))?["links"].array ?? []
        #expect(links.map { $0["link"].text } == ["/home/agent/.own"])
        #expect(try world.text("home/agent/.bash_env.d/containai-agents.sh").contains("claude() {"))
        #expect(try world.text("home/agent/.bash_env.d/containai-user-agents.sh").contains("mine() {"))
    }
}

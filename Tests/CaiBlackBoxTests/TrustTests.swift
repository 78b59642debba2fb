import CaiTestSupport
import SystemPackage
import Testing

/// The predecessors' bugs of trust and liveness (1.18 #13, #18) that are no data loss by themselves.
@Suite struct `What the predecessors trusted, and when they looked (1.18)` {
    @Test(arguments: ["/outside", "../../outside"] as [FilePath])
    func `#13: a source whose last ancestor is a link is refused by name`(text: FilePath) throws {
        let world = try World(["outside": ["skills": ["root.md": "root's"], "settings.json": "{\"root\": 1}"]])
        try world.put("home/agent/.claude", .link(text))
        let before = try Snapshot(of: world.path("outside"))
        let sync = try world.cai("sync")
        #expect(sync.code == 1, "\(sync)")
        #expect(sync.errors.contains("~/.claude/skills"), "\(sync)")
        #expect(sync.errors.contains("lies behind the symlink .claude, which cai does not follow"), "\(sync)")
        #expect(try Snapshot(of: world.path("outside")).differences(from: before) == [])
        #expect(!world.exists("mnt/agent-data/claude/skills"))
    }

    @Test func `#13: a symlinked source is left as it is, not moved through`() throws {
        let world = try World(["home/agent": [".vim": .link("/home/agent/real"), "real": ["x.vim": "x"]]])
        let before = try world.snapshot()
        #expect(try world.cai("sync").code == 0)
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `#18: repair looks at the links, not at times: what broke after the last check is mended`() throws {
        let world = try settledWorld(["mnt/agent-data/.containai-imported-at": "2001-01-01T00:00:00Z\n"])
        try world.saveByRename("home/agent/.claude.json", #"{"new": 1}"#)
        let repair = try world.cai("links", "repair", "--quiet")
        #expect(repair.code == 0 && repair.output.isEmpty, "\(repair)")
        #expect(try world.text("mnt/agent-data/claude/claude.json") == #"{"new": 1}"#)
    }

    @Test func `#18: what cannot be mended is told at each repair, and nothing is written for it`() throws {
        let world = try settledWorld()
        try world.put("home/agent/.agents", ["one.md": "one"])
        let before = try world.snapshot()
        for _ in 1...3 {
            let repair = try world.cai("links", "repair", "--quiet")
            #expect(repair.code == 1 && repair.errors.contains("~/.agents"), "\(repair)")
        }
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `a directory that repair may not move, sync moves`() throws {
        let world = try settledWorld()
        try world.put("home/agent/.agents", ["one.md": "one"])
        #expect(try world.cai("links", "repair", "--quiet").errors.contains("cai sync moves it into the volume"))
        #expect(try world.cai("sync").code == 0)
        #expect(try world.cai("links", "check").code == 0)
        #expect(try world.text("mnt/agent-data/agents/one.md") == "one")
    }

    @Test func `promise 6: no secret is shown by any command, wherever it stands`() throws {
        let secret = "sk-very-secret-0123456789"
        let world = try World([
            "home/agent": [
                ".claude/.credentials.json": .file(#"{"token": "\#(secret)"}"#).mode(0o600),
                ".codex/auth.json": .file("{\"key\": \"\(secret)").mode(0o600), ".gitconfig": .file(secret),
            ],
            "mnt/agent-data": [
                ".env": .file("KEY=\(secret)\n\(secret)\n\(secret)=x y\n").mode(0o600),
                "codex/auth.json": .file(#"{"key": "other-\#(secret)"}"#).mode(0o600),
                "containai/manifests/a.toml": .file("default = \"\(secret)\n"),
            ],
        ])
        for arguments in [
            ["sync", "--dry-run", "--verbose"], ["links", "check", "--json"], ["init", "--json"],
            ["sync", "--verbose"],
            ["links", "repair", "--json"], ["undo", "--list"], ["undo"], ["manifest", "lint"],
        ] {
            let run = try world.cai(arguments)
            #expect(!run.everything.contains(secret), "\(arguments): \(run)")
        }
        let shown = try Snapshot(of: world.volume).facts.filter { path, fact in
            fact.kind == .file && fact.mode & 0o077 != 0 && path.starts(with: ".containai")
        }
        #expect(shown.isEmpty, "what cai keeps is private: \(shown.keys)")
    }
}

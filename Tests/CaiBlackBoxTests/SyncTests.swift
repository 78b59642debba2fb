import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `Sync (1.14)` {
    @Test func `A68: a real ~/.cursor/rules moves, its link is made, its content is reachable`() throws {
        let world = try World(["home/agent/.cursor/rules": ["team.mdc": "be kind", "more": ["a.mdc": "a"]]])
        let before = try world.snapshot()
        let sync = try world.cai("sync")
        #expect(sync.code == 0, "\(sync)")
        #expect(
            sync.errors.contains("[OK] ~/.cursor/rules -> /mnt/agent-data/cursor/rules (moved 2 files)\n"), "\(sync)")
        #expect(sync.errors.contains("[INFO] Done. 1 paths synced, 67 skipped.\n"), "\(sync)")
        #expect(world.link("home/agent/.cursor/rules") == "/mnt/agent-data/cursor/rules")
        #expect(try world.text("home/agent/.cursor/rules/more/a.mdc") == "a")
        #expect(try world.lost(since: before) == [])
    }

    @Test func `A68: without the volume it fails and moves nothing`() throws {
        let world = try World(["home/agent/.vimrc": "set nu"])
        try world.remove("mnt")
        let before = try world.snapshot()
        let sync = try world.cai("sync")
        #expect(sync.code == 1 && sync.errors.contains("/mnt/agent-data: the volume is not there"), "\(sync)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `the dry run has the predecessor's lines`() throws {
        let world = try World(["home/agent/.vimrc": "set nu"])
        let preview = try world.cai("sync", "--dry-run")
        #expect(preview.code == 0)
        for line in [
            "[WARN] DRY RUN MODE - No changes will be made",
            "[DRY-RUN] Would move: /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc",
            "[DRY-RUN] Would create symlink: /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc",
            "[DRY-RUN] Done. 1 paths would be synced.",
        ] { #expect(preview.errors.contains(line + "\n"), "\(preview)") }
    }

    @Test func `a link into the volume is skipped, and told with --verbose`() throws {
        let world = try World(["home/agent/.vimrc": "set nu"])
        _ = try world.cai("sync")
        let line = "[SKIP] /home/agent/.vimrc (already symlinked to volume)"
        #expect(try !world.cai("sync").everything.contains(line))
        #expect(try world.cai("sync", "--verbose").errors.contains(line + "\n"))
    }

    @Test func `a run that had nothing to do is no dry run`() throws {
        let world = try World()
        let sync = try world.cai("sync", "--json")
        #expect(sync.code == 0 && sync.json["dry_run"] == .bool(false), "\(sync)")
        #expect(try world.cai("sync", "--dry-run", "--json").json["dry_run"] == .bool(true))
    }

    @Test func `disabled entries, globs and links without a source stay`() throws {
        let world = try World(["home/agent/.ssh": ["config": "Host x", "id_ed25519": .file("key").mode(0o600)]])
        let before = try world.snapshot()
        #expect(try world.cai("sync").code == 0)
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `a fully configured home moves as a whole, keeps the promises and every link is right`() throws {
        let world = try World(["home/agent": busyHome])
        let before = try world.snapshot()
        let sync = try expectPromises(["sync"], on: world)
        #expect(sync.code == 0, "\(sync)")
        for (path, fact) in before.facts where fact.kind == .file && path.starts(with: "home/agent") {
            #expect(Survival.digest(of: Array(try world.text(path).utf8)) == fact.digest, "\(path)")
        }
        _ = try world.cai("links", "repair", "--quiet")
        #expect(try world.cai("links", "check").code == 0)
    }

    @Test func `undo after a sync that displaced something brings it back`() throws {
        let world = try World([
            "home/agent/.vimrc": .file("live").later(by: 60), "mnt/agent-data/editors/vimrc": "volume",
        ])
        _ = try world.cai("sync")
        #expect(try world.text("home/agent/.vimrc") == "live")
        let list = try world.cai("undo", "--list", "--json")
        #expect(list.json.array.count == 1 && list.json.array.first?["command"].text == "sync", "\(list)")
        let undo = try expectPromises(["undo", list.json.array.first?["id"].text ?? ""], on: world)
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.text("home/agent/.vimrc") == "volume")
    }
}

/// A home as agents leave it.
private let busyHome: Item = [
    ".claude": [
        "settings.json": #"{"model": "opus"}"#, ".credentials.json": .file(#"{"token": "t"}"#).mode(0o600),
        "CLAUDE.md": "# Me", "skills": ["one": ["SKILL.md": "one"]],
        "plugins": ["installed_plugins.json": "{}", "cache": ["x": "x"]], "commands": ["go.md": "go"],
        "projects": ["not-declared.jsonl": "stays"],
    ],
    ".claude.json": .file(#"{"oauthAccount": 1}"#).mode(0o600),
    ".codex": ["auth.json": #"{"k": 1}"#, "config.toml": "model = 'o'"],
    ".gitconfig": "[user]\n\tname = A\n", ".vimrc": "set nu",
    ".config": ["nvim": ["init.lua": "--"], "gh": ["hosts.yml": "h"]],
    ".gemini": ["settings.json": "{\"a\": 1}", "oauth_creds.json": "{\"b\": 2}"],
    ".pi": ["agent": ["models.json": "{\"m\": 1}"]],
    ".local": ["share": ["opencode": ["auth.json": "{\"o\": 1}"]]], ".aider.conf.yml": "model: x",
]

@Suite struct `What a move keeps` {
    @Test func `modes, times, attributes and links inside a directory`() throws {
        let world = try World([
            "home/agent/.claude/plugins": [
                "run.sh": Item.file("#!/bin/sh").mode(0o755).at(1_600_000_000).attribute("user.origin", "market"),
                "locked": Item(dictionaryLiteral: ("r.txt", Item.file("r").mode(0o400))).mode(0o500).at(1_500_000_000),
                "rel": .link("run.sh"), "abs": .link("/home/agent/.claude/plugins/run.sh"), "gone": .link("nowhere"),
            ]
        ])
        try expectPromises(["sync"], on: world)
        let target = world.volume.appending("claude/plugins")
        let facts = try Snapshot(of: target).facts
        #expect(facts["run.sh"]?.mode == 0o755 && facts["run.sh"]?.modified == 1_600_000_000_000_000_000)
        #expect(Files.attribute("user.origin", of: target.appending("run.sh")) == "market")
        #expect(facts["locked"]?.mode == 0o500 && facts["locked/r.txt"]?.mode == 0o400)
        #expect(facts["locked"]?.modified == 1_500_000_000_000_000_000)
        #expect(facts["rel"]?.linkText == "run.sh" && facts["gone"]?.linkText == "nowhere")
        #expect(facts["abs"]?.linkText == "/home/agent/.claude/plugins/run.sh")
    }

    @Test func `directories that their owner may not write to are merged as others are, and keep their mode`() throws {
        let locked = Item(dictionaryLiteral: ("live.txt", "live")).mode(0o500)
        let world = try World([
            "home/agent/.claude/plugins": ["both": locked, "live": locked, "deep": ["er": locked]],
            "mnt/agent-data/claude/plugins": [
                "both": Item(dictionaryLiteral: ("volume.txt", "volume")).mode(0o555), "deep": [:],
            ],
        ])
        let sync = try expectPromises(["sync"], on: world)
        #expect(sync.code == 0, "\(sync)")
        let facts = try Snapshot(of: world.volume.appending("claude/plugins")).facts
        #expect(facts["both"]?.mode == 0o555 && facts["live"]?.mode == 0o500 && facts["deep/er"]?.mode == 0o500)
        #expect(facts["both/live.txt"] != nil && facts["both/volume.txt"] != nil && facts["deep/er/live.txt"] != nil)
        #expect(try Files.names(world.path("home/agent/.claude")) == ["plugins"])
    }

    @Test func `a directory that nobody may write to makes room, where a file belongs`() throws {
        let world = try settledWorld()
        try world.put("home/agent/.vimrc", Item(dictionaryLiteral: ("in.txt", "kept")).mode(0o500))
        try world.put("home/agent/.zshrc", "live")
        let sync = try world.cai("init", "--json")
        #expect(sync.code == 0, "\(sync)")
        let undo = try expectPromises(["links", "repair"], on: world)
        #expect([0, 1].contains(undo.code), "\(undo)")
    }

    @Test func `holes stay holes`() throws {
        let world = try World(["home/agent/.claude/plugins/big": .sparse(size: 8 << 20, end: "end")])
        try expectPromises(["sync"], on: world)
        let status = try #require(try Files.status(world.volume.appending("claude/plugins/big")))
        #expect(status.st_size == 8 << 20 && status.st_blocks < 2048, "\(status.st_blocks) blocks")
    }

    @Test func `both names of a hard link keep their content`() throws {
        let world = try World([
            "home/agent/.claude/plugins": ["a": "twin", "b": .hardLink(to: "home/agent/.claude/plugins/a")]
        ])
        try expectPromises(["sync"], on: world)
        for name in ["a", "b"] { #expect(try world.text(FilePath("home/agent/.claude/plugins/\(name)")) == "twin") }
    }

    @Test func `a file that another name outside the entry shares keeps both`() throws {
        let world = try World(["home/agent": [".vimrc": "twin", "backup": .hardLink(to: "home/agent/.vimrc")]])
        try expectPromises(["sync"], on: world)
        #expect(try world.text("home/agent/.vimrc") == "twin" && world.text("home/agent/backup") == "twin")
    }

    @Test func `a FIFO and a socket inside a directory do not stop it`() throws {
        let world = try World(["home/agent/.claude/plugins": ["p": .fifo, "s": .socket, "f": "f"]])
        let sync = try expectPromises(["sync"], on: world)
        #expect(sync.code == 0 && !sync.hung, "\(sync)")
        #expect(try world.text("home/agent/.claude/plugins/f") == "f")
    }

    @Test(.rootOnly) func `a device inside a directory is refused, and everything stays`() throws {
        let world = try World(["home/agent/.claude/plugins": ["d": .device, "f": "f"]])
        let before = try world.snapshot()
        let sync = try world.cai("sync")
        #expect(sync.code == 1 && sync.errors.contains("~/.claude/plugins/d"), "\(sync)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: [
        FilePath("line\nbreak"), "-rf", " leading blank", "ümläut", "\u{1B}[31mred", "quote'\"$(x)`y`", "back\\slash",
        FilePath(String(repeating: "n", count: 255)), FilePath(bytes: [0x66, 0xFF, 0xFE, 0x80]), "*", "~", ".part",
        ".cai-x.part",
    ])
    func `a name that is unusual`(_ name: FilePath) throws {
        let world = try World()
        try world.put("home/agent/.claude/plugins", .directory([(name, Item("live"))]))
        try world.put("home/agent/.claude/plugins/plain", .directory([(name, Item("deep"))]))
        try world.put("mnt/agent-data/claude/plugins", .directory([(name, Item("volume").later(by: -60))]))
        let sync = try expectPromises(["sync"], on: world)
        #expect(sync.code == 0, "\(sync)")
        let plugins = FilePath("mnt/agent-data/claude/plugins")
        #expect(try world.text(plugins.appending(name.components)) == "live")
        #expect(try world.text(plugins.appending("plain").appending(name.components)) == "deep")
        #expect(Array(try world.displaced().values) == ["volume"])
        let report = try world.cai("sync", "--verbose")
        #expect(!report.everything.utf8.contains(0x1B))
    }

    @Test func `hundreds of files, in one directory and in many, arrive with content, mode and time`() throws {
        let world = try World()
        for number in 0..<400 {
            let folder = number < 200 ? "all" : "\(number % 7)/\(number % 3)"
            try world.put(
                FilePath("home/agent/.claude/plugins/\(folder)/\(number)"),
                Item.file("content \(number)").mode(number % 2 == 0 ? 0o644 : 0o755).at(1_600_000_000 + Int64(number)))
        }
        let source = try Snapshot(of: world.home.appending(".claude/plugins"))
        try expectPromises(["sync"], on: world)
        let target = try Snapshot(of: world.volume.appending("claude/plugins"))
        #expect(target.differences(from: source, .content) == [])
        #expect(target.facts.mapValues(\.modified) == source.facts.mapValues(\.modified))
    }

    @Test(.rootOnly, .enabled(if: Files.exists("/dev/shm"), "there is no second file system"))
    func `a volume on another file system gets the same tree`() throws {
        let world = try World(["home/agent": busyHome])
        let other = try World(in: "/dev/shm")
        let wrapper = inMountNamespace("mount --bind '\(other.volume)' '\(world.volume)'")
        let source = try Snapshot(of: world.home.appending(".claude/skills"))
        let sync = try world.cai("sync", wrapper: wrapper)
        #expect(sync.code == 0, "\(sync)")
        #expect(try Snapshot(of: other.volume.appending("claude/skills")).differences(from: source, .content) == [])
        #expect(world.link("home/agent/.claude/skills") == "/mnt/agent-data/claude/skills")
        let before = try other.snapshot()
        #expect(try world.cai("sync", "--json", wrapper: wrapper).json.steps == [])
        #expect(try other.snapshot().differences(from: before) == [])
    }
}

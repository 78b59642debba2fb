import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `Import: undo returns the volume to what it was` {
    /// What the volume holds, without what `cai` keeps for itself.
    private static func volume(_ world: World) throws -> Snapshot {
        try Snapshot(of: world.volume).without([".containai"])
    }

    private static func expectUndone(_ world: World, since before: Snapshot, _ undo: Finished) throws {
        #expect(undo.code == 0, "\(undo)")
        let differences = try volume(world).differences(from: before, .content)
        #expect(differences == [], "\(differences)\n\(undo)")
    }

    @Test func `an import into an empty volume is taken back whole`() throws {
        let world = try World.importing(exampleHome)
        let before = try Self.volume(world)
        #expect(try world.importHost().code == 0)
        let original = try world.snapshot()
        let undo = try expectPromises(["undo"], on: world)
        try Self.expectUndone(world, since: before, undo)
        #expect(try world.lost(since: original) == [])
    }

    @Test func `the time of the last look at the links is back, or gone where there was none`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        #expect(world.volumeText(".containai-links-checked-at") != nil)
        // Written anew by every look.
        try world.put("/mnt/agent-data/.containai-links-checked-at", "2031-01-01T00:00:00Z\n")
        #expect(try world.cai("undo").code == 0)
        #expect(world.volumeText(".containai-links-checked-at") == nil)
        try world.put("/mnt/agent-data/.containai-links-checked-at", "2001-01-01T00:00:00Z\n")
        #expect(try world.importHost().code == 0)
        #expect(world.volumeText(".containai-links-checked-at") != "2001-01-01T00:00:00Z\n")
        #expect(try world.cai("undo").code == 0)
        #expect(world.volumeText(".containai-links-checked-at") == "2001-01-01T00:00:00Z\n")
    }

    @Test(arguments: [false, true])
    func `a directory that was there has its time back, unless somebody changed it since`(isChanged: Bool) throws {
        let world = try World.importing(exampleHome, into: ["config": ["tmux": ["own": "own"]]])
        let directory = world.volume.appending("config/tmux")
        let time: Int64 = 1_500_000_000_123_456_789
        try Files.setTime(directory, time)
        #expect(try world.importHost().code == 0)
        #expect(world.volumeText("config/tmux/tmux.conf") != nil)
        #expect(try Self.seconds(directory) != 1_500_000_000)
        if isChanged { try world.put("/mnt/agent-data/config/tmux/later", "later") }
        let before = try Self.seconds(directory)
        let undo = try world.cai("undo")
        #expect(undo.code == 0 && world.volumeText("config/tmux/tmux.conf") == nil, "\(undo)")
        #expect(try (Self.seconds(directory) == 1_500_000_000) == !isChanged, "\(undo)")
        if isChanged { #expect(try Self.seconds(directory) ?? 0 >= before ?? 0) }
        #expect(try world.cai("undo", "--dry-run").errors.contains("Would restore the time") == false)
    }

    private static func seconds(_ path: FilePath) throws -> Int? { try Files.status(path)?.st_mtim.tv_sec }

    @Test func `what stood there, placeholders and modes included, is back as it was`() throws {
        let world = try World.importing(
            exampleHome,
            into: [
                "claude": ["settings.json": #"{"model":"haiku"}"#, "mine.md": "mine", "plugins": ["own": ["x": "y"]]],
                "codex": Item.directory([("auth.json", .file("").mode(0o644))]).mode(0o755),
                "editors": ["vimrc": .file("old\n").mode(0o640)],
            ])
        let before = try Self.volume(world)
        #expect(try world.importHost().code == 0)
        #expect(try world.volumeMode("codex") == 0o700 && world.volumeText("codex/auth.json") == "codex login")
        try Self.expectUndone(world, since: before, world.cai("undo"))
        #expect(try world.volumeMode("codex") == 0o755 && world.volumeMode("codex/auth.json") == 0o644)
    }

    @Test func `the second import is taken back to the state after the first`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        try world.put("/mnt/agent-data/.containai-imported-at", "2001-01-01T00:00:00Z\n")
        let before = try Self.volume(world)
        try world.put("/host/.claude/skills/new/SKILL.md", Item.file("new").ofAgent)
        try world.put("/host/.vimrc", Item.file("set nonu\n").later(by: 60).ofAgent)
        try world.put("/host/.inputrc", Item.file("set bell-style none\n").ofAgent)
        #expect(try world.importHost().code == 0)
        try Self.expectUndone(world, since: before, world.cai("undo"))
    }

    @Test func `what was changed since stays, and so does a directory that holds something new`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        try world.put("/mnt/agent-data/claude/CLAUDE.md", "my own memory")
        try world.put("/mnt/agent-data/claude/plugins/cache/p/own.md", "my own plugin")
        try world.remove("/mnt/agent-data/config/tmux/tmux.conf")
        try world.put("/mnt/agent-data/config/tmux/tmux.conf/x", "a directory now")
        let undo = try world.cai("undo")
        #expect(undo.code == 0, "\(undo)")
        #expect(
            undo.errors.contains("/mnt/agent-data/claude/CLAUDE.md: was changed after it was added, and stays"),
            "\(undo)")
        #expect(world.volumeText("claude/CLAUDE.md") == "my own memory")
        #expect(world.volumeText("claude/plugins/cache/p/own.md") == "my own plugin")
        #expect(world.volumeText("config/tmux/tmux.conf/x") == "a directory now")
        for path in ["claude/plugins/cache/p/plugin.md", "claude/.credentials.json", "codex", "editors"] as [FilePath] {
            #expect(world.volumeText(path) == nil && !Files.exists(world.volume.appending(path.components)), "\(path)")
        }
    }

    @Test func `an undo of an undo brings the import back`() throws {
        let world = try World.importing(exampleHome, into: ["editors/vimrc": .file("old\n").later(by: -9)])
        #expect(try world.importHost().code == 0)
        let imported = try Self.volume(world)
        #expect(try world.cai("undo").code == 0)
        let id = try #require(world.cai("undo", "--list", "--json").json.array.first?["id"].text)
        #expect(id.hasSuffix("-undo"))
        try Self.expectUndone(world, since: imported, world.cai("undo", id))
        // And that can be taken back in turn.
        let again = try #require(world.cai("undo", "--list", "--json").json.array.first?["id"].text)
        #expect(try world.cai("undo", again).code == 0 && world.volumeText("editors/vimrc") == "old\n")
        #expect(!world.exists("/mnt/agent-data/claude"))
    }

    @Test func `after an undo the same import does the same again`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        let imported = try Self.volume(world)
        #expect(try world.cai("undo").code == 0)
        try world.put("/mnt/agent-data/editors/vimrc", Item.file("mine\n").later(by: -100))
        let again = try world.importHost()
        #expect(again.code == 0, "\(again)")
        let times: [FilePath] = [".containai-imported-at", ".containai-links-checked-at"]
        let differences = try Self.volume(world).without(times).differences(from: imported.without(times), .content)
        #expect(differences == [], "\(differences)\n\(again)")
    }

    @Test func `a damaged list of additions is an error, and nothing changes`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        let run = try #require(world.cai("undo", "--list", "--json").json.array.first?["id"].text)
        for text in ["", "cai additions 1\nfile\tx\t../../etc/passwd\n", "cai additions 1\ndirectory\tclau", "\u{0}"] {
            try world.put(FilePath("/mnt/agent-data/.containai/displaced/" + run + "/added"), .file(text))
            let before = try world.snapshot()
            let undo = try world.cai("undo", run)
            #expect(undo.code == 1 && undo.errors.contains("is damaged"), "\(undo)")
            #expect(try world.snapshot().differences(from: before) == [], "\(text)")
        }
    }

    @Test func `symlinks that an import made go, and names that are no text`() throws {
        let odd = FilePath(bytes: Array("claude/hooks/".utf8) + [0xFF, 0x09, 0x25, 0x41])
        let world = try World.importing([".claude": ["hooks": ["a": "x", "link": .link("a")]]])
        try world.put(
            FilePath(bytes: Array("/host/.".utf8) + odd.bytes), Item.file("odd").ofAgent)
        let before = try Self.volume(world)
        let run = try world.importHost()
        #expect(run.code == 0, "\(run)")
        #expect(world.link("/mnt/agent-data/claude/hooks/link") != nil)
        #expect(Files.exists(world.volume.appending(odd.components)))
        try Self.expectUndone(world, since: before, world.cai("undo"))
    }
}

extension Snapshot {
    /// The same without some paths, what is below them, and the root itself.
    func without(_ paths: [FilePath]) -> Snapshot {
        Snapshot(facts: facts.filter { path, _ in !path.isEmpty && !paths.contains { path.starts(with: $0) } })
    }
}

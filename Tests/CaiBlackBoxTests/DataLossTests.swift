import CaiTestSupport
import SystemPackage
import Testing

/// The predecessors' bugs that lose data (1.18 #1, #2, #3, #4, #6, #14, #17): each test fails on them.
@Suite struct `What the predecessors lost (1.18)` {
    @Test(
        arguments: [
            ("home/agent/.claude/.credentials.json", "mnt/agent-data/claude/.credentials.json"),
            ("home/agent/.codex/auth.json", "mnt/agent-data/codex/auth.json"),
            ("home/agent/.claude.json", "mnt/agent-data/claude/claude.json"),
            ("home/agent/.gitconfig", "mnt/agent-data/git/gitconfig"),
        ] as [(FilePath, FilePath)])
    func `#1: a login that was saved by rename is adopted, not deleted`(link: FilePath, target: FilePath) throws {
        let world = try settledWorld()
        try world.put(target, .file(#"{"token": "stale", "only": 1}"#).mode(0o600))
        try world.saveByRename(link, #"{"token": "newest"}"#)
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0, "\(repair)")
        #expect(world.link(link) == FilePath("/").appending(target.components))
        #expect(try world.text(link).contains("newest"), "the newest login is behind the link")
        #expect(try world.displaced().values.contains { $0.contains("stale") }, "the loser is kept")
    }

    @Test func `#1: repair after repair keeps every version that an application saved`() throws {
        let world = try settledWorld()
        for version in 1...4 {
            try world.saveByRename("home/agent/.codex/config.toml", "model = \"\(version)\"\n")
            #expect(try world.cai("links", "repair", "--quiet").code == 0)
            #expect(try world.text("mnt/agent-data/codex/config.toml") == "model = \"\(version)\"\n")
        }
        #expect(Set(try world.displaced().values) == ["model = \"1\"\n", "model = \"2\"\n", "model = \"3\"\n"])
    }

    @Test func `#2: plugins installed into a real directory are merged, not removed`() throws {
        let world = try settledWorld([
            "mnt/agent-data/claude/plugins": ["old": ["plugin.json": "old"], "shared.json": "volume"]
        ])
        try world.remove("home/agent/.claude/plugins")
        try world.put(
            "home/agent/.claude/plugins",
            ["new": ["plugin.json": "new", "deep": ["a.txt": "a"]], "shared.json": .file("live").later(by: 60)])
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0, "\(repair)")
        #expect(try world.text("home/agent/.claude/plugins/new/deep/a.txt") == "a")
        #expect(try world.text("home/agent/.claude/plugins/old/plugin.json") == "old")
        #expect(try world.text("home/agent/.claude/plugins/shared.json") == "live")
        #expect(try world.displaced() == ["volume/claude/plugins/shared.json": "volume"])
    }

    @Test(arguments: ["../dotfiles/claude.json", "dotfiles/claude.json", "/nowhere/claude.json"] as [FilePath])
    func `#3: a stow-style link for a JSON entry stops nothing`(text: FilePath) throws {
        let world = try World(["home/agent": [".claude.json": .link(text), ".vimrc": "set nu"]])
        let sync = try expectPromises(["sync"], on: world)
        #expect(sync.code == 0, "\(sync)")
        #expect(try world.text("home/agent/.vimrc") == "set nu")
        #expect(world.link("home/agent/.claude.json") == text)
    }

    @Test func `#4: a relative dotfile link that leads somewhere is respected, and told`() throws {
        let world = try World(["home/agent": [".vimrc": .link("dotfiles/vimrc"), "dotfiles": ["vimrc": "set nu"]]])
        let sync = try world.cai("sync")
        #expect(sync.code == 0 && sync.errors.contains("/home/agent/.vimrc is a symlink to dotfiles/vimrc"), "\(sync)")
        #expect(world.link("home/agent/.vimrc") == "dotfiles/vimrc")
        #expect(!world.exists("mnt/agent-data/editors/vimrc"), "nothing dangling arrives on the volume")
        try expectPromises(["sync"], on: world)
    }

    @Test func `#4: once the user replaced the link by a file, the file is moved`() throws {
        let world = try World(["home/agent/.vimrc": .link("dotfiles/vimrc")])
        _ = try world.cai("sync")
        try world.put("home/agent/.vimrc", "set nu")
        #expect(try world.cai("sync").code == 0)
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "set nu")
    }

    @Test func `#6: a dangling link on the volume is one finding, and every other link is right`() throws {
        let world = try World(["mnt/agent-data/editors/vimrc": .link("dotfiles/vimrc")])
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 1)
        #expect(repair.json["summary"]["fixed"].number == 54, "\(repair)")
        #expect(repair.json.findings.contains { $0.contains("/mnt/agent-data/editors/vimrc") }, "\(repair)")
        #expect(world.link("mnt/agent-data/editors/vimrc") == "dotfiles/vimrc")
    }

    @Test func `#14: a secret is private on the volume, whatever mode the live one had`() throws {
        let world = try World([
            "home/agent": [
                ".claude/.credentials.json": .file("secret").mode(0o644), ".codex/auth.json": .file("{1}").mode(0o666),
            ]
        ])
        try expectPromises(["sync"], on: world)
        #expect(try world.mode("mnt/agent-data/claude/.credentials.json") == 0o600)
        #expect(try world.mode("mnt/agent-data/codex/auth.json") == 0o600)
    }

    @Test func `#14: bash aliases get both links, and their source keeps working`() throws {
        let world = try World(["home/agent/.bash_aliases": "alias l=ls"])
        let sync = try expectPromises(["sync"], on: world)
        #expect(sync.code == 0, "\(sync)")
        #expect(world.link("home/agent/.bash_aliases") == "/mnt/agent-data/shell/bash_aliases")
        #expect(world.link("home/agent/.bash_aliases_imported") == "/mnt/agent-data/shell/bash_aliases")
        #expect(try world.text("home/agent/.bash_aliases") == "alias l=ls")
    }

    @Test func `#14: a link that the user made does not fail every later sync`() throws {
        let world = try World(["home/agent": [".zshrc": .link("own/zshrc"), "own": ["zshrc": "x"]]])
        for _ in 1...2 { #expect(try world.cai("sync").code == 0) }
    }

    @Test func `#14: the dry run sees a type conflict`() throws {
        let world = try World([
            "home/agent/.claude/plugins": ["a": "a"], "mnt/agent-data/claude/plugins": "a file",
            "home/agent/.vimrc": ["dir": "x"], "mnt/agent-data/editors/vimrc": "text",
        ])
        let preview = try world.cai("sync", "--dry-run")
        #expect(preview.code == 1, "\(preview)")
        for target in ["claude/plugins", "editors/vimrc"] {
            let line = "[ERROR] Type conflict: /mnt/agent-data/\(target) exists on volume but differs in type"
            #expect(preview.errors.contains(line), "\(preview)")
        }
        try expectPromises(["sync"], on: world)
    }

    @Test func `#17: a dangling link gets its target, once`() throws {
        let world = try settledWorld()
        try world.remove("mnt/agent-data/claude/settings.json")
        let repair = try world.cai("links", "repair")
        #expect(repair.code == 0 && repair.output.contains("  Fixed: 1\n"), "\(repair)")
        #expect(try world.text("home/agent/.claude/settings.json") == "{}\n")
        let again = try world.cai("links", "repair")
        #expect(again.output.contains("  OK: 55\n") && again.output.contains("  Fixed: 0\n"), "\(again)")
    }
}

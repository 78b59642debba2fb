import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: overrides (1.6.9)` {
    private func world(_ overrides: Item, _ home: Item = [:], into volume: Item = [:]) throws -> World {
        let world = try World.importing([".config": ["containai": ["import-overrides": overrides]]], into: volume)
        try world.add(below: "/host", home.ofAgent)
        return world
    }

    @Test func `A52, A53: an override is applied, and replaces the whole file`() throws {
        let world = try world([".claude": ["settings.json": #"{"b":1}"#]], [".claude": ["settings.json": #"{"a":1}"#]])
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(run.code == 0 && world.volumeText("claude/settings.json") == #"{"b":1}"#, "\(run)")
    }

    @Test func `A54: files below a directory entry, the git configuration and keys go where they belong`() throws {
        let world = try world([
            ".claude": ["skills": ["x": ["s.md": "s"]]], ".gitconfig": "[credential]\n\thelper = mine\n",
            ".ssh": ["id_work": "key", "id_work.pub": "public", "other": "x"],
        ])
        let run = try world.importHost()
        #expect(world.volumeText("claude/skills/x/s.md") == "s", "\(run)")
        #expect(world.volumeText("git/gitconfig") == "[credential]\n\thelper = mine\n")
        #expect(try world.volumeMode("ssh/id_work") == 0o600 && world.volumeMode("ssh/id_work.pub") == 0o644)
        #expect(run.errors.contains("[WARN] Override path not in sync map, skipping: .ssh/other"), "\(run)")
    }

    @Test func `A55: symlinks are skipped, also one in the place of the tree`() throws {
        let world = try world([".vimrc": .link("/etc/passwd"), ".inputrc": "real\n"])
        let run = try world.importHost()
        #expect(!world.exists("/mnt/agent-data/editors/vimrc") || world.volumeText("editors/vimrc") == "", "\(run)")
        #expect(run.code == 0 && world.volumeText("shell/inputrc") == "real\n")
        try world.put("/host/.config/containai/import-overrides", Item.link("/etc").ofAgent)
        #expect(try world.importHost().errors.contains("Override is a symlink"))
    }

    @Test func `A56: a target behind a symlink is an error, and nothing is written there`() throws {
        let world = try world([".vimrc": "x"], into: ["editors": .link("/etc")])
        let run = try world.importHost()
        #expect(run.code == 1 && run.errors.contains("which cai does not follow"), "\(run)")
        #expect(!world.exists("/etc/vimrc"))
    }

    @Test func `A57, A58: a preview lists overrides; none is no error`() throws {
        let world = try world([".vimrc": "x"])
        let run = try world.importHost("--dry-run")
        #expect(
            run.errors.contains("[dry-run] Would apply override: .vimrc -> /mnt/agent-data/editors/vimrc"), "\(run)")
        #expect(try World.importing([".vimrc": "x"]).importHost().code == 0)
    }

    @Test func `1.18 #9, #30: overrides are the source's own, and names may hold colons`() throws {
        let world = try world([".claude": ["skills": ["a:b.md": "colon"]]])
        try world.put("/home/agent/.config/containai/import-overrides/.vimrc", "of another home")
        #expect(try world.importHost().code == 0)
        #expect(world.volumeText("claude/skills/a:b.md") == "colon")
        #expect(world.volumeText("editors/vimrc") != "of another home")
    }
}

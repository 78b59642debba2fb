import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: symlinks of the source (1.6.3)` {
    private func skills(_ link: Item, _ more: Item = [:]) throws -> (World, Finished) {
        let world = try World.importing([".claude": ["skills": ["link": link, "real": ["a.md": "a"]]]])
        try world.add(below: "/host", more.ofAgent)
        return (world, try world.importHost())
    }

    @Test(.rootOnly, arguments: [false, true])
    func `root follows no link of the agent to the source, but its own ones`(isArchive: Bool) throws {
        let world = try World([
            "/private": (["home/.claude.json": "{\"k\":\"ROOT ONLY\"}"] as Item).mode(0o700).owned(by: 0),
            "/home/agent/workspace": [:],
        ])
        let place = world.path("/private/home").string
        var source = place
        if isArchive {
            source = place + "/backup.tgz"
            let packed = try Command.run(["tar", "-czf", source, "-C", place, ".claude.json"])
            try #require(packed.code == 0, "\(packed)")
        }
        try world.put("/home/agent/workspace/old-home", Item.link(FilePath(source)).owned(by: World.agent))
        let link = world.path("/home/agent/workspace/old-home").string
        let refused = try world.cai("import", "--from", link)
        #expect(refused.code == 1 && refused.errors.contains("is a symlink of uid 1000"), "\(refused)")
        #expect(world.volumeText("claude/claude.json")?.contains("ROOT ONLY") != true)
        try world.put("/old-home", Item.link(FilePath(source)).owned(by: 0))
        let followed = try world.cai("import", "--from", world.path("/old-home").string)
        #expect(followed.code == 0, "\(followed)")
        #expect(world.volumeText("claude/claude.json")?.contains("ROOT ONLY") == true)
    }

    @Test func `an archive may come through a named pipe`() throws {
        let world = try World(["/private/home/.claude.json": "{\"k\":\"THROUGH A PIPE\"}"])
        try world.put("/pipe", .fifo)
        let pipe = world.path("/pipe").string
        let writer = try Running([
            "sh", "-c", "tar -czf - -C \"$1\" .claude.json > \"$2\"", "sh", world.path("/private/home").string, pipe,
        ])
        let run = try world.cai("import", "--from", pipe)
        #expect(try writer.end() == .exited(0))
        #expect(run.code == 0 && world.volumeText("claude/claude.json")?.contains("THROUGH A PIPE") == true, "\(run)")
        let missing = try world.cai("import", "--from", world.path("/gone").string)
        #expect(missing.code == 1 && missing.errors.contains("Source not found"), "\(missing)")
    }

    @Test(arguments: [[], ["--delete"]])
    func `links of the own home into the volume are not imported over what they lead to`(_ flags: [String]) throws {
        let settings: FilePath = ".vscode-server/data/Machine/settings.json"
        let world = try settledWorld(["home": ["agent": [settings: #"{"a":1}"#]]])
        let path = "vscode-server/data/Machine/settings.json"
        #expect(world.volumeText(FilePath(path)) == #"{"a":1}"#)
        #expect(try world.cai(["import"] + flags).code == 0)
        let again = try expectPromises(["import"] + flags, on: world)
        #expect(again.code == 0 && world.volumeText(FilePath(path)) == #"{"a":1}"#, "\(again)")
        #expect(try world.displaced()["volume/" + path] == nil)
    }

    @Test func `A46: an absolute link into the source becomes relative`() throws {
        let world = try World.importing([".claude": ["plugins": ["p": ["x": "x"]], "skills": [:]]])
        try world.put("/host/.claude/skills/link", Item.link(FilePath(world.host + "/.claude/plugins/p")).ofAgent)
        let run = try world.importHost()
        #expect(world.link("/mnt/agent-data/claude/skills/link") == "../plugins/p", "\(run)")
        #expect(run.errors.contains("[RELINK] ~/.claude/skills/link -> ../plugins/p (relative)"), "\(run)")
        #expect(world.volumeText("claude/skills/link/x") == "x")
    }

    @Test func `A47: a relative link that leads to the same place stays as it is`() throws {
        let (world, run) = try skills(.link("real/a.md"))
        #expect(
            world.link("/mnt/agent-data/claude/skills/link") == "real/a.md" && !run.errors.contains("RELINK"), "\(run)")
    }

    @Test func `A48: a link out of the source is kept with a warning when it leads somewhere here`() throws {
        let (world, run) = try skills(.link("/etc/passwd"))
        #expect(world.link("/mnt/agent-data/claude/skills/link") == "/etc/passwd", "\(run)")
        #expect(run.errors.contains("[WARN] ~/.claude/skills/link -> /etc/passwd (outside HOME, preserved)"), "\(run)")
    }

    @Test(arguments: ["/nowhere/at/all", "gone", "../../../../outside"] as [FilePath])
    func `A49: a link that would dangle is reported and not copied`(_ text: FilePath) throws {
        let (world, run) = try skills(.link(text))
        #expect(!world.exists("/mnt/agent-data/claude/skills/link"), "\(run)")
        #expect(run.code == 0 && run.errors.contains("[WARN] ~/.claude/skills/link -> \(text)"), "\(run)")
        #expect(world.volumeText("claude/skills/real/a.md") == "a")
    }

    @Test func `A50: circular links do not hang and are not copied`() throws {
        let (world, run) = try skills(
            .link("other"), [".claude": ["skills": ["other": .link("link"), "up": .link(".")]]])
        #expect(!run.hung && run.code == 0, "\(run)")
        #expect(!world.exists("/mnt/agent-data/claude/skills/link"))
    }

    @Test func `A50b: a link across directories leads to the same content`() throws {
        let (world, run) = try skills(.link("../plugins/mine"), [".claude": ["plugins": ["mine": ["m": "mine"]]]])
        #expect(world.volumeText("claude/skills/link/m") == "mine", "\(run)")
    }

    @Test func `A51: a link takes the place of a directory, which is kept displaced`() throws {
        let world = try World.importing(
            [".claude": ["skills": ["link": .link("real"), "real": ["a": "a"]]]],
            into: ["claude": ["skills": ["link": ["kept.md": "kept"]]]])
        let run = try world.importHost()
        #expect(run.code == 0 && world.link("/mnt/agent-data/claude/skills/link") == "real", "\(run)")
        #expect(try world.displaced()["volume/claude/skills/link/kept.md"] == "kept")
        #expect(try world.cai("undo").code == 0)
        #expect(world.volumeText("claude/skills/link/kept.md") == "kept")
    }

    @Test func `1.18 #3: a stow link at ~/.claude.json brings its content`() throws {
        let world = try World.importing([
            ".claude.json": .link("dotfiles/claude.json"), "dotfiles": ["claude.json": #"{"stowed":1}"#],
        ])
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(run.code == 0 && world.volumeText("claude/claude.json") == #"{"stowed":1}"#, "\(run)")
        #expect(try world.volumeMode("claude/claude.json") == 0o600)
    }

    @Test func `1.18 #4: a relative dotfile link brings its content, and later imports work`() throws {
        let world = try World.importing([".vimrc": .link("dotfiles/vimrc"), "dotfiles": ["vimrc": "set nu\n"]])
        #expect(try world.importHost().code == 0)
        #expect(world.link("/mnt/agent-data/editors/vimrc") == nil && world.volumeText("editors/vimrc") == "set nu\n")
        try world.put("/host/.vimrc", Item.file("a file now\n").later(by: 9).ofAgent)
        #expect(try world.importHost().code == 0 && world.volumeText("editors/vimrc") == "a file now\n")
    }

    @Test func `1.18 #5: an absolute dotfile link brings its content, or is reported`() throws {
        let world = try World.importing(["dotfiles": ["vimrc": "set nu\n"]])
        try world.put("/host/.vimrc", Item.link(FilePath(world.host + "/dotfiles/vimrc")).ofAgent)
        try world.put("/host/.inputrc", Item.link("/somewhere/else/inputrc").ofAgent)
        let run = try world.importHost()
        #expect(world.volumeText("editors/vimrc") == "set nu\n", "\(run)")
        #expect(run.errors.contains("[WARN] ~/.inputrc -> /somewhere/else/inputrc (outside HOME"), "\(run)")
    }

    @Test func `folded directories of stow bring their content`() throws {
        let world = try World.importing([
            ".config": .link("dotfiles/config"), "dotfiles": ["config": ["nvim": ["init.lua": "-- nvim\n"]]],
        ])
        #expect(try world.importHost().code == 0)
        #expect(world.volumeText("config/nvim/init.lua") == "-- nvim\n")
    }

    @Test func `a link to what an import leaves out is left out too, never its content`() throws {
        let (world, run) = try skills(
            .link("../.credentials.json"), [".claude": [".credentials.json": .file("login secret").mode(0o600)]])
        #expect(run.code == 0, "\(run)")
        try world.remove("/mnt/agent-data/claude")
        let without = try world.importHost("--no-secrets")
        #expect(!world.exists("/mnt/agent-data/claude/skills/link"), "\(without)")
        #expect(without.errors.contains("(leads to what is left out; left out)"), "\(without)")
    }
}

import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: archives and whole volumes (1.6.5)` {
    /// Packs a directory of a world with GNU tar; returns where the archive is.
    private func pack(_ world: World, _ directory: FilePath, _ name: String = "a.tgz") throws -> String {
        let archive = world.path(FilePath("/\(name)")).string
        let tar = try Command.run(["tar", "-C", world.path(directory).string, "-czf", archive, "."])
        try #require(tar.code == 0, "\(tar)")
        return archive
    }

    private let volume: Item = [
        "claude": ["claude.json": .file(#"{"v":1}"#).mode(0o600), "skills": ["a.md": "a", "l": .link("a.md")]],
        "git": ["gitconfig": "[user]\n\tname = a\n"], "mine": ["x": "x"],
        "shell": ["bashrc.d": ["10.sh": "a", "20.priv.sh": "private"]],
        "codex": ["auth.json": .file("login").mode(0o644)],
    ]

    /// A world with an empty volume, and an archive of another volume.
    private func restoring() throws -> (World, String) {
        let world = try World()
        try world.add(below: "/other", volume)
        return (world, try pack(world, "/other"))
    }

    @Test(.needs("tar"))
    func `A41, A42, A64: a volume is recognised and restored as it was, links and unknown files too`() throws {
        let (world, archive) = try restoring()
        let run = try world.cai("import", "--from", archive)
        #expect(run.code == 0, "\(run)")
        for (path, text) in [
            ("claude/claude.json", #"{"v":1}"#), ("mine/x", "x"), ("git/gitconfig", "[user]\n\tname = a\n"),
        ] {
            #expect(world.volumeText(FilePath(path)) == text, "\(path)")
        }
        #expect(world.link("/mnt/agent-data/claude/skills/l") == "a.md", "1.18 #8")
        #expect(world.volumeText("shell/bashrc.d/20.priv.sh") == nil && world.volumeText("shell/bashrc.d/10.sh") == "a")
        #expect(try world.volumeMode("codex/auth.json") == 0o600)
        #expect(world.volumeText(".env") == nil)
    }

    @Test(.needs("tar")) func `A43: restoring twice changes nothing outside of cai's own records`() throws {
        let (world, archive) = try restoring()
        #expect(try world.cai("import", "--from", archive).code == 0)
        let before = try Snapshot(of: world.volume)
        #expect(try world.cai("import", "--from", archive).code == 0)
        let touched = try Snapshot(of: world.volume).differences(from: before).filter { !$0.hasPrefix(".containai:") }
        #expect(touched == [])
    }

    @Test(.needs("tar"))
    func `1.18 #8: what a restore replaces is kept, what the archive lacks stays unless --delete says otherwise`()
        throws
    {
        let (world, archive) = try restoring()
        try world.put("/mnt/agent-data/claude/claude.json", Item.file("newer here").mode(0o600).later(by: 500))
        try world.put("/mnt/agent-data/only/here", "only here")
        #expect(try world.cai("import", "--from", archive).code == 0)
        #expect(world.volumeText("claude/claude.json") == #"{"v":1}"# && world.volumeText("only/here") == "only here")
        #expect(try world.displaced()["volume/claude/claude.json"] == "newer here")
        let mirror = try world.cai("import", "--from", archive, "--delete")
        #expect(mirror.code == 0 && !world.exists("/mnt/agent-data/only"), "\(mirror)")
        #expect(try world.displaced()["volume/only/here"] == "only here")
        #expect(try world.cai("undo").code == 0)
        #expect(world.volumeText("only/here") == "only here")
    }

    @Test(.needs("tar")) func `1.18 #7: a preview of an archive works and leaves the volume as it is`() throws {
        let (world, archive) = try restoring()
        let before = try Snapshot(of: world.volume)
        let run = try world.cai("import", "--from", archive, "--dry-run")
        #expect(
            run.code == 0 && run.errors.contains("[DRY-RUN] Would write /mnt/agent-data/claude/claude.json"), "\(run)")
        #expect(try Snapshot(of: world.volume).differences(from: before) == [])
    }

    @Test(.needs("tar")) func `an archive of a home is recognised, also from standard input`() throws {
        let world = try World.importing(exampleHome)
        let archive = try pack(world, "/host")
        let run = try world.cai(
            "import", "--from", "-", wrapper: ["sh", "-c", "exec \"$@\" <\(archive)", "sh"])
        #expect(run.code == 0 && world.volumeText("editors/vimrc") == "set nu\n", "\(run)")
        #expect(world.volumeText("claude/.credentials.json") == "claude login")
    }

    @Test(arguments: ["not a tar", ""])
    func `A44: what is no archive is an error and changes nothing`(_ content: String) throws {
        let world = try World()
        try world.put("/x.tgz", .file(content))
        let run = try world.cai("import", "--from", world.path("/x.tgz").string)
        #expect(run.code == 1 && run.errors.contains("[ERROR]"), "\(run)")
        #expect(!world.exists("/mnt/agent-data/.containai/staging"))
    }

    @Test(.needs("tar")) func `--no-secrets covers archives of either layout`() throws {
        let (world, archive) = try restoring()
        #expect(try world.cai("import", "--from", archive, "--no-secrets").code == 0)
        #expect(world.volumeText("codex/auth.json") != "login" && world.volumeText("claude/claude.json") != #"{"v":1}"#)
        #expect(world.volumeText("mine/x") == "x")
    }

    @Test func `a directory that could be both needs --layout`() throws {
        let world = try World.importing([".vimrc": "home", "editors": ["vimrc": "volume"]])
        let run = try world.importHost()
        #expect(run.code == 1 && run.errors.contains("say which it is with --layout home or --layout volume"), "\(run)")
        #expect(!world.exists("/mnt/agent-data/.containai"))
        #expect(try world.importHost("--layout", "volume").code == 0 && world.volumeText("editors/vimrc") == "volume")
    }

    @Test func `--delete mirrors the directories that the source has, and only those`() throws {
        let world = try World.importing(
            [".claude": ["skills": ["a.md": "a"]]],
            into: [
                "claude": ["skills": ["old.md": "old", "d": ["x": "x"]], "agents": ["kept.md": "kept"]],
                "editors": ["vimrc": "v"],
            ])
        let run = try expectPromises(["import", "--from", world.host, "--delete"], on: world)
        #expect(run.code == 0 && !world.exists("/mnt/agent-data/claude/skills/old.md"), "\(run)")
        #expect(!world.exists("/mnt/agent-data/claude/skills/d"))
        #expect(world.volumeText("claude/agents/kept.md") == "kept" && world.volumeText("editors/vimrc") == "v")
        #expect(try world.displaced()["volume/claude/skills/old.md"] == "old")
    }

    @Test(arguments: [[], ["--delete"]])
    func `a file that became a directory makes room, and a directory that became a file or a link`(
        _ more: [String]
    ) throws {
        let world = try World.importing(
            [
                ".claude": [
                    "CLAUDE.md": "memory",
                    "skills": [
                        "kind": ["inside": "inside", "deep": ["er": "deeper"]], "other": ["in": "in"], "plain": "plain",
                        "linked": .link("plain"),
                    ],
                ]
            ],
            into: [
                "claude": [
                    "skills": [
                        "kind": "a file", "other": .link("plain"), "plain": ["x": "x", "y": ["z": "z"]],
                        "linked": ["l": "l"],
                    ]
                ]
            ])
        let run = try expectPromises(["import", "--from", world.host] + more, on: world)
        #expect(run.code == 0, "\(run)")
        #expect(world.volumeText("claude/skills/kind/inside") == "inside")
        #expect(world.volumeText("claude/skills/kind/deep/er") == "deeper")
        #expect(
            world.volumeText("claude/skills/other/in") == "in" && world.volumeText("claude/skills/plain") == "plain")
        #expect(try Files.linkText(world.path("/mnt/agent-data/claude/skills/linked")) == "plain")
        #expect(try world.displaced()["volume/claude/skills/kind"] == "a file")
        #expect(try world.displaced()["volume/claude/skills/plain/y/z"] == "z")
        #expect(try world.cai("undo").code == 0)
        #expect(world.volumeText("claude/skills/kind") == "a file" && world.volumeText("claude/skills/plain/x") == "x")
    }
}

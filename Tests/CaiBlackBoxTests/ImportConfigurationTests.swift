import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: configuration, excludes and additional paths (1.7 to 1.9)` {
    private func world(_ config: String, _ home: Item = [:]) throws -> World {
        let world = try World.importing([".config": ["containai": ["config.toml": .file(config)]]])
        try world.add(below: "/host", home.ofAgent)
        try world.put("/home/agent/workspace", [:])
        return world
    }

    private let skills: Item = [
        ".claude": ["skills": ["a.md": "a", "b.log": "b"], "plugins": ["c.log": "c"]], ".vimrc": "v",
    ]

    @Test func `root prefixes and paths skip entries, globs skip names, and what matches nothing is told`() throws {
        let world = try world(#"default_excludes = ["editors", "claude/skills", "*.log", "no/such"]"#, skills)
        let run = try world.importHost()
        #expect(
            run.errors.contains("[SKIP] ~/.vimrc -> /mnt/agent-data/editors/vimrc (excluded by root prefix)"), "\(run)")
        #expect(
            run.errors.contains("[SKIP] ~/.claude/skills -> /mnt/agent-data/claude/skills (excluded by path pattern)"))
        #expect(run.errors.contains("[WARN] Unmatched exclude pattern (dropped): no/such"))
        #expect(world.volumeText("claude/plugins/c.log") == nil && world.volumeText("claude/skills/a.md") == nil)
        let all = try world.importHost("--no-excludes")
        #expect(all.code == 0 && world.volumeText("claude/plugins/c.log") == "c", "\(all)")
    }

    @Test func `1.18 #29: path patterns with globs leave out what they name`() throws {
        let world = try world(#"default_excludes = ["claude/sk*", "**/c.log"]"#, skills)
        try world.importHost()
        #expect(world.volumeText("claude/skills/a.md") == nil && world.volumeText("claude/plugins/c.log") == nil)
    }

    @Test func `A11, A13, A15: the longest workspace section that matches counts, relative ones never`() throws {
        let world = try world(
            """
            [workspace."/home/agent"]
            excludes = ["claude/skills"]
            [workspace."/home/agent/workspace"]
            excludes = ["editors"]
            [workspace."agent/workspace"]
            excludes = ["claude/plugins"]
            """, skills)
        try world.importHost()
        #expect(world.volumeText("claude/skills/a.md") == "a" && world.volumeText("claude/plugins/c.log") == "c")
        #expect(!world.exists("/mnt/agent-data/editors/vimrc") || world.volumeText("editors/vimrc") == "")
    }

    @Test func `A2: --config names the only file; one that is missing or broken stops the import`() throws {
        let world = try world(#"default_excludes = ["editors"]"#, skills)
        let missing = try world.importHost("--config", "/no/such.toml")
        #expect(
            missing.code == 78 && missing.errors.contains("[ERROR] Config file not found: /no/such.toml"), "\(missing)")
        try world.put("/broken.toml", "= nothing")
        let broken = try world.importHost("--config", world.path("/broken.toml").string)
        #expect(broken.code == 78 && broken.errors.contains("[ERROR] Failed to parse config file: "), "\(broken)")
        #expect(!world.exists("/mnt/agent-data/claude"))
        try world.put("/other.toml", #"default_excludes = ["claude"]"#)
        try world.importHost("--config", world.path("/other.toml").string)
        #expect(world.volumeText("editors/vimrc") == "v" && world.volumeText("claude/skills/a.md") == nil)
    }

    @Test func `a broken file that was found is a warning`() throws {
        let run = try world("= nothing", skills).importHost()
        #expect(run.code == 0 && run.errors.contains("the file was ignored"), "\(run)")
    }

    @Test func `additional paths are imported and get links`() throws {
        let world = try world(
            #"[import]"# + "\n"
                + #"additional_paths = ["~/.config/tool", "~/.ssh/config", "~/.none", "notes.txt", "~/plain"]"#,
            [".config": ["tool": ["t": "tool"]], ".ssh": ["config": "Host x\n"], "plain": "plain"])
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(run.code == 0 && world.volumeText("config/tool/t") == "tool", "\(run)")
        #expect(world.link("/home/agent/.config/tool") == "/mnt/agent-data/config/tool")
        #expect(world.link("/home/agent/plain") == "/mnt/agent-data/plain")
        #expect(world.link("/home/agent/.ssh/config") == "/mnt/agent-data/ssh/config")
        #expect(world.volumeText("ssh/config") == "Host x\n")
        #expect(try world.importHost().errors.contains("[import].additional_paths[3] is relative"))
    }

    @Test(arguments: [
        ("~/../x", "lies outside"), ("~other/x", "another user's home"), ("/etc/passwd", "lies outside"),
        ("~/", "is the home directory itself"), ("", "is empty"), ("~/link/x", "(contains symlink component)"),
        ("~/link", "(is a symlink)"),
    ])
    func `additional paths that are refused are warnings`(_ path: String, _ reason: String) throws {
        let world = try world(
            "[import]\nadditional_paths = [\"\(path)\"]", ["real": ["x": "x"], "link": .link("real")])
        let run = try world.importHost()
        #expect(run.code == 0 && run.errors.contains(reason), "\(run)")
        #expect(run.errors.contains("[import].additional_paths[0]"))
    }

    @Test func `1.18 #30: additional paths may hold colons`() throws {
        let world = try world("[import]\nadditional_paths = [\"~/a:b\"]", ["a:b": "colon"])
        #expect(try world.importHost().code == 0 && world.volumeText("a:b") == "colon")
    }

    @Test func `1.18 #28: a repository cannot widen what is imported unless the user's configuration grants it`() throws
    {
        let world = try world(
            #"default_excludes = ["editors"]"#, [".aws": ["credentials": "aws secret"], ".vimrc": "v"])
        try world.put("/home/agent/workspace/.git/HEAD", "ref: refs/heads/main\n")
        try world.put(
            "/home/agent/workspace/.containai/config.toml",
            """
            default_excludes = ["codex", "!editors"]
            [import]
            additional_paths = ["~/.aws"]
            exclude_priv = false
            [env]
            import = ["TOKEN"]
            from_host = true
            """)
        let run = try world.importHost(environment: ["TOKEN": "tokenvalue"])
        #expect(run.errors.contains("asks for more than the user's configuration grants"), "\(run)")
        #expect(!world.exists("/mnt/agent-data/aws") && world.volumeText(".env") == nil)
        #expect(world.volumeText("editors/vimrc") ?? "" == "")
        #expect(run.errors.contains("[SKIP] ~/.codex/config.toml"), "what it leaves out counts: \(run)")

        try world.put(
            "/host/.config/containai/config.toml",
            Item.file("[workspace.\"/home/agent/workspace\"]\ntrust_repository = true\n").ofAgent)
        let granted = try world.importHost(environment: ["TOKEN": "tokenvalue"])
        #expect(
            world.volumeText("aws/credentials") == "aws secret" && world.volumeText(".env") == "TOKEN=tokenvalue\n",
            "\(granted)")
    }

    @Test func `A62, A63: private files below bashrc.d are left out, with --no-excludes too, unless it is turned off`()
        throws
    {
        let hooks: Item = [".bashrc.d": ["10.sh": "a", "20.priv.sh": "private", "sub": ["x.priv.y": "private"]]]
        let world = try world("", hooks)
        #expect(try world.importHost("--no-excludes").code == 0)
        #expect(world.volumeText("shell/bashrc.d/10.sh") == "a" && world.volumeText("shell/bashrc.d/20.priv.sh") == nil)
        #expect(world.volumeText("shell/bashrc.d/sub/x.priv.y") == nil)
        let open = try self.world("[import]\nexclude_priv = false", hooks)
        try open.importHost()
        #expect(open.volumeText("shell/bashrc.d/20.priv.sh") == "private")
    }

    @Test func `user manifests of the source are imported and used; an invalid one does not stand in the way`() throws {
        let world = try World.importing([
            ".config": [
                "containai": [
                    "manifests": [
                        "mine.toml":
                            "[[entries]]\nsource = \".mine\"\ntarget = \"mine\"\ncontainer_link = \".mine\"\nflags = \"f\"\n",
                        "bad.toml": "= bad",
                    ]
                ]
            ], ".mine": "my data",
        ])
        let run = try world.importHost()
        #expect(run.code == 0 && world.volumeText("mine") == "my data", "\(run)")
        #expect(world.link("/home/agent/.mine") == "/mnt/agent-data/mine")
    }
}

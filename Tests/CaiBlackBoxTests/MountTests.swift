import CaiTestSupport
import SystemPackage
import Testing

/// A script that mounts a path of the world over another one.
private func bind(_ world: World, _ from: FilePath, over place: FilePath, isReadOnly: Bool = false) -> String {
    let (from, place) = (world.path(from).string, world.path(place).string)
    return "mount --bind '\(from)' '\(place)'" + (isReadOnly ? "; mount -o remount,bind,ro '\(place)'" : "") + "\n"
}

@Suite(.serialized) struct `What is mounted in the home` {
    @Test(.rootOnly, .needs("unshare"), arguments: [["init"], ["sync"], ["links", "repair"]])
    func `stays where it is if it lies below a mounted directory`(_ arguments: [String]) throws {
        let world = try World(ofAgent: [
            "host/gh": ["hosts.yml": "mine"], "host/opencode": ["opencode.json": "{}"], "home/agent/.config": [:],
        ])
        let before = try Snapshot(of: world.path("host"))
        let run = try world.linked(
            arguments, wrapper: inMountNamespace(bind(world, "host", over: "home/agent/.config")))
        #expect(try Snapshot(of: world.path("host")).differences(from: before) == [], "\(run)")
        #expect(!world.exists("/mnt/agent-data/config/gh/hosts.yml") || world.volume(holds: "mine") == false, "\(run)")
    }

    @Test(.rootOnly, .needs("unshare")) func `is named once, with what stays there`() throws {
        let world = try World(ofAgent: ["host/gh": ["hosts.yml": "mine"], "home/agent/.config": [:]])
        let run = try world.linked("init", wrapper: inMountNamespace(bind(world, "host", over: "home/agent/.config")))
        let lines = run.errors.split(separator: "\n").filter { $0.contains("~/.config: is mounted;") }
        #expect(lines.count == 1 && lines[0].contains("stay there, and are not kept"), "\(run)")
        #expect(run.errors.contains("~/.config/opencode: lies on the mount at ~/.config"), "\(run)")
    }

    @Test(.rootOnly, .needs("unshare"), arguments: [["init"], ["sync"], ["links", "repair"]])
    func `stays where it is if the whole home is a directory of the host`(_ arguments: [String]) throws {
        let world = try World(ofAgent: [
            "host": [
                ".claude.json": "login", ".claude": ["settings.json": "{\"model\": \"opus\"}"], ".vimrc": "mine",
                ".codex": ["auth.json": "{\"token\": 1}"],
            ]
        ])
        let before = try Snapshot(of: world.path("host")).facts.filter { $0.value.kind == .file }
        let run = try world.linked(arguments, wrapper: inMountNamespace(bind(world, "host", over: "home/agent")))
        let after = try Snapshot(of: world.path("host")).facts
        for (path, fact) in before {
            #expect(after[path]?.kind == .file && after[path]?.digest == fact.digest, "\(path): \(run)")
        }
        if arguments == ["init"] { #expect(run.errors.contains("~: is a directory of the host"), "\(run)") }
    }

    @Test(.rootOnly, .needs("unshare")) func `is named with its owner if the agent cannot write to it`() throws {
        let world = try World(ofAgent: ["home/agent/.claude": [:]])
        try world.put("host", ([:] as Item).owned(by: 0))
        let run = try world.linked("init", wrapper: inMountNamespace(bind(world, "host", over: "home/agent/.claude")))
        let lines = run.errors.split(separator: "\n").filter { $0.contains("belongs to uid 0") }
        #expect(lines.count == 1 && lines[0].contains("~/.claude: is mounted"), "\(run)")
        #expect(lines.first?.contains("chown -R 1000:1000 \(world.home)/.claude") == true, "\(run)")
        #expect(!run.errors.contains("as root"), "\(run)")
    }

    @Test(.rootOnly, .needs("unshare")) func `is named as a mount where an engine made a directory of a file`() throws {
        let world = try World(ofAgent: ["home/agent/.claude.json": [:], "host": [:]])
        let run = try world.linked(
            "init", wrapper: inMountNamespace(bind(world, "host", over: "home/agent/.claude.json")))
        #expect(run.errors.contains("~/.claude.json: is a mount of a directory where a file belongs"), "\(run)")
        #expect(!run.errors.contains("move it away"), "\(run)")
    }

    @Test(.rootOnly) func `leaves an empty directory that makes room for the link of a file`() throws {
        let world = try World(ofAgent: [
            "home/agent": [".claude.json": [:], ".codex": ["auth.json": [:], "config.toml": "a = 1\n"]]
        ])
        let boot = try world.linked("init")
        #expect(world.link("/home/agent/.claude.json") == "/mnt/agent-data/claude/claude.json", "\(boot)")
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex", "\(boot)")
        #expect(!world.exists("/mnt/agent-data/codex/auth.json"), "the agent can save its login: \(boot)")
        #expect(try world.text("/mnt/agent-data/codex/config.toml") == "a = 1\n")
        #expect(!boot.errors.contains("displaced"), "\(boot)")
    }

    @Test(.rootOnly) func `leaves a directory with something in it alone`() throws {
        let world = try World(ofAgent: ["home/agent/.claude.json": ["in": "it"]])
        let boot = try world.linked("init")
        #expect(try world.text("/home/agent/.claude.json/in") == "it", "\(boot)")
    }
}

@Suite(.serialized) struct `What is mounted on the volume` {
    @Test(.rootOnly, .needs("unshare"), arguments: [["init"], ["sync"], ["links", "repair"]])
    func `keeps its content at the target of a file, and the file in the home stays`(_ arguments: [String]) throws {
        let world = try World(ofAgent: [
            "host": "theirs", "home/agent/.vimrc": "mine", "mnt/agent-data/editors": ["vimrc": "below"],
        ])
        let run = try world.linked(
            arguments, wrapper: inMountNamespace(bind(world, "host", over: "mnt/agent-data/editors/vimrc")))
        #expect(try world.text("/home/agent/.vimrc") == "mine", "\(run)")
        #expect(try world.text("/host") == "theirs" && world.text("/mnt/agent-data/editors/vimrc") == "below")
        #expect(run.errors.contains("a file is mounted at its place"), "\(run)")
        #expect(!run.errors.contains("busy") && !world.exists("/mnt/agent-data/.containai/displaced"), "\(run)")
    }

    @Test(.rootOnly, .needs("unshare")) func `keeps its content in an agent directory, and the rest moves there`()
        throws
    {
        let world = try World(ofAgent: [
            "host": "{\"theirs\": 1}",
            "home/agent/.claude": ["settings.json": "{\"mine\": 1}", "notes.md": "a", "agents": ["a.md": "x"]],
            "mnt/agent-data/claude": ["settings.json": "{}"],
        ])
        let wrapper = inMountNamespace(bind(world, "host", over: "mnt/agent-data/claude/settings.json"))
        let run = try world.linked("init", wrapper: wrapper)
        #expect(world.link("/home/agent/.claude") == "/mnt/agent-data/claude", "\(run)")
        #expect(try world.text("/mnt/agent-data/claude/notes.md") == "a" && world.text("/host") == "{\"theirs\": 1}")
        #expect(run.errors.contains("a file is mounted at its place on the volume, which stays"), "\(run)")
        #expect(world.volume(holds: "{\"mine\": 1}"), "the other version is kept displaced")
    }

    @Test(.rootOnly, .needs("unshare")) func `keeps an earlier name, of which the next step is to mount it elsewhere`()
        throws
    {
        let world = try World(ofAgent: ["host": "{\"login\": 1}", "mnt/agent-data/claude/credentials.json": "{}"])
        let wrapper = inMountNamespace(
            bind(world, "host", over: "mnt/agent-data/claude/credentials.json", isReadOnly: true))
        let run = try world.linked("init", wrapper: wrapper)
        #expect(run.errors.contains("mount it at /mnt/agent-data/claude/.credentials.json instead"), "\(run)")
        #expect(!run.errors.contains("not tried") && !run.errors.contains("agents: failed"), "\(run)")
        #expect(world.exists("/mnt/agent-data/editors/vimrc"), "the placeholders of others are made")
    }

    @Test(.rootOnly, .needs("unshare"), arguments: [["init"], ["sync"]])
    func `may be a directory below the volume, into which trees move`(_ arguments: [String]) throws {
        let world = try World(ofAgent: [
            "other": ["skills": ["old.md": "old", "both.md": "theirs"]],
            "home/agent/.claude": [
                "skills": ["new.md": "new", "both.md": .file("mine").later(by: 60)], "notes.md": "n",
            ],
            "mnt/agent-data/claude": [:],
        ])
        let run = try world.linked(
            arguments, wrapper: inMountNamespace(bind(world, "other", over: "mnt/agent-data/claude")))
        #expect(!run.errors.contains("cross-device"), "\(run)")
        #expect(try world.text("/other/skills/new.md") == "new" && world.text("/other/notes.md") == "n", "\(run)")
        #expect(try world.text("/other/skills/old.md") == "old" && world.text("/other/skills/both.md") == "mine")
        #expect(world.volume(holds: "theirs"), "the older version is kept displaced")
    }

    @Test(.rootOnly, .needs("unshare")) func `may be a directory below another one, into which files merge`() throws {
        let world = try World(ofAgent: [
            "other": ["old.md": "old", "both.md": "theirs"],
            "home/agent/.claude": [
                "skills": ["new.md": "new", "both.md": .file("mine").later(by: 60), "d": ["x": "y"]]
            ],
            "mnt/agent-data/claude": ["skills": [:]],
        ])
        let run = try world.linked(
            "init", wrapper: inMountNamespace(bind(world, "other", over: "mnt/agent-data/claude/skills")))
        #expect(!run.errors.contains("cross-device"), "\(run)")
        #expect(try world.text("/other/new.md") == "new" && world.text("/other/d/x") == "y", "\(run)")
        #expect(try world.text("/other/old.md") == "old" && world.text("/other/both.md") == "mine", "\(run)")
        #expect(world.volume(holds: "theirs"), "the older version is kept displaced")
        #expect(try !Snapshot(of: world.path("other")).facts.keys.contains { $0.string.contains(".cai-") })
    }

    @Test(.rootOnly, .needs("unshare")) func `takes an import and gives it back to an undo, below the volume`() throws {
        let world = try World.importing(
            [
                ".claude": ["settings.json": .file("{\"new\": 1}").later(by: 60), "skills": ["a.md": "a"]],
                ".vimrc": "v",
            ],
            into: ["claude": [:]])
        try world.put("other", (["settings.json": "{\"old\": 1}", "skills": ["b.md": "b"]] as Item).ofAgent)
        let before = try Snapshot(of: world.path("other"))
        let wrapper = inMountNamespace(bind(world, "other", over: "mnt/agent-data/claude"))
        let run = try world.linked(["import", "--from", world.host], wrapper: wrapper)
        #expect(run.code == 0 && !run.errors.contains("cross-device"), "\(run)")
        #expect(try world.text("/other/skills/a.md") == "a" && world.text("/other/settings.json").contains("new"))
        let undo = try world.linked(["undo"], wrapper: wrapper)
        #expect(undo.code == 0 && !undo.errors.contains("cross-device"), "\(undo)")
        #expect(try Snapshot(of: world.path("other")).differences(from: before, .content) == [], "\(undo)")
        #expect(try !Snapshot(of: world.path("other")).facts.keys.contains { $0.string.contains(".cai-") })
    }

    @Test(.rootOnly, .needs("unshare")) func `gives its secrets up to a purge, below the volume`() throws {
        let world = try World(ofAgent: ["mnt/agent-data/codex": [:]])
        try world.put("other", Item(dictionaryLiteral: ("auth.json", .file("{\"OPENAI_API_KEY\": \"sk-1\"}"))).ofAgent)
        let wrapper = inMountNamespace(bind(world, "other", over: "mnt/agent-data/codex"))
        let run = try world.linked(["secrets", "purge", "--yes"], wrapper: wrapper)
        #expect(run.code == 0 && !run.errors.contains("cross-device"), "\(run)")
        #expect(try !Snapshot(of: world.path("other")).facts.keys.contains { $0.string.contains(".cai-") })
        #expect(!world.exists("/other/auth.json"), "\(run)")
    }

    @Test(.rootOnly, .needs("unshare"), arguments: [true, false])
    func `is not replaced by an import, whose other files arrive`(isPreview: Bool) throws {
        let world = try World.importing(
            [".vimrc": "new", ".claude": ["settings.json": "{\"a\": 1}"]], into: ["editors": ["vimrc": "below"]])
        try world.put("other", Item("theirs").owned(by: World.agent))
        let wrapper = inMountNamespace(bind(world, "other", over: "mnt/agent-data/editors/vimrc"))
        let run = try world.linked(
            ["import", "--from", world.host] + (isPreview ? ["--dry-run"] : []), wrapper: wrapper)
        #expect(run.everything.contains("/editors/vimrc: is a mount"), "\(run)")
        #expect(try world.text("/other") == "theirs")
        #expect((world.volumeText("claude/settings.json") != nil) == !isPreview, "\(run)")
    }

    @Test(.rootOnly, .needs("unshare")) func `is read-only in one place, and the others are written`() throws {
        let world = try World(ofAgent: ["mnt/agent-data/editors": ["own": "x"]])
        let wrapper = inMountNamespace(
            bind(world, "mnt/agent-data/editors", over: "mnt/agent-data/editors", isReadOnly: true))
        let run = try world.linked("init", wrapper: wrapper)
        #expect(
            run.errors.contains("\(world.volume)/editors (") && run.errors.contains("is mounted read-only"), "\(run)")
        #expect(
            !world.exists("/mnt/agent-data/editors/vimrc") && world.exists("/mnt/agent-data/git/gitconfig"), "\(run)")
    }
}

@Suite(.serialized) struct `A preview on a machine that refuses` {
    @Test(.rootOnly, .needs("unshare"), arguments: [["sync", "--dry-run"], ["links", "repair", "--dry-run"]])
    func `promises nothing in a read-only home`(_ arguments: [String]) throws {
        let world = try World()
        // A bind mount of a directory would be one of the host, which has no links.
        let home = world.home.string
        let wrapper = inMountNamespace(
            """
            mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs '\(home)'; echo v >'\(home)/.vimrc'
            chown 1000:1000 '\(home)/.vimrc'; mount -o remount,ro '\(home)'
            """)
        let run = try world.linked(arguments, wrapper: wrapper)
        #expect(run.code == 1 && run.everything.contains("without :ro"), "\(run)")
        #expect(!run.everything.contains("Would move") && !run.everything.contains("[DRY-RUN] Would"), "\(run)")
    }

    @Test(.rootOnly, .needs("unshare")) func `promises no change of a mounted configuration of OpenCode`() throws {
        let world = try World(ofAgent: [
            "/etc/containai/agent.toml": "preset = \"opencode\"\nuser = \"agent\"\nhome = \"/home/agent\"\n",
            "host": "{ \"auth\": { \"enabled\": false } }", "home/agent/.config/opencode/opencode.jsonc": "{}",
        ])
        try world.remove("/mnt/agent-data")
        let place: FilePath = "home/agent/.config/opencode/opencode.jsonc"
        let wrapper = inMountNamespace(bind(world, "host", over: place))
        for arguments in [["opencode", "patch", "--dry-run"], ["opencode", "patch", "--force"], ["init", "--force"]] {
            let run = try world.linked(arguments, wrapper: wrapper)
            #expect(run.errors.contains("opencode.jsonc: is a single file that is mounted"), "\(run)")
            #expect(run.errors.contains("SECURITY WARNING"), "\(run)")
            #expect(!run.everything.contains("Would write") && !run.everything.contains("as it should be"), "\(run)")
        }
        #expect(!world.exists("/home/agent/.config/opencode/.containai/displaced"))
    }
}

extension World {
    /// Runs `cai` where agent directories are linked as a whole.
    fileprivate func linked(_ arguments: String, wrapper: [String] = []) throws -> Finished {
        try linked([arguments], wrapper: wrapper)
    }

    fileprivate func linked(_ arguments: [String], wrapper: [String] = []) throws -> Finished {
        try cai(arguments, environment: Command.linkedAgents, wrapper: wrapper)
    }

    /// A world whose directories beside home and volume are the agent's.
    fileprivate convenience init(ofAgent tree: Item) throws {
        try self.init()
        try add(tree.ofAgent)
    }

    /// True if some file of the volume, displaced ones among them, has this content.
    fileprivate func volume(holds content: String) -> Bool {
        let paths = (try? Snapshot(of: volume).facts.filter { $0.value.kind == .file }.map(\.key)) ?? []
        return paths.contains { (try? Files.text(volume.appending($0.components))) == content }
    }
}

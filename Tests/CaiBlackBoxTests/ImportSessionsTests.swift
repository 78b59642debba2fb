import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `Import: conversations with --sessions` {
    /// A home with conversations of three agents, their caches, local parts and locks.
    private static let home: Item = [
        ".claude.json": .file(#"{"projects":{"a":1}}"#).mode(0o600),
        ".claude": [
            "projects": Item.directory([
                ("-work", ["a.jsonl": .file("{\"cwd\":\"/Users/me/work\"}\n").mode(0o600), "note.txt": "note\n"])
            ]).mode(0o700),
            "todos": ["t.json": "[1]"], "history.jsonl": "{\"display\":\"hello\"}\n",
            "next-release": ["state.bin": "unknown", "link": .link("../history.jsonl")],
            "settings.json": #"{"hooks":"/Users/me/.claude/hooks/h.sh"}"#, "hooks": ["h.sh": .file("#!").mode(0o755)],
            ".credentials.json": .file("claude login").mode(0o644), "CLAUDE.md": "memory",
            "cache": ["changelog.md": "cache"], "statsig": ["s": "cache"], "shell-snapshots": ["s.sh": "cache"],
            "sessions": ["123.json": "local"], "daemon": ["daemon.sock": .socket, "pid": "local"],
            "settings.json.lock": ["owner": "1"], "empty.lock": [:], "own.lock": ["kept": "kept"],
        ],
        ".codex": [
            "sessions": ["2026": ["rollout-1.jsonl": "{\"id\":1}\n"]], "auth.json": .file("codex login").mode(0o600),
            ".credentials.json": .file("mcp token").mode(0o644), "config.toml": "model = \"x\"\n",
            "tmp": ["arg0": .link("/usr/local/bin/gone")], "logs_2.sqlite": "cache", "packages": ["p": "cache"],
            "skills": ["own": ["a.md": "a"], ".system": ["s.md": "cache"]],
            "app-server-control": ["codex.sock": .socket],
        ],
        ".local": [
            "share": [
                "opencode": [
                    "storage": ["session": ["s.json": #"{"id":"s"}"#]], "log": ["l.log": "cache"],
                    "auth.json": .file("opencode login").mode(0o644),
                ]
            ]
        ],
        ".vimrc": "set nu\n", "notes.txt": "not ours",
    ]

    private static let conversations: [(FilePath, String)] = [
        ("claude/projects/-work/a.jsonl", "{\"cwd\":\"/Users/me/work\"}\n"), ("claude/todos/t.json", "[1]"),
        ("claude/history.jsonl", "{\"display\":\"hello\"}\n"), ("claude/next-release/state.bin", "unknown"),
        ("claude/own.lock/kept", "kept"), ("codex/sessions/2026/rollout-1.jsonl", "{\"id\":1}\n"),
        ("local/share/opencode/storage/session/s.json", #"{"id":"s"}"#),
    ]

    private static func expectConversations(
        _ world: World, _ run: Finished, at place: SourceLocation = #_sourceLocation
    ) {
        #expect(run.code == 0, "\(run)", sourceLocation: place)
        for (path, text) in conversations {
            #expect(world.volumeText(path) == text, "\(path)\n\(run)", sourceLocation: place)
        }
    }

    private static func archive(_ world: World, _ directory: FilePath, _ options: String = "-czf") throws -> String {
        let archive = world.path("/archive").string
        let tar = try Command.run(["tar", "-C", world.path(directory).string, options, archive, "."])
        try #require(tar.code == 0, "\(tar)")
        return archive
    }

    @Test func `every promise holds, and the state comes without caches, local parts, locks and sockets`() throws {
        let world = try World.importing(Self.home)
        let run = try expectPromises(["import", "--sessions", "--from", world.host], on: world)
        Self.expectConversations(world, run)
        #expect(world.link("/mnt/agent-data/claude/next-release/link") == "../history.jsonl")
        #expect(try world.volumeMode("claude/projects") == 0o700)
        #expect(try world.volumeMode("claude/projects/-work/a.jsonl") == 0o600)
        for name in [
            "claude/cache", "claude/statsig", "claude/shell-snapshots", "claude/sessions/123.json", "claude/daemon/pid",
            "claude/settings.json.lock", "claude/empty.lock", "codex/tmp/arg0", "codex/logs_2.sqlite",
            "codex/packages/p", "codex/skills/.system/s.md", "codex/app-server-control/codex.sock",
            "local/share/opencode/log/l.log", "notes.txt",
        ] as [FilePath] { #expect(!world.exists(FilePath("/mnt/agent-data").appending(name.components)), "\(name)") }
        #expect(!run.errors.contains("codex.sock") && !run.errors.contains("daemon.sock"), "\(run)")
    }

    @Test func `configuration comes by the rules of its entries, and secrets are private`() throws {
        let world = try World.importing(Self.home)
        let run = try world.importHost("--sessions")
        #expect(run.code == 0 && world.volumeText("claude/claude.json") == #"{"projects":{"a":1}}"#, "\(run)")
        #expect(world.volumeText("editors/vimrc") == "set nu\n" && world.volumeText("codex/skills/own/a.md") == "a")
        #expect(world.volumeText("claude/CLAUDE.md") == "memory")
        for (path, text) in [
            ("claude/.credentials.json", "claude login"), ("codex/auth.json", "codex login"),
            ("codex/.credentials.json", "mcp token"), ("local/share/opencode/auth.json", "opencode login"),
        ] as [(FilePath, String)] {
            #expect(try world.volumeText(path) == text && world.volumeMode(path) == 0o600, "\(path)")
        }
        #expect(try world.volumeMode("codex") == 0o700)
    }

    @Test func `without the flag no conversation comes`() throws {
        let world = try World.importing(Self.home)
        let run = try world.importHost()
        #expect(run.code == 0 && world.volumeText("claude/CLAUDE.md") == "memory", "\(run)")
        for (path, _) in Self.conversations { #expect(world.volumeText(path) == nil, "\(path)") }
        #expect(!run.errors.contains("onversations"), "\(run)")
    }

    @Test func `the preview and the run say how much comes, and a second run that nothing does`() throws {
        let world = try World.importing(
            Self.home, into: ["claude": ["todos": ["t.json": "[1]"], "history.jsonl": "{\"display\":\"hello\"}\n"]])
        let preview = try world.importHost("--sessions", "--dry-run")
        #expect(
            preview.errors.contains(
                "[DRY-RUN] Would import conversations and state of claude: 4 of 6 files, 41 B: "
                    + "~/.claude -> /mnt/agent-data/claude\n"), "\(preview)")
        let run = try world.importHost("--sessions")
        #expect(
            run.errors.contains(
                "[INFO] Imported conversations and state of codex: 2 of 2 files, 18 B: ~/.codex -> /mnt/agent-data/codex\n"
            ), "\(run)")
        let again = try world.importHost("--sessions", "--json")
        let claude = try #require(again.json["sessions"].array.first)
        #expect(claude["agent"].text == "claude" && claude["target"].text == "/mnt/agent-data/claude", "\(again)")
        #expect(claude["files"].number == 6 && claude["imported_files"].number == 0, "\(again)")
        #expect(again.json["sessions"].array.count == 3 && again.json.steps == [], "\(again)")
    }

    @Test func `paths of the source's home in conversations stay as they are`() throws {
        let world = try World.importing(Self.home)
        let run = try world.importHost("--sessions")
        #expect(world.volumeText("claude/projects/-work/a.jsonl") == "{\"cwd\":\"/Users/me/work\"}\n", "\(run)")
        #expect(
            world.volumeText("claude/settings.json")?.contains(#""/home/agent/.claude/hooks/h.sh""#) == true, "\(run)")
    }

    @Test func `of two versions of a conversation the one that has all of the other counts`() throws {
        let (short, long) = ("{\"n\":1}\n", "{\"n\":1}\n{\"n\":2}\n")
        let world = try World.importing(
            [
                ".claude": [
                    "projects": [
                        "longer-there.jsonl": .file(long).at(1_500_000_000), "longer-here.jsonl": .file(short),
                    ]
                ]
            ],
            into: [
                "claude": [
                    "projects": [
                        "longer-there.jsonl": .file(short), "longer-here.jsonl": .file(long).at(1_500_000_000),
                        "only-here.jsonl": "{}\n",
                    ]
                ]
            ])
        let before = try Snapshot(of: world.volume).without([".containai"])
        let run = try expectPromises(["import", "--sessions", "--from", world.host], on: world)
        #expect(run.code == 0 && run.json["kept"].number == 1, "\(run)")
        #expect(world.volumeText("claude/projects/longer-there.jsonl") == long, "\(run)")
        #expect(world.volumeText("claude/projects/longer-here.jsonl") == long, "\(run)")
        #expect(try world.displaced()["volume/claude/projects/longer-there.jsonl"] == short)
        let undo = try expectPromises(["undo"], on: world)
        let differences = try Snapshot(of: world.volume).without([".containai"]).differences(from: before, .content)
        #expect(undo.code == 0 && differences == [], "\(differences) \(undo)")
    }

    @Test func `of two versions that went on apart the newer counts, and the other is displaced`() throws {
        let (here, there) = ("{\"n\":1}\n{\"here\":2}\n", "{\"n\":1}\n{\"there\":2}\n")
        let world = try World.importing(
            [".codex": ["sessions": ["r.jsonl": .file(there).later(by: 60)]]],
            into: ["codex": ["sessions": ["r.jsonl": .file(here)]]])
        let run = try expectPromises(["import", "--sessions", "--from", world.host], on: world)
        #expect(run.code == 0 && world.volumeText("codex/sessions/r.jsonl") == there, "\(run)")
        #expect(try world.displaced()["volume/codex/sessions/r.jsonl"] == here)
    }

    @Test func `a conversation that went on in the container since the last import is kept`() throws {
        let world = try World.importing([".codex": ["sessions": ["r.jsonl": .file("{\"n\":1}\n").later(by: 60)]]])
        #expect(try world.importHost("--sessions").code == 0)
        try world.put("/mnt/agent-data/codex/sessions/r.jsonl", .file("{\"n\":1}\n{\"n\":2}\n"))
        let run = try expectPromises(["import", "--sessions", "--from", world.host], on: world)
        #expect(run.code == 0 && run.json.steps == [], "\(run)")
        #expect(world.volumeText("codex/sessions/r.jsonl") == "{\"n\":1}\n{\"n\":2}\n")
    }

    @Test(.needs("tail")) func `a conversation that a program here has open is kept, with a next step`() throws {
        let (short, long) = ("{\"n\":1}\n", "{\"n\":1}\n{\"n\":2}\n")
        let world = try World.importing(
            [".codex": ["sessions": ["r.jsonl": .file(long)]]], into: ["codex": ["sessions": ["r.jsonl": .file(short)]]]
        )
        let program = try Running(["tail", "-f", world.volume.appending("codex/sessions/r.jsonl").string])
        #expect(try program.line() == "{\"n\":1}")
        let run = try expectPromises(["import", "--sessions", "--from", world.host], on: world)
        #expect(run.code == 0 && world.volumeText("codex/sessions/r.jsonl") == short, "\(run)")
        let told = try world.importHost("--sessions").errors
        #expect(
            told.contains("/mnt/agent-data/codex/sessions/r.jsonl") && told.contains("has it open; it was kept")
                && told.contains("end that program and import again"), "\(told)")
        program.signal(SIGKILL)
        #expect(try program.end() == .signalled(Int(SIGKILL)))
        #expect(try world.importHost("--sessions").code == 0)
        #expect(world.volumeText("codex/sessions/r.jsonl") == long)
    }

    @Test func `excludes of the configuration hold, the built-in ones for conversations do not`() throws {
        let world = try World.importing(Self.home)
        try world.put(
            "/host/.config/containai/config.toml",
            Item.file("default_excludes = [\"claude/todos\", \"*.bin\", \"codex\"]\n").owned(by: World.agent))
        let run = try world.importHost("--sessions")
        #expect(run.code == 0 && world.volumeText("claude/projects/-work/note.txt") == "note\n", "\(run)")
        #expect(
            world.volumeText("claude/todos/t.json") == nil && !world.exists("/mnt/agent-data/codex/sessions"), "\(run)")
        #expect(world.volumeText("claude/next-release/state.bin") == nil, "\(run)")
        let all = try world.importHost("--sessions", "--no-excludes")
        Self.expectConversations(world, all)
        #expect(!world.exists("/mnt/agent-data/claude/cache"), "\(all)")
    }

    @Test func `--no-secrets leaves out what is declared secret, and brings conversations`() throws {
        let world = try World.importing(Self.home)
        let run = try expectPromises(["import", "--sessions", "--no-secrets", "--from", world.host], on: world)
        Self.expectConversations(world, run)
        for (path, text) in [
            ("claude/.credentials.json", "claude login"), ("codex/auth.json", "codex login"),
            ("codex/.credentials.json", "mcp token"), ("local/share/opencode/auth.json", "opencode login"),
        ] as [(FilePath, String)] { #expect(world.volumeText(path) != text, "\(path)") }
    }

    @Test func `the two logins of the own home stay where they are, its conversations come`() throws {
        let world = try World()
        try world.add(below: "/home/agent", Self.home)
        let run = try world.cai("import", "--sessions")
        Self.expectConversations(world, run)
        #expect(world.volumeText("claude/.credentials.json") != "claude login", "\(run)")
        #expect(world.volumeText("codex/auth.json") != "codex login", "\(run)")
        #expect(world.volumeText("codex/.credentials.json") == "mcp token", "\(run)")
    }

    @Test func `the agents find them where their directories are linked as a whole`() throws {
        let world = try World.importing(Self.home)
        let run = try world.importHost("--sessions", environment: Command.linkedAgents)
        Self.expectConversations(world, run)
        #expect(world.link("/home/agent/.claude") == "/mnt/agent-data/claude", "\(run)")
        #expect(try world.text("/home/agent/.codex/sessions/2026/rollout-1.jsonl") == "{\"id\":1}\n")
        let again = try world.importHost("--sessions", "--json", environment: Command.linkedAgents)
        #expect(again.code == 0 && again.json.steps == [], "\(again)")
        let own = try world.cai("import", "--sessions", "--json", environment: Command.linkedAgents)
        #expect(own.code == 0 && own.json.steps == [] && own.json["sessions"].array.isEmpty, "\(own)")
    }

    @Test func `--delete leaves conversations alone that only the volume has`() throws {
        let world = try World.importing(
            Self.home, into: ["claude": ["projects": ["here.jsonl": "{}\n"], "hooks": ["old.sh": "old"]]])
        let run = try world.importHost("--sessions", "--delete")
        Self.expectConversations(world, run)
        #expect(
            world.volumeText("claude/projects/here.jsonl") == "{}\n"
                && !world.exists("/mnt/agent-data/claude/hooks/old.sh"))
    }

    @Test func `an agent directory that is a link inside the home is followed, a broken one is reported`() throws {
        let world = try World.importing([
            "dotfiles": ["claude": ["projects": ["a.jsonl": "{}\n"]]], ".claude": .link("dotfiles/claude"),
            ".codex": .link("nowhere"),
        ])
        let run = try expectPromises(["import", "--sessions", "--from", world.host], on: world)
        #expect(run.code == 0 && world.volumeText("claude/projects/a.jsonl") == "{}\n", "\(run)")
        #expect(run.errors.contains("~/.codex") || run.output.contains(".codex"), "\(run)")
    }

    @Test(.needs("tar"), arguments: ["-czf", "--zstd -cf"])
    func `an archive of a home brings them as the home does`(_ options: String) throws {
        let world = try World.importing(Self.home)
        let tar = world.path("/archive").string
        let packed = try Command.run(["sh", "-c", "tar -C '\(world.host)' \(options) '\(tar)' ."])
        try #require(packed.code == 0, "\(packed)")
        let run = try world.cai("import", "--sessions", "--from", tar)
        Self.expectConversations(world, run)
        let again = try world.cai("import", "--sessions", "--from", tar, "--json")
        #expect(again.code == 0 && again.json.steps == [], "\(again)")
        #expect(!world.exists("/mnt/agent-data/claude/cache") && world.volumeText("editors/vimrc") == "set nu\n")
    }

    @Test(.needs("tar")) func `an archive with nothing but conversations is recognized as a home`() throws {
        let world = try World.importing([".claude": ["projects": ["-work": ["a.jsonl": "{}\n"]]]])
        let run = try world.cai(
            "import", "--sessions", "--from", Self.archive(world, "/host"), environment: Command.linkedAgents)
        #expect(run.code == 0 && world.volumeText("claude/projects/-work/a.jsonl") == "{}\n", "\(run)")
    }

    @Test(.needs("tar"), arguments: [true, false])
    func `a volume brings its conversations with and without the flag`(_ hasFlag: Bool) throws {
        let world = try World()
        try world.add(
            below: "/other",
            [
                "claude": ["claude.json": "{}", "projects": ["a.jsonl": "{}\n"]],
                "codex": ["sessions": ["r.jsonl": "{}\n"]],
            ])
        let archive = try Self.archive(world, "/other")
        let run = try world.cai(["import", "--json", "--from", archive] + (hasFlag ? ["--sessions"] : []))
        #expect(run.code == 0 && world.volumeText("claude/projects/a.jsonl") == "{}\n", "\(run)")
        #expect(world.volumeText("codex/sessions/r.jsonl") == "{}\n" && run.json["sessions"].array.isEmpty, "\(run)")
    }

    @Test(.needs("curl"), .needs("tar")) func `cai serve brings them with the parameter sessions`() throws {
        let world = try World(["run": [:]])
        try world.add(below: "/host", Self.home)
        let archive = try Files.read(FilePath(Self.archive(world, "/host")))
        let service = try Service(world).ready()
        let plain = try world.post(archive, "/v1/import?layout=home")
        #expect(plain.status == "200" && world.volumeText("claude/projects/-work/a.jsonl") == nil, "\(plain.run)")
        let answer = try world.post(archive, "/v1/import?layout=home&sessions")
        #expect(answer.status == "200", "\(answer.run)")
        Self.expectConversations(world, answer.run)
        #expect(
            answer.body["sessions"].array.map { $0["agent"].text } == ["claude", "codex", "opencode"], "\(answer.run)")
        let again = try world.post(archive, "/v1/import?layout=home&sessions=true")
        #expect(again.body["steps"].array.isEmpty, "\(again.run)")
        #expect(try service.stop() == .exited(0))
    }
}

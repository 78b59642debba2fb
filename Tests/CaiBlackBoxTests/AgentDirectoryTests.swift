import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `Agent directories at a start` {
    @Test func `a fresh home gets links to whole directories, and nothing is put into them`() throws {
        let world = try World(["/tmp": ([:] as Item).mode(0o777)])
        let boot = try world.linked("init", "--json")
        #expect(boot.code == 0, "\(boot)")
        #expect(world.link("/home/agent/.claude") == "/mnt/agent-data/claude")
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(try Files.names(world.volume.appending("codex")) == [])
        #expect(try world.mode("/mnt/agent-data/codex") == 0o700)
        // One level, because Claude Code follows one.
        #expect(world.link("/home/agent/.claude.json") == "/mnt/agent-data/claude/claude.json")
        #expect(world.link("/mnt/agent-data/claude/.claude.json") == "claude.json")
        #expect(try world.linked("links", "check").code == 0)
    }

    @Test func `a second start changes nothing`() throws {
        let world = try World(singleLinkTree)
        _ = try world.linked("init")
        let before = try world.settledSnapshot()
        let again = try world.linked("init", "--json")
        #expect(again.changes("agents") == 0)
        #expect(again.changes("links") == 0)
        let after = try world.settledSnapshot()
        for (name, snapshot) in after {
            let old = try #require(before[name])
            #expect(snapshot.differences(from: old) == [], "\(name)")
        }
    }

    @Test func `single links become links to whole directories, and each byte is there afterwards`() throws {
        let world = try World(singleLinkTree)
        let before = try world.snapshot()
        let preview = try world.linked("init", "--dry-run", "--json")
        #expect(try world.snapshot().differences(from: before) == [])
        let boot = try world.linked("init", "--json")
        for step in ["agents", "placeholders", "links"] {
            #expect(preview.changes(step) == boot.changes(step), "\(step)")
        }
        #expect(try world.lost(since: before) == [])
        #expect(world.link("/home/agent/.claude") == "/mnt/agent-data/claude")
        #expect(try world.text("/home/agent/.claude/.credentials.json") == "SECRET")
        #expect(try world.mode("/mnt/agent-data/claude/.credentials.json") == 0o600)
        #expect(try world.text("/home/agent/.claude/settings.json") == "{\"model\":\"m\"}")
        #expect(try world.text("/home/agent/.claude/projects/-w/one.jsonl") == "{\"turn\":1}\n")
        #expect(try world.text("/home/agent/.claude/skills/a/SKILL.md") == "skill")
        #expect(try world.text("/home/agent/.codex/config.toml") == "model = \"m\"\n")
        // A placeholder is read as a broken login.
        #expect(!world.exists("/mnt/agent-data/codex/auth.json"))
        #expect(!world.exists("/mnt/agent-data/claude/credentials.json"))
    }

    @Test func `an undo of the migration brings the old names back`() throws {
        let world = try World(singleLinkTree)
        try world.remove("/home/agent/.claude")
        try world.remove("/home/agent/.codex")
        _ = try world.linked("init")
        let runs = try Files.names(world.volume.appending(".containai/displaced")).map(\.string)
        let run = try #require(runs.first { $0.hasSuffix("-init") })
        let undo = try world.linked("undo", run)
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.text("/mnt/agent-data/claude/credentials.json") == "SECRET")
        #expect(!world.exists("/mnt/agent-data/claude/.credentials.json"))
        #expect(try world.text("/mnt/agent-data/codex/auth.json") == "{}\n")
    }

    @Test func `a real directory and an empty volume: everything moves`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777),
            "/home/agent/.codex": [
                "auth.json": Item.file("KEY").mode(0o600), "sessions": ["2026": ["rollout-a.jsonl": "{}\n{}\n"]],
                "link": .link("auth.json"), "pipe": .fifo,
            ],
        ])
        let before = try world.snapshot()
        #expect(try world.linked("init").code == 0)
        #expect(try world.lost(since: before) == [])
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(try world.text("/mnt/agent-data/codex/sessions/2026/rollout-a.jsonl") == "{}\n{}\n")
        #expect(try world.mode("/mnt/agent-data/codex/auth.json") == 0o600)
        #expect(world.link("/mnt/agent-data/codex/link") == "auth.json")
    }

    @Test func `both sides have content: what differs is merged or displaced, and nothing is lost`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777),
            "/home/agent/.claude": [
                "settings.json": Item.file("{\"theme\":\"dark\"}").later(by: 10),
                "projects": ["-w": ["live.jsonl": "live\n"]], "notes": Item.file("newer").later(by: 10),
            ],
            "/mnt/agent-data/claude": [
                "settings.json": "{\"model\":\"m\"}", "projects": ["-w": ["stored.jsonl": "stored\n"]],
                "notes": "older",
            ],
        ])
        let before = try world.snapshot()
        #expect(try world.linked("init").code == 0)
        #expect(try world.lost(since: before) == [])
        #expect(try world.text("/home/agent/.claude/projects/-w/live.jsonl") == "live\n")
        #expect(try world.text("/home/agent/.claude/projects/-w/stored.jsonl") == "stored\n")
        #expect(try world.text("/home/agent/.claude/notes") == "newer")
        let settings = try world.text("/home/agent/.claude/settings.json")
        #expect(settings.contains("dark") && settings.contains("\"m\""))
    }

    @Test
    func `while a process has a file open the directory stays, its links work on, and the next start converts it`()
        throws
    {
        let world = try World(singleLinkTree)
        let open = try Running([
            "sh", "-c", "exec 3>>\"$1\"; echo open; read line", "sh",
            world.path("/home/agent/.claude/projects/-w/one.jsonl").string,
        ])
        #expect(try open.line() == "open")
        let boot = try world.linked("init", "--json")
        #expect(boot.code == 0)
        #expect(boot.bootFindings.contains { $0.contains("is in use by") }, "\(boot)")
        #expect(world.link("/home/agent/.claude") == nil)
        #expect(try world.text("/home/agent/.claude/.credentials.json") == "SECRET")
        #expect(try world.agentState("~/.claude")["kept"].bool == false)
        // No placeholder appears in a directory that is in use.
        #expect(!world.exists("/home/agent/.claude/settings.local.json"))
        open.closeInput()
        _ = try open.end()
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.claude") == "/mnt/agent-data/claude")
        #expect(try world.text("/home/agent/.claude/projects/-w/one.jsonl") == "{\"turn\":1}\n")
        #expect(try world.text("/home/agent/.claude/.credentials.json") == "SECRET")
    }

    @Test(.rootOnly) func `a working directory of the agent inside counts as in use`() throws {
        let world = try World(singleLinkTree)
        let directory = world.path("/home/agent/.claude").string
        let shell = try Running(asAgent + ["sh", "-c", "cd \"$1\" && echo there && read line", "sh", directory])
        #expect(try shell.line() == "there")
        _ = try world.linked("init")
        #expect(world.link("/home/agent/.claude") == nil)
    }

    @Test func `a link of the user's own stays, and is named`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777), "/mnt/agent-data/mine": ["x": "x"],
            "/home/agent": [".claude": .link("/mnt/agent-data/mine"), ".codex": .link("/opt/codex")],
            "/opt/codex": ["auth.json": "KEY"],
        ])
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.claude") == "/mnt/agent-data/mine")
        #expect(world.link("/home/agent/.codex") == "/opt/codex")
        #expect(try world.agentState("~/.claude")["kept"].bool == true)
        #expect(try world.agentState("~/.codex")["kept"].bool == false)
        #expect(!world.exists("/opt/codex/config.toml"))
    }

    @Test func `a file where the directory belongs is displaced`() throws {
        let world = try World(["/tmp": ([:] as Item).mode(0o777), "/home/agent/.codex": "a file"])
        let before = try world.snapshot()
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(try world.lost(since: before) == [])
    }

    @Test func `a volume of a later layout is used as it is, with a warning`() throws {
        let world = try World(singleLinkTree)
        try world.put("/mnt/agent-data/.containai/layout", "99\n")
        let boot = try world.linked("init", "--json")
        #expect(boot.bootFindings.contains { $0.contains("has layout 99") }, "\(boot)")
        #expect(try world.text("/mnt/agent-data/claude/credentials.json") == "SECRET")
        #expect(try world.text("/mnt/agent-data/.containai/layout") == "99\n")
    }

    @Test func `another release that puts placeholders again does not bring a broken login back`() throws {
        let world = try World(singleLinkTree)
        _ = try world.linked("init")
        try world.put("/mnt/agent-data/codex/auth.json", Item.file("{}\n").mode(0o600))
        try world.put("/mnt/agent-data/claude/credentials.json", Item.file("{}\n").mode(0o600))
        _ = try world.linked("init")
        #expect(!world.exists("/mnt/agent-data/codex/auth.json"))
        #expect(!world.exists("/mnt/agent-data/claude/credentials.json"))
        #expect(try world.text("/mnt/agent-data/claude/.credentials.json") == "SECRET")
    }
}

@Suite struct `Local parts of agent directories` {
    @Test func `they lie in the container, and the volume only has links`() throws {
        let world = try World(singleLinkTree)
        try world.put("/mnt/agent-data/claude/sessions/1.json", "of another container")
        let before = try world.snapshot()
        _ = try world.linked("init")
        #expect(world.link("/mnt/agent-data/claude/sessions") == "/tmp/.containai/claude/sessions")
        #expect(try Files.names(world.path("/tmp/.containai/claude/sessions")) == [])
        #expect(try world.lost(since: before) == [])
    }

    @Test func `they are emptied once for each start of the container`() throws {
        let world = try World(singleLinkTree)
        _ = try world.linked("init")
        try world.put("/tmp/.containai/claude/sessions/12.json", "running")
        _ = try world.linked("init")
        #expect(world.exists("/tmp/.containai/claude/sessions/12.json"))
        // Another start has another identity.
        try world.put("/tmp/.containai/.start", "an earlier start")
        _ = try world.linked("init")
        #expect(!world.exists("/tmp/.containai/claude/sessions/12.json"))
    }

    @Test(.rootOnly) func `a directory of another user is not used, and nothing is linked to it`() throws {
        let world = try World(["/tmp": ([:] as Item).mode(0o777)])
        try world.put("/tmp/.containai", ([:] as Item).owned(by: 4321))
        let boot = try world.linked("init", "--json")
        #expect(boot.bootFindings.contains { $0.contains("cannot hold the local parts") }, "\(boot)")
        #expect(!world.exists("/mnt/agent-data/claude/sessions"))
    }
}

@Suite struct `Placements of agent directories` {
    private func settings(_ text: String) -> Item {
        ["/tmp": ([:] as Item).mode(0o777), "/etc/containai/agent.toml": Item.file(text).owned(by: 0)]
    }

    @Test func `by variable: no link, and new shells get the variable`() throws {
        let world = try World(settings("[agents.codex]\nplacement = \"variable\"\n"))
        #expect(try world.linked("init").code == 0)
        #expect(!world.exists("/home/agent/.codex"))
        #expect(world.exists("/mnt/agent-data/codex"))
        let wrappers = try world.text("/home/agent/.bash_env.d/containai-agents.sh")
        #expect(wrappers.contains("export CODEX_HOME='/mnt/agent-data/codex'"))
        #expect(try world.agentState("~/.codex")["reach"].text == "variable")
        #expect(try world.agentState("~/.claude")["reach"].text == "link")
    }

    @Test func `by variable: what a process without it wrote moves to the volume at the next start`() throws {
        let world = try World(settings("[agents.codex]\nplacement = \"variable\"\n"))
        _ = try world.linked("init")
        try world.put("/home/agent/.codex/sessions/a.jsonl", "turn\n")
        _ = try world.linked("init")
        #expect(!world.exists("/home/agent/.codex"))
        #expect(try world.text("/mnt/agent-data/codex/sessions/a.jsonl") == "turn\n")
        let again = try world.linked("init", "--json")
        #expect(again.changes("links") == 0)
    }

    @Test func `a link of an earlier placement goes when the setting changes`() throws {
        let world = try World(settings("\n"))
        _ = try world.linked("init")
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        try world.put("/etc/containai/agent.toml", Item.file("[agents.codex]\nplacement = \"variable\"\n").owned(by: 0))
        _ = try world.linked("init")
        #expect(!world.exists("/home/agent/.codex"))
    }

    static let moves: [(environment: [String: String], place: String, kept: Bool)] = [
        (["CODEX_HOME": "/home/agent/cfg/codex"], "~/cfg/codex", true),
        (["CODEX_HOME": "/mnt/agent-data/codex"], "/mnt/agent-data/codex", true),
        (["CODEX_HOME": "/opt/codex"], "/opt/codex", false),
    ]

    @Test(arguments: moves)
    func `a variable of the container moves what is kept, or is named`(
        environment: [String: String], place: String, kept: Bool
    ) throws {
        let world = try World(settings("\n"))
        #expect(try world.linked("init", environment: environment).code == 0)
        let state = try world.agentState(place, environment: environment)
        #expect(state["kept"].bool == kept, "\(state)")
        #expect(!world.exists("/home/agent/.codex"))
        #expect(try world.linked("status", environment: environment).code == (kept ? 0 : 1))
        if place.hasPrefix("~") { #expect(world.link("/home/agent/cfg/codex") == "/mnt/agent-data/codex") }
    }

    @Test func `XDG variables move the directories of agents below them`() throws {
        let world = try World(settings("\n"))
        let environment = ["XDG_CONFIG_HOME": "/home/agent/cfg"]
        #expect(try world.linked("init", environment: environment).code == 0)
        #expect(world.link("/home/agent/cfg/opencode") == "/mnt/agent-data/config/opencode")
        #expect(!world.exists("/home/agent/.config/opencode"))
    }

    @Test(.rootOnly) func `a mount at the directory is used as it is`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777), "/home/agent/.codex": [:],
            "/outside": (["auth.json": "KEY"] as Item).ofAgent,
        ])
        let mount = inMountNamespace(
            "mount --bind \"\(world.path("/outside"))\" \"\(world.path("/home/agent/.codex"))\"")
        let boot = try world.linked("init", "--json", wrapper: mount)
        #expect(boot.code == 0, "\(boot)")
        #expect(try Files.names(world.path("/outside")).map(\.string) == ["auth.json"])
        let status = try world.linked("status", "--json", wrapper: mount)
        let codex = status.json["agent_directories"].array.first { $0["path"].text == "~/.codex" } ?? .null
        #expect(codex["reach"].text == "mount")
        #expect(codex["kept"].bool == true)
    }

    @Test(.rootOnly) func `a mount below the directory leaves it as it is, and is named`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777), "/home/agent/.claude/skills": [:],
            "/outside": ["a": ["SKILL.md": "mine"]],
        ])
        let mount = inMountNamespace(
            "mount --bind \"\(world.path("/outside"))\" \"\(world.path("/home/agent/.claude/skills"))\"")
        let boot = try world.linked("init", "--json", wrapper: mount)
        #expect(boot.code == 0, "\(boot)")
        #expect(boot.bootFindings.contains { $0.hasPrefix("~/.claude/skills: is a mount") }, "\(boot)")
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(try Files.names(world.path("/outside")).map(\.string) == ["a"])
    }

    @Test(.rootOnly) func `a mount of the volume's own directory is the directory`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777), "/home/agent/.codex": [:], "/mnt/agent-data/codex": ["auth.json": "KEY"],
        ])
        let mount = inMountNamespace(
            "mount --bind \"\(world.path("/mnt/agent-data/codex"))\" \"\(world.path("/home/agent/.codex"))\"")
        #expect(try world.linked("init", wrapper: mount).code == 0)
        #expect(try world.text("/mnt/agent-data/codex/auth.json") == "KEY")
    }
}

@Suite struct `What cai says of agents` {
    @Test func `status counts state, cache and local parts by agent`() throws {
        let world = try World([
            "/tmp": ([:] as Item).mode(0o777),
            "/mnt/agent-data/claude": [
                "projects": ["-w": ["a.jsonl": "12345"]], "shell-snapshots": ["s.sh": "123"],
            ],
        ])
        _ = try world.linked("init")
        let state = try world.agentState("~/.claude")
        #expect(state["amounts"]["cache"]["size_bytes"].number == 3)
        #expect(state["amounts"]["state"]["files"].number == 2)
        let text = try world.linked("status")
        #expect(text.code == 0)
        #expect(text.output.contains("claude"))
    }

    @Test func `health names the agents whose state is kept, with the number of links that links check has`() throws {
        let world = try World(singleLinkTree)
        _ = try world.linked("init")
        let health = try world.linked("health").output
        let check = try world.linked("links", "check").output
        #expect(health.contains("agents: the state of claude, codex is kept"), "\(health)")
        let number = try #require(check.split(separator: "\n").first { $0.contains("OK:") }?.split(separator: " ").last)
        #expect(health.contains("links: \(number) links are right"), "\(health)\n\(check)")
    }

    @Test func `health names settings that do not go with linked directories`() throws {
        let world = try World(singleLinkTree)
        try world.put("/mnt/agent-data/claude/settings.json", "{\"permissions\":{\"allow\":[\"Read(~/.claude/**)\"]}}")
        try world.put(
            "/mnt/agent-data/codex/config.toml", "[sandbox_workspace_write]\nwritable_roots = [\"/home/agent\"]\n")
        _ = try world.linked("init")
        let health = try world.linked("health").output
        #expect(health.contains("allows a rule below ~/.claude"), "\(health)")
        #expect(health.contains("names the home as a writable root"), "\(health)")
    }
}

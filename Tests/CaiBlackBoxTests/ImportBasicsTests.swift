import CaiTestSupport
import SystemPackage
import Testing

/// A home with something of most kinds in it.
let exampleHome: Item = [
    ".claude.json": .file(#"{"projects":{"a":1}}"#).mode(0o644),
    ".claude": [
        ".credentials.json": .file("claude login").mode(0o600), "settings.json": #"{"model":"opus"}"#,
        "plugins": ["cache": ["p": ["plugin.md": "plugin"]]], "CLAUDE.md": "memory",
        "hooks": ["h.sh": .file("#!").mode(0o755)],
    ],
    ".codex": ["config.toml": "model = \"x\"\n", "auth.json": .file("codex login").mode(0o600)],
    ".config": [
        "gh": ["hosts.yml": .file("gh token").mode(0o600), "config.yml": "editor: vi\n"],
        "tmux": ["tmux.conf": "set -g mouse on\n"],
    ],
    ".local": ["share": ["opencode": ["auth.json": .file("opencode login").mode(0o644)]]],
    ".bash_aliases": "alias ll='ls -l'\n", ".vimrc": "set nu\n", ".unknown": "not ours",
]

@Suite struct `Import: what every import promises` {
    @Test func `an import keeps every promise, and its second run writes nothing`() throws {
        let world = try World.importing(exampleHome)
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(world.volumeText("claude/claude.json") == #"{"projects":{"a":1}}"#)
        #expect(world.volumeText("shell/bash_aliases") == "alias ll='ls -l'\n")
    }

    @Test(.rootOnly) func `what cannot be read keeps everything else from being imported too`() throws {
        let world = try World.importing(exampleHome, into: ["claude": ["settings.json": "{\"old\": 1}"]])
        try world.put("/host/.codex/config.toml", .file("root's").mode(0o600).owned(by: 0))
        let before = try Snapshot(of: world.volume.appending("claude"))
        let run = try world.importHost()
        #expect(run.code == 1 && run.errors.contains("config.toml"), "\(run)")
        #expect(try Snapshot(of: world.volume.appending("claude")).differences(from: before) == [])
        #expect(!world.exists("mnt/agent-data/editors") && !world.exists("mnt/agent-data/.containai-imported-at"))
    }

    @Test func `A3: directories exist, also those that the source lacks, and files are copied`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        for name in [
            "claude", "claude/plugins", "claude/skills", "config/gh", "codex", "shell", "config/tmux",
            "local/share/tmux",
        ] as [FilePath] { #expect(try world.volumeMode(name) != nil, "\(name)") }
        for (path, text) in [
            ("claude/plugins/cache/p/plugin.md", "plugin"), ("codex/config.toml", "model = \"x\"\n"),
            ("config/tmux/tmux.conf", "set -g mouse on\n"), ("editors/vimrc", "set nu\n"),
            ("claude/CLAUDE.md", "memory"),
        ] as [(FilePath, String)] { #expect(world.volumeText(path) == text, "\(path)") }
        #expect(!world.exists("/mnt/agent-data/unknown") && !world.exists("/mnt/agent-data/.unknown"))
    }

    @Test(arguments: [true, false])
    func `A4: secrets are 0600 in a directory of 0700, also without a source`(_ hasSource: Bool) throws {
        let world = try World.importing(hasSource ? exampleHome : [".vimrc": "x"])
        #expect(try world.importHost().code == 0)
        for path in [
            "claude/.credentials.json", "codex/auth.json", "local/share/opencode/auth.json", "config/gh/hosts.yml",
        ]
            as [FilePath]
        {
            #expect(try world.volumeMode(path) == 0o600, "\(path)")
            #expect(try world.volumeMode(path.removingLastComponent()) == 0o700, "\(path)")
        }
    }

    @Test func `modes and times come along, owners become the agent's`() throws {
        let world = try World.importing([
            ".claude": ["hooks": ["h.sh": .file("#!").mode(0o750).later(by: 7), "d": Item.directory([]).mode(0o711)]]
        ])
        #expect(try world.importHost().code == 0)
        let facts = try Snapshot(of: world.volume).facts
        let hook = try #require(facts["claude/hooks/h.sh"])
        #expect(hook.mode == 0o750 && hook.modified == (Item.defaultTime + 7) * 1_000_000_000)
        #expect(facts["claude/hooks/d"]?.mode == 0o711)
        if World.isRoot { #expect(facts.filter { $0.value.uid != World.agent }.isEmpty) }
    }

    @Test func `1.18 #24: no directory stays root's`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        guard World.isRoot else { return }
        #expect(try Snapshot(of: world.volume).facts.values.allSatisfy { $0.uid == World.agent })
    }

    @Test func `what did not change keeps its inode and its time when something else changes`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        let before = try Snapshot(of: world.volume)
        try world.put("/host/.vimrc", Item.file("set nonu\n").later(by: 60).ofAgent)
        let again = try world.importHost()
        #expect(again.code == 0 && world.volumeText("editors/vimrc") == "set nonu\n", "\(again)")
        let after = try Snapshot(of: world.volume)
        let touched = after.differences(from: before).filter { !$0.hasPrefix(".containai") }
        #expect(
            touched.allSatisfy { $0.hasPrefix("editors/vimrc:") || $0.hasPrefix("editors:") || $0.hasPrefix(".:") },
            "\(touched)")
        #expect(try world.displaced()["volume/editors/vimrc"] == "set nu\n")
    }

    @Test func `a file with another time and the same content is left alone`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        try world.put("/host/.vimrc", Item.file("set nu\n").later(by: 60).ofAgent)
        let before = try world.snapshot()
        #expect(try world.importHost().code == 0)
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `1.18 #10: an edit in the container is kept while the source does not change`() throws {
        let world = try World.importing(exampleHome)
        #expect(try world.importHost().code == 0)
        try world.put("/mnt/agent-data/editors/vimrc", "set ruler\n")
        let again = try world.importHost()
        #expect(again.code == 0 && world.volumeText("editors/vimrc") == "set ruler\n", "\(again)")
        #expect(
            again.errors.contains("changed here after the last import, the source did not; it was kept"), "\(again)")
    }

    @Test func `1.18 #10: what an import replaces is kept, and undo brings it back`() throws {
        let world = try World.importing([".vimrc": .file("new\n").later(by: 50)], into: ["editors/vimrc": "old\n"])
        let run = try world.importHost()
        #expect(run.code == 0 && world.volumeText("editors/vimrc") == "new\n", "\(run)")
        #expect(try world.displaced()["volume/editors/vimrc"] == "old\n")
        let undo = try world.cai("undo")
        #expect(undo.code == 0 && world.volumeText("editors/vimrc") == "old\n", "\(undo)")
    }

    @Test func `documents that changed on both sides are merged key by key`() throws {
        let world = try World.importing([".claude.json": #"{"a":1,"b":1}"#])
        #expect(try world.importHost().code == 0)
        try world.put("/mnt/agent-data/claude/claude.json", Item.file(#"{"a":2,"b":1}"#).mode(0o600).later(by: 10))
        try world.put("/host/.claude.json", Item.file(#"{"a":1,"b":2}"#).later(by: 20).ofAgent)
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(world.volumeText("claude/claude.json") == #"{"a":2,"b":2}"#, "\(run)")
    }

    @Test func `a login that is newer in the container is kept and reported`() throws {
        let world = try World.importing(
            [".codex/auth.json": .file("old login").mode(0o600)],
            into: ["codex/auth.json": .file("new login").mode(0o600).later(by: 100)])
        let run = try world.importHost()
        #expect(run.code == 0 && world.volumeText("codex/auth.json") == "new login", "\(run)")
        #expect(
            run.errors.contains("/mnt/agent-data/codex/auth.json: is newer than .codex/auth.json; it was kept"),
            "\(run)"
        )
        #expect(!run.everything.contains("login\n"))
    }

    @Test func `A45: a source that is not there is an error`() throws {
        let world = try World()
        let run = try world.cai("import", "--from", "/no/such/place")
        #expect(run.code == 1 && run.errors.contains("[ERROR] Source not found: /no/such/place"), "\(run)")
    }

    @Test func `the volume itself is no source`() throws {
        let world = try World()
        let run = try world.cai("import", "--from", world.volume.string)
        #expect(run.code == 1 && run.errors.contains("is the volume itself"), "\(run)")
    }

    @Test func `without --from the home of the machine is the source, and its two logins stay`() throws {
        let world = try World()
        try world.add(below: "/home/agent", exampleHome)
        let run = try world.cai("import", "--verbose")
        #expect(run.code == 0, "\(run)")
        #expect(world.volumeText("editors/vimrc") == "set nu\n")
        for path in ["claude/.credentials.json", "codex/auth.json"] as [FilePath] {
            #expect(try world.volumeMode(path) == 0o600)
            #expect(world.volumeText(path)?.contains("login") == false)
        }
        #expect(
            run.errors.contains("[INFO] Skipping profile credential: ~/.codex/auth.json (container should run login)"))
    }

    @Test func `a directory where a file is declared, and the other way round, is a warning`() throws {
        let world = try World.importing([".vimrc": ["x": "y"], ".vim": "a file"])
        let run = try world.importHost()
        #expect(run.errors.contains("[WARN] Expected file but found directory: ~/.vimrc"), "\(run)")
        #expect(run.errors.contains("[WARN] Expected directory but found file: ~/.vim"), "\(run)")
        #expect(run.code == 0)
    }
}

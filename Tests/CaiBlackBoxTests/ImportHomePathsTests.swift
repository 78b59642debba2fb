import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: paths of the source's home` {
    private func source() -> Item {
        [
            ".claude": [
                "settings.json": .file(
                    #"{"hooks":"/Users/me/.claude/hooks/format.sh --all","lost":"/Users/me/.claude/hooks/gone.sh","work":"/Users/me/work/run"}"#
                ),
                "CLAUDE.md": "Read /Users/me/.claude/hooks/format.sh first.\n",
                "hooks": ["format.sh": .file("#!/bin/sh\necho /Users/me/.claude/hooks/format.sh\n").mode(0o755)],
                "plugins": [
                    "installed_plugins.json": .file(
                        #"{"version":2,"plugins":{"a@m":[{"installPath":"/Users/me/.claude/plugins/cache/m/a/1.0.0"}]}}"#
                    )
                ],
            ],
            ".claude.json": .file(
                #"{"mcpServers":{"k":{"command":"/Users/me/.claude/hooks/format.sh"}},"last":"/Users/me/.claude/hooks/format.sh"}"#
            ),
            ".codex": ["config.toml": "notify = ['/Users/me/.claude/hooks/format.sh']\nmodel = \"m\"\n"],
        ]
    }

    @Test func `settings of agents get the paths of this home, texts of the user keep theirs`() throws {
        let world = try World.importing(source())
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(
            world.volumeText("claude/settings.json")
                == #"{"hooks":"/home/agent/.claude/hooks/format.sh --all","lost":"/Users/me/.claude/hooks/gone.sh","work":"/Users/me/work/run"}"#,
            "\(run)")
        #expect(
            world.volumeText("claude/claude.json")
                == #"{"mcpServers":{"k":{"command":"/home/agent/.claude/hooks/format.sh"}},"last":"/Users/me/.claude/hooks/format.sh"}"#
        )
        #expect(
            world.volumeText("codex/config.toml")
                == "notify = ['/home/agent/.claude/hooks/format.sh']\nmodel = \"m\"\n")
        #expect(
            world.volumeText("claude/plugins/installed_plugins.json")?.contains(
                #""installPath":"/home/agent/.claude/plugins/cache/m/a/1.0.0""#) == true)
        #expect(world.volumeText("claude/CLAUDE.md") == "Read /Users/me/.claude/hooks/format.sh first.\n")
        #expect(
            world.volumeText("claude/hooks/format.sh") == "#!/bin/sh\necho /Users/me/.claude/hooks/format.sh\n")
    }

    @Test func `each document is named with the number of its paths, in a preview and in a run`() throws {
        let world = try World.importing(source())
        let preview = try world.importHost("--dry-run")
        #expect(
            preview.everything.contains(
                "Would rewrite 1 path of the source's home: /mnt/agent-data/claude/settings.json"), "\(preview)")
        let run = try world.importHost("--verbose")
        #expect(
            run.everything.contains("Rewrote 1 path of the source's home: /mnt/agent-data/codex/config.toml"), "\(run)")
    }

    @Test func `the home's own path is rewritten for a home that names no agent directory`() throws {
        let world = try World()
        try world.put("/host", ([:] as Item).owned(by: World.agent))
        try world.add(
            below: "/host",
            ([
                ".gemini": ["settings.json": .file("{\"a\":\"\(world.host)/.vimrc\"}")], ".vimrc": "set nu\n",
            ] as Item).ofAgent)
        try world.importHost()
        #expect(world.volumeText("gemini/settings.json") == #"{"a":"/home/agent/.vimrc"}"#)
    }

    @Test func `a document that already names this home stays byte for byte`() throws {
        let text = #"{ "hooks": "/home/agent/.claude/hooks/format.sh", "x": "\/a" }"#
        let world = try World.importing([
            ".claude": ["settings.json": .file(text), "hooks": ["format.sh": "x"]]
        ])
        try world.importHost()
        #expect(world.volumeText("claude/settings.json") == text)
    }
}

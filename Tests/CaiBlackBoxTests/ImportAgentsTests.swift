import CaiTestSupport
import SystemPackage
import Testing

/// The predecessors' scenarios per agent and tool (1.17 B): what comes from where with which mode.
@Suite struct `Import: agents, tools and flags (1.17 B)` {
    private static let secret: UInt16 = 0o600

    @Test(
        arguments: [
            ("B agents 1", ".claude/settings.json", "claude/settings.json", 0o644),
            ("B1", ".claude.json", "claude/claude.json", 0o600),
            ("B1", ".claude/skills/s/x.md", "claude/skills/s/x.md", 0o644),
            ("B1", ".claude/plugins/p.md", "claude/plugins/p.md", 0o644),
            ("B2", ".local/share/opencode/auth.json", "local/share/opencode/auth.json", 0o600),
            ("B3", ".codex/config.toml", "codex/config.toml", 0o644),
            ("B3", ".codex/auth.json", "codex/auth.json", 0o600),
            ("B4", ".copilot/mcp-config.json", "copilot/mcp-config.json", 0o644),
            ("B5", ".gemini/google_accounts.json", "gemini/google_accounts.json", 0o600),
            ("B5", ".gemini/oauth_creds.json", "gemini/oauth_creds.json", 0o600),
            ("B6", ".aider.conf.yml", "aider/aider.conf.yml", 0o600),
            ("B6", ".aider.model.settings.yml", "aider/aider.model.settings.yml", 0o600),
            ("B7", ".continue/config.yaml", "continue/config.yaml", 0o600),
            ("B8", ".cursor/mcp.json", "cursor/mcp.json", 0o600),
            ("B8", ".cursor/rules/r.mdc", "cursor/rules/r.mdc", 0o644),
            ("B9", ".pi/agent/models.json", "pi/models.json", 0o600),
            ("B edge 4", ".pi/agent/settings.json", "pi/settings.json", 0o644),
            ("B10", ".kimi/config.toml", "kimi/config.toml", 0o600),
            ("tools", ".vscode-server/extensions/e/x", "vscode-server/extensions/e/x", 0o644),
            ("tools", ".vim/colors/c.vim", "editors/vim/colors/c.vim", 0o644),
            ("tools", ".config/nvim/init.lua", "config/nvim/init.lua", 0o644),
            ("tools", ".config/starship.toml", "config/starship.toml", 0o644),
            ("tools", ".config/oh-my-posh/t.json", "config/oh-my-posh/t.json", 0o644),
            ("shell", ".inputrc", "shell/inputrc", 0o644), ("shell", ".zshrc", "shell/zshrc", 0o644),
            ("shell", ".zprofile", "shell/zprofile", 0o644), ("shell", ".zshenv", "shell/zshenv", 0o644),
            ("shell", ".oh-my-zsh/custom/c.zsh", "shell/oh-my-zsh-custom/c.zsh", 0o644),
            ("shell", ".bash_aliases", "shell/bash_aliases", 0o644),
            ("edge 6", ".claude/CLAUDE.md", "claude/CLAUDE.md", 0o644),
        ] as [(String, FilePath, FilePath, UInt16)])
    func `a file of an agent goes where the manifests say`(
        _ name: String, _ source: FilePath, _ target: FilePath, _ mode: UInt16
    ) throws {
        let content = "{\"ünïcode\": \"✓ \(name)\"}\n"
        let world = try World()
        try world.put("/host", ([:] as Item).owned(by: World.agent))
        for parent in sequence(
            first: source.removingLastComponent(), next: { $0.isEmpty ? nil : $0.removingLastComponent() })
        where !parent.isEmpty { try world.put(FilePath("/host").pushing(parent), ([:] as Item).owned(by: World.agent)) }
        try world.put(FilePath("/host").pushing(source), Item.file(content).ofAgent)
        let run = try world.importHost()
        #expect(run.code == 0 && world.volumeText(target) == content, "\(run)")
        #expect(try world.volumeMode(target) == mode)
    }

    @Test func `B agents 3 and 9: skills come without .system, unless --no-excludes`() throws {
        let world = try World.importing([
            ".codex": ["skills": [".system": ["s": "s"], "a": ["a": "a", ".system": ["x": "x"]]]]
        ])
        try world.importHost()
        #expect(world.volumeText("codex/skills/a/a") == "a" && !world.exists("/mnt/agent-data/codex/skills/.system"))
        #expect(!world.exists("/mnt/agent-data/codex/skills/a/.system"))
        try world.importHost("--no-excludes")
        #expect(world.volumeText("codex/skills/.system/s") == "s")
    }

    @Test func `B agents 11, edge 2: logins of the own home are empty placeholders, no secret byte is on the volume`()
        throws
    {
        let world = try World([
            "home/agent/.claude/.credentials.json": "claudetoken", "home/agent/.codex/auth.json": "codextoken",
        ])
        #expect(try world.cai("import").code == 0)
        for (path, fact) in try Snapshot(of: world.volume).facts where fact.kind == .file {
            #expect(world.volumeText(path)?.contains("token") != true, "\(path)")
        }
        #expect(try world.volumeMode("codex/auth.json") == 0o600)
        #expect(try world.text("/home/agent/.codex/auth.json") == "codextoken")
        let preview = try world.cai("import", "--dry-run")
        #expect(preview.errors.contains("Skipping profile credential: ~/.claude/.credentials.json"), "\(preview)")
    }

    @Test func `B agents 12, edge 1 and 3, flags j+o: what is optional and missing leaves nothing`() throws {
        let world = try World.importing([".gemini": ["settings.json": "{}"]])
        try world.importHost()
        for path in ["kimi", "pi", "cursor", "copilot", "aider", "continue", "gemini/oauth_creds.json"] as [FilePath] {
            #expect(!world.exists(FilePath("/mnt/agent-data").pushing(path)), "\(path)")
        }
        for path in [".pi", ".kimi", ".cursor"] as [FilePath] {
            #expect(!world.exists(FilePath("/home/agent").pushing(path)))
        }
    }

    @Test func `B flags j: an empty or missing document becomes an empty object`() throws {
        let world = try World.importing([".claude": ["settings.json": ""]])
        try world.importHost()
        #expect(world.volumeText("claude/settings.json") == "{}\n" && world.volumeText("claude/claude.json") == "{}\n")
    }

    @Test func `A5, A6: plugins of Claude Code are the container's, and no orphan marker is left`() throws {
        let world = try World.importing(
            [".claude": ["plugins": ["cache": ["p": [".orphaned_at": "1", "x": "x"]]]]],
            into: [
                "claude": [
                    "plugins": ["cache": ["old": [".orphaned_at": "2"]]],
                    "settings.json": #"{"enabledPlugins":{"kept@m":true}}"#,
                ]
            ])
        let plugins = world.host + "/.claude/plugins/"
        try world.put(
            "/host/.claude/plugins/installed_plugins.json",
            Item.file(
                #"{"version": 1, "plugins": {"p@m": [{"scope": "project", "projectPath": "/x", "installPath": "\#(plugins)cache/p"}]}}"#
            ).ofAgent)
        try world.put(
            "/host/.claude/plugins/known_marketplaces.json",
            Item.file(#"{"m": {"installLocation": "\#(plugins)marketplaces/m"}}"#).ofAgent)
        try world.put(
            "/host/.claude/settings.json",
            Item.file(#"{"enabledPlugins":{"p@m":true},"model":"x"}"#).later(by: 9).ofAgent)
        let run = try expectPromises(["import", "--from", world.host], on: world)
        #expect(
            world.volumeText("claude/plugins/installed_plugins.json")
                == #"{"version": 1, "plugins": {"p@m": [{"scope": "user", "installPath": "/home/agent/.claude/plugins/cache/p"}]}}"#,
            "\(run)")
        #expect(
            world.volumeText("claude/plugins/known_marketplaces.json")?.contains(
                "/home/agent/.claude/plugins/marketplaces/m") == true)
        let settings = world.volumeText("claude/settings.json") ?? ""
        #expect(
            settings.contains(#""kept@m":true"#) && settings.contains(#""p@m":true"#)
                && settings.contains(#""model":"x""#), "\(settings)")
        #expect(!world.exists("/mnt/agent-data/claude/plugins/cache/p/.orphaned_at"))
        #expect(!world.exists("/mnt/agent-data/claude/plugins/cache/old/.orphaned_at"))
    }

    @Test func `Copilot trusts the workspace and shows no banner`() throws {
        let world = try World.importing([
            ".copilot": ["config.json": "{\n  \"model\": \"x\",\n  \"banner\": \"always\"\n}\n"]
        ])
        try world.importHost()
        let text = world.volumeText("copilot/config.json") ?? ""
        #expect(
            text.contains("\"banner\": \"never\"") && text.contains("/home/agent/workspace")
                && text.contains("\"model\": \"x\""))
    }

    @Test func `B tools: tmux of XDG beats the old file`() throws {
        let world = try World.importing([".tmux.conf": "old", ".config": ["tmux": ["tmux.conf": "xdg"]]])
        try world.importHost()
        #expect(world.volumeText("config/tmux/tmux.conf") == "xdg")
    }

    @Test func `B edge 5: fifty fonts`() throws {
        let fonts = (0..<50).map { (FilePath("f\($0).ttf"), Item.file("font \($0)")) }
        let world = try World.importing([".local": ["share": ["fonts": .directory(fonts)]]])
        try world.importHost()
        #expect((0..<50).allSatisfy { world.volumeText(FilePath("local/share/fonts/f\($0).ttf")) == "font \($0)" })
    }

    @Test func `A61, A66: what only the volume has survives, and edits through links survive another import`() throws {
        let world = try World.importing(
            [".vimrc": "v"], into: ["marker": "mine", "claude": ["skills": ["own.md": "own"]]])
        try world.importHost()
        #expect(world.volumeText("marker") == "mine" && world.volumeText("claude/skills/own.md") == "own")
        #expect(try world.text("/home/agent/.vimrc") == "v")
        try world.put("/mnt/agent-data/editors/vimrc", "edited")
        try world.importHost()
        #expect(try world.text("/home/agent/.vimrc") == "edited")
    }

    @Test func `A60, A67: a fresh volume gets its structure and links, and nothing undeclared`() throws {
        let world = try World.importing(exampleHome)
        try world.importHost()
        #expect(try world.cai("links", "check").code == 0)
        let names = try Files.names(world.volume).map(\.string).sorted()
        #expect(
            Set(names).isSubset(of: [
                ".containai", ".containai-imported-at", ".containai-links-checked-at", "agents", "claude", "codex",
                "config",
                "containai", "copilot", "editors", "git", "local", "shell", "ssh", "vscode-server",
                "vscode-server-insiders",
            ]), "\(names)")
    }

    @Test func `A1: the help names every option`() throws {
        let help = try Command.cai("import", "--help")
        #expect(help.code == 0)
        for option in [
            "--from", "--layout", "--no-secrets", "--no-excludes", "--delete", "--dry-run", "--json", "--verbose",
            "--config",
        ] {
            #expect(help.output.contains(option), "\(option)")
        }
    }

    @Test func `the time of the import is noted`() throws {
        let world = try World.importing([".vimrc": "v"])
        try world.importHost()
        let text = world.volumeText(".containai-imported-at") ?? ""
        #expect(text.count == 21 && text.hasSuffix("Z\n"), "\(text)")
    }

    @Test func `1.18 #27: a preview on an empty volume shows the plan`() throws {
        let world = try World.importing(exampleHome)
        let run = try world.importHost("--dry-run")
        #expect(run.code == 0 && run.errors.contains("[DRY-RUN] Would write /mnt/agent-data/editors/vimrc"), "\(run)")
        #expect(
            run.errors.contains(
                "[DRY-RUN] Source missing, would ensure target: /mnt/agent-data/agents\n[DRY-RUN]   directory"))
    }
}

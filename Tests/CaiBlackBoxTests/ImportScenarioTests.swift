import CaiTestSupport
import SystemPackage
import Testing

/// The predecessors' scenarios (1.17) of an import that need the machine's own root: what programs find through the links.
@Suite(.rootOnly, .needs("unshare")) struct `Import: what programs find afterwards (1.17)` {
    /// A world in which `/host` was imported, and in which a script of the agent's then runs.
    private func afterImport(_ home: Item, _ script: String) throws -> (World, Finished) {
        let world = try World.importing(home)
        let imported = try world.importHost()
        try #require(imported.code == 0, "\(imported)")
        let run = try world.asMachine(
            "export HOME=/home/agent; cd; setpriv --reuid 1000 --regid 1000 --clear-groups sh -euc '\(script)'")
        return (world, run)
    }

    @Test(.needs("bash")) func `A7: scripts of bashrc.d are sourced by interactive shells`() throws {
        let (_, run) = try afterImport(
            [
                ".bashrc.d": [
                    "10-a.sh": "export FROM_A=yes\n", "20-b.sh": "alias bee=\"echo b\"\n", "x.priv.sh": "exit 9\n",
                ]
            ],
            """
            echo "for f in /mnt/agent-data/shell/bashrc.d/*.sh; do . \\"\\$f\\"; done" > .bashrc
            bash -ic "echo a=\\$FROM_A; alias bee" 2> /dev/null
            """)
        #expect(run.code == 0 && run.output.contains("a=yes") && run.output.contains("echo b"), "\(run)")
    }

    @Test(.needs("bash")) func `B shell: aliases of the source work under their name of their own`() throws {
        let (world, run) = try afterImport(
            [".bash_aliases": "alias ll=\"ls -l\"\n"],
            #"echo ". ~/.bash_aliases_imported" > .bashrc; bash -ic "alias ll" 2> /dev/null"#)
        #expect(world.link("/home/agent/.bash_aliases_imported") == "/mnt/agent-data/shell/bash_aliases")
        #expect(run.code == 0 && run.output.contains("ls -l"), "\(run)")
    }

    @Test(.needs("tmux")) func `A8: tmux loads its configuration through the link`() throws {
        let (_, run) = try afterImport(
            [".config": ["tmux": ["tmux.conf": "set -g @imported yes\n"]]],
            """
            export TMUX_TMPDIR=/home/agent
            tmux -L cai -f .config/tmux/tmux.conf new-session -d cat
            tmux -L cai show-options -gqv @imported
            tmux -L cai kill-server
            """)
        #expect(run.code == 0 && run.output == "yes\n", "\(run)")
    }

    @Test(arguments: [
        ("A9", ".config/gh/hosts.yml", "github.com:\n    user: me\n"),
        ("A10", ".local/share/opencode/auth.json", "{\"a\": 1}"),
        ("A10", ".config/opencode/opencode.json", "{\"model\": \"x\"}"),
    ])
    func `A9, A10: a program reads its files where it looks for them, and may write them`(
        _ name: String, _ file: String, _ content: String
    ) throws {
        let world = try World()
        let path = FilePath("/host").pushing(FilePath(file))
        try world.put("/host", ([:] as Item).owned(by: World.agent))
        try world.put(path, Item.file(content).mode(0o600).ofAgent)
        let give = try Command.run(["chown", "-R", "1000:1000", world.host])
        try #require(give.code == 0)
        let imported = try world.importHost()
        try #require(imported.code == 0, "\(imported)")
        let run = try world.asMachine(
            "cd /home/agent; setpriv --reuid 1000 --regid 1000 --clear-groups sh -euc 'cat \(file); : >> \(file)'")
        #expect(run.code == 0 && run.output == content, "\(name) \(run)")
    }

    @Test func `A28, A29: at boot, variables that are set beat what an import wrote, an empty one too`() throws {
        let world = try World.importing([
            ".config": ["containai": ["config.toml": "[env]\nimport = [\"A\", \"B\", \"C\"]\nfrom_host = true\n"]]
        ])
        try world.add([
            "home/agent/hooks": [
                "a.sh": Item.file("#!/bin/sh\nprintf '%s|' \"$A\" \"$B\" \"$C\" > /home/agent/seen\n").mode(0o755)
            ]
        ])
        let imported = try world.importHost(environment: ["A": "imported a", "B": "imported b", "C": "imported c"])
        try #require(imported.code == 0, "\(imported)")
        let boot = try world.asMachine(
            "$CAI init --force",
            environment: ["CAI_STARTUP_HOOKS": "/home/agent/hooks", "A": "container", "B": ""])
        #expect(boot.code == 0, "\(boot)")
        #expect(try world.text("home/agent/seen") == "container||imported c|")
    }
}

/// More of the predecessors' scenarios (1.17).
@Suite struct `Import: further scenarios of the predecessors (1.17)` {
    private func configured(_ config: String, _ home: Item) throws -> World {
        let world = try World.importing([".config": ["containai": ["config.toml": .file(config)]]])
        try world.add(below: "/host", home.ofAgent)
        try world.put("/home/agent/workspace", [:])
        return world
    }

    @Test func `A12: without a workspace section that matches, the sections for all count`() throws {
        let world = try configured(
            """
            default_excludes = ["claude/skills"]
            [workspace."/elsewhere"]
            excludes = ["editors"]
            """, [".claude": ["skills": ["a.md": "a"]], ".vimrc": "v"])
        #expect(try world.importHost().code == 0)
        #expect(world.volumeText("claude/skills/a.md") == nil && world.volumeText("editors/vimrc") == "v")
    }

    @Test(arguments: [["--root"], ["CAI_VOLUME"]])
    func `A14: the volume that is named counts, not that of the settings`(_ how: [String]) throws {
        let world = try World.importing([".vimrc": "v"])
        try world.put("/etc/containai/agent.toml", "volume = \"/mnt/agent-data\"\n")
        try world.put("/mnt/other", ([:] as Item).owned(by: World.agent))
        let environment = how == ["CAI_VOLUME"] ? ["CAI_VOLUME": "/mnt/other"] : [:]
        let run = try world.importHost(environment: environment)
        #expect(run.code == 0, "\(run)")
        let place: FilePath = environment.isEmpty ? "/mnt/agent-data/editors/vimrc" : "/mnt/other/editors/vimrc"
        #expect(try world.text(place) == "v")
        #expect(world.exists("/mnt/agent-data/editors") == environment.isEmpty)
    }

    @Test func `A39: nothing of the caller's environment gets onto the volume or into a message`() throws {
        let world = try World.importing(exampleHome)
        let run = try world.importHost(
            "--verbose", environment: ["SECRET_OF_CALLER": "leaked-value", "API_KEY": "leaked-key"])
        #expect(run.code == 0 && !run.everything.contains("leaked"), "\(run)")
        for (path, fact) in try Snapshot(of: world.volume).facts where fact.kind == .file {
            #expect(world.volumeText(path)?.contains("leaked") != true, "\(path)")
        }
    }

    @Test func `A40: --from takes the content of that directory, not of the home`() throws {
        let world = try World.importing([".vimrc": "of the source\n", ".codex": ["config.toml": "from = \"source\"\n"]])
        try world.add(["other": [".vimrc": "of the home\n", ".inputrc": "of the home\n"]])
        let run = try world.importHost(environment: ["HOME": world.path("/other").string])
        #expect(run.code == 0 && world.volumeText("editors/vimrc") == "of the source\n", "\(run)")
        #expect(world.volumeText("codex/config.toml") == "from = \"source\"\n")
        #expect(world.volumeText("shell/inputrc") != "of the home\n")
    }

    @Test func `A59: an import makes no noise about anything it does not do`() throws {
        let world = try World.importing(exampleHome)
        let run = try world.importHost()
        #expect(run.code == 0 && run.output == "", "\(run)")
        for word in ["ssh-keygen", "Generating", "rsync", "docker"] {
            #expect(!run.everything.contains(word), "\(run)")
        }
        #expect(!run.errors.contains("[WARN]") && !run.errors.contains("[ERROR]"), "\(run)")
        #expect(!world.exists("/mnt/agent-data/ssh/id_rsa") && !world.exists("/home/agent/.ssh/id_rsa"))
    }

    @Test func `B edge 7: absolute links inside a directory lead to the same file of the volume`() throws {
        let world = try World.importing([".claude": ["skills": ["real": ["SKILL.md": "skill"]]]])
        try world.put(
            "/host/.claude/skills/alias", .link(FilePath(world.host + "/.claude/skills/real")))
        try world.put(
            "/host/.claude/skills/file", .link(FilePath(world.host + "/.claude/skills/real/SKILL.md")))
        let run = try world.importHost()
        #expect(run.code == 0, "\(run)")
        #expect(world.link("/mnt/agent-data/claude/skills/alias") == "real")
        #expect(world.link("/mnt/agent-data/claude/skills/file") == "real/SKILL.md")
        #expect(try world.text("/home/agent/.claude/skills/alias/SKILL.md") == "skill")
    }

    @Test func `B edge 8: two machines with two volumes are isolated`() throws {
        let first = try World.importing([".vimrc": "first\n"])
        let second = try World.importing([".vimrc": "second\n"])
        #expect(try first.importHost().code == 0 && second.importHost().code == 0)
        #expect(first.volumeText("editors/vimrc") == "first\n" && second.volumeText("editors/vimrc") == "second\n")
    }

    @Test func `B flags R: a real directory or link in the place of a link is merged when an import makes links`()
        throws
    {
        let world = try World.importing([
            ".oh-my-zsh": ["custom": ["a.zsh": "a"]], ".bash_aliases": "alias ll='ls -l'\n",
        ])
        try world.add(
            below: "/home/agent",
            [
                ".oh-my-zsh": ["custom": ["own.zsh": "own"]], ".bash_aliases_imported": .link("/nowhere"),
            ])
        let run = try world.importHost()
        #expect(run.code == 0, "\(run)")
        #expect(world.link("/home/agent/.oh-my-zsh/custom") == "/mnt/agent-data/shell/oh-my-zsh-custom")
        #expect(try world.text("/home/agent/.oh-my-zsh/custom/a.zsh") == "a")
        #expect(world.volumeText("shell/oh-my-zsh-custom/own.zsh") == "own", "nothing of the directory is lost")
        #expect(world.link("/home/agent/.bash_aliases_imported") == "/mnt/agent-data/shell/bash_aliases")
        #expect(try world.displaced().values.contains("-> /nowhere"))
    }

    @Test(arguments: ["/nowhere", "missing", "../../outside"] as [FilePath])
    func `1.18 #6: a dangling link of the source does not get onto the volume, and the next boot is well`(
        _ text: FilePath
    ) throws {
        let world = try World.importing([".claude": ["settings.json": .link(text)], ".vimrc": .link(text)])
        let run = try world.importHost()
        #expect(run.code == 0, "\(run)")
        for path in ["claude/settings.json", "editors/vimrc"] as [FilePath] {
            #expect(world.link(FilePath("/mnt/agent-data").pushing(path)) == nil, "\(path)")
        }
        #expect(try world.cai("init", "--json").code == 0)
    }

    @Test(.needs("strace")) func `1.18 #23: no file of the volume is written in place`() throws {
        let home: Item = [
            ".claude": [
                "settings.json": #"{"enabledPlugins":{"a@m":true}}"#,
                "plugins": ["installed_plugins.json": #"{"plugins":{}}"#],
            ]
        ]
        let world = try World.importing(home)
        #expect(try world.importHost().code == 0)
        try world.put(
            "/host/.claude/settings.json", Item.file(#"{"enabledPlugins":{"b@m":true}}"#).later(by: 60).ofAgent)
        let trace = world.path("/trace").string
        let run = try world.cai(
            ["import", "--from", world.host],
            wrapper: ["strace", "-f", "-e", "trace=open,openat,openat2,truncate,ftruncate", "-o", trace])
        #expect(run.code == 0, "\(run)")
        let writes = try Files.text(FilePath(trace)).split(separator: "\n").filter {
            ($0.contains("O_WRONLY") || $0.contains("O_RDWR") || $0.contains("O_TRUNC"))
                && ($0.contains("\"settings.json\"") || $0.contains("\"installed_plugins.json\""))
                && !$0.contains("O_EXCL")
        }
        #expect(writes == [], "\(writes)")
    }

    @Test(.needs("strace")) func `1.18 #22: an import starts no other program`() throws {
        let world = try World.importing(exampleHome)
        try world.put("/host/.config/containai/import-overrides/.vimrc", Item.file("overridden\n").ofAgent)
        let trace = world.path("/trace").string
        let run = try world.cai(
            ["import", "--from", world.host], wrapper: ["strace", "-f", "-e", "trace=execve", "-o", trace])
        #expect(run.code == 0, "\(run)")
        let starts = try Files.text(FilePath(trace)).split(separator: "\n").filter { $0.contains("execve(") }
        #expect(starts.count == 1, "\(starts)")
    }
}

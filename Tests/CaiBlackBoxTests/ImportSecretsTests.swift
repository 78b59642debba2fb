import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: git, zsh and secrets (1.6.4, 1.6.7, 1.6.8)` {
    private let spellings = """
        [user]
        	name = A
        	signingkey = ABCDEF
        [credential] helper = store --file ~/x
        [credential "https://h"]
        	username = me
        [commit]
        	gpgsign
        [TAG]
        	GpgSign = true ; comment
        	forceSignAnnotated = true
        [push]
        	gpgSign = if-asked
        [gpg "ssh"]
        	allowedSignersFile = ~/.ssh/signers
        [core]
        	editor = vi
        	sshCommand = ssh \\
        		-i ~/.ssh/id_work
        [url "https://oauth2:tok3n@github.com/"]
        	insteadOf = https://github.com/
        [http "https://h/"]
        	extraHeader = "Authorization: Bearer s3cret"
        	cookieFile = ~/.cookies
        [remote "x"]
        	url = https://user:passw0rd@example.com/r.git
        [alias]
        	st = "status -s" # kept

        """

    @Test func `1.18 #11: helpers and signing go in every spelling, everything else stays`() throws {
        let world = try World.importing([".gitconfig": .file(spellings)])
        let run = try expectPromises(["import", "--from", world.host], on: world)
        let text = world.volumeText("git/gitconfig") ?? ""
        for word in [
            "signingkey", "helper", "username", "gpgsign", "GpgSign", "forceSign", "gpgSign", "allowedSigners",
            "id_work", "sshCommand", "credential",
        ] {
            #expect(!text.contains(word), "\(word)\n\(text)\n\(run)")
        }
        for line in [
            "name = A", "editor = vi", "st = \"status -s\" # kept", "[safe]\n\tdirectory = /home/agent/workspace\n",
        ] {
            #expect(text.contains(line), "\(line)\n\(text)")
        }
        #expect(try world.volumeMode("git/gitconfig") == 0o600)
    }

    @Test func `1.18 #11, #12: --no-secrets takes tokens out of URLs, headers and cookies`() throws {
        let world = try World.importing([".gitconfig": .file(spellings)])
        try world.importHost("--no-secrets")
        let text = world.volumeText("git/gitconfig") ?? ""
        for word in ["tok3n", "s3cret", "passw0rd", "cookie", "extraHeader"] {
            #expect(!text.contains(word), "\(word)\n\(text)")
        }
        #expect(text.contains("name = A"))
    }

    @Test(.needs("git"))
    func `git reads what is written, and finds in it what it found in the source but for what goes`() throws {
        let world = try World.importing([".gitconfig": .file(spellings)])
        try world.importHost()
        let file = world.path("/mnt/agent-data/git/gitconfig").string
        let git = try Command.run(["git", "config", "--file", file, "--list"], environment: ["HOME": "/nonexistent"])
        #expect(git.code == 0, "\(git)")
        #expect(git.output.contains("alias.st=status -s\n") && git.output.contains("core.editor=vi\n"))
        #expect(git.output.contains("safe.directory=/home/agent/workspace\n") && !git.output.contains("sshcommand"))
    }

    @Test func `XDG comes before .gitconfig, includes are read, conditional ones for the workspace`() throws {
        let world = try World.importing([
            ".config": [
                "git": [
                    "config": "[core]\n\tpager = xdg\n", "work": "[user]\n\temail = work@x\n",
                    "home": "[user]\n\temail = home@x\n",
                ]
            ],
            ".gitconfig": """
            [include]
            	path = ~/extra
            [includeIf "gitdir:/home/agent/workspace/"]
            	path = .config/git/work
            [includeIf "gitdir:/elsewhere/"]
            	path = .config/git/home
            [includeIf "onbranch:topic/**"]
            	path = ~/branch
            [includeIf "hasconfig:remote.*.url:https://github.com/org/**"]
            	path = ~/remote

            """, "extra": "[pull]\n\trebase = true\n", "branch": "[x]\n\tbranch = yes\n",
            "remote": "[x]\n\tremote = yes\n",
        ])
        try world.put("/home/agent/workspace/.git/HEAD", "ref: refs/heads/topic/a\n")
        try world.put("/home/agent/workspace/.git/config", "[remote \"origin\"]\n\turl = https://github.com/org/repo\n")
        let run = try world.importHost()
        let text = world.volumeText("git/gitconfig") ?? ""
        #expect(text.hasPrefix("[core]\n\tpager = xdg\n"), "\(text)\n\(run)")
        for word in ["rebase = true", "work@x", "branch = yes", "remote = yes"] {
            #expect(text.contains(word), "\(word)\n\(text)")
        }
        #expect(!text.contains("home@x") && !text.contains("include"))
    }

    @Test func `without a git configuration git still works in the workspace`() throws {
        let world = try World.importing([".vimrc": "x"])
        try world.importHost()
        #expect(world.volumeText("git/gitconfig") == "[safe]\n\tdirectory = /home/agent/workspace\n")
    }

    @Test func `1.18 #9: git, zsh and overrides are those of the source`() throws {
        let world = try World.importing([".gitconfig": "[user]\n\tname = source\n", ".zshrc": "export SOURCE=1\n"])
        try world.put("/home/agent/.zshenv", "export HOME_OF_AGENT=1\n")
        try world.importHost()
        #expect(world.volumeText("git/gitconfig")?.contains("name = source") == true)
        #expect(world.volumeText("shell/zsh-imported.sh")?.contains("HOME_OF_AGENT") == false)
    }

    @Test func `exports and aliases of zsh are what bash can use`() throws {
        let world = try World.importing([
            ".zshenv": "export EDITOR=vi\nexport ZDOTDIR=~/.zsh\nexport X=$path\n",
            ".zshrc":
                "setopt autocd\nalias ll='ls -l'\nalias -g G='|grep'\npath+=(/opt/a /opt/b)\nf() { x }\n# c\nexport Y=\"open\n",
        ])
        try world.importHost()
        let text = world.volumeText("shell/zsh-imported.sh") ?? ""
        let lines = text.split(separator: "\n").dropFirst()
        #expect(
            Array(lines) == [
                "# From .zshenv", "export EDITOR=vi", "# From .zshrc", "alias ll='ls -l'",
                #"export PATH="/opt/a:$PATH""#,
                #"export PATH="/opt/b:$PATH""#,
            ], "\(text)")
        try world.remove("/host/.zshenv")
        try world.put("/host/.zshrc", Item.file("setopt x\n").ofAgent)
        try world.importHost()
        #expect(!world.exists("/mnt/agent-data/shell/zsh-imported.sh"))
    }

    @Test func `--no-secrets leaves out all sixteen entries, and makes no placeholder for them`() throws {
        let world = try World.importing(exampleHome)
        let run = try world.importHost("--no-secrets", "--verbose")
        #expect(run.errors.contains("[INFO] Skipping secret entry: ~/.claude.json (--no-secrets)"), "\(run)")
        for value in ["claude login", "codex login", "gh token", "opencode login"] {
            for (path, fact) in try Snapshot(of: world.volume).facts where fact.kind == .file {
                #expect(world.volumeText(path)?.contains(value) != true, "\(path)")
            }
        }
        #expect(world.volumeText("config/gh/config.yml") == "editor: vi\n", "B tools: config.yml is kept")
        #expect(
            try world.importHost("--no-secrets", "--dry-run").errors.contains(
                "[DRY-RUN] Skipping secret entry: ~/.claude.json"))
    }

    @Test func `1.18 #12: --no-secrets takes secrets out of mixed files and additional paths`() throws {
        let world = try World.importing([
            ".claude": [
                "settings.json": #"{"mcpServers": {"a": {"command": "x", "env": {"API_KEY": "k3y"}}}, "model": "m"}"#
            ],
            ".codex": [
                "config.toml":
                    "model = \"m\"\n[mcp_servers.a.env]\nTOKEN = \"t0ken\"\n[mcp_servers.a]\ncommand = \"x\"\n"
            ],
            ".zshrc": "export GITHUB_TOKEN=ghp_0123456789abcdef\nexport EDITOR=vi\n",
            ".config": [
                "tool": [
                    "config": "plain", "id_ed25519": "k1",
                    "key.txt": "-----BEGIN OPENSSH PRIVATE KEY-----\nk2 k2 k2 k2 k2 k2 k2 k2 k2 k2 k2 k2 k2\n",
                ],
                "containai": ["config.toml": "[import]\nadditional_paths = [\"~/.config/tool\", \"~/.netrc\"]\n"],
            ], ".netrc": "machine x password k3",
        ])
        let run = try world.importHost("--no-secrets")
        #expect(run.code == 0 && world.volumeText("config/tool/config") == "plain", "\(run)")
        for (path, fact) in try Snapshot(of: world.volume).facts
        where fact.kind == .file && !path.starts(with: ".containai") {
            for value in ["k3y", "t0ken", "ghp_", "k1", "k2", "k3"] {
                #expect(world.volumeText(path)?.contains(value) != true, "\(path) holds \(value)")
            }
        }
        #expect(world.volumeText("claude/settings.json")?.contains(#""command": "x""#) == true)
        #expect(world.volumeText("codex/config.toml")?.contains("command = \"x\"") == true)
        #expect(world.volumeText("shell/zshrc") == "export EDITOR=vi\n")
    }

    @Test func `secrets list shows where secrets are, never what they are`() throws {
        let world = try World.importing(exampleHome)
        try world.importHost()
        try world.put("/mnt/agent-data/.env", Item.file("A=envvalue\n").mode(0o600))
        let list = try world.cai("secrets", "list")
        #expect(list.code == 0, "\(list)")
        for line in [
            "declared secret\t/mnt/agent-data/claude/.credentials.json", "environment\t/mnt/agent-data/.env",
            "declared secret\t/mnt/agent-data/codex/auth.json",
        ] { #expect(list.output.contains(line + "\n"), "\(list)") }
        #expect(!list.everything.contains("login") && !list.everything.contains("envvalue"))
        #expect(!list.output.contains("editors/vimrc"))
    }

    @Test func `secrets purge removes them for good, also what runs displaced, and leaves no empty login`() throws {
        let world = try World.importing(
            [
                ".codex": [
                    "auth.json": .file("new login").mode(0o600).later(by: 9),
                    "config.toml": "api_key = \"k3y\"\nmodel = \"m\"\n",
                ],
                ".vimrc": .file("new").later(by: 9),
            ],
            into: [
                "codex": ["auth.json": .file("old login").mode(0o600)], "editors": ["vimrc": "old"],
                "notes": ["id_rsa": "mykey"],
            ])
        try world.importHost()
        #expect(try world.displaced()["volume/codex/auth.json"] == "old login")
        let before = try world.snapshot()
        let unconfirmed = try world.cai("secrets", "purge")
        #expect(unconfirmed.code == 1 && unconfirmed.errors.contains("run again with --yes"), "\(unconfirmed)")
        #expect(try world.cai("secrets", "purge", "--dry-run").code == 0)
        #expect(try world.snapshot().differences(from: before) == [])

        let purge = try world.cai("secrets", "purge", "--yes", environment: Command.linkedAgents)
        #expect(purge.code == 0 && purge.errors.contains("removed for good"), "\(purge)")
        for (path, fact) in try Snapshot(of: world.volume).facts where fact.kind == .file {
            for value in ["new login", "old login", "k3y", "mykey"] {
                #expect(world.volumeText(path)?.contains(value) != true, "\(path) holds \(value)")
            }
        }
        #expect(!world.exists("/mnt/agent-data/codex/auth.json"), "an empty login reads as a broken one")
        #expect(world.volumeText("codex/config.toml") == "model = \"m\"\n")
        #expect(try world.displaced()["volume/editors/vimrc"] == "old", "what is no secret stays displaced")
        #expect(try world.cai("secrets", "list").output == "")
        #expect(try world.cai("secrets", "purge", "--yes").code == 0)
    }
}

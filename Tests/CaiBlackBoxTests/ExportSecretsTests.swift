import CaiTestSupport
import SystemPackage
import Testing

@Suite(.needs("tar")) struct `Export: --no-secrets` {
    private static let volume: Item = [
        "claude": [
            ".credentials.json": .file("claude login").mode(0o600), "CLAUDE.md": "memory",
            "settings.json":
                #"{"mcpServers": {"a": {"command": "x", "env": {"API_KEY": "k3y", "LANG": "C"}}}, "model": "m"}"#,
            "skills": ["s": ["id_ed25519": "by-name", "note.md": "note", "broken.json": "{ \"token\": \"torn"]],
        ],
        "codex": [
            "config.toml": "model = \"m\"\n[mcp_servers.a.env]\nTOKEN = \"t0ken\"\n[mcp_servers.a]\ncommand = \"x\"\n"
        ],
        "git": [
            "gitconfig": """
            [user]
            \tname = Me
            [url "https://oauth2:urltoken@host.invalid/"]
            \tinsteadOf = gh:
            [http "https://host.invalid/"]
            \textraHeader = AUTHORIZATION: Basic headertoken
            \tproxyAuthMethod = basic
            [remote "origin"]
            \turl = https://me:remotetoken@host.invalid/a.git

            """
        ],
        "shell": ["zshrc": "export GITHUB_TOKEN=ghp_0123456789abcdef\nexport EDITOR=vi\n"],
        "notes": [
            "key.txt": "-----BEGIN OPENSSH PRIVATE KEY-----\nby-content by-content by-content by-content\n",
            "plain.txt": "plain", ".netrc": "machine x password netrcpassword",
        ],
        ".env": .file("A=envvalue\n").mode(0o600),
    ]
    private static let values = [
        "claude login", "k3y", "by-name", "torn", "t0ken", "urltoken", "headertoken", "remotetoken", "ghp_",
        "by-content", "netrcpassword", "envvalue",
    ]

    /// The volume exported, and the archive unpacked below `/out`.
    private func exported(_ arguments: String...) throws -> (World, Finished) {
        let world = try World()
        for (name, item) in Self.children {
            try world.put(FilePath("/mnt/agent-data").appending(name.components), item)
        }
        try world.put("/out", [:])
        let run = try world.cai(["export", "-o", world.path("/a.tgz").string] + arguments)
        let unpack = try Command.run(["tar", "-C", world.path("/out").string, "-xzf", world.path("/a.tgz").string])
        try #require(unpack.code == 0, "\(run) \(unpack)")
        return (world, run)
    }

    private static var children: [(name: FilePath, item: Item)] {
        if case .directory(let children) = volume.kind { children.map { ($0.name, $0.item) } } else { [] }
    }

    @Test func `takes secrets out of mixed files, and leaves out what is secret by name or content`() throws {
        let (world, run) = try exported("--no-secrets")
        #expect(run.code == 0, "\(run)")
        for (path, fact) in try Snapshot(of: world.path("/out")).facts where fact.kind == .file {
            let text = try Files.text(world.path("/out").appending(path.components))
            for value in Self.values { #expect(!text.contains(value), "\(path) holds \(value)") }
        }
        for value in Self.values { #expect(!run.everything.contains(value), "\(run)") }
        #expect(
            try world.text("/out/claude/settings.json")
                .contains(#""command": "x""#) && world.text("/out/claude/settings.json").contains(#""model": "m""#))
        #expect(try world.text("/out/codex/config.toml").contains("command = \"x\""))
        #expect(try world.text("/out/shell/zshrc") == "export EDITOR=vi\n")
        let git = try world.text("/out/git/gitconfig")
        #expect(git.contains("name = Me") && git.contains("proxyAuthMethod") && !git.contains("insteadOf"), "\(git)")
        #expect(try world.text("/out/notes/plain.txt") == "plain" && world.text("/out/claude/CLAUDE.md") == "memory")
        for (path, words) in [
            ("/mnt/agent-data/claude/settings.json", "was stored without the secrets in it"),
            ("/mnt/agent-data/notes/key.txt", "holds a private key, and was left out"),
            ("/mnt/agent-data/notes/.netrc", "is secret by its name, and was left out"),
            ("/mnt/agent-data/claude/skills/s/broken.json", "was left out: its format cannot be read"),
        ] { #expect(run.errors.contains("\(path): \(words)"), "\(run)") }
    }

    @Test func `stores what an import of the archive takes whole, and its manifest says so`() throws {
        let (world, _) = try exported("--no-secrets")
        let other = try World()
        let run = try other.cai("import", "--from", world.path("/a.tgz").string, "--no-secrets")
        #expect(run.code == 0 && other.volumeText("shell/zshrc") == "export EDITOR=vi\n", "\(run)")
        let facts = try Snapshot(of: world.path("/out")).facts
        #expect(
            facts["codex/config.toml"]?.modified == Item.defaultTime * 1_000_000_000, "times are those of the files")
    }

    @Test func `is not what an export does by itself`() throws {
        let (world, run) = try exported()
        #expect(run.code == 0, "\(run)")
        #expect(try world.text("/out/claude/.credentials.json") == "claude login")
        #expect(try world.text("/out/codex/config.toml").contains("t0ken") && world.text("/out/.env") == "A=envvalue\n")
    }

    @Test func `leaves out a file that has a secret name too, under all its names`() throws {
        let world = try World()
        try world.put("/mnt/agent-data/notes/a.txt", "shared-content")
        try world.put("/mnt/agent-data/notes/id_rsa", .hardLink(to: "/mnt/agent-data/notes/a.txt"))
        try world.put("/mnt/agent-data/notes/z.txt", .hardLink(to: "/mnt/agent-data/notes/a.txt"))
        let run = try world.cai("export", "--no-secrets", "-o", world.path("/a.tgz").string)
        let list = try Command.run(["tar", "-tzf", world.path("/a.tgz").string])
        #expect(run.code == 0 && list.code == 0 && !list.output.contains("notes/a.txt"), "\(run) \(list)")
        #expect(!list.output.contains("notes/id_rsa") && !list.output.contains("notes/z.txt"), "\(list)")
    }
}

import CaiManifests
import CaiModel
import SystemPackage
import Testing

@Suite struct `The built-in manifests` {
    static let set = ManifestSet(BuiltInManifests.files)
    static let contents = BuiltInManifests.files.map(ManifestReader.read)
    static var declared: [Entry] { contents.flatMap(\.entries) }

    @Test func `the binary holds what the reader reads`() {
        let read = ManifestSet.ordered(BuiltInManifests.files).map(ManifestReader.read)
        #expect(BuiltInManifests.contents == read)
        let set = ManifestSet(combining: read)
        #expect(BuiltInManifests.alone.manifest.entries == set.manifest.entries)
        #expect(BuiltInManifests.alone.manifest.agents == set.manifest.agents)
        #expect(BuiltInManifests.alone.manifest.directories == set.manifest.directories)
        #expect(BuiltInManifests.alone.findings == set.findings)
        #expect(set.manifest.entries.count > 50 && set.manifest.directories.count > 10)
    }

    @Test func `they are valid, alone and together`() {
        #expect(Self.set.findings == [])
        #expect(Self.set.manifest.entries.map(\.location) == Self.declared.map(\.location))
    }

    @Test
    func `there are the 79 records of the contract and three for shell histories, with the known number of each flag`()
    {
        let entries = Self.set.manifest.entries
        func count(_ flag: EntryFlags) -> Int { entries.count { $0.flags.contains(flag) } }
        #expect(entries.count == 82)
        #expect(entries.count { $0.kind == .entry } == 75)
        #expect(entries.count { $0.kind == .containerSymlink } == 7)
        #expect(count(.directory) == 35)
        #expect(count(.file) == 46)
        #expect(count(.glob) == 1)
        #expect(count(.secret) == 19)
        #expect(count(.json) == 14)
        #expect(count(.optional) == 22)
        #expect(count(.removeFirst) == 17)
        #expect(count(.excludeSystem) == 2)
        #expect(count(.privacyFilter) == 1)
        #expect(count(.gitFilter) == 1)
        #expect(count(.mirror) == 0)
        #expect(entries.count(where: \.isDisabled) == 3)
        #expect(entries.count { $0.isSecret && !$0.isDisabled } == 18)
        #expect(Set(entries.map(\.target)).count == 82)
    }

    @Test func `they declare 77 links, 35 directories and 45 files with a link, 18 of them private`() {
        let entries = Self.set.manifest.entries
        let files = entries.filter { $0.flags.contains(.file) && $0.hasLink }
        #expect(entries.count(where: \.hasLink) == 77)
        #expect(entries.count(where: \.isDirectory) == 35)
        #expect(files.count == 45)
        #expect(files.count(where: \.isSecret) == 18)
    }

    @Test(arguments: zip(Row.all, declared))
    func `every record is the one of the table`(row: Row, entry: Entry) throws {
        #expect(entry.location.file == "built-in/" + row.file)
        #expect(entry.source?.relative.string == row.source)
        #expect(entry.target.relative.string == row.target)
        #expect(entry.link?.relative.string == row.link)
        #expect(Set(entry.flags.text) == Set(row.flags))
        #expect(entry.kind == row.kind)
        #expect(entry.isDisabled == row.isDisabled)
    }

    @Test func `the table has a row for every record`() {
        #expect(Row.all.map(\.number) == Array(1...82))
        #expect(Self.declared.count == 82)
    }

    @Test func `the six agents are declared`() {
        let agents = Self.set.manifest.agents.map { agent in
            [agent.name, agent.binary] + agent.defaultArguments + agent.aliases + [
                agent.isOptional ? "optional" : "required"
            ]
        }
        #expect(
            agents == [
                ["claude", "claude", "--dangerously-skip-permissions", "required"],
                ["codex", "codex", "--dangerously-bypass-approvals-and-sandbox", "required"],
                ["gemini", "gemini", "--yolo", "optional"],
                ["copilot", "copilot", "--yolo", "optional"],
                ["kimi", "kimi", "--yolo", "kimi-cli", "optional"],
                ["pi", "pi", "--yolo", "optional"],
            ])
    }
}

extension `The built-in manifests` {
    @Test func `every agent of the contract and of current releases has its directories`() {
        let directories = Self.set.manifest.directories.map { "\($0.agent) ~/\($0.path) \($0.target)" }
        #expect(
            directories == [
                "claude ~/.claude claude", "codex ~/.codex codex", "gemini ~/.gemini gemini",
                "copilot ~/.copilot copilot", "opencode ~/.config/opencode config/opencode",
                "opencode ~/.local/share/opencode local/share/opencode",
                "opencode ~/.local/state/opencode local/state/opencode", "kimi ~/.kimi kimi", "pi ~/.pi/agent pi",
                "aider ~/.aider aider/dot-aider", "continue ~/.continue continue", "cursor ~/.cursor cursor",
                "cursor ~/.config/cursor config/cursor", "vibe ~/.vibe vibe", "amp ~/.config/amp config/amp",
                "amp ~/.local/share/amp local/share/amp", "goose ~/.config/goose config/goose",
                "goose ~/.local/share/goose local/share/goose", "goose ~/.local/state/goose local/state/goose",
                "qwen ~/.qwen qwen",
            ])
    }

    @Test func `with agent directories 38 declared entries keep a link of their own`() {
        let layout = Layout(home: "/home/agent", volume: "/mnt/agent-data")
        let placed = Self.set.manifest.directories.map { directory in
            let (location, variable) = directory.location(environment: [:], layout: layout)
            return PlacedDirectory(
                directory, placement: .link, location: location, movedBy: variable, coverage: .linked)
        }
        let entries = Self.set.manifest.entries(with: placed)
        #expect(entries.count { $0.kind == .agentDirectory } == 20)
        #expect(entries.count { $0.kind != .agentDirectory && $0.hasLink } == 38)
        // No link leads into a directory that is a link itself.
        for entry in entries where entry.kind != .agentDirectory {
            guard let link = entry.link, entry.hasLink else { continue }
            #expect(!placed.contains { link.isInside($0.declaration.path) }, "\(link)")
        }
    }

    @Test(arguments: [
        ("claude", "projects/-w/a.jsonl", AgentPart.state, false), ("claude", ".credentials.json", .state, true),
        ("claude", "shell-snapshots/x", .cache, false), ("claude", "sessions/12.json", .local, false),
        ("claude", "plugins/cache/a/b", .state, false), ("claude", "a name of the next release", .state, false),
        ("codex", "auth.json", .state, true), ("codex", "sessions/2026/rollout.jsonl", .state, false),
        ("codex", "app-server-daemon/x.sock", .state, false), ("codex", "packages/codex", .cache, false),
        ("copilot", "ide/1.lock", .local, false), ("gemini", "tmp/a/chats/b.json", .state, false),
    ])
    func `a path of an agent directory is state, cache or local`(
        agent: String, path: FilePath, part: AgentPart, isSecret: Bool
    ) throws {
        let directory = try #require(Self.set.manifest.directories.first { $0.agent == agent })
        #expect(directory.part(of: path) == part)
        #expect(directory.isSecret(path) == isSecret)
    }
}

/// One row of the table that the built-in manifests are held to.
struct Row: Sendable {
    let number: Int
    let file: String
    let source: String?
    let target: String
    let link: String?
    let flags: String
    let kind: Entry.Kind
    let isDisabled: Bool

    init(
        _ number: Int, _ file: String, _ source: String?, _ target: String, _ link: String?, _ flags: String,
        kind: Entry.Kind = .entry, isDisabled: Bool = false
    ) {
        self.number = number
        self.file = file
        self.source = source
        self.target = target
        self.link = link
        self.flags = flags
        self.kind = kind
        self.isDisabled = isDisabled
    }

    static let all: [Row] = [
        Row(1, "00-common.toml", ".local/share/fonts", "local/share/fonts", ".local/share/fonts", "d"),
        Row(2, "00-common.toml", ".agents", "agents", ".agents", "d"),
        Row(
            3, "00-common.toml", ".config/containai/manifests", "containai/manifests", ".config/containai/manifests",
            "do"),
        Row(4, "01-shell.toml", ".bash_aliases", "shell/bash_aliases", ".bash_aliases_imported", "fR"),
        Row(5, "01-shell.toml", ".bashrc.d", "shell/bashrc.d", nil, "dp"),
        Row(6, "01-shell.toml", ".zshrc", "shell/zshrc", ".zshrc", "f"),
        Row(7, "01-shell.toml", ".zprofile", "shell/zprofile", ".zprofile", "f"),
        Row(8, "01-shell.toml", ".zshenv", "shell/zshenv", ".zshenv", "f"),
        Row(9, "01-shell.toml", ".inputrc", "shell/inputrc", ".inputrc", "f"),
        Row(10, "01-shell.toml", ".oh-my-zsh/custom", "shell/oh-my-zsh-custom", ".oh-my-zsh/custom", "dR"),
        Row(11, "02-git.toml", ".gitconfig", "git/gitconfig", ".gitconfig", "fg"),
        Row(12, "02-git.toml", ".gitignore_global", "git/gitignore_global", ".gitignore_global", "f"),
        Row(13, "03-gh.toml", ".config/gh/hosts.yml", "config/gh/hosts.yml", ".config/gh/hosts.yml", "fs"),
        Row(14, "03-gh.toml", ".config/gh/config.yml", "config/gh/config.yml", ".config/gh/config.yml", "f"),
        Row(15, "04-editors.toml", ".vimrc", "editors/vimrc", ".vimrc", "f"),
        Row(16, "04-editors.toml", ".vim", "editors/vim", ".vim", "dR"),
        Row(17, "04-editors.toml", ".config/nvim", "config/nvim", ".config/nvim", "dR"),
        Row(
            18, "05-vscode.toml", ".vscode-server/extensions", "vscode-server/extensions", ".vscode-server/extensions",
            "d"),
        Row(19, "05-vscode.toml", ".vscode-server/data/Machine", "vscode-server/data/Machine", nil, "d"),
        Row(
            20, "05-vscode.toml", ".vscode-server/data/User/mcp", "vscode-server/data/User/mcp",
            ".vscode-server/data/User/mcp", "d"),
        Row(
            21, "05-vscode.toml", ".vscode-server/data/User/prompts", "vscode-server/data/User/prompts",
            ".vscode-server/data/User/prompts", "d"),
        Row(
            22, "05-vscode.toml", ".vscode-server-insiders/extensions", "vscode-server-insiders/extensions",
            ".vscode-server-insiders/extensions", "d"),
        Row(
            23, "05-vscode.toml", ".vscode-server-insiders/data/Machine", "vscode-server-insiders/data/Machine", nil,
            "d"),
        Row(
            24, "05-vscode.toml", ".vscode-server-insiders/data/User/mcp", "vscode-server-insiders/data/User/mcp",
            ".vscode-server-insiders/data/User/mcp", "d"),
        Row(
            25, "05-vscode.toml", ".vscode-server-insiders/data/User/prompts",
            "vscode-server-insiders/data/User/prompts", ".vscode-server-insiders/data/User/prompts", "d"),
        Row(
            26, "05-vscode.toml", nil, "vscode-server/data/Machine/settings.json",
            ".vscode-server/data/Machine/settings.json", "fj", kind: .containerSymlink),
        Row(
            27, "05-vscode.toml", nil, "vscode-server/data/User/mcp.json", ".vscode-server/data/User/mcp.json", "fj",
            kind: .containerSymlink),
        Row(
            28, "05-vscode.toml", nil, "vscode-server-insiders/data/Machine/settings.json",
            ".vscode-server-insiders/data/Machine/settings.json", "fj", kind: .containerSymlink),
        Row(
            29, "05-vscode.toml", nil, "vscode-server-insiders/data/User/mcp.json",
            ".vscode-server-insiders/data/User/mcp.json", "fj", kind: .containerSymlink),
        Row(30, "06-ssh.toml", ".ssh/config", "ssh/config", ".ssh/config", "f", isDisabled: true),
        Row(31, "06-ssh.toml", ".ssh/known_hosts", "ssh/known_hosts", ".ssh/known_hosts", "f", isDisabled: true),
        Row(32, "06-ssh.toml", ".ssh/id_*", "ssh", ".ssh", "Gs", isDisabled: true),
        Row(33, "07-tmux.toml", ".tmux.conf", "config/tmux/tmux.conf", nil, "f"),
        Row(34, "07-tmux.toml", ".config/tmux", "config/tmux", ".config/tmux", "d"),
        Row(35, "07-tmux.toml", ".local/share/tmux", "local/share/tmux", ".local/share/tmux", "d"),
        Row(36, "08-prompt.toml", ".config/starship.toml", "config/starship.toml", ".config/starship.toml", "f"),
        Row(37, "08-prompt.toml", ".config/oh-my-posh", "config/oh-my-posh", ".config/oh-my-posh", "dR"),
        Row(38, "10-claude.toml", ".claude.json", "claude/claude.json", ".claude.json", "fjs"),
        Row(
            39, "10-claude.toml", ".claude/.credentials.json", "claude/.credentials.json", ".claude/.credentials.json",
            "fs"),
        Row(40, "10-claude.toml", ".claude/settings.json", "claude/settings.json", ".claude/settings.json", "fj"),
        Row(
            41, "10-claude.toml", ".claude/settings.local.json", "claude/settings.local.json",
            ".claude/settings.local.json", "f"),
        Row(42, "10-claude.toml", ".claude/plugins", "claude/plugins", ".claude/plugins", "dR"),
        Row(43, "10-claude.toml", ".claude/skills", "claude/skills", ".claude/skills", "dR"),
        Row(44, "10-claude.toml", ".claude/commands", "claude/commands", ".claude/commands", "dR"),
        Row(45, "10-claude.toml", ".claude/agents", "claude/agents", ".claude/agents", "dR"),
        Row(46, "10-claude.toml", ".claude/hooks", "claude/hooks", ".claude/hooks", "dR"),
        Row(47, "10-claude.toml", ".claude/CLAUDE.md", "claude/CLAUDE.md", ".claude/CLAUDE.md", "f"),
        Row(48, "11-codex.toml", ".codex/config.toml", "codex/config.toml", ".codex/config.toml", "f"),
        Row(49, "11-codex.toml", ".codex/auth.json", "codex/auth.json", ".codex/auth.json", "fs"),
        Row(50, "11-codex.toml", ".codex/skills", "codex/skills", ".codex/skills", "dxR"),
        Row(
            51, "12-gemini.toml", ".gemini/google_accounts.json", "gemini/google_accounts.json",
            ".gemini/google_accounts.json", "fso"),
        Row(
            52, "12-gemini.toml", ".gemini/oauth_creds.json", "gemini/oauth_creds.json", ".gemini/oauth_creds.json",
            "fso"),
        Row(53, "12-gemini.toml", ".gemini/settings.json", "gemini/settings.json", ".gemini/settings.json", "fjo"),
        Row(54, "12-gemini.toml", ".gemini/GEMINI.md", "gemini/GEMINI.md", ".gemini/GEMINI.md", "fo"),
        Row(55, "13-copilot.toml", ".copilot/config.json", "copilot/config.json", ".copilot/config.json", "fo"),
        Row(
            56, "13-copilot.toml", ".copilot/mcp-config.json", "copilot/mcp-config.json", ".copilot/mcp-config.json",
            "fo"),
        Row(57, "13-copilot.toml", ".copilot/skills", "copilot/skills", ".copilot/skills", "dRo"),
        Row(
            58, "14-opencode.toml", ".config/opencode/opencode.json", "config/opencode/opencode.json",
            ".config/opencode/opencode.json", "fjs"),
        Row(
            59, "14-opencode.toml", ".config/opencode/agents", "config/opencode/agents", ".config/opencode/agents", "d"),
        Row(
            60, "14-opencode.toml", ".config/opencode/commands", "config/opencode/commands",
            ".config/opencode/commands", "d"),
        Row(
            61, "14-opencode.toml", ".config/opencode/skills", "config/opencode/skills", ".config/opencode/skills", "d"),
        Row(62, "14-opencode.toml", ".config/opencode/modes", "config/opencode/modes", ".config/opencode/modes", "d"),
        Row(
            63, "14-opencode.toml", ".config/opencode/plugins", "config/opencode/plugins", ".config/opencode/plugins",
            "d"),
        Row(
            64, "14-opencode.toml", ".config/opencode/instructions.md", "config/opencode/instructions.md",
            ".config/opencode/instructions.md", "f"),
        Row(
            65, "14-opencode.toml", ".local/share/opencode/auth.json", "local/share/opencode/auth.json",
            ".local/share/opencode/auth.json", "fs"),
        Row(66, "15-kimi.toml", ".kimi/config.toml", "kimi/config.toml", ".kimi/config.toml", "fso"),
        Row(67, "15-kimi.toml", ".kimi/mcp.json", "kimi/mcp.json", ".kimi/mcp.json", "fjso"),
        Row(68, "16-pi.toml", ".pi/agent/settings.json", "pi/settings.json", ".pi/agent/settings.json", "fjo"),
        Row(69, "16-pi.toml", ".pi/agent/models.json", "pi/models.json", ".pi/agent/models.json", "fjso"),
        Row(70, "16-pi.toml", ".pi/agent/keybindings.json", "pi/keybindings.json", ".pi/agent/keybindings.json", "fjo"),
        Row(71, "16-pi.toml", ".pi/agent/skills", "pi/skills", ".pi/agent/skills", "dxRo"),
        Row(72, "16-pi.toml", ".pi/agent/extensions", "pi/extensions", ".pi/agent/extensions", "dRo"),
        Row(73, "17-aider.toml", ".aider.conf.yml", "aider/aider.conf.yml", ".aider.conf.yml", "fso"),
        Row(
            74, "17-aider.toml", ".aider.model.settings.yml", "aider/aider.model.settings.yml",
            ".aider.model.settings.yml", "fso"),
        Row(75, "18-continue.toml", ".continue/config.yaml", "continue/config.yaml", ".continue/config.yaml", "fso"),
        Row(76, "18-continue.toml", ".continue/config.json", "continue/config.json", ".continue/config.json", "fjso"),
        Row(77, "19-cursor.toml", ".cursor/mcp.json", "cursor/mcp.json", ".cursor/mcp.json", "fjso"),
        Row(78, "19-cursor.toml", ".cursor/rules", "cursor/rules", ".cursor/rules", "dRo"),
        Row(79, "19-cursor.toml", ".cursor/extensions", "cursor/extensions", ".cursor/extensions", "dRo"),
        Row(80, "24-history.toml", nil, "shell/history", ".bash_history", "fs", kind: .containerSymlink),
        Row(81, "24-history.toml", nil, "shell/zsh_history", ".zsh_history", "fs", kind: .containerSymlink),
        Row(82, "24-history.toml", nil, "local/share/fish", ".local/share/fish", "dR", kind: .containerSymlink),
    ]
}

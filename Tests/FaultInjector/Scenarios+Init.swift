import SystemPackage

/// The starts of a container.
extension Scenarios {
    /// A first start: live files that an image brought, a volume with the files of a first release, wrong owners.
    static func initialized(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file(".claude.json", #"{"live":1}"#, mode: 0o600)
        home.file(".claude/.credentials.json", "SECRET of the image", mode: 0o644)
        home.file(".claude/skills/live/skill.md", "live skill\n")
        home.file(".zshrc", "live zshrc\n")
        home.file(".bash_env.d/containai-agents.sh", "# somebody's own file\n")
        home.file(".bash_env.d/containai-user-agents.sh", "# another one\n")
        volume.file(".gitconfig", "[user]\n\tname = first release\n")
        volume.file("git/gitconfig", "")
        volume.file(".env", "KEY=value\n", mode: 0o600)
        volume.file("claude/claude.json", "", mode: 0o644)
        volume.file("claude/skills/stored/skill.md", "stored skill\n")
        volume.file("codex/auth.json", "SECRET that was loose", mode: 0o640)
        volume.file("containai/manifests/mine.toml", userManifest)
        volume.file("containai/manifests/broken.toml", "[[entries]\nnot = toml\n")
        volume.file("mine/notes.txt", "notes on the volume\n")
        home.file("notes.txt", "notes in the home\n")
        let foreign = volume.nodes.map { node in
            var node = node
            if ["skills", "mine"].contains(node.path.removingLastComponent().lastComponent?.string) {
                node.uid = 65534
            }
            return node
        }
        return Scenario(
            name: "init", command: ["init"], ground: ground, home: home.nodes, volume: foreign, placement: "link")
    }

    /// A start after a release with single links: links and live files in the home, content with earlier names and
    /// placeholders on the volume, files that changed on both sides.
    static func migrated(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        let links: [(path: FilePath, text: FilePath)] = [
            (".claude/.credentials.json", "/mnt/agent-data/claude/credentials.json"),
            (".claude/settings.json", "/mnt/agent-data/claude/settings.json"),
            (".claude/skills", "/mnt/agent-data/claude/skills"),
        ]
        for link in links { home.link(link.path, to: link.text) }
        volume.file("claude/credentials.json", "SECRET login under its earlier name", mode: 0o600)
        volume.file("claude/settings.json", #"{"stored":1}"#)
        volume.file("claude/skills/a/SKILL.md", "stored skill\n")
        home.file(".claude/projects/-w/live.jsonl", "{\"turn\":1}\n{\"turn\":2}\n")
        home.file(".claude/projects/-w/both.jsonl", "live version\n")
        volume.file("claude/projects/-w/both.jsonl", "stored version\n", age: 100)
        home.file(".claude/settings.local.json", #"{"live":1}"#)
        volume.file("claude/settings.local.json", #"{"stored":2}"#, age: 50)
        volume.file("claude/CLAUDE.md", "")
        volume.file("claude/sessions/12.json", "a registry of another container\n")
        home.file(".codex/auth.json", "SECRET newer key", mode: 0o600)
        volume.file("codex/auth.json", "{}\n", mode: 0o600, age: 100)
        home.file(".codex/sessions/2026/rollout.jsonl", "{}\n")
        home.link(".codex/dangling", to: "nothing")
        home.oddNames(in: ".codex/odd", "codex")
        home.file(".gemini/settings.json", #"{"theme":"dark"}"#)
        volume.file("mine/notes.txt", "notes on the volume\n")
        return Scenario(
            name: "migration", command: ["init"], ground: ground, home: home.nodes, volume: volume.nodes,
            placement: "link", replacedLinks: Set(links.map(\.text)))
    }

    private static let userManifest = """
        [[entries]]
        source = "notes.txt"
        target = "mine/notes.txt"
        container_link = "notes.txt"
        flags = "f"

        """

    /// A later start, after applications replaced links.
    static func restarted(_ ground: Ground) -> Scenario {
        let before = drifted(ground)
        return Scenario(
            name: "restart", command: ["init"], ground: ground, home: before.home, volume: [],
            settling: [["sync"], ["init"]], drift: { try drift($0) })
    }
}

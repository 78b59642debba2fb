import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// What a push of a home that changed is to do.
private struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    /// What the home has besides, from the beginning.
    var before: Item = [:]
    /// What changes in the home: nil goes.
    var host: [FilePath: Item?] = [:]
    /// What changes on the volume.
    var volume: [FilePath: Item?] = [:]
    var arguments: [String] = []
    /// How many files travel besides those that say what an import does.
    let travels: Int
    /// What the volume has to have afterwards, and what not.
    var has: [FilePath] = []
    var hasNot: [FilePath] = []

    var testDescription: String { name }
}

/// A home with a bit of everything that an import treats in its own way.
private let home: Item = [
    ".claude": [
        "settings.json": "{\"a\":1}", "CLAUDE.md": "memory\n", ".credentials.json": Item("{\"t\":1}").mode(0o600),
        "skills": [
            "one": ["a.md": "a\n", "b.md": "b\n"], "two": ["c.md": "c\n"], "empty": [:], "kind": "a file\n",
            "left": ["own.md": "excluded\n"], "up": .link("../CLAUDE.md"), "dots": .link("../../dotfiles"),
            "dot": .link("../../dotfiles/vimrc"), "broken": .link("no/where"), "out": .link("/proc/self/status"),
            "self": .link("."), "token": Item("secret\n").mode(0o600),
        ],
    ],
    "dotfiles": ["vimrc": "set nu\n", "deep": ["x": "x\n"]], ".vimrc": .link("dotfiles/vimrc"),
    ".gitconfig": "[user]\n\tname = host\n", ".extra": ["kept": "kept\n", "gone": "gone\n", "hollow": [:]],
    ".more": "more\n",
    ".config/containai": [
        "config.toml": """
        default_excludes = ["claude/skills/left", "*.tmp"]
        [import]
        additional_paths = ["~/.extra", "~/.more", "~/.vimrc"]

        """,
        "manifests/mine.toml": """
        [[entries]]
        source = ".mine"
        target = "own/mine"
        container_link = ".mine"
        flags = "d"

        """,
    ],
    ".mine": ["m": "mine\n"],
]

private let changes = [
    Change(name: "nothing", travels: 0, has: ["own/mine/m", "claude/skills/dots/deep/x", "extra/hollow"]),
    Change(name: "a file", host: [".claude/skills/one/a.md": "other\n"], travels: 1),
    Change(name: "its time", host: [".claude/skills/one/a.md": Item("a\n").later(by: 100)], travels: 0),
    Change(name: "its mode", host: [".claude/skills/one/a.md": Item("a\n").mode(0o755)], travels: 1),
    Change(name: "a file less", host: [".claude/skills/one/a.md": nil], travels: 0, hasNot: ["claude/skills/one/a.md"]),
    Change(
        name: "directories less", host: [".claude/skills/one": nil, ".claude/skills/empty": nil], travels: 0,
        hasNot: ["claude/skills/one", "claude/skills/empty"]),
    Change(
        name: "a directory more", host: [".claude/skills/new/deep": [:]], travels: 0, has: ["claude/skills/new/deep"]),
    Change(
        name: "a file that is a directory now",
        host: [".claude/skills/kind": nil, ".claude/skills/kind/in": "in\n"], travels: 1, has: ["claude/skills/kind/in"]
    ),
    Change(name: "a directory that is a file now", host: [".claude/skills/one": "file\n"], travels: 1),
    Change(name: "a link that is a file now", host: [".claude/skills/up": "file\n"], travels: 1),
    Change(name: "a file that is a link now", host: [".claude/skills/two/c.md": .link("../one/a.md")], travels: 1),
    Change(name: "another text of a link", host: [".claude/skills/up": .link("one/a.md")], travels: 1),
    Change(name: "a file behind a link", host: ["dotfiles/deep/x": "other\n"], travels: 1),
    Change(
        name: "a file less behind a link", host: ["dotfiles/deep/x": nil], travels: 0,
        hasNot: ["claude/skills/dots/deep/x"]),
    Change(name: "a file that links lead to", host: ["dotfiles/vimrc": "set nonu\n"], travels: 2),
    Change(name: "a link less", host: [".claude/skills/dots": nil], travels: 0, hasNot: ["claude/skills/dots"]),
    Change(
        name: "what only the volume has",
        volume: [
            "claude/skills/stray/own.md": "own\n", "claude/skills/one/stray": "stray\n", "extra/stray": "stray\n",
            "own/mine/stray": "stray\n", "elsewhere/stays": "stays\n",
        ], travels: 0, has: ["elsewhere/stays"],
        hasNot: ["claude/skills/stray", "claude/skills/one/stray", "extra/stray", "own/mine/stray"]),
    Change(
        name: "what only the volume has, where it is excluded",
        volume: ["claude/skills/left/theirs.md": "stays\n", "claude/skills/a.tmp": "stays\n"], travels: 0,
        has: ["claude/skills/left/theirs.md", "claude/skills/a.tmp"]),
    Change(
        name: "what is excluded", host: [".claude/skills/left/more.md": "more\n", ".claude/skills/x.tmp": "x\n"],
        travels: 0, hasNot: ["claude/skills/left", "claude/skills/x.tmp"]),
    Change(
        name: "what is excluded, without excludes", arguments: ["--no-excludes"], travels: 1,
        has: ["claude/skills/left/own.md"]),
    // A small file is brought rather than looked up.
    Change(name: "what the container changed", volume: ["claude/skills/one/a.md": "of the container\n"], travels: 1),
    Change(name: "what the container removed", volume: ["claude/skills/one/a.md": nil], travels: 1),
    Change(
        name: "an additional path less", host: [".more": nil, ".extra/gone": nil], travels: 0, hasNot: ["extra/gone"]),
    Change(name: "an entry of the source's own manifests", host: [".mine/m": nil, ".mine/n": "n\n"], travels: 1),
    Change(
        name: "nothing, without secrets", arguments: ["--no-secrets"], travels: 0,
        has: ["claude/.credentials.json", "claude/skills/token"]),
    Change(
        name: "secrets less, without secrets",
        host: [".claude/skills/token": nil, ".claude/.credentials.json": nil, ".claude/skills/one/b.md": nil],
        arguments: ["--no-secrets"], travels: 0, has: ["claude/.credentials.json", "claude/skills/token"],
        hasNot: ["claude/skills/one/b.md"]),
    Change(
        name: "a directory that looks like a home", before: [".extra/.claude/settings.json": "{}\n"],
        host: [".extra/.claude/settings.json": "{\"x\":1}\n"], travels: 1, has: ["extra/.claude/settings.json"]),
]

@Suite struct `cai push of what changed` {
    /// A host and a container that is served, and a container that imports from the same host.
    private func worlds(_ home: Item, _ more: Item) throws -> (World, World) {
        let world = try World(["run": [:], "host": home.ofAgent])
        try world.add(below: "host", more.ofAgent)
        return (world, try World([:]))
    }

    private func apply(_ changes: [FilePath: Item?], below place: FilePath, _ world: World) throws {
        for (path, item) in changes.sorted(by: { $0.key.string < $1.key.string }) {
            let path = place.appending(path.components)
            try world.remove(path)
            if let item { try world.put(path, item.ofAgent) }
        }
    }

    /// The line that says how much was done.
    private func summary(_ run: Finished) -> Substring? {
        run.errors.split(separator: "\n").first { $0.hasPrefix("[INFO] Done. ") }
    }

    /// What differs between the two volumes, cai's own records aside.
    private func differences(_ here: World, _ there: World) throws -> [String] {
        try Snapshot(of: here.volume).differences(from: Snapshot(of: there.volume), .content)
            .filter { !$0.hasPrefix(".containai") }
    }

    @Test(arguments: changes) fileprivate func `removes what an import that removes would, and sends what differs`(
        change: Change
    ) throws {
        let (world, other) = try worlds(home, change.before)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let from = world.hostHome.string
        let first = try world.push("--delete")
        #expect(first.code == 0, "\(first)")
        #expect(try other.cai("import", "--from", from, "--delete").code == 0)
        #expect(try differences(world, other) == [], "first")
        try apply(change.host, below: "host", world)
        for world in [world, other] { try apply(change.volume, below: "mnt/agent-data", world) }
        let pushed = try Command.run(
            [
                Command.binary.string, "push", "--socket", world.agentSocket.string, "--from", from, "--delete",
                "--verbose",
            ]
                + change.arguments)
        let imported = try other.cai(["import", "--from", from, "--delete"] + change.arguments)
        #expect(pushed.code == imported.code && pushed.code == 0, "\(pushed) \(imported)")
        #expect(try differences(world, other) == [], "\(pushed) \(imported)")
        #expect(summary(pushed) == summary(imported), "\(pushed) \(imported)")
        // The configuration, a manifest and git's file travel each time.
        #expect(travelled(pushed) == change.travels + 3, "\(pushed)")
        for path in change.has {
            #expect(world.exists(FilePath("mnt/agent-data").appending(path.components)), "\(path)")
        }
        for path in change.hasNot {
            #expect(!world.exists(FilePath("mnt/agent-data").appending(path.components)), "\(path)")
        }
        let again = try Command.run(
            [Command.binary.string, "push", "--socket", world.agentSocket.string, "--from", from, "--delete", "--json"]
                + change.arguments)
        #expect(again.code == 0 && again.json["steps"].array.isEmpty, "\(again)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `of a volume takes empty directories along, and removes what the source does not have`() throws {
        let tree: Item = [
            "claude": [
                "one/a.md": "a\n", "hollow": [:], "gone/deep/d.md": "d\n", "kind": "f\n", "up": .link("one/a.md"),
            ],
            "mine": ["x": "x\n", "hollow/deep": [:]],
            "shell/bashrc.d": ["a.sh": "export A=1\n", "b.priv.sh": "export B=1\n"],
            ".containai/displaced/x": "of another volume\n",
        ]
        let (world, other) = try worlds(tree, [:])
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let from = ["--from", world.hostHome.string, "--layout", "volume"]
        func push(_ more: String..., travels: Int) throws {
            let pushed = try Command.run(
                [Command.binary.string, "push", "--socket", world.agentSocket.string, "--verbose"] + from + more)
            let imported = try other.cai(["import"] + from + more)
            #expect(pushed.code == 0 && imported.code == 0, "\(pushed) \(imported)")
            #expect(travelled(pushed) == travels, "\(pushed)")
            #expect(try differences(world, other) == [], "\(pushed) \(imported)")
        }
        try push(travels: 5)
        #expect(world.exists("mnt/agent-data/mine/hollow/deep"))
        try push(travels: 0)
        try apply(
            ["claude/gone": nil, "claude/kind": nil, "claude/kind/in": "in\n", "mine/new": [:]], below: "host", world)
        for world in [world, other] {
            try apply(
                ["stray/s": "s\n", "shell/bashrc.d/mine.priv.sh": "stays\n"], below: "mnt/agent-data", world)
        }
        try push("--delete", travels: 1)
        #expect(!world.exists("mnt/agent-data/claude/gone") && !world.exists("mnt/agent-data/stray"))
        #expect(world.exists("mnt/agent-data/mine/new") && world.exists("mnt/agent-data/shell/bashrc.d/mine.priv.sh"))
        try push("--delete", travels: 0)
        #expect(try service.stop() == .exited(0))
    }

    @Test func `again sends no file of a home in which nothing says what an import does`() throws {
        let (world, _) = try worlds(
            [
                ".claude/skills": ["a/x.md": "x\n", "hollow": [:], "dots": .link("../../dotfiles")],
                "dotfiles": ["y": "y\n", "z": ["z": "z\n"]],
            ], [:])
        try world.put(
            "home/agent/.config/containai/config.toml",
            Item.file("default_excludes = [\"claude/skills/a\"]\n[import]\nadditional_paths = [\"~/dotfiles/z\"]\n"))
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let first = try world.push("--verbose", "--allow", "~/dotfiles/z")
        // Without a configuration of the source, that of the container counts, as far as a person allows it.
        #expect(first.code == 0 && travelled(first) == 3, "\(first)")
        #expect(!world.exists("mnt/agent-data/claude/skills/a"))
        #expect(world.exists("mnt/agent-data/claude/skills/dots/y"))
        #expect(world.exists("mnt/agent-data/dotfiles/z/z") && world.exists("mnt/agent-data/claude/skills/dots/z/z"))
        let again = try world.push("--verbose", "--allow", "~/dotfiles/z")
        #expect(again.code == 0 && travelled(again) == 0, "\(again)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `without secrets lets none of them leave the host`() throws {
        let secret = "s3cr3t-v4lu3"
        let (world, _) = try worlds(
            [
                ".claude": [
                    ".credentials.json": .file("{\"t\":\"\(secret)\"}"),
                    "settings.json": .file("{\"env\":{\"API_TOKEN\":\"\(secret)\"},\"a\":1}"),
                    "skills": [
                        "token": .file("\(secret)\n"), "plain.md": "plain\n",
                        "key": .file("-----BEGIN OPENSSH PRIVATE KEY-----\n\(secret)\(secret)\(secret)\(secret)\n"),
                        "broken.json": .file("{\"API_TOKEN\":\"\(secret)"),
                    ],
                ],
                ".zshrc": .file("export API_TOKEN=\(secret)\nexport EDITOR=vi\n"),
            ], [:])
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let wire = world.root.appending("wire")
        for round in 1...2 {
            let run = try Command.cai(
                "push", "--exec", "tee '\(wire)' | \(world.receive)", "--from", world.hostHome.string, "--no-secrets",
                "--verbose")
            #expect(run.code == 0 && run.errors.contains("broken.json: was not pushed"), "\(run)")
            #expect(try !Files.text(wire).contains(secret))
            // What zsh says travels each time, with all that is no secret.
            #expect(travelled(run) == (round == 1 ? 3 : 1), "\(run)")
        }
        #expect(try world.text("mnt/agent-data/claude/settings.json").contains("\"a\":1"))
        #expect(try world.text("mnt/agent-data/shell/zsh-imported.sh").contains("EDITOR"))
        #expect(try service.stop() == .exited(0))
    }

    @Test(
        .needs("curl"),
        arguments: [
            "cai-index 1\nD 755 .claude\0F 644 1 1 - skills\0D 755 .claude/skills\0",
            "cai-index 1\nD 755 .claude\0F 644 1 1 - a\0F 644 1 1 - a\0", "cai-index 1\nD 755 ../x\0", "no index",
            "cai-index 1\nD 755 .claude\0L skills\0/etc\0\0D 755 .claude/skills\0F 644 1 1 - passwd\0",
        ]) func `with an index that cannot be is refused, and changes nothing`(index: String) throws
    {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let before = try Snapshot(of: world.volume)
        var tar = TarBuilder()
        tar.add(".containai/pushed-index", .file, index)
        try Files.write(tar.finished, to: world.root.appending("push.tar"))
        let answer = try world.ask(
            "/v1/import?layout=home&partial&delete", "--data-binary", "@\(world.root.appending("push.tar"))")
        #expect(answer.status == "400", "\(answer)")
        let changes = try Snapshot(of: world.volume).differences(from: before).filter {
            !$0.hasPrefix(".containai: mtime")
        }
        #expect(changes == [])
        #expect(try service.stop() == .exited(0))
    }
}

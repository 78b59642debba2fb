import Glibc
import SystemPackage

/// The scenarios, by command. Contents whose first word is SECRET must never be readable by others on the volume.
enum Scenarios {
    static let commands = ["sync", "links", "guard", "init", "undo", "import", "opencode"]

    /// The names of those that are tried with `--thorough` only, or when they are asked for: each of their cases takes
    /// seconds.
    static let long: Set = ["databases", "guarded-databases", "undone-databases", "migration"]

    static func all(for commands: [String]) -> [Scenario] {
        commands.flatMap { command in
            switch command {
            case "sync": Ground.allCases.map { sync($0) } + [refusals(.two), many(.two)]
            case "links": Ground.allCases.flatMap { [drifted($0), databases($0)] } + [fresh(.two)]
            case "guard": [guarded(.two), guarded(.overlay), guardedDatabases(.two)]
            case "undo": [undo(.two), undo(.one), undoneRepair(.two), undoneDatabases(.two)]
            case "import": [imported(.two), imported(.one), undoneImport(.two), mirrored(.two), importedSessions(.two)]
            case "opencode": [patched(.two), patched(.one)]
            case "init":
                Ground.allCases.map { initialized($0) } + [restarted(.two), restarted(.overlay)]
                    + Ground.allCases.map { migrated($0) }
            default: [Scenario]()
            }
        }
    }

    // MARK: opencode

    /// A configuration with comments that lies on the volume behind its link, and one that is missing.
    private static func patched(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file("agent.toml", "[opencode.set]\nautoupdate = false\n[opencode.default]\nshare = \"manual\"\n")
        volume.file(
            "config/opencode/opencode.json", "// mine\n{\n  \"autoupdate\": true, // why\n  \"key\": \"x\"\n}\n",
            mode: 0o600)
        return Scenario(
            name: "opencode", command: ["opencode", "patch", "--force", "--config", "/home/agent/agent.toml"],
            ground: ground, home: home.nodes, volume: volume.nodes, settling: [["links", "repair"]])
    }

    // MARK: import

    /// Files that are new, that changed on either side or on both, and that are the same.
    private static func imported(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        incoming(&home, &volume)
        return Scenario(
            name: "import", command: ["import", "--from", "{home}/incoming"], ground: ground, home: home.nodes,
            volume: volume.nodes, settling: [["links", "repair"]], isAtomic: true)
    }

    /// The same, with all that the source does not have removed.
    private static func mirrored(_ ground: Ground) -> Scenario {
        var scenario = imported(ground)
        scenario.name = "mirror"
        scenario.command += ["--delete"]
        return scenario
    }

    /// Conversations, of which one is longer on each side, and a file of an unknown name.
    private static func importedSessions(_ ground: Ground) -> Scenario {
        let (short, long) = ("{\"turn\":1}\n", "{\"turn\":1}\n{\"turn\":2}\n")
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file("incoming/.vimrc", "newer incoming\n")
        home.file("incoming/.claude/projects/-work/there.jsonl", long, mode: 0o600, age: 100)
        volume.file("claude/projects/-work/there.jsonl", short, mode: 0o600)
        home.file("incoming/.claude/projects/-work/here.jsonl", short, mode: 0o600)
        volume.file("claude/projects/-work/here.jsonl", long, mode: 0o600, age: 100)
        home.file("incoming/.codex/next-release.bin", "a name that no release knows\n")
        home.file("incoming/.codex/.credentials.json", "SECRET incoming token", mode: 0o644)
        return Scenario(
            name: "imported-sessions", command: ["import", "--sessions", "--from", "{home}/incoming"], ground: ground,
            home: home.nodes, volume: volume.nodes, settling: [["links", "repair"]], isAtomic: true)
    }

    private static func undoneImport(_ ground: Ground) -> Scenario {
        var scenario = imported(ground)
        scenario.settling.append(scenario.command)
        scenario.name = "undone-import"
        scenario.command = ["undo"]
        return scenario
    }

    private static func incoming(_ home: inout TreeLiteral, _ volume: inout TreeLiteral) {
        let from: FilePath = "incoming"
        func incoming(_ text: FilePath) -> FilePath { from.appending(text.components) }
        home.file(incoming(".gitconfig"), "[user]\n\tname = incoming\n")
        home.file(incoming(".claude/.credentials.json"), "SECRET incoming login", mode: 0o644)
        home.file(incoming(".config/gh/hosts.yml"), "SECRET incoming token", mode: 0o644)
        volume.file("config/gh/hosts.yml", "SECRET older token", mode: 0o600, age: 100)
        home.file(incoming(".claude.json"), #"{"incoming":1,"same":true}"#)
        volume.file("claude/claude.json", #"{"stored":1,"same":true}"#, mode: 0o600, age: 50)
        home.file(incoming(".vimrc"), "newer incoming\n")
        volume.file("editors/vimrc", "older stored\n", age: 100)
        home.file(incoming(".inputrc"), "older incoming\n", age: 100)
        volume.file("shell/inputrc", "newer stored\n")
        home.file(incoming(".zshenv"), "export SAME=1\n")
        volume.file("shell/zshenv", "export SAME=1\n", age: 10)
        home.file(incoming(".claude/skills/new/a.md"), "new skill\n")
        home.link(incoming(".claude/skills/new/link"), to: "a.md")
        home.directory(incoming(".claude/skills/empty"), mode: 0o750)
        home.oddNames(in: incoming(".claude/skills/odd"), "incoming")
        home.file(incoming(".claude/skills/kind"), "a file where the volume has a directory\n")
        volume.file("claude/skills/kind/inside.md", "a directory where the source has a file\n")
        volume.file("claude/skills/only-stored.md", "only on the volume\n")
        volume.directory("claude/agents/locked", mode: 0o500)
        volume.file("claude/agents/locked/old.md", "locked old\n", mode: 0o400, age: 100)
        home.file(incoming(".claude/agents/locked/old.md"), "locked new\n", mode: 0o400)
        for number in 0..<12 { home.file(incoming(FilePath(".codex/skills/many/\(number).md")), "many \(number)\n") }
    }

    // MARK: sync

    private static func sync(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        moves(&home)
        conflicts(&home, &volume)
        trees(&home, &volume)
        return Scenario(name: "sync", command: ["sync"], ground: ground, home: home.nodes, volume: volume.nodes)
    }

    /// Files and directories that move to where nothing, or a placeholder, stands.
    private static func moves(_ home: inout TreeLiteral) {
        home.file(".gitconfig", "[user]\n\tname = live\n", attribute: "kept")
        home.file(".claude/.credentials.json", "SECRET {\"token\":\"claude\"}", mode: 0o644)
        home.file(".config/gh/hosts.yml", "SECRET github.com: token\n", mode: 0o666)
        home.file("dotfiles/inputrc", "set editing-mode vi\n")
        home.link(".inputrc", to: "dotfiles/inputrc")
        home.file(".zshrc", "")
        home.link("unrelated", to: "nowhere at all")
        home.file("notes.txt", "not ours\n")
    }

    /// Files that exist on both sides.
    private static func conflicts(_ home: inout TreeLiteral, _ volume: inout TreeLiteral) {
        home.file(".claude.json", #"{"live":1,"shared":{"a":1}}"#, mode: 0o600)
        volume.file("claude/claude.json", #"{"stored":2,"shared":{"b":2}}"#, mode: 0o600, age: 50)
        home.file(".claude/settings.json", #"{"model":"newer live"}"#)
        volume.file("claude/settings.json", #"{"model":"older stored"}"#, age: 100)
        home.file(".claude/settings.local.json", #"{"model":"older live"}"#, age: 100)
        volume.file("claude/settings.local.json", #"{"model":"newer stored"}"#)
        home.file(".claude/CLAUDE.md", "the same on both sides\n")
        volume.file("claude/CLAUDE.md", "the same on both sides\n", age: 10)
        home.file(".codex/config.toml", "model = \"live\"\n")
        volume.file("codex/config.toml", "")
        home.file(".codex/auth.json", "SECRET {\"key\":\"codex\"}", mode: 0o644)
        volume.file("codex/auth.json", "{}", mode: 0o600)
    }

    private static func trees(_ home: inout TreeLiteral, _ volume: inout TreeLiteral) {
        let plugins: FilePath = ".claude/plugins"
        home.directory(plugins.appending("empty"), mode: 0o750)
        home.file(plugins.appending("a").appending("b").appending("deep.txt"), "deep\n", mode: 0o755)
        home.link(plugins.appending("a").appending("dangling"), to: "../nothing\nhere")
        home.link(plugins.appending("a").appending("absolute"), to: "/etc/passwd")
        home.fifo(plugins.appending("pipe"))
        home.bytes(plugins.appending("sparse"), [7] + [UInt8](repeating: 0, count: 100_000) + [8])
        home.oddNames(in: plugins.appending("odd"), "plugins")

        home.directory(plugins.appending("locked"), mode: 0o500)
        home.file(plugins.appending("locked").appending("cache"), "locked cache\n", mode: 0o400)

        let skills: (home: FilePath, volume: FilePath) = (".claude/skills", "claude/skills")
        home.file(skills.home.appending("only-live.md"), "only live\n")
        volume.file(skills.volume.appending("only-stored.md"), "only stored\n")
        home.file(skills.home.appending("newer.md"), "newer live\n")
        volume.file(skills.volume.appending("newer.md"), "older stored\n", age: 100)
        home.file(skills.home.appending("older.md"), "older live\n", age: 100)
        volume.file(skills.volume.appending("older.md"), "newer stored\n")
        home.file(skills.home.appending("same.md"), "same skill\n")
        volume.file(skills.volume.appending("same.md"), "same skill\n")
        home.file(skills.home.appending("nested").appending("x").appending("live.md"), "nested live\n")
        volume.file(skills.volume.appending("nested").appending("x").appending("stored.md"), "nested stored\n")
        home.file(skills.home.appending("clash").appending("inside.md"), "live directory\n")
        volume.file(skills.volume.appending("clash"), "stored file\n")
        home.file(skills.home.appending("hsalc"), "live file\n")
        volume.file(skills.volume.appending("hsalc").appending("inside.md"), "stored directory\n")
        home.link(skills.home.appending("link"), to: "live/text")
        volume.link(skills.volume.appending("link"), to: "stored/text")

        home.directory(skills.home.appending("locked"), mode: 0o500)
        home.file(skills.home.appending("locked").appending("live"), "locked live\n", mode: 0o400)
        volume.directory(skills.volume.appending("locked"), mode: 0o500)
        volume.file(skills.volume.appending("locked").appending("stored"), "locked stored\n", mode: 0o400)

        home.directory(".claude/commands")
        volume.file("claude/commands/stored.md", "stored command\n")
        home.file(".claude/hooks/hook.sh", "#!/bin/sh\n", mode: 0o755)
        volume.directory("claude/hooks")
        for number in 0..<12 { home.file(FilePath(".codex/skills/many/\(number).md"), "many \(number)\n") }
    }

    /// So many files that several threads copy them, some of them on both sides.
    private static func many(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        for number in 0..<96 {
            let name = "skills/\(number % 8)/\(number).md"
            home.file(FilePath(".claude/\(name)"), "live \(number)\n", mode: number % 2 == 0 ? 0o644 : 0o755)
            if number % 12 == 0 { volume.file(FilePath("claude/\(name)"), "stored \(number)\n", age: 100) }
        }
        return Scenario(name: "many", command: ["sync"], ground: ground, home: home.nodes, volume: volume.nodes)
    }

    /// What a sync must refuse, each beside something that it can do.
    private static func refusals(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file(".zshrc", "live zshrc\n")
        volume.file("shell/zshrc/inside", "a directory where a file belongs\n")
        home.directory(".gitignore_global")
        home.file(".gitignore_global/inside", "a directory in the home\n")
        home.fifo(".zprofile")
        home.file("elsewhere/hosts.yml", "behind a link\n")
        home.link(".config", to: "elsewhere")
        home.file(".gitconfig", "[user]\n\tname = moved\n")
        return Scenario(name: "refusals", command: ["sync"], ground: ground, home: home.nodes, volume: volume.nodes)
    }

    // MARK: links

    private static func fresh(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        home.file(".gitconfig", "[user]\n\tname = fresh\n")
        return Scenario(
            name: "fresh", command: ["links", "repair"], ground: ground, home: home.nodes, volume: [],
            linksAreRight: true)
    }

    static func drifted(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        home.file(".claude.json", #"{"base":1,"both":{"x":1}}"#, mode: 0o600)
        home.file(".claude/settings.json", #"{"base":1}"#)
        home.file(".claude/CLAUDE.md", "first memory\n")
        home.file(".claude/plugins/stored.txt", "stored plugin\n")
        home.file(".claude/skills/kept/skill.md", "a skill\n")
        home.file(".gitconfig", "[user]\n\tname = settled\n")
        home.file(".zshenv", "settled zshenv\n")
        return Scenario(
            name: "links", command: ["links", "repair"], ground: ground, home: home.nodes, volume: [],
            settling: [["sync"], ["links", "repair"]], drift: { try drift($0) }, linksAreRight: true)
    }

    /// Applications save by renaming over links, remove them, or put something else there.
    static func drift(_ world: World) throws {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file(".claude.json", #"{"base":1,"both":{"x":2},"live":true}"#, mode: 0o600)
        volume.file("claude/claude.json", #"{"base":1,"both":{"x":1},"stored":true}"#, mode: 0o600)
        home.file(".claude/settings.json", #"{"base":2}"#)
        home.file(".claude/CLAUDE.md", "newest memory\n")
        home.file(".claude/.credentials.json", "SECRET new login", mode: 0o644)
        home.file(".claude/settings.local.json", "")
        home.file(".claude/plugins/live.txt", "live plugin\n")
        home.file(".claude/plugins/stored.txt", "live version\n", age: 1000)
        home.oddNames(in: ".claude/plugins/odd", "drift")
        home.file(".claude/agents", "a file where a directory belongs\n")
        home.file(".bash_aliases_imported/inside", "a directory where a file belongs\n")
        home.file(".codex/skills/one.md", "new skill\n")
        home.file("mine/zshenv", "my own zshenv\n")
        home.link(".zshenv", to: "mine/zshenv")
        home.link(".zshrc", to: "/mnt/agent-data/somewhere/else")
        let replaced: [FilePath] = [
            ".claude.json", ".claude/settings.json", ".claude/CLAUDE.md", ".claude/.credentials.json",
            ".claude/settings.local.json", ".claude/plugins", ".claude/agents", ".bash_aliases_imported",
            ".codex/skills",
            ".zshenv",
            ".zshrc", ".inputrc",
        ]
        for path in replaced {
            try check("unlink \(path)", unlink(world.home.appending(path.components).string))
        }
        for path in ["claude/claude.json", "shell/zprofile"] as [FilePath] {
            try check("unlink \(path)", unlink(world.volume.appending(path.components).string))
        }
        try build(home, below: world.home)
        try build(volume, below: world.volume)
        try check("chmod", chmod(world.volume.appending("codex/auth.json").string, 0o644))
    }

    /// Builds what is missing of a literal; directories that are there already stay.
    private static func build(_ literal: TreeLiteral, below directory: FilePath) throws {
        let missing = literal.nodes.filter { Tree.read($0.path, below: directory) == nil }
        try Tree.build(missing, below: directory)
    }

    // MARK: databases

    /// Databases with rows in their logs, which lie in the home and on the volume, alone and in a directory; and names of one
    /// file.
    private static func databases(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.directory(".mytool/deep")
        volume.directory("tool/mytool/deep")
        volume.file("containai/manifests/databases.toml", Databases.manifest)
        home.file(".mytool/new/one", "a file of two names\n", mode: 0o400)
        home.hardLink(".mytool/new/two", to: ".mytool/new/one")
        return Scenario(
            name: "databases", command: ["links", "repair"], ground: ground, home: home.nodes, volume: volume.nodes,
            settling: [], drift: { try Databases.make($0) }, linksAreRight: true,
            check: { try Databases.check($0, isSettled: $1) })
    }

    private static func guardedDatabases(_ ground: Ground) -> Scenario {
        var scenario = databases(ground)
        scenario.name = "guarded-databases"
        scenario.command = ["links", "watch"]
        scenario.wrapper = guarded(ground).wrapper
        return scenario
    }

    private static func undoneDatabases(_ ground: Ground) -> Scenario {
        var scenario = databases(ground)
        scenario.name = "undone-databases"
        scenario.command = ["undo"]
        scenario.linksAreRight = false
        scenario.drift = { world in
            try Databases.make(world)
            try world.cai(["links", "repair"])
        }
        scenario.check = { world, isSettled in
            // Afterwards the other version of each is there again.
            try Databases.check(world, isSettled: isSettled, isUndone: true)
        }
        return scenario
    }

    // MARK: races

    /// A small tree that several parties work on.
    static func race(_ ground: Ground) -> Scenario {
        var home = TreeLiteral()
        var volume = TreeLiteral()
        home.file(".claude.json", #"{"save":0}"#, mode: 0o600)
        home.file(".claude/.credentials.json", "SECRET race", mode: 0o600)
        home.file(".claude/skills/work.md", "work\n")
        for number in 0..<6 { home.file(FilePath(".claude/skills/\(number)/skill.md"), "skill \(number)\n") }
        home.file(".claude/plugins/a/b/c", "plugin\n")
        volume.file("claude/plugins/a/stored", "stored plugin\n")
        volume.file("claude/skills/0/stored.md", "stored skill\n")
        return Scenario(name: "races", command: ["sync"], ground: ground, home: home.nodes, volume: volume.nodes)
    }

    /// What a planted link leads to: everything that `cai` might take for the real thing.
    static let outside: [Node] = {
        var tree = TreeLiteral()
        tree.file(".credentials.json", "SECRET of somebody else", mode: 0o644)
        tree.file("credentials.json", "SECRET of somebody else, too", mode: 0o644)
        tree.file("skills/work.md", "not the agent's work\n")
        tree.file("plugins/a/b/c", "not the agent's plugin\n")
        tree.directory("commands", mode: 0o777)
        return tree.nodes
    }()

    // MARK: guard

    /// The guard, told to end before it began: it adopts what applications did meanwhile, and ends.
    private static func guarded(_ ground: Ground) -> Scenario {
        var scenario = drifted(ground)
        scenario.name = "guard"
        scenario.command = ["links", "watch"]
        // Links of the user's own that lead elsewhere are left alone.
        scenario.linksAreRight = false
        // Who waits for a signal that is held back finds it.
        scenario.wrapper = ["env", "--block-signal=TERM", "sh", "-c", "kill -TERM $$; exec \"$@\"", "sh"]
        return scenario
    }

    // MARK: undo

    private static func undoneRepair(_ ground: Ground) -> Scenario {
        let before = drifted(ground)
        return Scenario(
            name: "undone-repair", command: ["undo"], ground: ground, home: before.home, volume: [],
            settling: before.settling,
            drift: { world in
                try drift(world)
                try world.cai(["links", "repair"])
            })
    }

    private static func undo(_ ground: Ground) -> Scenario {
        let before = sync(ground)
        return Scenario(
            name: "undo", command: ["undo"], ground: ground, home: before.home, volume: before.volume,
            settling: [["sync"]])
    }
}

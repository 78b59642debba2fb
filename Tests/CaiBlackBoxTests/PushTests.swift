import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A host with something to push, beside a container that is served.
private func host(_ more: Item = [:]) throws -> World {
    let world = try World([
        "run": [:],
        "host/.claude": [
            "settings.json": "{\"a\":1}", "CLAUDE.md": "memory\n", ".credentials.json": Item("{\"t\":1}").mode(0o644),
            "skills": ["one/a.md": "a\n", "one/b.md": "b\n", "two/c.md": "c\n"],
        ],
        "host/.gitconfig": "[user]\n\tname = host\n[include]\n\tpath = ~/.gitconfig.more\n",
        "host/.gitconfig.more": "[alias]\n\tx = y\n",
    ])
    try world.add(more)
    return world
}

extension World {
    var hostHome: FilePath { root.appending("host") }

    /// Pushes the host's directory over the socket.
    func push(_ more: String...) throws -> Finished {
        try Command.run(
            [Command.binary.string, "push", "--socket", agentSocket.string, "--from", hostHome.string] + more)
    }

    /// The end of a push in the container, for `--exec`.
    var receive: String { "'\(Command.binary)' receive --root '\(root)'" }

    /// Pushes the host's directory through a program.
    func pushByExec(_ more: String...) throws -> Finished {
        try Command.run(
            [Command.binary.string, "push", "--exec", receive, "--from", hostHome.string] + more)
    }
}

/// What `--verbose` says about what has travelled.
func travelled(_ run: Finished) -> Int? {
    run.errors.split(separator: "\n").first { $0.contains(" files travelled") }
        .flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }
}

@Suite struct `cai push` {
    @Test func `brings what an import of the same directory brings`() throws {
        let world = try host([
            "host/dotfiles": ["vimrc": "set nu\n", "skills/linked.md": "linked\n"],
            "host/.vimrc": .link("dotfiles/vimrc"),
            "host/.claude/skills/up": .link("../CLAUDE.md"), "host/.claude/skills/out": .link("../../dotfiles/skills"),
            "host/.config/containai/config.toml": "[import]\nadditional_paths = [\"~/.extra\"]\n",
            "host/.extra/deep/file": "extra\n", "host/.zshrc": "export A=1\n", "host/.claude/skills/empty": [:],
        ])
        let service = try Service(world).ready()
        let run = try world.push("--verbose")
        #expect(run.code == 0 && run.errors.contains("[INFO] Done. "), "\(run)")
        let other = try World([:])
        // The service had made its links before the push, and private directories with them.
        _ = try other.cai("links", "repair")
        #expect(try other.cai("import", "--from", world.hostHome.string).code == 0)
        _ = try other.cai("links", "repair")
        let mine = try Snapshot(of: world.volume)
        let theirs = try Snapshot(of: other.volume)
        let differences = mine.differences(from: theirs, .content).filter {
            !$0.hasPrefix(".containai") && !$0.hasPrefix(".containai-")
        }
        #expect(differences == [])
        #expect(try service.stop() == .exited(0))
    }

    @Test func `again sends nothing that is there, and touches nothing`() throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        #expect(try world.push().code == 0)
        let before = try Snapshot(of: world.volume)
        let again = try world.push("--verbose")
        #expect(again.code == 0 && again.errors.contains("[INFO] Done. 0 changes"), "\(again)")
        // The configuration of git is made of all of its files.
        #expect(travelled(again) == 2, "\(again)")
        let changes = try Snapshot(of: world.volume).differences(from: before).filter {
            !$0.hasPrefix(".containai: mtime")
        }
        #expect(changes == [])
        #expect(try service.stop() == .exited(0))
    }

    @Test func `of one changed file sends that, and the others keep inode and time`() throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        #expect(try world.push().code == 0)
        let before = try Snapshot(of: world.volume.appending("claude"))
        try world.put("host/.claude/skills/one/a.md", Item("changed\n"))
        // Its content is the same, and only a digest can say so.
        try Files.setTime(world.hostHome.appending(".claude/skills/two/c.md"), 1_700_000_000_000_000_000)
        let run = try world.push("--verbose")
        #expect(run.code == 0 && travelled(run) == 3, "\(run)")
        #expect(try world.text("mnt/agent-data/claude/skills/one/a.md") == "changed\n")
        let changed = try Snapshot(of: world.volume.appending("claude")).differences(from: before)
        #expect(
            Set(changed.map { $0.prefix { $0 != ":" } }).isSubset(of: ["skills/one/a.md", "skills/one"]), "\(changed)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `through a program that leads to the service is the same`() throws {
        let world = try host()
        let service = try Service(world).ready()
        let run = try world.pushByExec("--verbose")
        #expect(run.code == 0, "\(run)")
        #expect(try world.text("mnt/agent-data/claude/skills/one/a.md") == "a\n")
        let again = try world.pushByExec("--json")
        #expect(again.code == 0 && again.json["steps"].array.isEmpty, "\(again)")
        for (command, code) in [("exit 3", 1), ("exit 77", 77), ("echo nonsense", 1), ("/no/such/program", 1)] {
            let failed = try Command.cai("push", "--exec", command, "--from", world.hostHome.string)
            #expect(failed.code == code && failed.errors.contains("[ERROR]"), "\(command) \(failed)")
        }
        #expect(try service.stop() == .exited(0))
    }

    @Test(arguments: [false, true])
    func `needs no service at the other end of a program`(hasDeadSocket: Bool) throws {
        let world = try host()
        if hasDeadSocket {
            let service = try Service(world).ready()
            service.program.signal(SIGKILL)
            #expect(try service.program.end() == .signalled(9) && world.exists("run/containai/agent.sock"))
        }
        let preview = try world.pushByExec("--dry-run")
        #expect(preview.code == 0 && preview.errors.contains("DRY RUN MODE"), "\(preview)")
        #expect(!world.exists("mnt/agent-data/claude/settings.json"))
        let run = try world.pushByExec("--verbose")
        #expect(run.code == 0 && run.errors.contains("[INFO] Done. "), "\(run)")
        #expect(try world.text("mnt/agent-data/claude/skills/one/a.md") == "a\n")
        #expect(
            try Files.linkText(world.home.appending(".claude/settings.json")) == "/mnt/agent-data/claude/settings.json")
        let before = try Snapshot(of: world.volume.appending("claude"))
        let again = try world.pushByExec("--verbose", "--json")
        #expect(again.code == 0 && again.json["steps"].array.isEmpty && travelled(again) == 2, "\(again)")
        #expect(try Snapshot(of: world.volume.appending("claude")).differences(from: before) == [])
        try world.put("host/.claude/skills/one/a.md", Item("changed\n"))
        #expect(try world.pushByExec().code == 0)
        #expect(try world.text("mnt/agent-data/claude/skills/one/a.md") == "changed\n")
        #expect(try world.cai("undo").code == 0)
        #expect(try world.text("mnt/agent-data/claude/skills/one/a.md") == "a\n")
        let named = try Command.cai(
            "push", "--exec", world.receive + " --socket /run/other.sock", "--from", world.hostHome.string)
        #expect(named.code == 1 && named.errors.contains("/run/other.sock: nobody answers there"), "\(named)")
    }

    @Test func `without a service changes nothing while somebody else holds the volume, and says who`() throws {
        let world = try host()
        #expect(try world.cai("init").code == 0)
        let file = world.volume.appending(".containai/lock").withPlatformString { open($0, O_RDWR | O_CLOEXEC) }
        try #require(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
        defer { close(file) }
        let before = try Snapshot(of: world.volume)
        let run = try Command.cai(
            "push", "--exec", "CAI_LOCK_TIMEOUT_SECONDS=0 \(world.receive)", "--from", world.hostHome.string)
        #expect(run.code == 75 && run.errors.contains("the volume is locked by"), "\(run)")
        #expect(!world.exists("mnt/agent-data/claude/skills/one/a.md"))
        let changes = try Snapshot(of: world.volume).differences(from: before).filter {
            !$0.hasPrefix(".containai: mtime")
        }
        #expect(changes == [])
    }

    @Test func `previews, leaves out secrets, removes, and takes archives`() throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let preview = try world.push("--dry-run", "--verbose")
        #expect(preview.code == 0 && preview.errors.contains("DRY RUN MODE"), "\(preview)")
        #expect(!world.exists("mnt/agent-data/claude/settings.json"))
        #expect(try world.push("--no-secrets").code == 0)
        #expect(!(try world.text("mnt/agent-data/claude/.credentials.json").contains("\"t\"")))
        #expect(try world.push().code == 0)
        #expect(try world.text("mnt/agent-data/claude/.credentials.json").contains("\"t\""))
        try world.remove("host/.claude/skills/two")
        #expect(try world.push().code == 0 && world.exists("mnt/agent-data/claude/skills/two"))
        #expect(try world.push("--delete").code == 0 && !world.exists("mnt/agent-data/claude/skills/two"))
        let archive = world.root.appending("archive.tar").string
        var tar = TarBuilder()
        tar.add(".claude/CLAUDE.md", .file, "of an archive, and newer\n")
        try Files.write(tar.finished, to: FilePath(archive))
        let sent = try Command.cai("push", "--socket", world.agentSocket.string, "--from", archive, "--layout", "home")
        #expect(sent.code == 0 && sent.errors.contains("[INFO] Done."), "\(sent)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `ends with the exit codes of an import, and says what to do`() throws {
        let world = try host([
            "host/.config/containai/config.toml": "[env]\nimport = [\"A\"]\nenv_file = \"/absolute\"\n"
        ])
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let refused = try world.push()
        #expect(refused.code == 1 && refused.errors.contains("[env].env_file"), "\(refused)")
        for (arguments, code) in [
            (["--socket", "/no/where.sock"], 1), (["--socket", "a", "--exec", "b"], 64), (["--watch", "--delete"], 64),
            (["--socket", world.agentSocket.string, "--from", "/no/where"], 1),
        ] {
            let run = try Command.run([Command.binary.string, "push"] + arguments)
            #expect(run.code == code, "\(arguments) \(run)")
        }
        #expect(try service.stop() == .exited(0))
        let gone = try world.push()
        #expect(gone.code == 1 && gone.errors.contains("nobody answers there"), "\(gone)")
    }

    @Test func `goes on while it watches, also into new directories`() throws {
        let world = try host()
        let service = try Service(world).ready()
        let push = try Running(
            [
                Command.binary.string, "push", "--socket", world.agentSocket.string, "--from", world.hostHome.string,
                "--watch",
            ],
            environment: ["PATH=/usr/bin:/bin"])
        func done() throws -> String {
            while let line = try push.errorLine() { if line.hasPrefix("[INFO] Done. ") { return line } }
            return "ended"
        }
        #expect(try done().hasPrefix("[INFO] Done."))
        for (path, text) in [
            ("skills/one/a.md", "first\n"), ("skills/new/d.md", "second\n"), ("skills/new/e.md", "third\n"),
            ("skills/new/deeper/f.md", "fourth\n"),
        ] {
            try world.put(FilePath("host/.claude/\(path)"), Item.file(text))
            // A push may be of a directory alone.
            while (try? world.text(FilePath("mnt/agent-data/claude/\(path)"))) != text {
                #expect(try done().hasPrefix("[INFO] Done."))
            }
        }
        push.signal(SIGTERM)
        #expect(try push.end() == .signalled(15))
        #expect(try service.stop() == .exited(0))
    }

    @Test func `notices while it watches that a directory made room for another`() throws {
        let world = try host(["host/.config/gh/other": "other\n", "host/gh/hosts.yml": "github.com: new\n"])
        let service = try Service(world).ready()
        let push = try Running(
            [
                Command.binary.string, "push", "--socket", world.agentSocket.string, "--from", world.hostHome.string,
                "--watch",
            ],
            environment: ["PATH=/usr/bin:/bin"])
        while let line = try push.errorLine(), !line.hasPrefix("[INFO] Done. ") {}
        for (from, to) in [("host/.config/gh", "host/away"), ("host/gh", "host/.config/gh")] {
            #expect(rename(world.path(FilePath(from)).string, world.path(FilePath(to)).string) == 0)
        }
        // There may be a push while neither is there.
        while (try? world.text("mnt/agent-data/config/gh/hosts.yml")) != "github.com: new\n" {
            let line = try push.errorLine()
            #expect(line != nil)
            if line == nil { break }
        }
        push.signal(SIGTERM)
        #expect(try push.end() == .signalled(15))
        #expect(try service.stop() == .exited(0))
    }

    @Test func `of one additional path leaves the other one declared`() throws {
        let world = try host([
            "host/.config/containai/config.toml": "[import]\nadditional_paths = [\"~/.extra\", \"~/.more\"]\n",
            "host/.extra/file": "extra\n", "host/.more": "more\n",
        ])
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        #expect(try world.push().code == 0)
        let manifest: FilePath = "mnt/agent-data/containai/manifests/90-additional-paths.toml"
        let declared = try world.text(manifest)
        #expect(declared.contains(".extra") && declared.contains(".more"))
        try world.put("host/.more", Item.file("changed\n"))
        #expect(try world.push().code == 0)
        #expect(try world.text("mnt/agent-data/more") == "changed\n")
        #expect(try world.text(manifest) == declared)
        #expect(try service.stop() == .exited(0))
    }

    @Test(arguments: [true, false])
    func `goes on watching although a service lets go of who says nothing`(isByExec: Bool) throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_CLIENT_PATIENCE_SECONDS": "1"]).ready()
        let way = isByExec ? ["--exec", world.receive] : ["--socket", world.agentSocket.string]
        let push = try Running(
            [Command.binary.string, "push", "--from", world.hostHome.string, "--watch"] + way,
            environment: ["PATH=/usr/bin:/bin"])
        while let line = try push.errorLine(), !line.hasPrefix("[INFO] Done. ") {}
        while try world.ask("/v1/status").body["connections"].number != 1 {}
        try world.put("host/.claude/skills/one/a.md", Item.file("late\n"))
        while let line = try push.errorLine(), !line.hasPrefix("[INFO] Done. ") {}
        #expect(try world.text("mnt/agent-data/claude/skills/one/a.md") == "late\n")
        push.signal(SIGTERM)
        #expect(try push.end() == .signalled(15))
        #expect(try service.stop() == .exited(0))
    }

    @Test(arguments: [true, false])
    func `that is cut off anywhere changes nothing, and the next one has all of it`(isServed: Bool) throws {
        let world = try host([
            "host/.claude/skills/large": Item.file(String(repeating: "0123456789abcdef", count: 40_000))
        ])
        let service = isServed ? try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready() : nil
        #expect(try world.cai("init").code == 0)
        let before = try Snapshot(of: world.volume)
        for kilobytes in stride(from: 0, through: 640, by: 64) {
            // `dd` ends behind so many bytes, and with it the connection.
            let exec =
                "dd bs=64K count=\(kilobytes << 10) iflag=count_bytes status=none | \(world.receive)"
            let run = try Command.cai("push", "--exec", exec, "--from", world.hostHome.string)
            #expect(run.code != 0, "\(run)")
        }
        while let service, try service.world.ask("/v1/status").body["running"] != .object([:]) {}
        let changes = try Snapshot(of: world.volume).differences(from: before).filter {
            !$0.hasPrefix(".containai: mtime")
        }
        #expect(changes == [])
        #expect(try world.pushByExec().code == 0)
        #expect(try Files.status(world.volume.appending("claude/skills/large"))?.st_size == 640_000)
        if let service { #expect(try service.stop() == .exited(0)) }
    }
}

@Suite struct `What leaves the host` {
    private static let manifest = """
        [[entries]]
        source = ".ssh"
        target = "x/ssh"
        flags = "d"

        [[entries]]
        source = ".claude/skills"
        target = "claude/skills"
        flags = "d"

        [[entries]]
        source = ".mytool"
        target = "mytool"
        flags = "d"
        """

    /// A container in which the agent asks for more than the built-in manifests name.
    private func asking() throws -> World {
        try host([
            "host/.ssh": ["id_ed25519": Item("PRIVATE KEY").mode(0o600)], "host/.mytool": ["settings": "mine\n"],
            "host/.aws": ["credentials": "SECRET KEY"], "home/agent/workspace": [:],
            "mnt/agent-data/containai/manifests/x.toml": .file(Self.manifest),
            "home/agent/.config/containai/config.toml": "[import]\nadditional_paths = [\"~/.aws\"]\n",
        ])
    }

    @Test func `is not what the container asks for beyond the built-in manifests; that is named`() throws {
        let world = try asking()
        let service = try Service(world).ready()
        let run = try world.push()
        #expect(run.code == 0, "\(run)")
        for path in ["~/.ssh", "~/.mytool", "~/.aws"] {
            #expect(run.errors.contains("\(path): the container asks for it, and it did not travel"), "\(path) \(run)")
        }
        #expect(world.volumeText("claude/skills/one/a.md") == "a\n")
        for path in ["x/ssh/id_ed25519", "mytool/settings", "aws", "ssh/id_ed25519"] as [FilePath] {
            #expect(!world.exists(FilePath("/mnt/agent-data").appending(path.components)), "\(path)")
        }
        #expect(try service.stop() == .exited(0))
    }

    @Test func `is no home that the manifests of the container make look like a volume`() throws {
        let world = try World([
            "run": [:], "host/.ssh": ["id_ed25519": Item("PRIVATE KEY").mode(0o600)],
            "mnt/agent-data/containai/manifests/x.toml": .file(
                "[[entries]]\nsource = \".nothing\"\ntarget = \".ssh\"\nflags = \"d\"\n"),
        ])
        let service = try Service(world).ready()
        let run = try world.push()
        #expect(!world.exists("/mnt/agent-data/.ssh/id_ed25519"), "\(run)")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `is what a person allows, and nothing beside it`() throws {
        let world = try asking()
        let service = try Service(world).ready()
        let run = try world.push("--allow", "~/.mytool", "--allow", "~/.aws")
        #expect(run.code == 0 && world.volumeText("mytool/settings") == "mine\n", "\(run)")
        #expect(world.volumeText("aws/credentials") == "SECRET KEY")
        #expect(!world.exists("/mnt/agent-data/x/ssh/id_ed25519"))
        #expect(try world.push("--allow", "/etc").code == 64)
        #expect(try service.stop() == .exited(0))
    }
}

import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `cai systemd install` {
    private let units: FilePath = "etc/systemd/system"

    @Test func `shows what it does, does it, and then has nothing to do`() throws {
        let world = try World()
        let before = try Snapshot(of: world.root)
        let preview = try world.cai("systemd", "install", "--dry-run", "--json")
        #expect(preview.code == 0, "\(preview)")
        #expect(try Snapshot(of: world.root).differences(from: before) == [])
        let run = try world.cai("systemd", "install", "--json")
        #expect(run.code == 0 && run.json.steps.count == preview.json.steps.count, "\(run)")
        #expect(run.json.steps.count >= 12, "\(run)")
        let after = try Snapshot(of: world.root)
        let again = try world.cai("systemd", "install", "--json")
        #expect(again.code == 0 && again.json.steps == [], "\(again)")
        #expect(try Snapshot(of: world.root).differences(from: after) == [])

        for name in ["cai-init.service", "cai-agent.service", "cai-agent.socket"] {
            #expect(try world.mode(units.appending(FilePath(name).components)) == 0o644)
            #expect(
                world.link(FilePath("etc/systemd/system/multi-user.target.wants/\(name)"))?.string
                    == "/etc/systemd/system/\(name)")
        }
        #expect(world.exists("etc/systemd/system/ssh.service.d/cai.conf"))
        #expect(world.exists("etc/systemd/system-preset/80-cai.preset"))
        #expect(try world.text("etc/systemd/system/cai-agent.socket.d/group.conf").contains("SocketGroup=1000\n"))
        #expect(try world.mode("usr/local/bin/cai") == 0o755)
        #expect(try Files.read(world.path("usr/local/bin/cai")) == Files.read(Command.binary))
    }

    @Test func `replaces an older version of its own, and keeps another binary`() throws {
        let world = try World([
            "etc/systemd/system/cai-agent.service": "# Part of cai. An older one.\n", "usr/local/bin/cai": "old binary",
        ])
        #expect(try world.cai("systemd", "install").code == 0)
        #expect(try world.text("etc/systemd/system/cai-agent.service").contains("ExecStart="))
        #expect(try world.text("usr/local/bin/cai.old") == "old binary")
        #expect(try Files.read(world.path("usr/local/bin/cai")) == Files.read(Command.binary))
    }

    @Test(arguments: [
        ("etc/systemd/system/cai-agent.service", "[Unit]\n" as Item, "is not of cai"),
        ("etc/systemd/system/cai-agent.service", Item.link("/dev/null"), "is masked"),
        ("etc/systemd/system/cai-init.service", ["x": "y"] as Item, "is not of cai"),
        ("etc/systemd/system/multi-user.target.wants/cai-init.service", Item.link("/elsewhere"), "is not of cai"),
        ("usr/local/bin/cai", Item.link("/opt/cai"), "is not of cai"),
    ])
    func `leaves what is somebody else's alone, and does the rest`(place: String, item: Item, sentence: String) throws {
        let world = try World()
        try world.put(FilePath(place), item)
        let before = try Snapshot(of: world.path(FilePath(place)).removingLastComponent())
        let run = try world.cai("systemd", "install")
        #expect(run.code == 1 && run.errors.contains("/\(place): ") && run.errors.contains(sentence), "\(run)")
        let after = try Snapshot(of: world.path(FilePath(place)).removingLastComponent())
        for (path, fact) in before.facts { #expect(after.facts[path]?.linkText == fact.linkText) }
        #expect(world.exists("etc/systemd/system/cai-agent.socket"))
        #expect(try world.cai("systemd", "install").code == 1)
    }

    @Test func `never goes through a link that is planted`() throws {
        let world = try World(["elsewhere": [:], "etc/systemd/system/ssh.service.d": Item.link("/elsewhere")])
        let outside = try World()
        try world.put("etc/systemd/system/docker.service.d", .link(outside.root))
        let run = try world.cai("systemd", "install")
        #expect(run.code != 0, "\(run)")
        #expect(try Files.names(world.path("elsewhere")).isEmpty)
        #expect(!outside.exists("cai.conf"))
    }

    @Test func `is undone by uninstall, which leaves what is not of cai`() throws {
        let world = try World(["etc/systemd/system/ssh.service.d/mine.conf": "[Unit]\n"])
        #expect(try world.cai("systemd", "install").code == 0)
        #expect(try world.cai("systemd", "uninstall").code == 0)
        #expect(!world.exists("etc/systemd/system/cai-agent.service"))
        #expect(!world.exists("etc/systemd/system/multi-user.target.wants/cai-agent.service"))
        #expect(world.exists("etc/systemd/system/ssh.service.d/mine.conf") && world.exists("usr/local/bin/cai"))
        #expect(try world.cai("systemd", "uninstall", "--json").json.steps == [])
    }
}

@Suite struct `cai systemd environment` {
    private let block = "PATH=/bin\0CAI_USER=agent\0TOKEN=sesame\0CAI_ODD=a \"b\" $c `d` \\\nnext\0container=docker\0"

    @Test func `hands on what units need, and no more`() throws {
        let world = try World(["proc/1/environ": .file(block + "CAI_USER=second\0CAI_BAD=a\u{1}b\0NONSENSE\0CAI_E=\0")])
        let run = try world.cai("systemd", "environment")
        #expect(run.code == 0, "\(run)")
        #expect(
            run.output == """
                # Made by cai systemd environment.
                CAI_USER="agent"
                CAI_ODD="a \\"b\\" \\$c \\`d\\` \\\\
                next"
                container="docker"
                CAI_E=""

                """)
        #expect(run.errors.contains("CAI_BAD") && !run.everything.contains("sesame") && !run.errors.contains("a\u{1}b"))
    }

    @Test func `writes a file for root alone, and only when it changes`() throws {
        let world = try World(["proc/1/environ": .file(block), "run": [:]])
        let words = ["systemd", "environment", "--output", "/run/containai/environment"]
        #expect(try world.cai(words).code == 0)
        #expect(try world.mode("run/containai/environment") == 0o600)
        #expect(try world.mode("run/containai") == 0o750)
        let before = try Snapshot(of: world.root)
        #expect(try world.cai(words).code == 0)
        #expect(try Snapshot(of: world.root).differences(from: before) == [])
    }
}

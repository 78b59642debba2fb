import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `Agent directories that make trouble` {
    /// A home with a login and a conversation in a real directory.
    private static let home: Item = [
        "/tmp": ([:] as Item).mode(0o777),
        "/home/agent/.codex": [
            "auth.json": Item.file("KEY").mode(0o600), "sessions": ["2026": ["rollout-a.jsonl": "{}\n{}\n"]],
        ],
    ]

    @Test(.rootOnly) func `on a read-only volume everything stays where it is, and the volume is named`() throws {
        let world = try World(Self.home)
        let before = try world.snapshot()
        let mount = inMountNamespace(
            "mount --bind \"\(world.volume)\" \"\(world.volume)\"; mount -o remount,bind,ro \"\(world.volume)\"")
        let boot = try world.linked("init", "--json", wrapper: mount)
        #expect(boot.bootFindings.contains { $0.contains("read-only") || $0.contains("Read-only") }, "\(boot)")
        #expect(try world.lost(since: before) == [])
        #expect(try world.text("/home/agent/.codex/auth.json") == "KEY")
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(try world.text("/home/agent/.codex/auth.json") == "KEY")
    }

    @Test(.rootOnly) func `on a noexec volume the programs of an agent lie in the container`() throws {
        let world = try World(Self.home)
        let mount = inMountNamespace(
            "mount --bind \"\(world.volume)\" \"\(world.volume)\"; mount -o remount,bind,noexec \"\(world.volume)\"")
        #expect(try world.linked("init", wrapper: mount).code == 0)
        let link = try #require(world.link("/mnt/agent-data/codex/packages"))
        #expect(link.string.hasSuffix("codex/packages") && !link.string.hasPrefix("/mnt/agent-data"), "\(link)")
        #expect(try world.text("/home/agent/.codex/auth.json") == "KEY")
        let again = try world.linked("init", "--json", wrapper: mount)
        #expect(again.changes("agents") == 0 && again.changes("links") == 0, "\(again)")
    }

    @Test func `a socket, a pipe and an empty directory move with the rest`() throws {
        let world = try World(Self.home)
        try world.put("/home/agent/.codex/odd", ["pipe": .fifo, "empty": [:], "socket": .socket])
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(
            try Files.names(world.volume.appending("codex/odd")).map(\.string).sorted() == ["empty", "pipe", "socket"])
        #expect(try world.text("/home/agent/.codex/sessions/2026/rollout-a.jsonl") == "{}\n{}\n")
    }

    @Test(.rootOnly) func `a device file leaves the directory as it is, and is named`() throws {
        let world = try World(Self.home)
        try world.put("/home/agent/.codex/null", .device)
        let boot = try world.linked("init", "--json")
        #expect(boot.bootFindings.contains { $0.contains("~/.codex/null: is a device") }, "\(boot)")
        #expect(world.link("/home/agent/.codex") == nil && world.link("/home/agent/.claude") != nil)
        #expect(try world.text("/home/agent/.codex/auth.json") == "KEY")
    }

    /// The number of files, and whether only `container/test --thorough` tries it.
    @Test(arguments: isThorough ? [3_000, 100_000] : [3_000])
    func `a directory with many files moves as a whole, once`(count: Int) throws {
        let world = try World(Self.home)
        let sessions = world.path("/home/agent/.codex/sessions/many")
        try world.put("/home/agent/.codex/sessions/many", [:])
        let made = try Command.run([
            "sh", "-c", "cd \"$1\" && seq \"$2\" | split -l 1 -a 5 -d && chown -R 1000:1000 .", "sh", sessions.string,
            "\(count)",
        ])
        try #require(made.code == 0, "\(made)")
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        let files = try Files.names(world.volume.appending("codex/sessions/many"))
        #expect(files.count == count)
        #expect(try world.text("/mnt/agent-data/codex/sessions/many/x00041") == "42\n")
        let again = try world.linked("init", "--json")
        #expect(again.changes("links") == 0)
    }

    @Test func `a database of 2 GB moves with its holes`() throws {
        let world = try World(Self.home)
        let live = world.path("/home/agent/.codex/state_5.sqlite")
        try Database.writeRows(10, at: live)
        let size: Int64 = 2 << 30
        try #require(truncate(live.string, Int(size)) == 0)
        #expect(try world.linked("init").code == 0)
        #expect(world.link("/home/agent/.codex") == "/mnt/agent-data/codex")
        var facts = stat()
        try #require(stat(world.volume.appending("codex/state_5.sqlite").string, &facts) == 0)
        #expect(facts.st_size == size)
        #expect(facts.st_blocks * 512 < 1 << 20)
        #expect(try Database.rows(world.volume.appending("codex/state_5.sqlite")) == 10)
    }

    @Test(.rootOnly) func `starts of two containers at once on one volume end well, and nothing is lost`() throws {
        let (one, other) = (try World(Self.home), try World(Self.home))
        let script = """
            cai=$1 one=$2 other=$3
            mount --bind "$one/mnt/agent-data" "$other/mnt/agent-data"
            "$cai" init --root "$one" & first=$!
            "$cai" init --root "$other" & second=$!
            wait $first && wait $second && "$cai" links check --root "$one" && "$cai" links check --root "$other"
            """
        for round in 0..<8 {
            for (world, name) in [(one, "one"), (other, "other")] {
                try world.remove("/home/agent/.codex")
                let codex: Item = [
                    "auth.json": Item.file("KEY \(round) of \(name)"), FilePath("\(name) \(round)"): "a conversation",
                ]
                try world.put("/home/agent/.codex", codex.ofAgent)
            }
            let both = try Command.run(
                ["unshare", "--mount", "--propagation", "private", "--", "sh", "-euc", script, "sh"]
                    + [Command.binary.string, one.root.string, other.root.string],
                environment: Command.linkedAgents)
            #expect(both.code == 0, "\(both)")
            for name in ["one", "other"] {
                #expect(one.exists(FilePath("/mnt/agent-data/codex/\(name) \(round)")), "\(both)")
            }
        }
        let kept = Set(try Snapshot(of: one.volume).facts.values.compactMap(\.digest))
        for round in 0..<8 {
            for name in ["one", "other"] {
                // In its place, or displaced for another one.
                #expect(kept.contains(Survival.digest(of: Array("KEY \(round) of \(name)".utf8))), "\(round) \(name)")
            }
        }
    }
}

private let isThorough = getenv("CAI_THOROUGH") != nil

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let live: FilePath = "home/agent/.tool.db"
private let stored: FilePath = "mnt/agent-data/tool/state.db"

/// A world whose manifest keeps `~/.tool.db` and the directory `~/.mytool`.
private func databaseWorld() throws -> World {
    let world = try World()
    try world.put(
        "mnt/agent-data/containai/manifests/10-tool.toml",
        """
        [[entries]]
        source = ".tool.db"
        target = "tool/state.db"
        container_link = ".tool.db"
        flags = "f"
        [[entries]]
        source = ".mytool"
        target = "mytool"
        container_link = ".mytool"
        flags = "dR"
        """)
    try world.put("mnt/agent-data/tool", [:])
    return world
}

@Suite(.needs("python3")) struct `A database that is an entry of its own` {
    @Test(arguments: [["links", "repair"], ["sync"], ["init"]])
    func `moves with the rows in its log`(command: [String]) throws {
        let world = try databaseWorld()
        try Database.leaveRows(100, at: world.path(live))
        let run = command == ["init"] ? try world.cai(command) : try expectPromises(command, on: world)
        #expect(run.code == 0, "\(run)")
        #expect(world.link(live) == "/mnt/agent-data/tool/state.db" && world.databaseFiles(live) == [""])
        #expect(world.databaseFiles(stored).contains("-wal"))
        #expect(try world.rows(live) == 100)
        // The next program finds its log beside the database on the volume.
        try Database.writeRows(10, from: 100, at: world.resolved(live))
        #expect(try world.rows(live) == 110 && world.databaseFiles(live) == [""])
    }

    @Test func `moves when a guard runs`() throws {
        let world = try databaseWorld()
        let guardian = try Guardian(world)
        try world.remove(live)
        try Database.leaveRows(100, at: world.path(live))
        try guardian.wait(for: "adopted", ".tool.db")
        try guardian.stop()
        #expect(try world.rows(live) == 100 && world.databaseFiles(live) == [""])
    }

    @Test func `stays while a program has it open, and moves afterwards`() throws {
        let world = try databaseWorld()
        let program = try Database.open(100, at: world.path(live))
        for command in [["links", "repair"], ["sync"], ["init"]] {
            let run = try world.cai(command)
            #expect(run.everything.contains("belongs to a database and is in use by "), "\(run)")
            #expect(run.code == (command == ["init"] ? 0 : 1), "\(run)")
            // A start makes the placeholder, and nothing more.
            #expect(world.link(live) == nil && [[], [""]].contains(world.databaseFiles(stored)), "\(command)")
        }
        program.write("more\n")
        #expect(try program.line() == "written")
        program.closeInput()
        #expect(try program.end() == .exited(0))
        #expect(try expectPromises(["links", "repair"], on: world).code == 0)
        #expect(try world.rows(live) == 101 && world.link(live) != nil)
    }

    @Test func `is reported once by a guard while a program has it open, and is adopted afterwards`() throws {
        let world = try databaseWorld()
        let guardian = try Guardian(world, environment: ["CAI_LINK_SCAN_SECONDS=1"])
        try world.remove(live)
        let program = try Database.open(100, at: world.path(live))
        try guardian.wait(for: "noticed", ".tool.db")
        for number in 1...3 {
            program.write("more\n")
            #expect(try program.line() == "written")
            try world.save("home/agent/.zshenv", "save \(number)")
            try guardian.wait(for: "adopted", ".zshenv")
        }
        #expect(world.link(live) == nil)
        program.closeInput()
        #expect(try program.end() == .exited(0))
        try guardian.wait(for: "adopted", ".tool.db")
        let events = try guardian.stop()
        let notices = events.filter { $0["event"].text == "noticed" }
        #expect(notices.count { $0["path"].text?.hasSuffix(".tool.db") ?? false } == 1, "\(events)")
        #expect(try world.rows(live) == 103 && world.databaseFiles(live) == [""])
    }

    @Test func `takes the place of a stored one with all its files, and an undo brings all of those back`() throws {
        let world = try databaseWorld()
        try Database.leaveRows(10, at: world.path(stored))
        for ending in ["", "-wal", "-shm"] { try Files.setTime(FilePath(world.path(stored).string + ending), 1) }
        try Database.writeRows(20, at: world.path(live))
        let run = try expectPromises(["links", "repair"], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(try world.rows(live) == 20 && world.databaseFiles(stored) == [""])
        let kept = try world.displaced().keys.sorted()
        #expect(kept.contains("volume/tool/state.db") && kept.contains("volume/tool/state.db-wal"))
        // A log of the version that is there now does not stay beside the version that comes back.
        try Database.leaveRows(5, from: 20, at: world.path(stored))
        let undo = try expectPromises(["undo"], on: world)
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.rows(live) == 10)
    }

    @Test func `that loses is displaced with all its files, and an undo brings them all back`() throws {
        let world = try databaseWorld()
        try Database.leaveRows(10, at: world.path(live))
        for ending in ["", "-wal", "-shm"] { try Files.setTime(FilePath(world.path(live).string + ending), 1) }
        try Database.writeRows(20, at: world.path(stored))
        let run = try expectPromises(["links", "repair"], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(try world.rows(live) == 20 && world.databaseFiles(stored) == [""] && world.databaseFiles(live) == [""])
        let undo = try expectPromises(["undo"], on: world)
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.rows(live) == 10)
    }

    @Test func `does not replace one on the volume that a program has open`() throws {
        let world = try databaseWorld()
        let program = try Database.open(10, at: world.path(stored))
        try Database.writeRows(20, at: world.path(live))
        try Files.setTime(world.path(live), 4_000_000_000_000_000_000)
        let run = try world.cai("links", "repair")
        #expect(run.code == 1 && run.errors.contains("differs from the database on the volume, which "), "\(run)")
        #expect(world.link(live) == nil)
        program.closeInput()
        #expect(try program.end() == .exited(0))
        #expect(try world.cai("links", "repair").code == 0)
        #expect(try world.rows(live) == 20)
    }

    @Test func `is not brought back while a program has its successor open`() throws {
        let world = try databaseWorld()
        try Database.writeRows(10, at: world.path(stored))
        try Files.setTime(world.path(stored), 1)
        try Database.writeRows(20, at: world.path(live))
        #expect(try world.cai("links", "repair").code == 0)
        let program = try Database.open(0, at: world.path(stored))
        let before = try world.snapshot()
        let undo = try world.cai("undo")
        #expect(undo.code != 0 && undo.everything.contains("has open, so that nothing is brought back"), "\(undo)")
        #expect(try world.snapshot().differences(from: before) == [])
        program.closeInput()
        #expect(try program.end() == .exited(0))
        #expect(try world.cai("undo").code == 0)
        #expect(try world.rows(live) == 10)
    }

    @Test func `is displaced with its log where a directory belongs`() throws {
        let world = try databaseWorld()
        try Database.leaveRows(100, at: world.path("home/agent/.mytool"))
        let run = try expectPromises(["links", "repair"], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(world.databaseFiles("home/agent/.mytool") == [""])
        let store = world.volume.appending(".containai/displaced")
        let first = try #require(try Files.names(store).first)
        #expect(try Database.rows(store.appending(first.components).appending("home/.mytool")) == 100)
    }
}

@Suite(.needs("python3")) struct `A database in a directory that moves` {
    private let inside: FilePath = "home/agent/.mytool/deep/state.db"
    private let kept: FilePath = "mnt/agent-data/mytool/deep/state.db"

    private func world() throws -> World {
        let world = try databaseWorld()
        try world.put("home/agent/.mytool", ["deep": [:], "notes.txt": "notes"])
        return world
    }

    @Test(arguments: [false, true]) func `moves with the rows in its log`(isMerged: Bool) throws {
        let world = try world()
        if isMerged { try world.put("mnt/agent-data/mytool/deep", ["other": "other"]) }
        try Database.leaveRows(100, at: world.path(inside))
        let run = try expectPromises(["links", "repair"], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(try world.rows(inside) == 100 && world.databaseFiles(kept).contains("-wal"))
    }

    @Test(arguments: [false, true]) func `is one unit against another version`(liveIsNewer: Bool) throws {
        let world = try world()
        try world.put("mnt/agent-data/mytool/deep", [:])
        try Database.leaveRows(10, at: world.path(inside))
        try Database.leaveRows(20, at: world.path(kept))
        let older = liveIsNewer ? kept : inside
        for ending in ["", "-wal", "-shm"] { try Files.setTime(FilePath(world.path(older).string + ending), 1) }
        let run = try expectPromises(["links", "repair"], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(try world.rows(inside) == (liveIsNewer ? 10 : 20))
        let side = liveIsNewer ? "volume/mytool" : "home/.mytool"
        #expect(try world.displaced().keys.filter { $0.hasSuffix("-wal") } == ["\(side)/deep/state.db-wal"])
        let undo = try expectPromises(["undo"], on: world)
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.rows(inside) == (liveIsNewer ? 20 : 10))
    }

    @Test func `does not get the log of another version`() throws {
        let world = try world()
        try world.put("mnt/agent-data/mytool/deep", [:])
        try Database.leaveRows(10, at: world.path(kept))
        try Database.writeRows(20, at: world.path(inside))
        try Files.setTime(world.path(inside), 4_000_000_000_000_000_000)
        #expect(try expectPromises(["links", "repair"], on: world).code == 0)
        #expect(try world.rows(inside) == 20 && world.databaseFiles(kept) == [""])
    }

    @Test func `does not take the log of another version`() throws {
        let world = try world()
        try world.put("mnt/agent-data/mytool/deep", [:])
        try Database.writeRows(20, at: world.path(kept))
        try Database.leaveRows(10, at: world.path(inside))
        try world.remove(inside)  // a log without its database
        #expect(try expectPromises(["links", "repair"], on: world).code == 0)
        #expect(try world.rows(inside) == 20 && world.databaseFiles(kept) == [""])
        #expect(try world.displaced().keys.contains("home/.mytool/deep/state.db-wal"))
    }

    @Test func `keeps its directory in the home while a program has it open`() throws {
        let world = try world()
        let program = try Database.open(100, at: world.path(inside))
        let run = try world.cai("links", "repair")
        #expect(run.code == 1, "\(run)")
        #expect(run.errors.contains("so that ~/.mytool is not moved to the volume now"), "\(run)")
        #expect(world.link("home/agent/.mytool") == nil && !world.exists("mnt/agent-data/mytool/notes.txt"))
        program.closeInput()
        #expect(try program.end() == .exited(0))
        #expect(try expectPromises(["links", "repair"], on: world).code == 0)
        #expect(try world.rows(inside) == 100)
    }
}

@Suite(.needs("python3")) struct `An agent directory that a program uses` {
    private let script =
        Database.becomeAgent + """
            os.chdir("/")
            file = open(sys.argv[1], sys.argv[2])
            print("open", flush=True)
            sys.stdin.read()
            """

    private func open(_ path: FilePath, _ mode: String) throws -> Running {
        let program = try Running(["python3", "-u", "-c", script, path.string, mode])
        try #require(try program.line() == "open")
        return program
    }

    @Test func `stays in the home when it appears while a guard runs, until the program ends`() throws {
        let world = try World()
        try #require(try world.linked("init").code == 0)
        let guardian = try Guardian(world, environment: ["CAI_LINK_SCAN_SECONDS=1", "CAI_AGENT_PLACEMENT=link"])
        try world.put("home/agent/new", ["notes.md": "notes", "sessions": ["a.jsonl": "a"]])
        let program = try open(world.path("home/agent/new/sessions/a.jsonl"), "a")
        try world.remove("home/agent/.codex")
        try #require(rename(world.path("home/agent/new").string, world.path("home/agent/.codex").string) == 0)
        try guardian.wait(for: "noticed", ".codex/sessions/a.jsonl")
        for number in 1...2 {
            try world.save("home/agent/.zshenv", "save \(number)")
            try guardian.wait(for: "adopted", ".zshenv")
        }
        #expect(world.link("home/agent/.codex") == nil)
        program.closeInput()
        #expect(try program.end() == .exited(0))
        try guardian.wait(for: "adopted", ".codex")
        let events = try guardian.stop()
        #expect(events.count { $0["path"].text?.contains(".codex/sessions") ?? false } == 1, "\(events)")
        #expect(try world.text("home/agent/.codex/sessions/a.jsonl") == "a")
    }

    @Test func `may be used where no agent's directory is declared`() throws {
        let world = try databaseWorld()
        try world.put("home/agent/.mytool", ["notes.md": "notes"])
        let program = try open(world.path("home/agent/.mytool/notes.md"), "r")
        #expect(try world.cai("links", "repair").code == 0)
        #expect(world.link("home/agent/.mytool") == "/mnt/agent-data/mytool")
        program.closeInput()
        #expect(try program.end() == .exited(0))
    }
}

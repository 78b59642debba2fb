import CaiTestSupport
import SystemPackage
import Testing

@Suite(.needs("python3")) struct `Import: an SQLite database with its log` {
    private static let database: FilePath = "/mnt/agent-data/codex/state_5.sqlite"
    private static let source: FilePath = "/host/.codex/state_5.sqlite"

    /// A world whose `/host` is the home of another container.
    private static func world(into volume: Item = [:]) throws -> World {
        let world = try World.importing([".codex": ["config.toml": "model = \"x\"\n"]], into: volume)
        try world.add(below: "/mnt/agent-data", ["codex": ["config.toml": "model = \"x\"\n"]])
        return world
    }

    private static func arguments(_ world: World) -> [String] { ["import", "--sessions", "--from", world.host] }

    /// Sets the time of all files of a database.
    private static func setTime(_ world: World, _ path: FilePath, _ seconds: Int64) throws {
        for name in world.databaseFiles(path) {
            try Files.setTime(world.path(FilePath(path.string + name)), seconds * 1_000_000_000)
        }
    }

    @Test func `comes with the rows that are in the log only, and without the index of the log`() throws {
        let world = try Self.world()
        try Database.leaveRows(100, at: world.path(Self.source))
        #expect(world.databaseFiles(Self.source) == ["", "-wal", "-shm"])
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(run.code == 0 && world.databaseFiles(Self.database) == ["", "-wal"], "\(run)")
        #expect(try world.rows(Self.database) == 100)
        let undo = try expectPromises(["undo"], on: world)
        #expect(undo.code == 0 && world.databaseFiles(Self.database).isEmpty, "\(undo)")
    }

    @Test func `takes the place of the volume's with its log, and an undo brings both back`() throws {
        let world = try Self.world()
        try Database.leaveRows(7, at: world.path(Self.database))
        try Self.setTime(world, Self.database, 1_600_000_000)
        try Database.writeRows(40, at: world.path(Self.source))
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(run.code == 0 && world.databaseFiles(Self.database) == [""], "\(run)")
        #expect(try world.rows(Self.database) == 40)
        let undo = try expectPromises(["undo"], on: world)
        #expect(try undo.code == 0 && world.rows(Self.database) == 7, "\(undo)")
        #expect(world.databaseFiles(Self.database).starts(with: ["", "-wal"]))
    }

    @Test func `stays as it is with its log if the volume's is newer`() throws {
        let world = try Self.world()
        try Database.writeRows(40, at: world.path(Self.source))
        try Self.setTime(world, Self.source, 1_600_000_000)
        try Database.leaveRows(7, at: world.path(Self.database))
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(run.code == 0 && run.json["kept"].number == 1, "\(run)")
        #expect(try world.rows(Self.database) == 7 && world.databaseFiles(Self.database).contains("-wal"))
        #expect(try world.importHost("--sessions").errors.contains("state_5.sqlite: is newer than"))
    }

    @Test func `stays if it went on in the container since the last import, and the source did not`() throws {
        let world = try Self.world()
        try Database.writeRows(40, at: world.path(Self.source))
        try Self.setTime(world, Self.source, 4_000_000_000)
        #expect(try world.importHost("--sessions").code == 0)
        try Database.leaveRows(2, from: 40, at: world.path(Self.database))
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(try run.code == 0 && world.rows(Self.database) == 42, "\(run)")
        #expect(try world.importHost("--sessions").errors.contains("changed here after the last import"))
    }

    @Test func `comes again when only its log has changed in the source`() throws {
        let world = try Self.world()
        try Database.writeRows(40, at: world.path(Self.source))
        #expect(try world.importHost("--sessions").code == 0)
        try Database.leaveRows(5, from: 40, at: world.path(Self.source))
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(try run.code == 0 && world.rows(Self.database) == 45, "\(run)")
    }

    @Test func `is not replaced while a program of this container has it open`() throws {
        let world = try Self.world()
        let program = try Database.open(7, at: world.path(Self.database))
        try Database.writeRows(40, at: world.path(Self.source))
        try Self.setTime(world, Self.source, 4_000_000_000)
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(run.code == 0 && run.json["kept"].number == 1, "\(run)")
        let told = try world.importHost("--sessions").errors
        #expect(told.contains("codex/state_5.sqlite") && told.contains("has it open; it was kept"), "\(told)")
        #expect(told.contains("end that program and import again"), "\(told)")
        program.write("more\n")
        #expect(try program.line() == "written")
        program.closeInput()
        #expect(try program.end() == .exited(0) && world.rows(Self.database) == 8)
    }

    @Test func `is not taken while a program has it open in the source`() throws {
        let world = try Self.world()
        let program = try Database.open(7, at: world.path(Self.source))
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(run.code == 0 && world.databaseFiles(Self.database).isEmpty, "\(run)")
        let told = try world.importHost("--sessions").errors
        #expect(told.contains(".codex/state_5.sqlite") && told.contains("has open, and was not imported"), "\(told)")
        program.closeInput()
        #expect(try program.end() == .exited(0))
        let again = try expectPromises(Self.arguments(world), on: world)
        #expect(try again.code == 0 && world.rows(Self.database) == 7, "\(again)")
    }

    @Test func `a log of another database that stands in its place makes room`() throws {
        let world = try Self.world(into: ["codex": ["state_5.sqlite-wal": "another log"]])
        try Database.writeRows(40, at: world.path(Self.source))
        let run = try expectPromises(Self.arguments(world), on: world)
        #expect(try run.code == 0 && world.rows(Self.database) == 40, "\(run)")
        #expect(world.databaseFiles(Self.database) == [""])
        #expect(try world.displaced()["volume/codex/state_5.sqlite-wal"] == "another log")
    }

    @Test func `keeps its log when excludes name that alone, and stays out as a whole when they name it`() throws {
        let world = try Self.world()
        try Database.leaveRows(9, at: world.path(Self.source))
        let configuration: FilePath = "/host/.config/containai/config.toml"
        try world.put(configuration, Item.file("default_excludes = [\"*-wal\"]\n").owned(by: World.agent))
        #expect(try world.importHost("--sessions").code == 0 && world.rows(Self.database) == 9)
        #expect(try world.cai("undo").code == 0)
        try world.put(configuration, Item.file("default_excludes = [\"*.sqlite\"]\n").owned(by: World.agent))
        let run = try world.importHost("--sessions")
        #expect(run.code == 0 && world.databaseFiles(Self.database).isEmpty, "\(run)")
    }

    @Test(.needs("tar")) func `of a restored volume takes the place of the volume's with its log`() throws {
        let world = try Self.world()
        let volume: Item = ["codex": ["config.toml": "model = \"x\"\n"], "claude": ["claude.json": "{}"]]
        try world.put("/other", volume.ofAgent)
        try Database.writeRows(40, at: world.path("/other/codex/state_5.sqlite"))
        try Self.setTime(world, "/other/codex/state_5.sqlite", 1_600_000_000)
        try Database.leaveRows(7, at: world.path(Self.database))
        let archive = world.path("/archive").string
        let tar = try Command.run(["tar", "-C", world.path("/other").string, "-czf", archive, "."])
        try #require(tar.code == 0, "\(tar)")
        let run = try world.cai("import", "--from", archive)
        #expect(try run.code == 0 && world.rows(Self.database) == 40, "\(run)")
        #expect(world.databaseFiles(Self.database) == [""])
        let again = try world.cai("import", "--from", archive, "--json")
        #expect(again.code == 0 && again.json.steps == [], "\(again)")
        #expect(try world.cai("undo").code == 0 && world.rows(Self.database) == 7)
    }

    @Test func `of a push counts as a whole, also if only its log travels`() throws {
        let world = try World(["run": [:]])
        let home: Item = [
            ".config": [
                "containai": ["config.toml": "[import]\nadditional_paths = [\"~/.config/tool\"]\n"],
                "tool": ["other": "x"],
            ]
        ]
        try world.put("host", home.ofAgent)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let (here, there): (FilePath, FilePath) = ("/mnt/agent-data/config/tool/db", "/host/.config/tool/db")
        try Database.leaveRows(12, at: world.path(there))
        let first = try world.push()
        #expect(try first.code == 0 && world.rows(here) == 12, "\(first)")
        try Database.leaveRows(3, from: 12, at: world.path(there))
        let second = try world.push()
        #expect(try second.code == 0 && world.rows(here) == 15, "\(second)")
        try Database.writeRows(1, from: 15, at: world.path(there))
        let third = try world.push()
        #expect(try third.code == 0 && world.rows(here) == 16, "\(third)")
        #expect(world.databaseFiles(here) == [""])
        #expect(try service.stop() == .exited(0))
    }

    @Test func `of an additional path comes as one, and --delete takes no part of it away`() throws {
        let world = try World.importing([
            ".config": [
                "containai": ["config.toml": "[import]\nadditional_paths = [\"~/.config/tool\"]\n"],
                "tool": ["other": "x"],
            ]
        ])
        let (here, there): (FilePath, FilePath) = ("/mnt/agent-data/config/tool/db", "/host/.config/tool/db")
        try Database.leaveRows(12, at: world.path(there))
        let run = try expectPromises(["import", "--from", world.host, "--delete"], on: world)
        #expect(try run.code == 0 && world.rows(here) == 12, "\(run)")
        try Database.leaveRows(3, from: 12, at: world.path(here))
        let again = try expectPromises(["import", "--from", world.host, "--delete"], on: world)
        #expect(try again.code == 0 && world.rows(here) == 15 && world.databaseFiles(here).contains("-shm"), "\(again)")
    }
}

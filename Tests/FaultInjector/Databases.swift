import Glibc
import SystemPackage

/// SQLite databases, made and read by Python: at every moment a database has all of its committed rows.
enum Databases {
    /// A database in the home, and the numbers of rows that it may have.
    struct Expectation: Sendable {
        let path: String
        /// After the command has done its work.
        let settled: Int
        /// After it was disturbed: the version of either side, whole.
        let disturbed: [Int]
        /// After the command was undone: the version that had made room.
        var undone: Int { disturbed.last ?? settled }

        init(_ path: String, _ settled: Int, or other: Int? = nil) {
            self.path = path
            self.settled = settled
            disturbed = [settled] + [other].compactMap(\.self)
        }
    }

    static let expectations = [
        Expectation(".lone.db", 100), Expectation(".newer.db", 10, or: 20), Expectation(".older.db", 20, or: 10),
        Expectation(".mytool/deep/lone.db", 100), Expectation(".mytool/deep/newer.db", 30, or: 40),
        Expectation(".mytool/deep/older.db", 40, or: 30),
    ]

    static let manifest =
        [".lone.db", ".newer.db", ".older.db"].map { entry($0, "f") }.joined() + entry(".mytool", "dR")

    private static func entry(_ name: String, _ flags: String) -> String {
        """
        [[entries]]
        source = "\(name)"
        target = "tool/\(name.dropFirst())"
        container_link = "\(name)"
        flags = "\(flags)"

        """
    }

    /// Makes databases whose last rows are in their logs, and one that was closed. Older ones are 100 seconds older.
    static func make(_ world: World) throws {
        let script = """
            import os, sqlite3, sys
            def make(path, rows, age, closed=False):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                child = os.fork()
                if child == 0:
                    connection = sqlite3.connect(path, isolation_level=None)
                    for command in ["pragma page_size=512", "pragma journal_mode=wal", "pragma wal_autocheckpoint=0",
                                    "create table log (id integer primary key)"]:
                        connection.execute(command)
                    for number in range(rows):
                        connection.execute("insert into log values (?)", (number + 1000 * age,))
                    if closed:
                        connection.close()
                    os.kill(os.getpid(), 9)
                os.waitpid(child, 0)
                for ending in ["", "-wal", "-shm"]:
                    if os.path.exists(path + ending):
                        os.chown(path + ending, 1000, 1000)
                        os.utime(path + ending, (1600000000 - age, 1600000000 - age))
            home, volume = sys.argv[1], sys.argv[2] + "/tool"
            make(home + "/.lone.db", 100, 0)
            make(home + "/.newer.db", 10, 0)
            make(volume + "/newer.db", 20, 100)
            make(home + "/.older.db", 10, 100)
            make(volume + "/older.db", 20, 0, closed=True)
            make(home + "/.mytool/deep/lone.db", 100, 0)
            make(home + "/.mytool/deep/newer.db", 30, 0, closed=True)
            make(volume + "/mytool/deep/newer.db", 40, 100)
            make(home + "/.mytool/deep/older.db", 30, 100)
            make(volume + "/mytool/deep/older.db", 40, 0)
            for place in [home, volume]:
                for directory, _, _ in os.walk(place):
                    os.chown(directory, 1000, 1000)
            """
        let run = try python(script, [world.home.string, world.volume.string], world)
        guard run.code == 0 else { throw HarnessError("databases: \(run.output)") }
    }

    /// Reads copies of the databases as the programs in the home find them. A name that is missing for a moment, where the
    /// file system knows no exchange, is found again by the next run.
    static func check(_ world: World, isSettled: Bool, isUndone: Bool = false) throws -> [String] {
        let script = """
            import os, shutil, sqlite3, sys, tempfile
            root = sys.argv[1]
            def resolve(path):
                done = root
                for name in path.strip("/").split("/"):
                    done = done + "/" + name
                    if os.path.islink(done):
                        done = resolve(os.readlink(done))
                return done
            for item in sys.argv[2:]:
                name, wanted = item.split("=")
                path = resolve("/home/agent/" + name)
                if not os.path.exists(path):
                    if "missing" not in wanted.split(","):
                        print(name, "is missing")
                    continue
                with tempfile.TemporaryDirectory() as directory:
                    for ending in ["", "-wal", "-journal"]:
                        if os.path.exists(path + ending):
                            shutil.copy(path + ending, directory + "/db" + ending)
                    try:
                        connection = sqlite3.connect(directory + "/db")
                        rows = str(connection.execute("select count(*) from log").fetchone()[0])
                        kinds = connection.execute("select count(distinct id / 1000) from log").fetchone()[0]
                        whole = connection.execute("pragma integrity_check").fetchone()[0]
                    except sqlite3.Error as error:
                        print(name, error)
                        continue
                    if rows not in wanted.split(",") or whole != "ok" or kinds > 1:
                        print(name, "has", rows, "rows of", kinds, "version(s),", whole, "- wanted", wanted)
            """
        let items = expectations.map { wanted in
            let settled = "\(isUndone ? wanted.undone : wanted.settled)"
            let counts = isSettled ? [settled] : wanted.disturbed.map(String.init) + ["missing"]
            return "\(wanted.path)=\(counts.joined(separator: ","))"
        }
        let run = try python(script, [world.root.string] + items, world)
        let moment = isSettled ? "settled" : "disturbed"
        if run.code != 0 { return ["\(moment): the databases cannot be read: \(run.output)"] }
        return run.output.split(separator: "\n").map { "\(moment): \($0)" }
    }

    private static func python(_ script: String, _ arguments: [String], _ world: World) throws -> Finished {
        try runProgram(
            ["python3", "-c", script] + arguments, output: world.directory.appending("python"), seconds: 60)
    }
}

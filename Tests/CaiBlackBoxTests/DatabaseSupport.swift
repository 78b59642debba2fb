import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// SQLite databases made and read by another program: the `sqlite3` module of Python.
enum Database {
    /// Makes the program the agent's once its modules are loaded, which only root may be able to read.
    static let becomeAgent = """
        import os, sqlite3, sys
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(1000, 1000, 1000)
            os.setresuid(1000, 1000, 1000)

        """

    /// A writer that commits rows into the write-ahead log.
    private static let writer =
        becomeAgent + """
            path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
            os.umask(0o022)
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma wal_autocheckpoint=0")
            connection.execute("create table if not exists log (id integer primary key)")
            def insert(first, count):
                for number in range(first, first + count):
                    connection.execute("insert into log values (?)", (number,))
            insert(first, count)

            """

    /// Commits rows and is killed, so that they stay in the log.
    static func leaveRows(_ count: Int, from first: Int = 0, at path: FilePath) throws {
        let script = writer + "os.kill(os.getpid(), 9)\n"
        let run = try Command.run(["python3", "-c", script, path.string, "\(first)", "\(count)"])
        try #require(run.code == 128 + 9 && Files.exists(FilePath(path.string + "-wal")), "\(run)")
    }

    /// Commits rows and closes the database, so that there is no log.
    static func writeRows(_ count: Int, from first: Int = 0, at path: FilePath) throws {
        let script = writer + "connection.close()\n"
        let run = try Command.run(["python3", "-c", script, path.string, "\(first)", "\(count)"])
        try #require(run.code == 0 && !Files.exists(FilePath(path.string + "-wal")), "\(run)")
    }

    /// A program that has committed rows and keeps the database open. With each line of input it commits one more, and at
    /// the end of its input it closes the database.
    static func open(_ count: Int, at path: FilePath) throws -> Running {
        let script =
            writer
                + """
                print("open", flush=True)
                for line in sys.stdin:
                    first += count
                    insert(first, 1)
                    count = 1
                    print("written", flush=True)
                connection.close()
                """
        let program = try Running(["python3", "-u", "-c", script, path.string, "0", "\(count)"])
        try #require(try program.line() == "open")
        return program
    }

    /// The number of rows of a database with its log, read from copies; -1 for one that is damaged.
    static func rows(_ path: FilePath) throws -> Int {
        let script = """
            import os, shutil, sqlite3, sys, tempfile
            path = os.path.realpath(sys.argv[1])
            with tempfile.TemporaryDirectory() as directory:
                for ending in ["", "-wal", "-journal"]:
                    if os.path.exists(path + ending):
                        shutil.copy(path + ending, os.path.join(directory, "db" + ending))
                connection = sqlite3.connect(os.path.join(directory, "db"))
                isWhole = connection.execute("pragma integrity_check").fetchone()[0] == "ok"
                count = connection.execute("select count(*) from log").fetchone()[0]
                print(count if isWhole else -1)
            """
        let run = try Command.run(["python3", "-c", script, path.string])
        return try #require(Int(run.output.trimmed), "\(run)")
    }
}

extension String {
    /// The text without the line breaks at its end.
    fileprivate var trimmed: String { String(prefix { !$0.isNewline }) }
}

extension World {
    /// The rows of the database at a path of the world.
    func rows(_ path: FilePath) throws -> Int { try Database.rows(resolved(path)) }

    /// The files of the database at a path that are there.
    func databaseFiles(_ path: FilePath) -> [String] {
        ["", "-wal", "-journal", "-shm"].filter { exists(FilePath(path.string + $0)) }
    }
}

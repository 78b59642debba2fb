import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// What the service is doing when it is killed.
private enum Doing: String, CaseIterable, Sendable {
    case imports, undoes, adopts
}

/// The system calls that change something; the service is killed at the first, second, third, fifth … of each.
private let calls = ["mkdirat", "write", "fsync", "renameat2", "unlinkat", "fchmod", "symlinkat"]

/// Which of them; every one where somebody has the time.
private var places: [Int] {
    getenv("CAI_THOROUGH") == nil ? [1, 2, 3, 5, 8, 13, 21, 34, 55] : Array(1...200)
}

@Suite(.rootOnly, .needs("strace"), .needs("curl")) struct `cai serve that is killed at a system call` {
    @Test(arguments: Doing.allCases)
    fileprivate func `loses nothing, and leaves the old or the new`(doing: Doing) throws {
        var deadly: Set<String> = []
        for call in calls {
            for place in places {
                if try survives(doing, call, place) { break }
                deadly.insert(call)
            }
        }
        // How many there are depends on how the work spreads over threads; these are made whatever it does.
        #expect(deadly.isSuperset(of: ["write", "fsync", "renameat2"]), "\(deadly)")
    }

    /// Runs the service until it is killed at this call, or has done its work. Returns whether it has.
    private func survives(_ doing: Doing, _ call: String, _ place: Int) throws -> Bool {
        let world = try prepared(doing)
        let before = try world.snapshot()
        let action =
            switch doing {
            case .imports: "ask --data-binary @$1/new.tar http://cai/v1/import?layout=home"
            case .undoes: "ask --request POST http://cai/v1/undo"
            case .adopts: "until [ -L $1/home/agent/.claude/CLAUDE.md ] || ! kill -0 $pid 2>/dev/null; do :; done"
            }
        let guards = doing == .adopts ? "true" : "false"
        let run = try Command.run(
            [
                "sh", "-c",
                """
                strace -f -qq -o /dev/null -e trace=\(call) -e inject=\(call):signal=KILL:when=\(place) \\
                    "$2" serve --root "$1" & pid=$!
                ask() { curl --fail --silent --output /dev/null --max-time 50 --unix-socket "$root/run/containai/agent.sock" "$@"; }
                root=$1
                while kill -0 $pid 2>/dev/null && ! ask http://cai/v1/status; do :; done
                \(action) && echo answered
                # Who traces hands on nothing.
                kill $(cat /proc/$pid/task/$pid/children 2>/dev/null) 2>/dev/null
                wait $pid && echo survived || true
                """, "sh", world.root.string, Command.binary.string,
            ], environment: ["CAI_LINK_GUARD": guards])
        let context = "\(doing) \(call) \(place): \(run)"
        #expect(!run.hung, "\(context)")
        #expect(try world.lost(since: before) == [], "\(context)")
        try check(doing, world, context)
        let isDone = run.output.contains("survived")
        #expect(!isDone || run.output.contains("answered"), "\(context)")
        return isDone
    }

    private func prepared(_ doing: Doing) throws -> World {
        let old = Item.file("old\n").later(by: -60)  // what is newer than the archive would be kept
        let world = try World(["run": [:], "mnt/agent-data/claude": ["CLAUDE.md": old, "skills/one/a.md": old]])
        _ = try world.cai("init")
        var tar = TarBuilder()
        for name in ["CLAUDE.md", "skills/one/a.md", "skills/two/b.md"] { tar.add(".claude/\(name)", .file, "new\n") }
        try Files.write(tar.finished, to: world.root.appending("new.tar"))
        switch doing {
        case .imports: break
        case .undoes: _ = try world.cai("import", "--from", world.root.appending("new.tar").string)
        case .adopts: try world.saveByRename("home/agent/.claude/CLAUDE.md", "new\n")
        }
        return world
    }

    /// The next command finishes what was begun, and then it is as if nobody had been killed.
    private func check(_ doing: Doing, _ world: World, _ context: String) throws {
        let repair = try world.cai("links", "repair", "--quiet")
        #expect(repair.code == 0, "\(context) \(repair)")
        let contents = ["CLAUDE.md", "skills/one/a.md"].map { try? world.text(FilePath("mnt/agent-data/claude/\($0)")) }
        switch doing {
        case .adopts: #expect(contents == ["new\n", "old\n"], "\(context)")
        case .imports, .undoes:
            #expect(Set(contents).count == 1, "half of it: \(contents) \(context)")
            let run = try world.cai("import", "--from", world.root.appending("new.tar").string)
            #expect(run.code == 0, "\(context) \(run)")
            #expect(try world.text("mnt/agent-data/claude/skills/two/b.md") == "new\n", "\(context)")
        }
    }
}

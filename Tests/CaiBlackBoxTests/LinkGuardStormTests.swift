import CaiTestSupport
import Dispatch
import Glibc
import Synchronization
import SystemPackage
import Testing

@Suite(.serialized) struct `The link guard under pressure` {
    private let link: FilePath = "home/agent/.claude.json"
    private let target: FilePath = "mnt/agent-data/claude/claude.json"

    @Test func `1,000 saves in a row: the last one wins, readers see only whole files, nothing grows`() throws {
        let world = try settledWorld()
        let earlier = try world.runsOfPeople(3)
        let guardian = try Guardian(world)
        try world.save(link, document("first", 0))
        try guardian.wait(for: "adopted", ".claude.json")
        let (descriptors, memory) = (guardian.descriptorCount, try guardian.memory())
        // The link is absolute, below the root of the world: the reader follows it as the agent would.
        let reader = Reader(world.path(target), isWhole: isWholeDocument)
        for number in 1...1000 { try world.save(link, document("a", number)) }
        try guardian.wait(until: "the last save") { try world.text(target) == document("a", 1000) }
        #expect(reader.stop() == [])
        try world.save("home/agent/.zshrc", "one more")
        try guardian.wait(for: "adopted", ".zshrc")
        #expect(world.link(link) == FilePath("/").appending(target.components))
        #expect(guardian.descriptorCount <= descriptors + 1)
        #expect(try guardian.memory() < memory + 4096)
        try guardian.stop()
        #expect(try world.leftovers() == [])
        let runs = try Files.names(world.path("mnt/agent-data/.containai/displaced")).map(\.string)
        #expect(runs.filter { $0.hasSuffix("-guard") }.count <= 1, "\(runs)")
        #expect(earlier.isSubset(of: runs), "what people displaced is not driven out")
    }

    @Test func `two processes that save 1,000 times each: whoever was last wins`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let reader = Reader(world.path(target), isWhole: isWholeDocument)
        let script = """
            i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); n="$1-$i"
            printf '{"save": "%s", "filler": "%s", "end": "%s"}' $n $n $n > "$2.$1"; before=$(date +%s%N)
            mv "$2.$1" "$2"; done; echo $before $(date +%s%N)
            """
        let place = world.path(link).string
        let writers = try ["a", "b"].map { name in
            try Running(
                (World.isRoot ? asAgent : []) + ["sh", "-c", script, "sh", name, place])
        }
        let times = try writers.map { writer in
            try #require(try writer.line()).split(separator: " ").compactMap { Int($0) }
        }
        func text(_ name: String) -> String {
            #"{"save": "\#(name)-1000", "filler": "\#(name)-1000", "end": "\#(name)-1000"}"#
        }
        var possible = Set([text("a"), text("b")])
        if times[0][0] > times[1][1] { possible = [text("a")] }
        if times[1][0] > times[0][1] { possible = [text("b")] }
        try guardian.wait(until: "the last save") {
            try possible.contains(world.text(target)) && world.link(link) != nil
        }
        #expect(reader.stop() == [])
        try guardian.stop()
        #expect(try possible.contains(world.text(target)))
        #expect(try world.leftovers() == [])
    }

    @Test func `an application that never stops is followed, and costs less the longer it goes on`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let script = """
            i=0; until [ -e "$1" ]; do i=$((i + 1))
            printf '{"save": "%s", "filler": "%s", "end": "%s"}' $i $i $i > "$2.new"; mv "$2.new" "$2"; done; echo $i
            """
        let stop = world.path("stop")
        let writer = try Running(
            (World.isRoot ? asAgent : []) + ["sh", "-c", script, "sh", stop.string, world.path(link).string])
        for _ in 0..<3 { try guardian.wait(for: "adopted", ".claude.json") }
        try world.put("stop", "")
        let said = try writer.line()
        let saves = try #require(said.flatMap { Int($0) })
        try guardian.wait(until: "the last save") {
            try world.text(target) == #"{"save": "\#(saves)", "filler": "\#(saves)", "end": "\#(saves)"}"#
        }
        #expect(guardian.count("adopted") * 2 < saves, "\(guardian.count("adopted")) of \(saves) saves")
    }

    @Test func `20,000 files that are nobody's cost little, and a save among them is adopted`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let before = try guardian.processorTime()
        let (begin, folder) = (ContinuousClock.now, world.path("home/agent/.claude"))
        for number in 1...20_000 {
            try Files.write("checked out".utf8, to: folder.appending("file-\(number)"))
            if number == 10_000 { try world.save(link, document("storm", 1)) }
        }
        let producing = ContinuousClock.now - begin
        try guardian.wait(until: "the save") { try world.text(target) == document("storm", 1) }
        try world.save(link, document("storm", 2))
        try guardian.wait(until: "the next save") { try world.text(target) == document("storm", 2) }
        let used = try guardian.processorTime() - before
        print("storm of 20,000 files: \(producing) to make, guard used \(used) s")
        #expect(used < max(1.5, Double(producing.components.seconds)))
    }

    @Test func `events that the kernel had no room for lead to a look at everything`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        guardian.program.signal(SIGSTOP)
        let limit = Int(try Files.text("/proc/sys/fs/inotify/max_queued_events").dropLast()) ?? 16_384
        // Names that alternate, because the kernel drops an event that equals the last one.
        let names = ["home/agent/one", "home/agent/two"].map { world.path(FilePath($0)) }
        for number in 0...limit { try Files.write("".utf8, to: names[number % 2]) }
        try world.save(link, document("unseen", 1))
        guardian.program.signal(SIGCONT)
        try guardian.wait(for: "overflow")
        try guardian.wait(until: "the save") { try world.text(target) == document("unseen", 1) }
        try world.save(link, document("seen", 2))
        try guardian.wait(until: "the next save") { try world.text(target) == document("seen", 2) }
    }

    @Test func `SIGTERM finishes what is waiting`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        for number in 1...50 {
            try world.save(link, document("end", number))
            if number == 50 { try guardian.stop() }
        }
        #expect(try world.text(target) == document("end", 50))
        #expect(try world.leftovers() == [])
    }

    @Test func `a guard that is killed again and again loses no save`() throws {
        let world = try settledWorld()
        let last = Mutex(0)
        let saver = Saver { number in
            try world.save("home/agent/.claude.json", document("killed", number))
            last.withLock { $0 = number }
        }
        for round in 1...12 {
            let guardian = try Guardian(world)
            if round % 3 > 0 { try guardian.wait(for: "adopted") }
            try guardian.kill()
        }
        try saver.stop()
        let guardian = try Guardian(world)
        #expect(try world.text(target) == document("killed", last.withLock { $0 }))
        try guardian.stop()
        #expect(try world.leftovers() == [])
        #expect(try world.cai("links", "check").code == 0)
    }
}

extension World {
    /// Makes runs that displaced something because somebody asked for it; returns their names.
    fileprivate func runsOfPeople(_ count: Int) throws -> Set<String> {
        for number in 1...count {
            try saveByRename("home/agent/.codex/config.toml", "number = \(number)\n")
            #expect(try cai("links", "repair", "--quiet").code == 0)
        }
        return Set(try Files.names(path("mnt/agent-data/.containai/displaced")).map(\.string))
    }
}

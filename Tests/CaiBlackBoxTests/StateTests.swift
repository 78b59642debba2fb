import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let lock: FilePath = "mnt/agent-data/.containai/lock"
private let state: FilePath = "mnt/agent-data/.containai"

/// The journal of a run that adopts `~/.vimrc`, as `cai` writes it.
private func journal(of run: String) -> String {
    #"{"pid":1,"run":"\#(run)","schema":1,"steps":["#
        + #"{"home":[".vimrc"],"isLinked":true,"step":0,"volume":["editors/vimrc"]}]}"#
}

@Suite struct `The lock` {
    private func world() throws -> World {
        let world = try World(["home/agent/.vimrc": "live"])
        try world.put(state, Item(dictionaryLiteral: ("lock", Item("sync 4711 host\n").mode(0o600))).mode(0o700))
        return world
    }

    @Test(arguments: changingJobs) func `held by a living process: exit 75, its holder named, nothing changed`(
        _ arguments: [String]
    ) throws {
        let world = try world()
        let file = world.path(lock).withPlatformString { open($0, O_RDWR | O_CLOEXEC) }
        try #require(flock(file, LOCK_EX | LOCK_NB) == 0)
        defer { close(file) }
        let before = try world.snapshot()
        let run = try world.cai(arguments, environment: ["CAI_LOCK_TIMEOUT_SECONDS": "0"])
        #expect(run.code == 75 && run.errors.contains("the volume is locked by sync 4711 host"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `names its holder, and not what tells runs apart`() throws {
        let world = try world()
        #expect(try world.cai("links", "repair").code == 0)
        let first = try world.text(lock).split(separator: "\n")
        try world.save("home/agent/.vimrc", "saved")
        #expect(try world.cai("links", "repair").code == 0)
        let second = try world.text(lock).split(separator: "\n")
        try #require(first.count == 2 && second.count == 2 && second[0].hasPrefix("links "))
        #expect(first[1] != second[1])
        let file = world.path(lock).withPlatformString { open($0, O_RDWR | O_CLOEXEC) }
        try #require(flock(file, LOCK_EX | LOCK_NB) == 0)
        defer { close(file) }
        try world.save("home/agent/.vimrc", "saved again")
        let run = try world.cai("links", "repair", environment: ["CAI_LOCK_TIMEOUT_SECONDS": "0"])
        #expect(run.code == 75 && run.errors.contains("the volume is locked by \(second[0])"), "\(run)")
        #expect(!run.errors.contains(second[1]), "\(run)")
    }

    @Test(arguments: changingJobs) func `left by a dead process: no obstacle`(_ arguments: [String]) throws {
        let world = try world()
        let run = try world.cai(arguments, environment: ["CAI_LOCK_TIMEOUT_SECONDS": "0"])
        #expect(run.code == 0, "\(run)")
    }

    @Test func `previews, checks and runs without a step do not need it`() throws {
        let world = try settledWorld()
        let file = world.path(lock).withPlatformString { open($0, O_RDWR | O_CLOEXEC) }
        try #require(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
        defer { close(file) }
        for arguments in [
            ["links", "check"], ["links", "repair"], ["sync"], ["sync", "--dry-run"], ["undo", "--list"],
        ] {
            #expect(try world.cai(arguments, environment: ["CAI_LOCK_TIMEOUT_SECONDS": "0"]).code == 0)
        }
    }

    @Test func `who waits gets it when it is given up`() async throws {
        let world = try world()
        let path = world.path(lock)
        let file = path.withPlatformString { open($0, O_RDWR | O_CLOEXEC) }
        try #require(flock(file, LOCK_EX | LOCK_NB) == 0)
        let waiting = Task.detached { try world.cai("sync", environment: ["CAI_LOCK_TIMEOUT_SECONDS": "50"]) }
        // Another `cai` is refused meanwhile; after that the lock is given up.
        #expect(try world.cai("sync", environment: ["CAI_LOCK_TIMEOUT_SECONDS": "0"]).code == 75)
        close(file)
        #expect(try await waiting.value.code == 0)
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "live")
    }

    @Test func `runs at the same time are one after the other, and nothing is lost`() async throws {
        let world = try World([
            "home/agent": [".claude/skills": ["a.md": "a", "b.md": "b"], ".vimrc": "v", ".zshrc": "z"],
            "mnt/agent-data": ["claude/skills": ["a.md": "older a"], "shell/zshrc": "older z"],
        ])
        let before = try world.snapshot()
        try await withThrowingTaskGroup(of: Finished.self) { group in
            for arguments in [["sync"], ["links", "repair"], ["sync"], ["links", "repair"]] {
                group.addTask { try world.cai(arguments, environment: ["CAI_LOCK_TIMEOUT_SECONDS": "50"]) }
            }
            for try await run in group { #expect(run.code == 0, "\(run)") }
        }
        #expect(try world.lost(since: before) == [])
        #expect(try world.cai("links", "check").code == 0)
    }
}

@Suite struct `What cai keeps for itself` {
    private func world() throws -> World {
        try World([
            "home/agent/.vimrc": .file("live").later(by: 60), "mnt/agent-data/editors/vimrc": "volume",
        ])
    }

    @Test(arguments: ["", "{", "garbage", "cai-baseline 2 key 1 0\n", "cai-baseline 1 key 1 9\na\t-\n"])
    func `a baseline that is garbage: content and time decide, a finding says so`(_ text: String) throws {
        let world = try world()
        try world.put(state.appending("baseline"), .file(text))
        let sync = try world.cai("sync", "--json")
        #expect(sync.code == 0 && sync.json.findings.contains { $0.contains("baseline: cannot be read") }, "\(sync)")
        #expect(try world.text("home/agent/.vimrc") == "live")
        #expect(try world.displaced() == ["volume/editors/vimrc": "volume"])
        #expect(try world.text(state.appending("baseline")).hasPrefix("cai-baseline 1 "))
    }

    @Test func `what is written after the baseline was counts; what belongs to an earlier one does not`() throws {
        let world = try World(["mnt/agent-data/claude": [:]])
        func place(_ text: String) throws {
            try Files.remove(world.path("home/agent/.claude/CLAUDE.md"))
            try world.put("home/agent/.claude/CLAUDE.md", .file(text).later(by: 60))
            let repair = try world.cai("links", "repair", "--json")
            #expect(repair.code == 0, "\(repair)")
        }
        _ = try world.cai("init")
        try place("one")
        let first = try world.text(state.appending("baseline"))
        #expect(first.contains("claude/CLAUDE.md\t"), "\(first)")
        try place("three")
        #expect(try world.text(state.appending("baseline")) == first)
        let changes = try world.text(state.appending("baseline-changes"))
        #expect(changes.contains("claude/CLAUDE.md\t"), "\(changes)")
        #expect(try world.text("mnt/agent-data/claude/CLAUDE.md") == "three")
    }

    @Test(arguments: [0, 1, 10, 40, 100]) func `a journal cut in half is no obstacle; what it left is found`(
        _ length: Int
    ) throws {
        let world = try world()
        let run = "20261121T070000Z-sync"
        let record = journal(of: run)
        try world.put(state.appending("journal/\(run).json"), .file(String(record.prefix(length))))
        try world.put(FilePath("mnt/agent-data/editors/.cai-\(run)-0.swap"), "only copy")
        try world.put(FilePath("mnt/agent-data/editors/.cai-\(run)-0.part"), "half a co")
        let before = try world.snapshot()
        let preview = try world.cai("sync", "--dry-run", "--json")
        #expect(
            preview.json.findings.contains { $0.contains("an interrupted run will be finished first") }, "\(preview)")
        let sync = try world.cai("sync", "--json")
        #expect(sync.code == 0, "\(sync)")
        #expect(sync.json.findings.contains { $0.contains("was damaged; every known place was searched") }, "\(sync)")
        #expect(try world.displaced().values.contains("only copy"))
        #expect(try world.lost(since: before) == ["mnt/agent-data/editors/.cai-\(run)-0.part"])
        #expect(try Files.names(world.path(state.appending("journal"))) == [])
        #expect(try Files.names(world.path("mnt/agent-data/editors")) == ["vimrc"])
    }

    @Test func `a whole journal of an interrupted run is finished by a run that has nothing else to do`() throws {
        let world = try settledWorld()
        let run = "20261121T070000Z-links"
        try world.put(
            state.appending("journal/\(run).json"),
            .file(journal(of: run)))
        try world.put(FilePath("home/agent/.cai-\(run)-0.swap"), "the user's own")
        let repair = try world.cai("links", "repair", "--json")
        #expect(
            repair.code == 0 && repair.json.findings.contains { $0.contains("an interrupted run was finished") },
            "\(repair)")
        #expect(try world.displaced() == ["home/.vimrc": "the user's own"])
        let undo = try world.cai("undo", run)
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.text("home/agent/.vimrc") == "the user's own")
    }

    @Test func `a save that an interrupted run took from its place is stored, and the older one is displaced`() throws {
        let world = try settledWorld(["mnt/agent-data/editors/vimrc": .file("older save").later(by: -60)])
        let run = "20261121T070000Z-links"
        try world.put(state.appending("journal/\(run).json"), .file(journal(of: run)))
        try world.put(FilePath("home/agent/.cai-\(run)-0.swap"), "newest save")
        let repair = try world.cai("links", "repair")
        #expect(repair.code == 0, "\(repair)")
        #expect(try world.text("home/agent/.vimrc") == "newest save")
        #expect(try world.displaced() == ["volume/editors/vimrc": "older save"])
        #expect(!world.exists(FilePath("home/agent/.cai-\(run)-0.swap")))
        #expect(try Files.names(world.path(state.appending("journal"))) == [])
    }

    @Test func `a database that an interrupted run took from its place never replaces another one`() throws {
        let world = try settledWorld(["mnt/agent-data/editors/vimrc": .file("older save").later(by: -60)])
        let run = "20261121T070000Z-links"
        try world.put(state.appending("journal/\(run).json"), .file(journal(of: run)))
        try world.put(FilePath("home/agent/.cai-\(run)-0.swap"), "SQLite format 3\0 and pages")
        let repair = try world.cai("links", "repair")
        #expect(repair.code == 0, "\(repair)")
        #expect(try world.text("home/agent/.vimrc") == "older save")
        #expect(try world.displaced() == ["home/.vimrc": "SQLite format 3\0 and pages"])
    }

    @Test(arguments: ["", "two\n"]) func `a layout file that a loss of power tore is written anew`(
        _ text: String
    ) throws {
        let world = try World(singleLinkTree)
        #expect(try world.linked("init").code == 0)
        try world.put(state.appending("layout"), .file(text))
        #expect(try world.linked("init").code == 0)
        #expect(try world.text(state.appending("layout")) == "2\n")
        let before = try world.settledSnapshot()
        #expect(try world.linked("init").code == 0)
        for (name, snapshot) in try world.settledSnapshot() {
            #expect(snapshot.differences(from: try #require(before[name])) == [], "\(name)")
        }
    }

    @Test func `files of users that look like ours are not touched`() throws {
        let world = try World([
            "home/agent/.claude/plugins": [".cai-notes.part": "mine", "x.swap": "mine too"],
            "home/agent/.cai-mine.swap": "mine",
        ])
        let before = try world.snapshot()
        _ = try expectPromises(["sync"], on: world)
        #expect(try world.lost(since: before) == [])
    }

    @Test func `a clock that went back: runs keep their order and the newest is undone`() throws {
        let world = try world()
        try world.put(state.appending("displaced/29990101T000000Z-sync/home/.zshrc"), "from the future")
        let sync = try world.cai("sync", "--json")
        #expect(sync.code == 0 && sync.json["run"].text == "29990101T000001Z-sync", "\(sync)")
        let list = try world.cai("undo", "--list", "--json").json.array.map { $0["id"].text }
        #expect(list == ["29990101T000001Z-sync", "29990101T000000Z-sync"])
        #expect(try world.cai("undo").code == 0)
        #expect(try world.text("home/agent/.vimrc") == "volume")
    }

    @Test func `a stamp of the future and a stamp that is no time stop nothing`() throws {
        for text in ["2999-01-01T00:00:00Z\n", "yesterday", ""] {
            let world = try settledWorld()
            try world.put("mnt/agent-data/.containai-links-checked-at", .file(text))
            try world.remove("home/agent/.vimrc")
            #expect(try world.cai("links", "repair").code == 0)
            #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
        }
    }
}

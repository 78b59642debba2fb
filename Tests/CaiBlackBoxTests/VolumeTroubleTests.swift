import CaiTestSupport
import SystemPackage
import Testing

/// The jobs that change something.
let changingJobs = [["sync"], ["links", "repair"]]

@Suite struct `A volume that does not do as it should` {
    private func world() throws -> World {
        try World([
            "home/agent": [".vimrc": "live", ".claude/skills": ["a.md": "a", "b.md": "b"]],
            "mnt/agent-data/editors/vimrc": .file("volume").later(by: -60),
        ])
    }

    @Test(arguments: [["links", "check"], ["links", "repair"], ["sync"], ["undo"], ["undo", "--list"]])
    func `a missing volume is one sentence with the next step`(_ arguments: [String]) throws {
        let world = try world()
        try world.remove("mnt/agent-data")
        let before = try world.snapshot()
        let run = try world.cai(arguments)
        #expect(run.code == 1 && run.output.isEmpty, "\(run)")
        #expect(run.errors.hasPrefix("[ERROR] /mnt/agent-data: the volume is not there\n"), "\(run)")
        #expect(run.errors.contains("docker run -v"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: changingJobs) func `a volume that is a file is an error`(_ arguments: [String]) throws {
        let world = try world()
        try world.put("mnt/agent-data", "a file")
        let before = try world.snapshot()
        let run = try world.cai(arguments)
        #expect(run.code == 1 && run.errors.contains("/mnt/agent-data"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: changingJobs) func `a missing home is one sentence`(_ arguments: [String]) throws {
        let world = try world()
        try world.remove("home/agent")
        let run = try world.cai(arguments)
        #expect(run.code == 1 && run.errors.contains("/home/agent: the home directory is not there"), "\(run)")
    }

    @Test(.rootOnly, .needs("unshare"), arguments: changingJobs)
    func `on a read-only volume everything stays and the reason is told once`(_ arguments: [String]) throws {
        let world = try world()
        let before = try world.snapshot()
        let wrapper = inMountNamespace(
            "mount --bind '\(world.volume)' '\(world.volume)'; mount -o remount,bind,ro '\(world.volume)'")
        let run = try world.cai(arguments, wrapper: wrapper)
        #expect(run.code == 1 && run.errors.lowercased().contains("read-only file system"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
        let again = try world.cai(arguments)
        #expect(again.code == 0 || again.code == 1, "\(again)")
        #expect(try world.lost(since: before) == [])
    }

    @Test(.rootOnly, .needs("unshare"), arguments: changingJobs)
    func `on a full volume nothing is lost, and the next run with room finishes`(_ arguments: [String]) throws {
        let world = try World([
            "home/agent": [
                ".claude/skills": ["big.md": .file(String(repeating: "x", count: 300_000)), "a.md": "a"], ".vimrc": "v",
            ]
        ])
        let before = try world.snapshot()
        let other = try World()
        let copyBack = "cp -a '\(world.volume)'/. '\(other.volume)'/"
        let wrapper = inMountNamespace(
            """
            mount -t tmpfs -o size=200k,mode=755,uid=1000,gid=1000 tmpfs '\(world.volume)'
            "$@" || code=$?; \(copyBack); exit ${code:-0}
            """)
        let run = try world.cai(arguments, wrapper: wrapper)
        #expect(run.code == 1 && run.errors.lowercased().contains("no space left"), "\(run)")
        let left = try world.snapshot()
        #expect(
            left.facts["home/agent/.claude/skills/big.md"]?.digest
                == before.facts["home/agent/.claude/skills/big.md"]?.digest)
        let parts = try Snapshot(of: other.volume).facts.keys.filter { $0.string.contains(".cai-") }
        #expect(parts.isEmpty, "what was begun is taken back: \(parts)")
        #expect(try world.cai(["links", "repair"]).code == 0)
        #expect(try world.cai(arguments).code == 0)
        #expect(try world.text("home/agent/.claude/skills/a.md") == "a")
    }

    @Test(.rootOnly, .needs("setpriv"), arguments: changingJobs)
    func `a volume of somebody else, as the agent: exit 77 or 1, a next step, nothing lost`(_ arguments: [String])
        throws
    {
        let world = try world()
        try world.put("mnt/agent-data", Item(dictionaryLiteral: ("x", Item("y").owned(by: 0))).owned(by: 0))
        let before = try world.snapshot()
        let run = try world.cai(arguments, wrapper: asAgent)
        #expect(run.code == 77 && run.errors.contains("docker exec -u root CONTAINER chown -R 1000:1000"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(.rootOnly, arguments: changingJobs)
    func `a volume of somebody else, as root: nothing is done with root's rights`(_ arguments: [String]) throws {
        let world = try world()
        try world.put("mnt/agent-data", Item(dictionaryLiteral: ("x", Item("y").owned(by: 0))).owned(by: 0))
        let before = try world.snapshot()
        let run = try world.cai(arguments)
        #expect(run.code == 77 && run.errors.contains("give it to the agent: chown -R 1000:1000"), "\(run)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(.rootOnly, .needs("setpriv"), arguments: changingJobs)
    func `the agent without any privilege does everything root does`(_ arguments: [String]) throws {
        let mine = try world()
        let roots = try world()
        let run = try expectPromises(arguments, on: mine, wrapper: asAgent)
        #expect(run.code == 0, "\(run)")
        #expect(try roots.cai(arguments).code == 0)
        let ignored: (FilePath) -> Bool = { $0.string.contains(".containai") }
        let asAgent = try mine.snapshot().facts.filter { !ignored($0.key) }
        let asRoot = try roots.snapshot().facts.filter { !ignored($0.key) }
        #expect(Set(asAgent.keys) == Set(asRoot.keys))
        for (path, fact) in asAgent {
            #expect(
                fact.mode == asRoot[path]?.mode && fact.uid == asRoot[path]?.uid && fact.digest == asRoot[path]?.digest,
                "\(path)")
        }
    }

    @Test(.rootOnly) func `everything that root makes in home and volume belongs to the agent`() throws {
        let world = try world()
        _ = try world.cai("sync")
        _ = try world.cai("links", "repair")
        for (path, fact) in try world.snapshot().facts
        where path.starts(with: "home/agent") || path.starts(with: "mnt/agent-data") {
            #expect(fact.uid == World.agent && fact.gid == World.agent, "\(path) belongs to \(fact.uid):\(fact.gid)")
        }
    }

    @Test(arguments: ["077", "000", "022"], changingJobs)
    func `the mask of the caller has no say in modes`(_ mask: String, _ arguments: [String]) throws {
        let world = try world()
        try world.put("home/agent/.codex/auth.json", .file("{1}").mode(0o644))
        let run = try expectPromises(arguments, on: world, wrapper: withUmask(mask))
        #expect(run.code == 0, "\(run)")
        #expect(try world.mode("mnt/agent-data/codex/auth.json") == 0o600)
        #expect(try world.mode("mnt/agent-data/codex") == 0o700)
        #expect(try world.mode("mnt/agent-data/.containai") == 0o700)
        #expect(try world.mode("mnt/agent-data/claude/skills") == 0o755)
        #expect(try world.mode("mnt/agent-data/claude/skills/a.md") == 0o644)
    }
}

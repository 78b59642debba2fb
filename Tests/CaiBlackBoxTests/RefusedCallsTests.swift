import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A row of the table: one command on one machine.
struct RefusedErrand: Sendable, CustomTestStringConvertible {
    let refusal: Refusal
    let errand: Errand
    var testDescription: String { "\(errand.rawValue): \(refusal.testDescription)" }

    /// The rows that run: a representative part, and all of them with CAI_THOROUGH.
    static let all = refusals.filter { $0.isMet && ($0.isUsual || getenv("CAI_THOROUGH") != nil) }
        .flatMap { refusal in Errand.allCases.map { RefusedErrand(refusal: refusal, errand: $0) } }
}

@Suite(.rootOnly, .needs("curl"), .needs("tar"), .serialized)
struct `A system call that a sandbox or a file system refuses` {
    @Test(arguments: RefusedErrand.all)
    func `costs at most what cannot be had without it, and no data`(row: RefusedErrand) throws {
        let world = try World.refusing()
        switch row.errand {
        case .initialize: try initialize(world, row)
        case .sync: try sync(world, row)
        case .repair: try repair(world, row)
        case .importing: try importHost(world, row)
        case .export: try export(world, row)
        case .users: try addUser(world, row)
        case .serve: try serve(world, row)
        }
    }

    private func initialize(_ world: World, _ row: RefusedErrand) throws {
        let run = try cai(world, row, "init")
        try expectKept(world, run)
        #expect(world.link("/home/agent/.claude.json") != nil && world.link("/home/agent/.codex") != nil, "\(run)")
        let before = try Snapshot(of: world.volume.appending("claude"))
        let second = try cai(world, row, "init")
        try expectKept(world, second)
        #expect(try Snapshot(of: world.volume.appending("claude")).differences(from: before) == [], "\(second)")
    }

    private func sync(_ world: World, _ row: RefusedErrand) throws {
        let run = try cai(world, row, "sync")
        try expectKept(world, run)
        let second = try cai(world, row, "sync")
        #expect(second.everything.contains("0 paths synced"), "\(second)")
    }

    private func repair(_ world: World, _ row: RefusedErrand) throws {
        #expect(try world.cai("init", environment: Command.linkedAgents).code == 0)
        try world.remove("/home/agent/.codex")
        let login = Item.file("codex login, again").mode(0o600)
        try world.put("/home/agent/.codex", ["auth.json": login.later(by: 10)])
        try world.saveByRename("/home/agent/.claude.json", #"{"login":2}"#)
        let run = try cai(world, row, "links", "repair")
        #expect(try world.text("/mnt/agent-data/claude/claude.json") == #"{"login":2}"#, "\(run)")
        #expect(try world.text("/home/agent/.codex/auth.json") == "codex login, again", "\(run)")
        #expect(world.link("/home/agent/.claude.json") != nil && world.link("/home/agent/.codex") != nil, "\(run)")
        #expect(try world.leftovers() == [], "\(run)")
    }

    private func importHost(_ world: World, _ row: RefusedErrand) throws {
        // A home without anything of its own: what an agent saved there would win over the import.
        for path in ["/home/agent/.claude.json", "/home/agent/.codex", "/home/agent/.config"] as [FilePath] {
            try world.remove(path)
        }
        let run = try cai(world, row, "import", "--from", world.path("/host").string)
        #expect(try world.text("/mnt/agent-data/claude/claude.json") == #"{"host":1}"#, "\(run)")
        #expect(try world.text("/mnt/agent-data/codex/auth.json") == "host login", "\(run)")
        try world.put("/host/.claude.json", .file(#"{"host":2}"#).mode(0o600).later(by: 10).owned(by: World.agent))
        let second = try cai(world, row, "import", "--from", world.path("/host").string)
        #expect(try world.text("/mnt/agent-data/claude/claude.json") == #"{"host":2}"#, "\(second)")
        #expect(try world.leftovers() == [], "\(second)")
    }

    private func export(_ world: World, _ row: RefusedErrand) throws {
        #expect(try world.cai("init", environment: Command.linkedAgents).code == 0)
        let archive = world.path("/out/x.tgz")
        try world.put("/out", [:])
        let run = try cai(world, row, "export", "-o", archive.string)
        let list = try Command.run(["tar", "-tzf", archive.string])
        #expect(list.code == 0 && list.output.contains("claude/claude.json"), "\(run)\n\(list)")
        #expect(try Files.names(world.path("/out")) == ["x.tgz"], "\(run)")
    }

    private func addUser(_ world: World, _ row: RefusedErrand) throws {
        let run = try cai(world, row, "users", "add", "alice", "--hash-file", world.path("/in/hash").string)
        for file in ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"] as [FilePath] {
            #expect(try world.text(file).contains("alice:"), "\(file): \(run)")
        }
        let homes = try Files.names(world.path("/home")).filter { !["agent", "opencoder"].contains($0) }
        #expect(homes.allSatisfy { $0 == "alice" }, "\(homes)")
        #expect(try !Files.names(world.path("/etc")).contains { $0.string.hasSuffix(".cai") }, "\(run)")
    }

    private func serve(_ world: World, _ row: RefusedErrand) throws {
        #expect(try world.cai("init", environment: Command.linkedAgents).code == 0)
        let service = try Service(
            world, environment: Command.linkedAgents.merging(["CAI_LINK_SCAN_SECONDS": "1"]) { $1 },
            wrapper: row.refusal.wrapper
        ).ready()
        let sentence = row.refusal.sentences[.serve]
        if sentence != "no request is answered" {
            let answer = try world.ask("/v1/health")
            #expect(["200", "503"].contains(answer.status), "\(answer.run)")
        }
        try world.save("/home/agent/.claude.json", #"{"login":3}"#)
        let end = ContinuousClock.now + .seconds(30)
        while world.link("/home/agent/.claude.json") == nil, ContinuousClock.now < end { sched_yield() }
        #expect(world.link("/home/agent/.claude.json") != nil)
        #expect(try world.text("/mnt/agent-data/claude/claude.json") == #"{"login":3}"#)
        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest()
        if let sentence { #expect(log.contains(sentence), "\(log)") }
        #expect(!log.contains("run as root once"), "\(log)")
        #expect(try world.leftovers() == [], "\(log)")
    }

    // MARK: what holds for every command

    /// Runs a command on the machine of a row. It must come to its end, and say the sentence of the row, if there is one.
    private func cai(_ world: World, _ row: RefusedErrand, _ words: String...) throws -> Finished {
        let run = try world.cai(words, environment: Command.linkedAgents, wrapper: row.refusal.wrapper)
        #expect(run.code == 0 && !run.hung, "\(run)")
        if let sentence = row.refusal.sentences[row.errand] { #expect(run.everything.contains(sentence), "\(run)") }
        #expect(!run.everything.contains("run as root once"), "\(run)")
        return run
    }

    /// The agent's files are on the volume, byte for byte, and nothing else is left.
    private func expectKept(_ world: World, _ run: Finished) throws {
        #expect(try world.text("/mnt/agent-data/claude/claude.json") == #"{"login":1}"#, "\(run)")
        #expect(try world.text("/mnt/agent-data/codex/auth.json") == "codex login", "\(run)")
        #expect(try world.text("/mnt/agent-data/codex/sessions/s") == "talk", "\(run)")
        #expect(try world.text("/home/agent/.config/gh/hosts.yml") == "gh login", "\(run)")
        #expect(try world.leftovers() == [], "\(run)")
    }
}

@Suite(.rootOnly) struct `An entrypoint in a sandbox` {
    private let world: World

    init() throws {
        world = try World([
            "/home/agent/startup.d/hook.sh": script("echo the hook has run >&2").owned(by: 0),
            "/home/agent/.claude.json": "{}",
        ])
    }

    @Test(arguments: [
        ["memfd_create=ENOSYS"], ["memfd_create=EPERM", "openat/2/0x400000=EOPNOTSUPP"], ["pidfd_open=EPERM"],
        ["close_range=EPERM", "openat2=EPERM"],
    ])
    func `boots before its command, and shows no option of its own`(rules: [String]) throws {
        let run = try world.boot(
            "--", "sh", "-c", "readlink /home/agent/.claude.json; env",
            setup: "printf 'A=from-the-volume\\n' > /mnt/agent-data/.env",
            before: [probe, "refuse"] + rules + ["--"])
        #expect(run.code == 0 && run.output.hasPrefix("/mnt/agent-data/"), "\(run)")
        #expect(run.output.contains("A=from-the-volume") && run.errors.contains("the hook has run"), "\(run)")
        #expect(!run.everything.contains("launch-plan") && !run.everything.contains("Usage"), "\(run)")
    }

    @Test(.needs("setpriv")) func `without the right to give files away, guards links and answers the agent`() throws {
        let command =
            "until [ -S /run/containai/agent.sock ]; do :; done; "
            + "echo '{\"login\":1}' > /home/agent/t; mv /home/agent/t /home/agent/.claude.json; "
            + "until [ -L /home/agent/.claude.json ]; do :; done; stat -c '%a %u:%g' /run/containai/agent.sock"
        let run = try world.boot(
            "--", "sh", "-c", command, variables: ["CAI_AGENT_SERVICE=1"],
            before: ["setpriv", "--bounding-set=-all,+setuid,+setgid", "--inh-caps=-all", "--nnp"])
        #expect(run.code == 0 && run.output.contains("660 0:1000"), "\(run)")
        #expect(!run.errors.contains("started again") && !run.errors.contains("run as root once"), "\(run)")
    }
}

@Suite(.rootOnly) struct `A service without a place for its socket` {
    @Test func `guards links all the same, and says what to mount`() throws {
        let world = try World(["run": [:], "home/agent/.claude.json": "{}"])
        #expect(try world.cai("init").code == 0)
        try world.remove("/run")
        try world.put("/run", "no directory")
        try world.put("/tmp", "no directory")
        let service = try Service(world).ready()
        try world.save("/home/agent/.claude.json", #"{"login":3}"#)
        let end = ContinuousClock.now + .seconds(30)
        while world.link("/home/agent/.claude.json") == nil, ContinuousClock.now < end { sched_yield() }
        #expect(try world.text("/mnt/agent-data/claude/claude.json") == #"{"login":3}"#)
        service.program.signal(SIGHUP)
        #expect(try service.told().contains("RELOADING=1"))
        #expect(try service.told().contains("READY=1"))
        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest()
        #expect(log.contains("no request is answered") && log.contains("mount a tmpfs"), "\(log)")
    }
}

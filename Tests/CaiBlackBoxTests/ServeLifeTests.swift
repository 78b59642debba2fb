import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.needs("curl")) struct `The life of cai serve` {
    @Test func `is told to its service manager, reloads included`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world)
        #expect(try service.told() == "READY=1\nSTATUS=Answering on \(world.agentSocket)")
        let link: FilePath = "home/agent/.claude/settings.json"
        try Files.remove(world.path(link))
        try world.put(
            "/mnt/agent-data/containai/manifests/mine.toml",
            "[[entries]]\nsource = \".mine\"\ntarget = \"mine\"\ncontainer_link = \".mine\"\nflags = \"f\"\n")
        let record = try world.text("run/containai/boot.json")
        service.program.signal(SIGHUP)
        let lines = try service.told().split(separator: "\n")
        #expect(lines.first == "RELOADING=1" && lines[1].hasPrefix("MONOTONIC_USEC="), "\(lines)")
        let now = UInt64(lines[1].dropFirst("MONOTONIC_USEC=".count)) ?? 0
        var clock = timespec()
        clock_gettime(CLOCK_MONOTONIC, &clock)
        #expect(now > 0 && now / 1_000_000 <= UInt64(clock.tv_sec))
        #expect(try service.told().hasPrefix("READY=1\nSTATUS="))
        #expect(world.link(link) == "/mnt/agent-data/claude/settings.json")
        #expect(world.link("home/agent/.mine") == "/mnt/agent-data/mine")
        #expect(try world.text("run/containai/boot.json") == record)
        service.program.signal(SIGTERM)
        #expect(try service.told().hasPrefix("STOPPING=1"))
        #expect(try service.program.end() == .exited(0))
    }

    @Test(.rootOnly, arguments: [(1000, 0o755, true), (0, 0o777, true), (0, 0o1777, false), (0, 0o755, false)])
    func `a directory in which others can replace the socket is named`(
        _ owner: UInt32, _ mode: UInt16, _ isNamed: Bool
    ) throws {
        let world = try World(["outside": ([:] as Item).mode(mode).owned(by: owner)])
        let service = try Service(world, "--socket", "/outside/agent.sock").ready()
        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest() + service.program.rest()
        #expect(log.contains("who can replace agent.sock") == isNamed, "\(log)")
    }

    @Test(.rootOnly) func `writes as the owner of the agent's files, and never through a link that the agent plants`()
        throws
    {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        service.program.signal(SIGHUP)
        try service.ready()
        for (path, fact) in try Snapshot(of: world.home).facts { #expect(fact.uid == World.agent, "\(path)") }
        #expect(try service.stop() == .exited(0))
    }

    @Test func `keeps links meanwhile: what is saved over one is adopted`() throws {
        let world = try settledWorld(["run": [:]])
        let service = try Service(world).ready()
        try service.program.said("watching")
        try world.save("home/agent/.vimrc", "set number\n")
        try service.program.said("adopted")
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "set number\n")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `leaves links alone when told to`() throws {
        let world = try settledWorld(["run": [:], "etc/containai/agent.toml": "link_guard = false"])
        let service = try Service(world).ready()
        try world.save("home/agent/.claude.json", "{\"saved\": 1}")
        #expect(try world.ask("/v1/health").status == "503")
        #expect(try service.stop() == .exited(0))
        #expect(world.link("home/agent/.claude.json") == nil)
    }

    @Test func `goes on without a volume, and says what is wrong`() throws {
        let world = try World(["run": [:]])
        try Files.remove(world.volume)
        let service = try Service(world).ready()
        #expect(try world.ask("/v1/health").status == "503")
        service.program.signal(SIGHUP)
        try service.ready()
        #expect(try service.stop() == .exited(0))
        #expect(try service.program.errorRest().contains("the volume is not there"))
    }

    @Test func `ends when requests that were begun are answered`() throws {
        let entries = (0..<300).map {
            "[[entries]]\nsource = \".f\($0)\"\ntarget = \"f\($0)\"\ncontainer_link = \".f\($0)\"\nflags = \"f\"\n"
        }
        let world = try World([
            "run": [:], "mnt/agent-data/containai/manifests/many.toml": .file(entries.joined(separator: "\n")),
        ])
        let service = try Service(world).ready()
        let begun = try Running(
            ["curl", "--silent", "--unix-socket", world.agentSocket.string, "--write-out", "%{stderr}%{http_code}\n"]
                + ["--output", "/dev/null", "--verbose", "http://cai/v1/health"])
        // curl has sent its request when it says so; what was sent before another one is read before that.
        while try begun.errorLine()?.hasPrefix("> GET") == false {}
        #expect(try world.ask("/nonsense").status == "404")
        #expect(try service.stop() == .exited(0))
        #expect(try begun.end() == .exited(0))
        #expect(try begun.errorRest().hasSuffix("503\n"))
    }

    @Test func `lets nobody knock in vain while it finishes what was begun`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let begun = try Running([
            "sh", "-c",
            "sleep 1000 | curl --silent --unix-socket '\(world.agentSocket)' --request POST -T - http://cai/v1/import",
        ])
        while try world.ask("/v1/status").body["running"] == .object([:]) {}
        service.program.signal(SIGTERM)
        #expect(try service.told().hasPrefix("STOPPING=1"))
        #expect(!Files.exists(world.agentSocket))
        #expect(try world.ask("/v1/status").status == "000")
        #expect(try service.program.end() == .exited(0))
        withExtendedLifetime(begun) {}
    }

    @Test func `ends although somebody stays connected`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        let idle = try Running([
            "sh", "-c",
            "exec 3<>/dev/null; sleep 1000 | curl --silent --unix-socket '\(world.agentSocket)' -T - http://cai/v1/health",
        ])
        #expect(try world.ask("/v1/health").status == "503")
        #expect(try service.stop() == .exited(0))
        withExtendedLifetime(idle) {}
    }

    @Test func `has signs for the watchdog twice as often as it wants them`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world, environment: ["WATCHDOG_USEC": "200000"])
        var signs = 0
        let start = ContinuousClock.now
        while signs < 11 { if try service.told() == "WATCHDOG=1" { signs += 1 } }
        let time = ContinuousClock.now - start
        #expect(time > .milliseconds(900), "\(time)")
    }

    @Test func `has none for somebody else's watchdog`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world, environment: ["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"])
        #expect(try service.told().hasPrefix("READY=1"))
        #expect(try world.ask("/v1/health").status == "503")
        service.program.signal(SIGTERM)
        #expect(try service.told().hasPrefix("STOPPING=1"))
    }

    @Test func `goes on when nobody reads its log`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        service.program.closeErrors()
        for _ in 0..<3 {
            service.program.signal(SIGHUP)
            try service.ready()
        }
        #expect(try world.ask("/v1/health").status == "503")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `begins with a broken setting, which is told`() throws {
        let world = try World(["run": [:], "etc/containai/agent.toml": "nonsense = [\n"])
        let service = try Service(world).ready()
        #expect(try service.stop() == .exited(0))
        #expect(try service.program.errorRest().contains("[ERROR] /etc/containai/agent.toml:"))
    }
}

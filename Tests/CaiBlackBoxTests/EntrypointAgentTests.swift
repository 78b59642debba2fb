import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let withAgent = "CAI_AGENT_SERVICE=1"

extension World {
    /// The words of an entrypoint whose agent service runs.
    fileprivate func startWithAgent(_ words: String..., variables: [String] = []) throws -> Running {
        let all = try entrypoint(words, variables: variables)
        return try Running(all.map { $0 == "CAI_AGENT_SERVICE=0" ? withAgent : $0 })
    }

    /// Waits until process 1 tells this of a service.
    fileprivate func awaitState(_ text: String) throws {
        while !(try exists("run/containai/services.json") && self.text("run/containai/services.json").contains(text)) {}
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The agent service of cai entrypoint` {
    @Test func `runs beside the command, as root, which does not wait for it`() throws {
        let world = try World()
        let program = try world.startWithAgent("sh", "-c", "echo ready; read line; exit 3")
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        try world.awaitState(#""name":"agent","state":"running","ready":true"#)
        let agent = try #require(try program.child("serve", of: init1))
        #expect(try program.status("Uid", of: agent)?.hasPrefix("0 0") == true)
        program.write("\n")
        #expect(try program.end() == .exited(3))
    }

    @Test(arguments: [["--no-agent"], []]) func `can be switched off`(flags: [String]) throws {
        let world = try World()
        let declared = flags.isEmpty ? try world.declare("agent_service = false\n") : []
        var words = try world.entrypoint(flags + ["sh", "-c", "ps -eo args"], variables: declared)
        words.removeAll { $0 == "CAI_AGENT_SERVICE=0" }
        let run = try Command.run(words)
        #expect(run.code == 0 && !run.output.contains("cai serve") && !run.output.contains("cai relay"), "\(run)")
    }

    @Test func `may be killed a hundred times under load`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.noise]\ncommand = 'while :; do /bin/true; echo x; done'\n")
        let program = try world.startWithAgent(
            "sh", "-c",
            """
            while :; do /bin/true; done & echo ready; read line
            kill $!; wait; until ! ps -eo stat= | grep -q ^Z; do :; done; echo none; read line; exit 7
            """, variables: declared)
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        try world.awaitState(#""name":"agent","state":"running","ready":true"#)
        // It goes there when the command has been started.
        while try Files.linkText(FilePath("/proc/\(init1)/cwd")) != "/" {}
        let before = try Files.names(FilePath("/proc/\(init1)/fd")).count
        for number in 0..<100 {
            try world.awaitState(
                "\"name\":\"agent\",\"state\":\"running\",\"ready\":true,\"essential\":false,\"restarts\":\(number)")
            let agent = try #require(try program.child("serve", of: init1))
            kill(agent, SIGKILL)
        }
        try world.awaitState(#""name":"agent","state":"running","ready":true,"essential":false,"restarts":100"#)
        // While one is being started there are a few more.
        while try Files.names(FilePath("/proc/\(init1)/fd")).count > before {}
        #expect(try program.status("Threads", of: init1) == "1")
        program.write("\n")
        #expect(try program.line() == "none")
        program.write("\n")
        #expect(try program.end() == .exited(7))
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `cai entrypoint with services while the command runs` {
    @Test func `takes over on SIGHUP what was declared since, and leaves the rest alone`() throws {
        let world = try World(["mnt/agent-data/.env": Item("WORD=kept\n").mode(0o600)])
        let note = { (name: String) in "echo \(name) $WORD >> /home/agent/order; exec sleep 1000" }
        let declared = try world.declare(
            "[service.same]\ncommand = '\(note("same"))'\n[service.gone]\ncommand = '\(note("gone"))'\n[service.other]\ncommand = '\(note("old"))'\n"
        )
        let program = try world.start("-v", "sh", "-c", "echo ready; read line; exit 2", variables: declared)
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        try world.awaitState(#""name":"other","state":"running""#)
        _ = try world.declare(
            "[service.same]\ncommand = '\(note("same"))'\n[service.other]\ncommand = '\(note("new"))'\n[service.added]\ncommand = '\(note("added"))'\n"
        )
        kill(init1, SIGHUP)
        try program.said("repair ended with 0")
        try world.awaitState(
            #"{"name":"other","state":"running","ready":true,"essential":false,"restarts":0},{"name":"added","state":"running","#
        )
        while try Set(
            world.text("home/agent/order").split(separator: "\n").compactMap { $0.split(separator: " ").first })
            != ["same", "gone", "old", "new", "added"]
        {}
        #expect(try world.text("home/agent/order").split(separator: "\n").filter { $0.hasPrefix("same") }.count == 1)
        #expect(try world.text("home/agent/order").split(separator: "\n").allSatisfy { $0.hasSuffix(" kept") })
        #expect(try !world.text("run/containai/services.json").contains("gone"))
        program.write("\n")
        #expect(try program.end() == .exited(2))
    }

    @Test func `tells cai health of them`() throws {
        let world = try World()
        let declared = try world.declare(
            """
            [service.good]
            command = ["sleep", "1000"]
            essential = true
            [service.bad]
            command = ["false"]
            restart_delay = 1000
            """)
        let run = try world.boot(
            "sh", "-c",
            "until grep -q pausing /run/containai/services.json; do sleep 0.01; done; /run/cai health --json",
            variables: declared)
        let services = run.json["checks"].array.first { $0["name"].text == "services" }
        #expect(services?["outcome"].text == "degraded", "\(run)")
        #expect(services?["sentence"].text == "1 of 2 services are well, bad is pausing, ended with 1", "\(run)")
        #expect(run.json["services"].array.map { $0["name"].text } == ["good", "bad"])
        let failing = try world.boot(
            "sh", "-c", "until grep -q pausing /run/containai/services.json; do sleep 0.01; done; /run/cai health",
            variables: try world.declare("[service.bad]\ncommand = ['false']\nrestart_delay = 1000\nessential = true\n")
        )
        #expect(
            failing.code == 1 && failing.output.contains("[FAILED] services: 0 of 1 services are well"), "\(failing)")
    }

    @Test func `tells that it can tell nobody where nothing can be written`() throws {
        let world = try World()
        let declared = try world.declare("[service.a]\ncommand = ['sleep', '1000']\nessential = true\n")
        let run = try world.boot(
            "/run/cai", "health", variables: declared,
            setup: "mount -o remount,bind,ro /run; mount -o remount,bind,ro /home; mount -t tmpfs -o ro tmpfs /tmp")
        let sentence = "[DEGRADED] services: nothing can be written where the services are told of"
        #expect(run.output.contains(sentence), "\(run)")
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The services of cai entrypoint where little is allowed` {
    private let services = """
        [service.a]
        command = 'id -u; exec \(probe) notify READY=1'
        ready = "notify"
        essential = true
        """

    @Test(arguments: [[], asAgent]) func `run on a read-only root`(before: [String]) throws {
        let world = try World()
        let declared = try world.declare(services)
        let run = try world.boot(
            "sh", "-c", "touch /written 2>/dev/null || id -u; exit 7", variables: declared,
            setup: "mount -o remount,bind,ro /run; mount -o remount,bind,ro /; mount -o remount,bind,ro /home",
            before: before)
        #expect(run.code == 7 && run.output == "1000\n" && run.errors.contains("[a] 1000"), "\(run)")
    }

    @Test func `run without privileges as who runs this, and as nobody else`() throws {
        let world = try World()
        let declared = try world.declare(
            services + "\n[service.b]\ncommand = ['true']\nuser = 'root'\nmax_restarts = 0\n")
        let run = try world.boot("id", "-u", variables: declared, before: asAgent)
        #expect(run.code == 0 && run.output == "1000\n" && run.errors.contains("[a] 1000"), "\(run)")
        #expect(run.errors.contains("service b: root: cannot become this user"), "\(run)")
    }

    @Test func `run without /proc and /dev`() throws {
        let world = try smallRoot([
            "etc/containai/agent.toml": .file(
                "[service.a]\ncommand = ['/busybox', 'sh', '-c', '/busybox id -u >&2; echo >&$CAI_READY_FD; exec /busybox sleep 1000']\nready = 'fd'\nessential = true\n"
            ).owned(by: 0)
        ])
        let run = try Command.run(
            first(world) + ["/cai", "entrypoint", "/busybox", "sh", "-c", "/busybox id -u; exit 7"])
        #expect(run.code == 7 && run.output == "1000\n" && run.errors.contains("[a] 1000"), "\(run)")
    }
}

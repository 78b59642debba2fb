import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.needs("curl")) struct `cai serve answers` {
    @Test func `with the health of the container`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let good = try world.ask("/v1/health")
        #expect(good.status == "200" && good.body["status"].text == "healthy", "\(good.run)")
        try Files.remove(world.home.appending(".claude/settings.json"))
        let bad = try world.ask("/v1/health")
        #expect(bad.status == "503" && bad.body["status"].text == "unhealthy", "\(bad.run)")
        #expect(bad.body == (try world.cai("health", "--json").json))
        #expect(try service.stop() == .exited(0))
    }

    @Test func `errors as JSON`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        for (path, method, status, code) in [
            ("/", "GET", "404", "not_found"), ("/v1/nonsense?x=1", "GET", "404", "not_found"),
            ("/v1/health/more", "GET", "404", "not_found"), ("/nonsense", "DELETE", "404", "not_found"),
            ("/v1/health", "POST", "405", "method_not_allowed"), ("/v1/health", "DELETE", "405", "method_not_allowed"),
        ] {
            let answer = try world.ask(path, "--request", method)
            #expect(answer.status == status && answer.body["error"]["code"].text == code, "\(method) \(path) \(answer)")
            #expect(answer.body["error"]["message"].text != nil)
        }
        let head = try world.ask("/v1/health", "--head")
        #expect(head.run.output.contains("Content-Type: application/json"), "\(head.run)")
        #expect(try world.ask("/v1/health", "--request", "DELETE", "--include").run.output.contains("Allow: GET, HEAD"))
        withExtendedLifetime(service) {}
    }

    @Test func `many at once, each with what is to be seen then`() throws {
        let world = try World(["run": [:]])
        #expect(try world.cai("init").code == 0)
        let service = try Service(world).ready()
        let run = try Command.run([
            "sh", "-c",
            """
            for i in $(seq 100); do curl --silent --fail --output /dev/null --unix-socket "$0" http://cai/v1/health & done
            for job in $(jobs -p); do wait $job || echo failed; done
            """, world.agentSocket.string,
        ])
        #expect(run.code == 0 && run.output.isEmpty, "\(run)")
        // It waits for signals, serves, works and guards links.
        #expect(try service.program.status("Threads", of: service.program.process) == "4")
    }

    @Test func `requests that are none, and goes on`() throws {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        let long = String(repeating: "a", count: 100_000)
        let answer = try world.ask("/v1/health", "--header", "X-Long: \(long)")
        #expect(answer.status != "200", "\(answer.run)")
        #expect(try world.ask("/v1/health").status == "503")
        #expect(try service.stop() == .exited(0))
    }
}

@Suite(.rootOnly, .needs("curl"), .needs("setpriv")) struct `Who may use the agent socket` {
    @Test(arguments: ["000", "022", "077"])
    func `is kept by modes, whatever the umask is`(umask: String) throws {
        let world = try World(["run": [:]])
        let service = try Service(world, wrapper: withUmask(umask)).ready()
        #expect(try world.mode("run/containai") == 0o750)
        #expect(try world.mode("run/containai/agent.sock") == 0o660)
        for path in ["run/containai", "run/containai/agent.sock"] as [FilePath] {
            let status = try #require(try Files.status(world.path(path)))
            #expect(status.st_uid == 0 && status.st_gid == World.agent)
        }
        #expect(try world.ask("/v1/health", wrapper: asUser(1000)).status == "503")
        #expect(try world.ask("/v1/health", wrapper: asUser(1234, group: 1234)).run.code == 7)
        withExtendedLifetime(service) {}
    }

    @Test func `is asked of the kernel: others are refused, and the log says whom, and nothing that they sent`() throws
    {
        let world = try World(["run": [:]])
        let service = try Service(world).ready()
        let refused = try world.ask("/v1/sesame?key=sesame", "--header", "X-Key: sesame", wrapper: asUser(1234))
        #expect(refused.status == "403" && refused.body["error"]["code"].text == "forbidden", "\(refused.run)")
        #expect(!refused.run.output.contains("sesame"))
        #expect(try world.ask("/v1/health").status == "503")
        #expect(try service.stop() == .exited(0))
        let log = try service.program.errorRest()
        #expect(log.contains("[WARN] refused a request of user 1234\n") && !log.contains("sesame"), "\(log)")
    }

    @Test func `can be more, also from a reload on, and for those who are connected`() throws {
        let world = try World(["run": [:], "etc/containai/agent.toml": "socket_uids = [1234]\n"])
        let service = try Service(world).ready()
        #expect(try world.ask("/v1/health", wrapper: asUser(1234)).status == "503")
        #expect(try world.ask("/v1/health", wrapper: asUser(1235)).status == "403")
        try world.put("etc/containai/agent.toml", "socket_uids = [\"1235\"]\n")
        service.program.signal(SIGHUP)
        try service.ready()
        #expect(try world.ask("/v1/health", wrapper: asUser(1234)).status == "403")
        #expect(try world.ask("/v1/health", wrapper: asUser(1235)).status == "503")
    }

    @Test(arguments: ["[-1]", "[4294967295]", "[\"root\"]", "\"1\"", "[1.5]"])
    func `is nobody more when the setting is wrong, which is told`(value: String) throws {
        let world = try World(["run": [:], "etc/containai/agent.toml": .file("socket_uids = \(value)\n")])
        let service = try Service(world).ready()
        #expect(try world.ask("/v1/health", wrapper: asUser(1)).status == "403")
        #expect(try service.stop() == .exited(0))
        #expect(try service.program.errorRest().contains("socket_uids must be a list of user ids"))
    }
}

@Suite(.needs("curl")) struct `The socket of cai serve` {
    @Test func `of a process that is gone is replaced`() throws {
        let world = try World(["run": [:]])
        let first = try Service(world).ready()
        first.program.signal(SIGKILL)
        #expect(try first.program.end() == .signalled(9))
        #expect(world.exists("run/containai/agent.sock"))
        let second = try Service(world).ready()
        #expect(try world.ask("/v1/health").status == "503")
        #expect(try second.stop() == .exited(0))
        #expect(!world.exists("run/containai/agent.sock"))
    }

    @Test func `on which somebody answers is left alone`() throws {
        let world = try World(["run": [:]])
        let first = try Service(world).ready()
        let second = try world.cai("serve")
        #expect(second.code == 75 && second.errors.contains("another process answers on this socket"), "\(second)")
        #expect(try world.ask("/v1/health").status == "503")
        withExtendedLifetime(first) {}
    }

    @Test(.needs("systemd-socket-activate")) func `of another program that answers is left alone`() throws {
        let world = try World(["run/containai": [:]])
        let path = world.agentSocket.string
        let server = try Running(["sh", "-c", "systemd-socket-activate --listen='\(path)' cat 2>/dev/null"])
        // Sockets on which somebody listens have this flag.
        let isListening = { (line: Substring) in line.hasSuffix(path) && line.contains(" 00010000 ") }
        while try !Files.text("/proc/net/unix").split(separator: "\n").contains(where: isListening) {}
        let run = try world.cai("serve")
        #expect(run.code == 75, "\(run)")
        withExtendedLifetime(server) {}
    }

    @Test(arguments: ["text", ["file": "text"], .link("/etc/passwd")] as [Item])
    func `does not replace what is none`(item: Item) throws {
        let world = try World(["run/containai/agent.sock": item])
        let before = try Snapshot(of: world.root.appending("run/containai"))
        let run = try world.cai("serve")
        #expect(run.code == 1 && run.errors.contains("is not a socket; it is left alone"), "\(run)")
        let after = try Snapshot(of: world.root.appending("run/containai"))
        for (path, fact) in before.facts where !path.isEmpty { #expect(after.facts[path] == fact, "\(path)") }
    }

    @Test func `may be elsewhere, in a directory that is there`() throws {
        let world = try World(["srv": [:]])
        let service = try Service(world, "--socket", "/srv/mine.sock").ready()
        #expect(try world.ask("/v1/health", at: world.path("srv/mine.sock")).status == "503")
        #expect(try world.mode("srv/mine.sock") == 0o660 && (try world.mode("srv")) != 0o750)
        #expect(try service.stop() == .exited(0))
        let run = try world.cai("serve", "--socket", "/no/where.sock")
        #expect(run.code == 1 && run.errors.contains("/no"), "\(run)")
    }

    @Test func `may have a path that is too long for an address`() throws {
        let name = String(repeating: "long", count: 30)
        let world = try World([:])
        try world.put(FilePath("srv/\(name)"), [:])
        let service = try Service(world, "--socket", "/srv/\(name)/mine.sock").ready()
        #expect(world.exists(FilePath("srv/\(name)/mine.sock")))
        #expect(try service.stop() == .exited(0))
    }

    @Test(.needs("systemd-socket-activate")) func `may be one that was passed`() throws {
        let world = try World(["run": [:], "srv": [:]])
        let socket = world.path("srv/passed.sock")
        let service = try Service(
            world, wrapper: ["systemd-socket-activate", "--fdname=agent", "--listen=\(socket)", "-E", "NOTIFY_SOCKET"])
        while !Files.exists(socket) {}
        #expect(try world.ask("/v1/health", at: socket).status == "503")
        try service.ready()
        #expect(!world.exists("run/containai"))
        #expect(try service.stop() == .exited(0))
        #expect(Files.exists(socket))
    }

    @Test(.rootOnly, .needs("unshare"), arguments: [true, false])
    func `is below the runtime directory, else below /tmp, where /run cannot be written`(hasSession: Bool) throws {
        let name = "@cai-fallback-\(UInt64.random(in: 0 ... .max))"
        let manager = try DatagramReceiver(at: name)
        let setup = "mount -t tmpfs -o mode=1777 tmpfs /tmp; mkdir -m 700 /tmp/session; chown 54321 /tmp/session"
        let session = hasSession ? ["env", "XDG_RUNTIME_DIR=/tmp/session"] : []
        let program = try Running(
            inMountNamespace(setup) + asUser(54321, group: 54321) + session + [Command.binary.string, "serve"],
            environment: ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "NOTIFY_SOCKET=\(name)"])
        let directory = hasSession ? "/tmp/session/containai" : "/tmp/containai-54321"
        #expect(try manager.next().text == "READY=1\nSTATUS=Answering on \(directory)/agent.sock")
        program.signal(SIGTERM)
        #expect(try program.end() == .exited(0))
    }
}

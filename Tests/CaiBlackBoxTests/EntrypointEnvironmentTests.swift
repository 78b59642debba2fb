import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A value longer than one variable of a program may be.
private let long = String(repeating: "sesame", count: 30_000)

@Suite(.rootOnly, .needs("unshare")) struct `Variables of .env for which no program has room` {
    @Test func `are named and left out, and everything else starts`() throws {
        let world = try World(["mnt/agent-data/.env": Item.file("SHORT=yes\nLONG=\(long)\nLAST=1\n").mode(0o600)])
        try world.add(["home/agent/startup.d/a.sh": script("echo hook $SHORT $LAST")])
        let declared = try world.declare(
            """
            [service.a]
            command = "env > /home/agent/a.env; touch /home/agent/ready; exec sleep 1000"
            ready = "exec:test -e /home/agent/ready"
            """)
        let run = try world.boot("sh", "-c", "echo $SHORT $LAST ${LONG-none}", variables: declared)
        #expect(run.code == 0 && run.output == "yes 1 none\n", "\(run)")
        #expect(run.errors.contains("hook yes 1"), "\(run)")
        #expect(run.errors.contains("LONG has 180006 bytes, and a variable at most 131072: it is not set"), "\(run)")
        #expect(!run.errors.contains("sesame"))
        let service = try world.text("home/agent/a.env")
        #expect(service.contains("SHORT=yes") && !service.contains("LONG="))
    }

    @Test func `are named and left out where only their sum is too much`() throws {
        let values = (0..<25).map { "LONG\($0)=\(String(repeating: "sesame", count: 15_000))\n" }.joined()
        let world = try World(["mnt/agent-data/.env": Item.file("SHORT=yes\n\(values)").mode(0o600)])
        let run = try world.boot("sh", "-c", "echo $SHORT ${LONG0+first} ${LONG24-none}")
        #expect(run.code == 0 && run.output == "yes first none\n", "\(run)")
        #expect(run.errors.contains("LONG24"), "\(run)")
        #expect(!run.errors.contains("sesame"))
    }

    @Test func `that a service declares are named and left out`() throws {
        let world = try World()
        let declared = try world.declare(
            """
            [service.a]
            command = "env > /home/agent/a.env; touch /home/agent/ready; exec sleep 1000"
            ready = "exec:test -e /home/agent/ready"
            env = { SHORT = "yes", LONG = "\(long)" }
            """)
        let run = try world.boot("cat", "/home/agent/a.env", variables: declared)
        #expect(run.code == 0 && run.output.contains("SHORT=yes") && !run.output.contains("LONG="), "\(run)")
        #expect(run.errors.contains("service a starts without LONG:"), "\(run)")
        #expect(!run.errors.contains("sesame"))
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `A service whose start is held up by its user` {
    /// The agent can take a lease on its own program: whoever executes it waits for 45 seconds.
    @Test func `keeps nothing else from starting, and not the end from coming`() throws {
        let world = try World(["home/agent/tool": script("exec sleep 1000")])
        let file = open(world.path("home/agent/tool").string, O_RDWR | O_CLOEXEC)
        defer { close(file) }
        #expect(fcntl(file, 10, SIGURG) == 0 && fcntl(file, 1024, F_WRLCK) == 0)
        let declared = try world.declare("[service.a]\ncommand = [\"/home/agent/tool\"]\n")
        let program = try world.start("sh", "-c", "echo started; exec sleep 1000", variables: declared)
        #expect(try program.line() == "started")
        kill(try program.processOne(), SIGTERM)
        #expect(try program.end() == .exited(143))
        #expect(try program.errorRest().contains("was not executed in time"))
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let log: FilePath = "run/containai/services.log"
private let ticking = "while :; do echo tick; sleep 0.01; done"
/// What a command does that shows its readiness, waits for a line, and shows its end.
private let waiting = "echo ready; read line; echo over"

extension World {
    /// Waits until the services' log has this text.
    fileprivate func awaitLog(_ text: String, in path: FilePath = log) throws {
        while try !exists(path) || !self.text(path).contains(text) { sched_yield() }
    }

    /// Starts an entrypoint on a terminal that echoes nothing.
    fileprivate func start(
        _ words: [String], on terminal: PseudoTerminal, variables: [String] = [], setup: String = "",
        before: [String] = [], withAgent: Bool = false
    ) throws -> Running {
        let words = try entrypoint(words, variables: variables, setup: "stty -echo; \(setup)", before: before)
        return try Running(
            words.map { withAgent && $0 == "CAI_AGENT_SERVICE=0" ? "CAI_AGENT_SERVICE=1" : $0 }, on: terminal)
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `cai entrypoint on a terminal` {
    @Test func `shows its command only: lines of services, guard, repair and the init itself go to the log`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''echo early; touch /home/agent/a; \(ticking)'''\nready = 'exec:test -e /home/agent/a'\n"
        )
        let terminal = try PseudoTerminal()
        let program = try world.start(
            [
                "-v", "-w", "sh", "-c",
                """
                echo ready; read line; (true &)
                echo '[user]' > ~/.gitconfig.new; mv ~/.gitconfig.new ~/.gitconfig; echo moved; read line; echo over
                """,
            ], on: terminal, variables: declared, withAgent: true)
        // The boot may be seen.
        #expect(try terminal.expect("ready\r\n").contains("[OK] links"))
        let init1 = try program.processOne()
        try world.awaitLog("[a] tick\n")
        while try !world.text("run/containai/services.json").contains(
            #""name":"agent","state":"running","ready":true"#)
        { sched_yield() }
        terminal.type("\n")
        #expect(try terminal.expect("moved\r\n") == "moved\r\n")
        try world.awaitLog("[agent] [NOTICE] ")
        while world.link("home/agent/.gitconfig") == nil { sched_yield() }
        try world.awaitLog("Z [WARN] cai entrypoint: reaped process")
        kill(init1, SIGHUP)
        try world.awaitLog("Z [INFO] cai entrypoint: the repair ended with 0\n")
        #expect(try world.text(log).contains("] cai entrypoint: started process"))
        let lines = try world.text(log).split(separator: "\n")
        #expect(lines.allSatisfy { $0.prefix(2) == "20" && $0.dropFirst(23).hasPrefix("Z [") }, "\(lines.prefix(5))")
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        try terminal.expect("[INFO] cai entrypoint: process ")
        #expect(try program.end() == .exited(0))
        #expect(try world.mode(log) == 0o640)
    }

    @Test func `has a log in the words that the settings ask for`() throws {
        let world = try World()
        let declared = try world.declare("service_output = 'json'\n[service.a]\ncommand = '''\(ticking)'''\n")
        let terminal = try PseudoTerminal()
        let program = try world.start(["sh", "-c", waiting], on: terminal, variables: declared)
        try terminal.expect("ready\r\n")
        try world.awaitLog(#"Z","service":"a","stream":"stdout","line":"tick"}"#)
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try program.end() == .exited(0))
    }

    @Test func `stays silent when the relay is killed, and without any service`() throws {
        let world = try World()
        let terminal = try PseudoTerminal()
        let program = try world.start(["-v", "sh", "-c", waiting], on: terminal)
        try terminal.expect("ready\r\n")
        let init1 = try program.processOne()
        try world.awaitLog("started process")
        kill(try #require(try program.child("relay", of: init1)), SIGKILL)
        try world.awaitLog("the relay of the services' output ended with 137")
        kill(init1, SIGHUP)
        try world.awaitLog("the repair ended with 0")
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try program.end() == .exited(0))
    }

    @Test func `shows why a command cannot be started, and what services say then`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''trap 'echo bye; exit' TERM; touch /home/agent/a; \(ticking)'''\nready = 'exec:test -e /home/agent/a'\n"
        )
        let terminal = try PseudoTerminal()
        let program = try world.start(["nonesuch"], on: terminal, variables: declared)
        try terminal.expect("[ERROR] cai entrypoint: nonesuch: not found on the search path\r\n")
        try terminal.expect("[a] bye\r\n")
        #expect(try program.end() == .exited(127))
    }

    @Test func `shows at the end which failure of a service ended the command`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = 'until [ -e /home/agent/go ]; do sleep 0.01; done; exit 7'\nrestart = 'no'\nessential = true\n"
        )
        let terminal = try PseudoTerminal()
        let program = try world.start(
            [
                "sh", "-c",
                "trap 'echo over; exit' TERM; echo ready; touch /home/agent/go; while :; do sleep 0.01; done",
            ],
            on: terminal, variables: declared)
        try terminal.expect("ready\r\n")
        try terminal.expect("over\r\n")
        let sentence = "an essential service failed with code 7: see /run/containai/services.log"
        #expect(try terminal.expect("services.log\r\n") == "[ERROR] cai entrypoint: \(sentence)\r\n")
        #expect(try program.end() == .exited(7))
        #expect(try world.text(log).contains("service a: ended with 7 and is not started again\n"))
    }

    @Test func `lets shutdown hooks print to the log while the command runs, and to the terminal afterwards`() throws {
        let terminal = try PseudoTerminal()
        let world = try World(["home/agent/shutdown.d/a.sh": script("echo hook")])
        let program = try world.start(
            ["sh", "-c", "trap 'echo over; exit' TERM; echo ready; while :; do sleep 0.01; done"], on: terminal)
        try terminal.expect("ready\r\n")
        kill(try program.processOne(), SIGTERM)
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try program.end() == .exited(0) && world.text(log).contains("Z [a.sh] hook\n"))
        let second = try world.start(["sh", "-c", "echo ready"], on: terminal)
        try terminal.expect("ready\r\n")
        try terminal.expect("[a.sh] hook\r\n")
        #expect(try second.end() == .exited(0))
    }

    @Test func `starts the command also while the terminal takes nothing`() throws {
        let world = try World()
        // More than a terminal, the relay and a pipe take; nothing waits for the command before they are full.
        let declared = try world.declare(
            """
            [service.a]
            command = "yes $(printf %0500d 1) | head -c 500000"
            restart = "no"
            [service.b]
            command = ["sleep", "1000"]
            ready = 'exec:for i in 1 2 3; do grep -q "^State:.S" /proc/$(pgrep -x head)/status || exit 1; done'
            """)
        let terminal = try PseudoTerminal()
        let program = try world.start(
            ["sh", "-c", "touch /home/agent/started; \(waiting)"], on: terminal, variables: declared)
        while !world.exists("home/agent/started") { sched_yield() }
        try world.awaitLog("Z [a] 0000")
        let shown = try terminal.expect("ready\r\n")
        #expect(shown.contains("[a] 0000") && shown.utf8.count < 100_000, "\(shown.utf8.count)")
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try program.end() == .exited(0))
    }

    @Test func `keeps its log elsewhere where the state directory cannot be written, or says that there is none`()
        throws
    {
        let world = try World()
        let declared = try world.declare("[service.a]\ncommand = '''\(ticking)'''\n")
        let terminal = try PseudoTerminal()
        let program = try world.start(
            ["sh", "-c", waiting], on: terminal, variables: declared,
            setup:
                "chown root:root /run; chmod 755 /run; mkdir /home/tmp; mount --bind /home/tmp /tmp; chmod 1777 /tmp",
            before: asAgent)
        try terminal.expect("ready\r\n")
        try world.awaitLog("[a] tick\n", in: "home/tmp/containai-1000/services.log")
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try program.end() == .exited(0))
        let closed = try world.start(
            ["sh", "-c", waiting], on: terminal, variables: declared,
            setup: "mount -o remount,bind,ro /run; mount -t tmpfs -o ro tmpfs /tmp")
        #expect(
            try terminal.expect("ready\r\n").contains(
                "[WARN] cai entrypoint: no log can be written in /run/containai: lines of services are dropped"))
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try closed.end() == .exited(0))
    }

    @Test func `prefers the journal of the machine`() throws {
        let world = try World(["run/systemd/journal": [:]])
        let journal = try DatagramReceiver(at: world.path("run/systemd/journal/socket").string)
        let declared = try world.declare(
            "[service.a]\ncommand = '''until [ -e /home/agent/go ]; do sleep 0.01; done; echo hello; exec sleep 1000'''\n"
        )
        let terminal = try PseudoTerminal()
        let program = try world.start(
            ["sh", "-c", "touch /home/agent/go; \(waiting)"], on: terminal, variables: declared)
        try terminal.expect("ready\r\n")
        #expect(try journal.next().text == "MESSAGE=hello\nPRIORITY=6\nSYSLOG_IDENTIFIER=a\n")
        terminal.type("\n")
        #expect(try terminal.expect("over\r\n") == "over\r\n")
        #expect(try program.end() == .exited(0) && !world.exists(log))
    }

    @Test func `has no log where standard error is a pipe`() throws {
        let world = try World()
        let declared = try world.declare("[service.a]\ncommand = '''\(ticking)'''\n")
        let program = try world.start("-v", "sh", "-c", "read line", variables: declared)
        try program.said("started process")
        kill(try program.processOne(), SIGHUP)
        try program.said("the repair ended with 0")
        try program.said("[a] tick")
        program.write("\n")
        #expect(try program.end() == .exited(0) && !world.exists(log))
    }
}

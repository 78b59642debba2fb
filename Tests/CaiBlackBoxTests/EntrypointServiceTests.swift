import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// Takes long enough that whoever does not wait is first.
let work = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; "
private let order = "/home/agent/order"

@Suite(.rootOnly, .needs("unshare")) struct `The services of cai entrypoint, their start` {
    @Test func `comes before the command, in their order, as their users, with what they are to have`() throws {
        let world = try World(["mnt/agent-data/.env": Item("TOKEN=sesame\n").mode(0o600)])
        let declared = try world.declare(
            """
            [service.second]
            command = "env > /home/second.env; pwd >> /home/second.env; id -u >> /home/second.env; echo second >> \(order); exec sleep 1000"
            user = "root"
            env = { WORD = "own", B = "service" }
            after = ["first"]
            ready = "exec:grep -q second \(order)"
            [service.first]
            command = ["sh", "-c", "env > /home/agent/first.env; pwd >> /home/agent/first.env; id -u >> /home/agent/first.env; \(work) echo first >> \(order); exec \(probe) notify READY=1"]
            ready = "notify"
            """)
        let run = try world.boot(
            "cat", order,
            variables: declared + [
                "A=a", "B=container", "NOTIFY_SOCKET=/n", "LISTEN_FDS=1", "CAI_ENTRYPOINT_GRACE=3s",
            ])
        #expect(run.code == 0 && run.output == "first\nsecond\n", "\(run)")
        let first = try world.text("home/agent/first.env").split(separator: "\n").map(String.init)
        #expect(first.contains("TOKEN=sesame") && first.contains("HOME=/home/agent") && first.contains("USER=agent"))
        #expect(first.suffix(2) == ["/home/agent", "1000"] && first.contains("A=a") && first.contains("B=container"))
        #expect(first.contains { $0.hasPrefix("NOTIFY_SOCKET=@") })
        let second = try world.text("home/second.env").split(separator: "\n").map(String.init)
        #expect(second.suffix(2) == ["/root", "0"] && second.contains("HOME=/root") && second.contains("USER=root"))
        #expect(second.contains("WORD=own") && second.contains("B=service") && second.contains("A=a"))
        for lines in [first, second] {
            #expect(!lines.contains { $0.hasPrefix("LISTEN_") || $0.hasPrefix("CAI_ENTRYPOINT_") })
        }
        #expect(!second.contains { $0.hasPrefix("NOTIFY_SOCKET") || $0.hasPrefix("TOKEN") }, "\(second)")
        #expect(!run.errors.contains("sesame"), "\(run)")
    }

    @Test(arguments: [
        ("notify", "exec \(probe) notify READY=1"), ("fd", "echo >&$CAI_READY_FD; exec sleep 1000"),
        ("socket:/home/agent/s", "exec \(probe) listen /home/agent/s"),
        ("socket:@cai-test", "exec \(probe) listen @cai-test"),
        ("exec:test -e /home/agent/ready", "touch /home/agent/ready; exec sleep 1000"),
    ])
    func `is over when they are ready`(ready: String, last: String) throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''\(work) echo a >> \(order); \(last)'''\nready = '\(ready)'\n")
        let run = try world.boot("cat", order, variables: declared)
        #expect(run.code == 0 && run.output == "a\n" && !run.errors.contains("was not ready"), "\(run)")
    }

    @Test(.needs("systemd-notify")) func `hears systemd-notify, and nobody who is not the service's`() throws {
        let world = try World()
        let declared = try world.declare(
            """
            [service.a]
            command = '''\(work) echo a >> \(order); systemd-notify --ready --status=fine; exec sleep 1000'''
            ready = "notify"
            [service.b]
            command = '''echo $NOTIFY_SOCKET > /home/agent/b; exec sleep 1000'''
            ready = "notify"
            ready_timeout = 1
            [service.c]
            command = '''until [ -s /home/agent/b ]; do :; done; NOTIFY_SOCKET=$(cat /home/agent/b) exec \(probe) notify READY=1'''
            """)
        let run = try world.boot("cat", order, variables: declared)
        #expect(run.code == 0 && run.output == "a\n", "\(run)")
        #expect(!run.errors.contains("service a: was not") && run.errors.contains("service b: was not ready"), "\(run)")
    }

    @Test func `is not waited for longer than they have, unless one is essential or everything is strict`() throws {
        let world = try World()
        let silent = "[service.a]\ncommand = ['sleep', '1000']\nready = 'notify'\nready_timeout = 0.2\n"
        let lenient = try world.boot("echo", "started", variables: try world.declare(silent))
        #expect(lenient.code == 0 && lenient.output == "started\n", "\(lenient)")
        #expect(lenient.errors.contains("[WARN] cai entrypoint: service a: was not ready after 0.2 seconds"))
        let strict = try world.boot("--strict=links", "echo", "started", variables: try world.declare(silent))
        #expect(strict.code == 124 && strict.output.isEmpty, "\(strict)")
        let declared = try world.declare(silent + "essential = true\n")
        let essential = try world.boot("echo", "started", variables: declared)
        #expect(essential.code == 124 && essential.output.isEmpty, "\(essential)")
        #expect(essential.errors.contains("[ERROR] cai entrypoint: service a: was not ready"))
    }

    @Test func `of one that is declared wrongly is left out, and stops nothing unless it is essential`() throws {
        let world = try World()
        let wrong =
            "[service.a]\ncommand = 7\n[service.b]\ncommand = 'touch /home/agent/b; exec sleep 1000'\nready = 'exec:test -e /home/agent/b'\n"
        let run = try world.boot("ls", "/home/agent/b", variables: try world.declare(wrong))
        #expect(run.code == 0, "\(run)")
        #expect(
            run.errors.contains("/home/agent.toml:2:11: command must be an array of strings, not an integer"), "\(run)")
        #expect(run.errors.contains("service a: cannot be run as it was declared"), "\(run)")
        let declared = try world.declare(wrong.replacing("command = 7", with: "command = 7\nessential = true"))
        let essential = try world.boot("echo", "started", variables: declared)
        #expect(essential.code == 78 && essential.output.isEmpty, "\(essential)")
        let unknown = try world.declare(
            "[service.a]\ncommand = 'true'\nuser = 'nonesuch'\nmax_restarts = 0\nessential = true\n")
        let nobody = try world.boot("echo", "started", variables: unknown)
        #expect(
            nobody.code == 125 && nobody.output.isEmpty && nobody.errors.contains("nonesuch: no such user"), "\(nobody)"
        )
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The services of cai entrypoint, their restarts` {
    @Test func `come after growing pauses`() throws {
        let world = try World()
        let declared = try world.declare("[service.a]\ncommand = 'date +%s%N >> \(order); exit 3'\n")
        let run = try world.boot(
            "sh", "-c", "until [ $(wc -l < \(order)) -ge 4 ]; do sleep 0.01; done", variables: declared)
        #expect(run.code == 0, "\(run)")
        let times = try world.text("home/agent/order").split(separator: "\n").compactMap { Int($0) }
        for (index, least) in [95, 195, 395].enumerated() {
            #expect(times[index + 1] - times[index] >= least * 1_000_000, "\(times)")
        }
        #expect(
            run.errors.contains("[WARN] cai entrypoint: service a: ended with 3; it is started again in 0.2 seconds"))
    }

    @Test func `end with max_restarts`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = 'echo x >> \(order); exit 3'\nmax_restarts = 2\nrestart_delay = 0.01\n")
        let program = try world.start("sh", "-c", "read line; wc -l < \(order)", variables: declared)
        try program.said("service a: ended with 3 after 2 restarts and is not started again")
        program.write("\n")
        #expect(try program.line() == "3")
        #expect(try program.end() == .exited(0))
    }

    @Test func `that an essential service has no more are the end of the container, with its code`() throws {
        let world = try World(["home/agent/shutdown.d/a.sh": script("echo hook >> \(order)")])
        let declared = try world.declare(
            """
            [service.main]
            command = 'until [ -e /home/agent/go ]; do sleep 0.01; done; exit 7'
            restart = "no"
            essential = true
            """)
        let program = try world.start(
            "--grace", "1000s", "sh", "-c",
            "trap 'echo command >> \(order); exit 0' TERM; touch /home/agent/go; while :; do sleep 0.01; done",
            variables: declared)
        #expect(try program.end() == .exited(7))
        #expect(try world.text("home/agent/order") == "hook\ncommand\n")
        #expect(try program.errorRest().contains("service main: ended with 7 and is not started again"))
    }

    @Test func `leave no descriptor, no zombie and no process behind`() throws {
        let world = try World()
        let declared = try world.declare(
            """
            [service.a]
            command = 'sleep 1000 & echo x >> \(order); exit 1'
            ready = "fd"
            ready_timeout = 0.1
            restart_delay = 0.001
            restart_delay_max = 0.001
            """)
        let program = try world.start(
            "sh", "-c",
            """
            until [ $(wc -l < \(order)) -ge 5 ]; do sleep 0.01; done; echo ready; read line
            until [ $(wc -l < \(order)) -ge 105 ]; do sleep 0.01; done
            until [ $(ps -eo stat= | grep -c Z) = 0 ] && [ $(pgrep -c sleep) -le 3 ]; do sleep 0.01; done
            echo again; read line
            """, variables: declared)
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        let before = try Files.names(FilePath("/proc/\(init1)/fd")).count
        program.write("\n")
        #expect(try program.line() == "again")
        // While one is being started there are a few more.
        while try Files.names(FilePath("/proc/\(init1)/fd")).count > before {}
        #expect(try program.status("Threads", of: init1) == "1")
        program.write("\n")
        #expect(try program.end() == .exited(0))
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The services of cai entrypoint, their end` {
    @Test func `comes behind that of the command, in the reverse order of their start, as declared`() throws {
        let world = try World(["home/agent/shutdown.d/a.sh": script("echo hook >> \(order)")])
        let wait = "while :; do sleep 0.01; done"
        let declared = try world.declare(
            """
            [service.a]
            command = '''trap "echo a >> \(order); exit" TERM; touch /home/agent/a; \(wait)'''
            ready = "exec:test -e /home/agent/a"
            [service.b]
            command = '''trap "echo b >> \(order); exit" USR1; touch /home/agent/b; \(wait)'''
            ready = "exec:test -e /home/agent/b"
            stop_signal = "SIGUSR1"
            [service.c]
            command = '''until [ -e /home/agent/stop ]; do sleep 0.01; done; echo c >> \(order); exec sleep 1000'''
            stop_command = "echo stop >> \(order); touch /home/agent/stop; until grep -qx c \(order); do sleep 0.01; done"
            after = ["b"]
            """)
        let program = try world.start(
            "--grace", "1000s", "sh", "-c",
            "trap 'echo command >> \(order); exit 5' TERM; echo ready; \(wait)", variables: declared)
        #expect(try program.line() == "ready")
        kill(try program.processOne(), SIGTERM)
        #expect(try program.end() == .exited(5))
        #expect(
            try world.text("home/agent/order").split(separator: "\n") == ["hook", "command", "stop", "c", "b", "a"])
    }

    @Test func `is forced on those that take longer than they have`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''trap '' TERM; touch /home/agent/a; while :; do sleep 0.01; done'''\nstop_timeout = 0.2\nready = 'exec:test -e /home/agent/a'\n"
        )
        let run = try world.boot("--grace", "1000s", "sh", "-c", "exit 4", variables: declared)
        #expect(run.code == 4 && run.errors.contains("service a: took too long to end and is killed"), "\(run)")
    }

    @Test func `is forced on all when the grace time is over`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''trap '' TERM; touch /home/agent/a; while :; do sleep 0.01; done'''\nstop_timeout = 1000\nready = 'exec:test -e /home/agent/a'\n"
        )
        let run = try world.boot("--grace", "300ms", "sh", "-c", "exit 4", variables: declared)
        #expect(run.code == 4, "\(run)")
    }

    @Test func `comes also while they start`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = 'echo here; exec sleep 1000'\nready = 'notify'\nready_timeout = 1000\n")
        let program = try world.start("echo", "started", variables: declared)
        try program.said("[a] here")
        kill(try program.processOne(), SIGTERM)
        #expect(try program.end() == .exited(143))
        #expect(try program.rest().isEmpty)
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.rootOnly, .needs("unshare")) struct `The command of cai entrypoint` {
    @Test func `starts after the boot as the agent, in the workspace, with the container's environment and .env`()
        throws
    {
        let world = try World([
            "mnt/agent-data/.env": Item("A=file\nTOKEN=sesame\nexport TWO=2\n").mode(0o600),
            "home/agent/startup.d/a.sh": script("touch /home/agent/booted"),
        ])
        try world.put("/etc/group", .file("root:x:0:\nextra:x:77:agent\n"))
        let run = try world.boot(
            probe, "show", variables: ["A=container", "B=2", "EMPTY="],
            setup: "mount --bind '\(world.root)/etc/group' /etc/group")
        #expect(run.code == 0, "\(run)")
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.contains("ids 1000 1000 1000 77") || lines.contains("ids 1000 1000 77 1000"), "\(run)")
        #expect(lines.contains("directory /home/agent/workspace") && lines.contains("leads 1"))
        let variables = lines.filter { $0.hasPrefix("variable ") }.map { String($0.dropFirst(9)) }
        let container =
            ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/home/agent", "container=cai-test"] + hookVariables
        #expect(
            variables == container + ["A=container", "B=2", "EMPTY=", "TOKEN=sesame", "TWO=2"]
                + ["USER=agent", "LOGNAME=agent"])
        #expect(lines.contains("blocked 0000000000000000") && world.exists("home/agent/booted"))
        #expect(world.link("home/agent/.claude") == "/mnt/agent-data/claude")
        #expect(!run.errors.contains("sesame"), "\(run)")
        #expect(JSONValue(parsing: try world.text("run/containai/boot.json"))?["status"].text != nil)
    }

    @Test(arguments: [("exit 7", 7), ("kill -TERM $$", 143), ("ulimit -c 0; kill -SEGV $$", 139)])
    func `gives it its exit code`(script: String, code: Int) throws {
        #expect(try World().boot("--", "sh", "-c", script).code == code)
    }

    @Test func `does not get the plan that the boot has left`() throws {
        let world = try World(["home/agent/startup.d/a.sh": script("ls -l /proc/$PPID/fd /proc/$$/fd || true")])
        let run = try world.boot("ls", "-l", "/proc/self/fd")
        #expect(run.code == 0 && !run.everything.contains("cai-launch-plan"), "\(run)")
    }

    @Test func `that cannot be started is told from one that is not there`() throws {
        let world = try World(["home/agent/plain": "text"])
        let missing = try world.boot("nonesuch")
        #expect(
            missing.code == 127 && missing.errors.contains("[ERROR] cai entrypoint: nonesuch: not found"), "\(missing)")
        #expect(try world.boot("/home/agent/plain").code == 126)
        #expect(try world.boot("-e", "127", "nonesuch").code == 0)
    }

    @Test func `starts elsewhere and as somebody else when that is asked for`() throws {
        let world = try World()
        let run = try world.boot(
            "--user", "root", "--workdir", "/mnt", "sh", "-c", "echo $(id -u) $(pwd) $HOME",
            variables: ["CAI_ENTRYPOINT_GRACE=3s"])
        #expect(run.code == 0 && run.output == "0 /mnt /root\n", "\(run)")
        #expect(try world.boot("--user", "nonesuch", "true").code == 125)
        #expect(try world.boot("--workdir", "/no/where", "true").code == 125)
    }

    @Test func `starts in the home when there is no workspace, in the root when there is neither`() throws {
        let world = try World()
        let words = try world.entrypoint(["pwd"], setup: "rmdir /home/agent/workspace")
        #expect(try Command.run(words).output == "/home/agent\n")
        let lost = try World()
        let run = try Command.run(try lost.entrypoint(["sh", "-c", "pwd; id -u"], setup: "rm -r /home/agent"))
        #expect(run.code == 0 && run.output == "/\n1000\n", "\(run)")
    }

    @Test func `starts with what can be known when the boot leaves no plan, never as root`() throws {
        let world = try World()
        // A boot that may write no file is ended by SIGXFSZ at the first line of its plan.
        let program = try world.start(
            "sh", "-c", "echo $(id -u) $(pwd) $HOME", setup: "ulimit -f 0")
        #expect(try program.line() == "1000 /home/agent/workspace /home/agent")
        #expect(try program.end() == .exited(0))
        #expect(try program.errorRest().contains("[WARN] cai entrypoint: the boot ended with code 153"))
        let strict = try world.start("--strict", "true", setup: "ulimit -f 0")
        #expect(try strict.end() == .exited(153))
        #expect(try strict.errorRest().contains("[ERROR] cai entrypoint: the boot ended with code 153"))
    }

    @Test(arguments: ["ulimit -f 1000", "ulimit -f 0"])
    func `is not started, least of all as root, when its user id does not exist`(setup: String) throws {
        let world = try World(["etc/passwd": "agent:x:4294967295:4294967295::/home/agent:/bin/sh\n"])
        let program = try world.start("sh", "-c", "id -u", setup: setup)
        #expect(try program.rest() == "")
        #expect(try program.end() != .exited(0))
        let errors = try program.errorRest()
        #expect(errors.contains("the user id 4294967295 does not exist in this user namespace"), "\(errors)")
    }

    @Test func `is in the foreground of the terminal, and Ctrl-C is the command's`() throws {
        let terminal = try PseudoTerminal()
        let world = try World()
        let words = try world.entrypoint([
            "sh", "-c", "trap 'echo got; exit 3' INT; stty tostop; echo ready; while :; do sleep 0.01; done",
        ])
        let program = try Running(words, on: terminal)
        try terminal.expect("ready")
        terminal.type("\u{3}")
        try terminal.expect("got")
        #expect(try program.end() == .exited(3))
    }

    @Test func `may be missing only where systemd takes over`() throws {
        for words in [[], ["--"], ["--strict"], ["-v", "--"]] {
            let run = try Command.run([cai, "entrypoint"] + words)
            #expect(run.code == 64 && run.errors.contains("Usage: cai entrypoint"), "\(run)")
            #expect(run.errors.contains("there is no command to run"), "\(run)")
        }
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The boot of cai entrypoint` {
    @Test func `that fails stops nothing, and with --strict everything, with the step, its code and its duration`()
        throws
    {
        let world = try World(["home/agent/startup.d/a.sh": script("exit 3")])
        let run = try world.boot("echo", "started")
        #expect(run.code == 0 && run.output == "started\n", "\(run)")
        for strict in ["--strict", "--strict=links,hooks"] {
            let run = try world.boot(strict, "echo", "started", variables: ["CAI_PERSISTENCE_PATHS=/mnt/agent-data"])
            #expect(run.code == 3 && run.output.isEmpty, "\(run)")
            let lines = run.errors.split(separator: "\n").filter { $0.hasPrefix("[ERROR] cai entrypoint") }
            #expect(lines.count == 1 && lines[0].contains("boot step hooks failed with code 3 after "), "\(run)")
        }
        let configured = try world.boot("echo", "started", variables: ["CAI_STRICT=hooks"])
        #expect(configured.code == 3 && configured.output.isEmpty, "\(configured)")
        #expect(try world.boot("--strict=links", "true").code == 0)
        let wrong = try world.boot("--strict=nonesuch", "true")
        #expect(wrong.code != 0 && wrong.errors.contains("nonesuch"), "\(wrong)")
    }

    @Test func `that takes too long is ended with all that it waited for`() throws {
        let world = try World([
            "home/agent/startup.d/a.sh": script("trap '' TERM; echo waiting; while :; do sleep 0.01; done")
        ])
        let run = try world.boot("--boot-timeout", "2s", "sh", "-c", "ps -e | grep -c a.sh; id -u")
        #expect(run.code == 0 && run.output == "0\n1000\n", "\(run)")
        #expect(run.errors.contains("[WARN] cai entrypoint: the boot was ended after "), "\(run)")
        let strict = try world.boot("--boot-timeout=1s", "--strict", "echo", "started")
        #expect(strict.code == 124 && strict.output.isEmpty, "\(strict)")
    }

    @Test func `goes on when nobody reads its log any more`() throws {
        let world = try World([
            "home/agent/startup.d": [
                "a.sh": script("echo waiting; until [ -e /home/agent/go ]; do sleep 0.01; done; echo on"),
                "b.sh": script("touch /home/agent/last"),
            ]
        ])
        let program = try world.start("--strict=hooks", "sh", "-c", "ls /home/agent; exit 6")
        try program.said("waiting")
        program.closeErrors()
        try world.put("/home/agent/go", "")
        #expect(try program.rest().contains("last"))
        #expect(try program.end() == .exited(6))
    }

    @Test func `that crashes stops nothing, and with --strict everything`() throws {
        let world = try World(["home/agent/startup.d/a.sh": script("kill -KILL $PPID")])
        let agent = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]
        let run = try world.boot("echo", "started", before: agent)
        #expect(run.code == 0 && run.output == "started\n", "\(run)")
        #expect(run.errors.contains("[WARN] cai entrypoint: the boot ended with code 137 after "), "\(run)")
        let strict = try world.boot("--strict", "echo", "started", before: agent)
        #expect(strict.code == 137 && strict.output.isEmpty, "\(strict)")
    }

    @Test(arguments: [(SIGTERM, 143), (SIGINT, 130), (SIGQUIT, 131)])
    func `ends when the container is stopped meanwhile`(signal: Int32, code: Int) throws {
        let world = try World([
            "home/agent/startup.d/a.sh": script("echo waiting; while :; do sleep 0.01; done")
        ])
        let program = try world.start("echo", "started")
        try program.said("waiting")
        kill(try program.processOne(), signal)
        #expect(try program.end() == .exited(code))
        #expect(try program.rest().isEmpty)
    }

    @Test func `is over before a signal for the command reaches it`() throws {
        let world = try World([
            "home/agent/startup.d/a.sh": script("echo waiting; until [ -e /home/agent/go ]; do sleep 0.01; done")
        ])
        let program = try world.start("sh", "-c", "ulimit -c 0; exec sleep 1000")
        try program.said("waiting")
        kill(try program.processOne(), SIGUSR1)
        try world.put("/home/agent/go", "")
        #expect(try program.end() == .exited(128 + Int(SIGUSR1)))
    }

    @Test func `ends with a signal from the first instruction on`() throws {
        let world = try World()
        for _ in 0..<20 {
            let program = try world.start("sleep", "1000", setup: "echo ready")
            try program.ready()
            let init1 = try program.processOne()
            try program.waitForFirstInstruction(of: init1)
            kill(init1, SIGTERM)
            #expect(try program.end() == .exited(143))
        }
    }

    @Test func `ends with Ctrl-C`() throws {
        let world = try World([
            "home/agent/startup.d/a.sh": script("echo waiting; while :; do sleep 0.01; done")
        ])
        let terminal = try PseudoTerminal()
        let program = try Running(try world.entrypoint(["sleep", "1000"]), on: terminal)
        try terminal.expect("waiting")
        terminal.type("\u{3}")
        #expect(try program.end() == .exited(130))
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The end of cai entrypoint` {
    private let order = "echo $0 >> /home/agent/order"

    @Test func `moves to the volume what is saved over a link while everything ends`() throws {
        let world = try World()
        let save =
            "for f in .codex/auth.json .vimrc; do echo saved > ~/$f.tmp && mv ~/$f.tmp ~/$f; done"
        let program = try world.start(
            "sh", "-c", "trap '\(save); exit 4' TERM; echo ready; while :; do sleep 0.01; done")
        try program.ready()
        kill(try program.processOne(), SIGTERM)
        #expect(try program.end() == .exited(4))
        #expect(try Files.text(world.volume.appending("codex/auth.json")) == "saved\n")
        #expect(world.link("home/agent/.codex") == "/mnt/agent-data/codex")
        #expect(try Files.text(world.volume.appending("editors/vimrc")) == "saved\n")
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
    }

    @Test func `says nothing more of a volume that was missing from the start`() throws {
        let world = try World()
        let run = try world.boot("true", setup: "umount /mnt/agent-data")
        #expect(
            run.code == 0 && run.errors.split(separator: "\n").count { $0.contains("/mnt/agent-data") } == 1, "\(run)")
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `comes in order: hooks, the command, what is left`(signal: Int32) throws {
        let world = try World([
            "home/agent/shutdown.d": [
                "20.sh": script("echo hook 2 $(id -u) >> /home/agent/order"),
                "10.sh": script("echo hook 1 >> /home/agent/order; exit 9"),
            ],
            "mnt/agent-data/.env": "WORD=from file\n",
        ])
        let program = try world.start(
            "--grace", "1000s", "sh", "-c",
            """
            setsid sh -c 'trap "echo left >> /home/agent/order; exit" TERM; echo ready; while :; do sleep 0.01; done' &
            trap 'echo command >> /home/agent/order; exit 5' TERM
            while :; do sleep 0.01; done
            """)
        #expect(try program.line() == "ready")
        kill(try program.processOne(), signal)
        #expect(try program.end() == .exited(5))
        #expect(try world.text("home/agent/order") == "hook 1\nhook 2 1000\ncommand\nleft\n")
        #expect(
            try program.errorRest().contains("[ERROR] Shutdown hook failed: /home/agent/shutdown.d/10.sh (exit code 9)")
        )
    }

    @Test func `runs the hooks, with .env, also when the command ends by itself`() throws {
        let world = try World([
            "home/agent/shutdown.d/a.sh": script("echo \"$WORD in $(pwd)\" > /home/agent/said; echo bye $WORD"),
            "mnt/agent-data/.env": "WORD=secret word\n",
        ])
        let run = try world.boot("sh", "-c", "exit 4")
        #expect(run.code == 4 && run.errors.contains("[a.sh] bye ***"), "\(run)")
        #expect(try world.text("home/agent/said") == "secret word in /home/agent/workspace\n")
    }

    @Test func `kills what has had its time`() throws {
        let world = try World()
        let program = try world.start(
            "--grace", "300ms", "-v", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done")
        #expect(try program.line() == "ready")
        kill(try program.processOne(), SIGTERM)
        #expect(try program.end() == .exited(137))
        #expect(try program.errorRest().contains("the grace time is over"))
    }

    @Test func `does not wait for a hook that never ends`() throws {
        let world = try World(["home/agent/shutdown.d/a.sh": script("trap '' TERM; while :; do sleep 0.01; done")])
        let run = try world.boot("--grace", "2s", "sh", "-c", "exit 4")
        #expect(run.code == 4 && run.errors.contains("the shutdown hooks took too long"), "\(run)")
    }

    @Test func `leaves no orphan unreaped meanwhile`() throws {
        let run = try World().boot(
            "sh", "-c", "\(probe) orphans 300; while ps -eo stat | grep -q ^Z; do :; done; exit 6")
        #expect(run.code == 6, "\(run)")
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `cai entrypoint while the command runs` {
    @Test func `mends links on SIGHUP and leaves the command alone`() throws {
        let world = try World()
        let program = try world.start("-v", "sh", "-c", "echo ready; read line; echo $line; exit 2")
        #expect(try program.line() == "ready")
        let link: FilePath = "home/agent/.claude"
        try Files.remove(world.path(link))
        kill(try program.processOne(), SIGHUP)
        try program.said("repair ended with 0")
        #expect(world.link(link) == "/mnt/agent-data/claude")
        try world.put(
            "/mnt/agent-data/containai/manifests/mine.toml",
            "[[entries]]\nsource = \".mine\"\ntarget = \"mine\"\ncontainer_link = \".mine\"\nflags = \"f\"\n")
        kill(try program.processOne(), SIGHUP)
        try program.said("repair ended with 0")
        #expect(world.link("home/agent/.mine") == "/mnt/agent-data/mine")
        program.write("untouched\n")
        #expect(try program.line() == "untouched")
        #expect(try program.end() == .exited(2))
    }

    @Test func `passes other signals on`() throws {
        let world = try World()
        let program = try world.start(
            "sh", "-c", "trap 'echo usr1' USR1; trap 'exit 8' QUIT; echo ready; while :; do sleep 0.01; done")
        #expect(try program.line() == "ready")
        kill(try program.processOne(), SIGUSR1)
        #expect(try program.line() == "usr1")
        kill(try program.processOne(), SIGQUIT)
        #expect(try program.end() == .exited(8))
    }

    @Test func `tells the outside on NOTIFY_SOCKET, of which nobody inside hears`() throws {
        let world = try World(["home/agent/startup.d/a.sh": script("echo hook=$NOTIFY_SOCKET.")])
        let receiver = try NotifyReceiver(at: world.root.appending("home/n"))
        let program = try world.start(
            "sh", "-c", "echo socket=$NOTIFY_SOCKET.; read line", variables: ["NOTIFY_SOCKET=/home/n"])
        #expect(try receiver.message() == "READY=1")
        try program.said("hook=.")
        #expect(try program.line() == "socket=.")
        program.write("\n")
        #expect(try receiver.message() == "STOPPING=1")
        #expect(try program.end() == .exited(0))
    }

    @Test func `writes a line break to the descriptor of --ready-fd, which the command does not get`() throws {
        let script = "until [ -s /home/ready ]; do :; done; wc -c < /home/ready; [ -e /proc/self/fd/9 ] || echo closed"
        let run = try World().boot("--ready-fd", "9", "sh", "-c", script, setup: "exec 9> /home/ready")
        #expect(run.code == 0 && run.output == "1\nclosed\n", "\(run)")
        #expect(try Command.run([cai, "entrypoint", "--ready-fd", "77", "true"]).code == 64)
    }

    @Test func `keeps one thread, little memory and no descriptor`() throws {
        let world = try World()
        let program = try world.start("sh", "-c", "echo ready; read line")
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        // It goes there when the command has been started.
        while try Files.linkText(FilePath("/proc/\(init1)/cwd")) != "/" {}
        #expect(try program.status("Threads", of: init1) == "1")
        #expect(try Files.names(FilePath("/proc/\(init1)/fd")).count == 3)
        program.write("\n")
        #expect(try program.end() == .exited(0))
    }
}

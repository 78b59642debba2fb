import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `cai run on a terminal` {
    /// A shell with job control on a terminal of its own.
    private func shell() throws -> (terminal: PseudoTerminal, shell: Running) {
        let terminal = try PseudoTerminal()
        let shell = try Running(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            environment: ["PATH=/usr/bin:/bin", "PS1=<prompt>", "TERM=dumb"], on: terminal)
        try terminal.expect("<prompt>")
        terminal.type("stty -echo\n")
        try terminal.expect("<prompt>")
        return (terminal, shell)
    }

    @Test func `puts its command into the foreground when it is there itself`() throws {
        let terminal = try PseudoTerminal()
        let program = try Running(
            run: ["sh", "-c", "stty -echo; \(probe) show | cat; stty tostop; echo written"], on: terminal)
        terminal.type("\n")
        try terminal.expect("written")
        #expect(try program.end() == .exited(0))
    }

    @Test func `is the foreground of what it shows`() throws {
        let terminal = try PseudoTerminal()
        let program = try Running(run: [probe, "show"], on: terminal)
        terminal.type("\n")
        try terminal.expect("foreground 1")
        #expect(try program.end() == .exited(0))
    }

    @Test(arguments: [("\u{3}", 130), ("\u{1C}", 131)])
    func `lets keys end the command`(key: String, code: Int) throws {
        let terminal = try PseudoTerminal()
        let program = try Running(run: ["sh", "-c", "ulimit -c 0; echo ready; exec sleep 1000"], on: terminal)
        try terminal.expect("ready")
        terminal.type(key)
        #expect(try program.end() == .exited(code))
    }

    @Test(.needs("bash")) func `lets Ctrl-Z stop and fg continue under an interactive shell`() throws {
        let (terminal, shell) = try shell()
        terminal.type("\(cai) run sh -c 'echo ready; while read line; do echo \"got $line\"; done; echo over'\n")
        try terminal.expect("ready")
        for round in 0..<3 {
            terminal.type("\u{1A}")
            try terminal.expect("Stopped")
            try terminal.expect("<prompt>")
            terminal.type("fg\n")
            terminal.waitUntilTaken(from: shell)
            terminal.type("line \(round)\n")
            try terminal.expect("got line \(round)")
        }
        terminal.type("\u{4}")
        try terminal.expect("over")
        try terminal.expect("<prompt>")
        terminal.type("exit 3\n")
        #expect(try shell.end() == .exited(3))
    }

    @Test(.needs("bash")) func `lets Ctrl-Z stop a script or pipeline with it`() throws {
        let (terminal, shell) = try shell()
        for line in [
            "sh -c '\(cai) run sh -c \"echo ready; read line; echo got \\$line\"; echo after'",
            "\(cai) run sh -c 'echo ready; read line; echo got $line' | cat; echo after",
        ] {
            terminal.type(line + "\n")
            try terminal.expect("ready")
            terminal.type("\u{1A}")
            try terminal.expect("Stopped")
            try terminal.expect("<prompt>")
            terminal.type("fg\n")
            terminal.waitUntilTaken(from: shell)
            terminal.type("it\n")
            try terminal.expect("got it")
            terminal.type("echo $((40 + 2))\n")
            try terminal.expect("42")
        }
        terminal.type("exit 0\n")
        #expect(try shell.end() == .exited(0))
    }

    @Test(.needs("bash")) func `gives the terminal back to a script that reads on`() throws {
        let (terminal, shell) = try shell()
        terminal.type("sh -c '\(cai) run sh -c \"read a; echo first \\$a\"; read b; echo second $b'\n")
        terminal.type("x\n")
        try terminal.expect("first x")
        terminal.type("y\n")
        try terminal.expect("second y")
        terminal.type("sh -c '\(cai) run /; read b; echo third $b'\n")
        try terminal.expect("is a directory")
        terminal.type("z\n")
        try terminal.expect("third z")
        terminal.type("exit 0\n")
        #expect(try shell.end() == .exited(0))
    }

    @Test(.needs("bash")) func `steals nothing when started in the background, and comes with fg`() throws {
        let (terminal, shell) = try shell()
        terminal.type("\(cai) run sh -c 'echo star''ted; read line; echo got $line' &\n")
        try terminal.expect("started")
        terminal.type("echo $((40 + 2))\n")
        try terminal.expect("42")
        terminal.type("wait; echo $((50 + 2))\n")
        try terminal.expect("52")
        terminal.type("jobs\n")
        try terminal.expect("Stopped")
        terminal.type("fg\n")
        terminal.waitUntilTaken(from: shell)
        terminal.type("it\n")
        try terminal.expect("got it")
        terminal.type("exit 0\n")
        #expect(try shell.end() == .exited(0))
    }

    @Test(.needs("bash")) func `may be brought to the foreground while it runs`() throws {
        let (terminal, shell) = try shell()
        terminal.type(
            "\(cai) run sh -c 'trap \"echo interrupted; exit 1\" INT; echo star''ted; while :; do sleep 0.01; done' &\n"
        )
        try terminal.expect("started")
        terminal.type("fg\n")
        terminal.waitUntilTaken(from: shell)
        terminal.type("\u{3}")
        try terminal.expect("interrupted\r\n")
        terminal.type("exit 0\n")
        #expect(try shell.end() == .exited(0))
    }

    @Test(.needs("bash")) func `has job control in a shell below`() throws {
        let terminal = try PseudoTerminal()
        let program = try Running(
            [cai, "run", "bash", "--norc", "--noprofile", "--noediting", "-i"],
            environment: ["PATH=/usr/bin:/bin", "PS1=<prompt>", "TERM=dumb"], on: terminal)
        let shown = try terminal.expect("<prompt>")
        #expect(!shown.contains("no job control"), "\(shown)")
        terminal.type("stty -echo\n")
        try terminal.expect("<prompt>")
        terminal.type("sh -c 'echo star''ted; exec sleep 1000'\n")
        try terminal.expect("started")
        terminal.type("\u{1A}")
        try terminal.expect("Stopped")
        terminal.type("kill %1; fg; echo $((40 + 2))\n")
        try terminal.expect("42")
        terminal.type("exit 5\n")
        #expect(try program.end() == .exited(5))
    }

    @Test(.rootOnly) func `works as process 1 of a terminal, with a shell below`() throws {
        let terminal = try PseudoTerminal()
        let program = try Running(inPIDNamespace + [cai, "run", probe, "show"], on: terminal)
        terminal.type("\n")
        try terminal.expect("foreground 1")
        #expect(try program.end() == .exited(0))
    }

    @Test(.rootOnly, .needs("bash")) func `in a PID namespace in the background steals nothing either`() throws {
        let (terminal, shell) = try shell()
        terminal.type("\(inPIDNamespace.joined(separator: " ")) \(cai) run \(probe) show </dev/null >/dev/tty &\n")
        try terminal.expect("leads 1")
        terminal.type("echo $((40 + 2))\n")
        try terminal.expect("42")
        terminal.type("exit 0\n")
        #expect(try shell.end() == .exited(0))
    }

    @Test func `lets its command write with tostop set`() throws {
        let terminal = try PseudoTerminal()
        let program = try Running(["sh", "-c", "stty tostop; exec \(cai) run -v sh -c 'echo written'"], on: terminal)
        try terminal.expect("written")
        #expect(try program.end() == .exited(0))
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// What the probe shows of how it was started, but for its process id and group.
private func facts(_ arguments: [String], environment: [String]? = nil, input: String = "") throws -> [String] {
    let program = try Running(arguments, environment: environment)
    program.write(input)
    program.closeInput()
    let shown = try program.rest()
    #expect(try program.end() == .exited(0))
    return shown.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("process ") && !$0.hasPrefix("leads ") }
}

@Suite struct `The command of cai run` {
    private static let variables = [
        "PATH=/usr/bin:/bin", "B=2", "A=1", "B=3", "EMPTY=", "no equals sign", "A=1", "CAI_RUN_GRACE=3",
        "SWIFT_BACKTRACE=x",
        "LISTEN_PID=1", "LISTEN_FDS=1", "WATCHDOG_PID=x",
    ]

    @Test(arguments: [
        [], ["ignore=1", "ignore=2", "ignore=13", "ignore=17", "ignore=21", "ignore=64"],
        ["block=15", "block=17", "block=34", "block=64"],
        ["open=5"], ["close=0"], ["close=1", "open=3"], ["close=2"], ["close=0", "close=2"],
    ])
    func `starts with everything as if it had been executed bare`(hostility: [String]) throws {
        let show = [probe, "show", "a b", "", "--", "-x", "\u{1}é"]
        let hostile = [probe, "hostile"] + hostility + ["--"]
        let bare = try facts(hostile + show, environment: Self.variables, input: "typed")
        let run = try facts(hostile + [cai, "run", "--"] + show, environment: Self.variables, input: "typed")
        #expect(bare == run)
        #expect(hostility.contains("close=1") || bare.contains("variable B=3"))
    }

    @Test func `starts with all of it when descriptors are scarce`() throws {
        let scarce = [probe, "hostile", "descriptors=20", "--"]
        #expect(try facts(scarce + [probe, "show"]) == facts(scarce + [cai, "run", probe, "show"]))
    }

    @Test func `is named by LISTEN_PID and WATCHDOG_PID where they named the init`() throws {
        let program = try Running([
            "sh", "-c", "LISTEN_PID=$$ WATCHDOG_PID=$$ LISTEN_FDS=2 exec \(cai) run \(probe) show",
        ])
        program.closeInput()
        let shown = try program.rest().split(separator: "\n").map(String.init)
        let process = try #require(shown.first { $0.hasPrefix("process ") }).dropFirst(8)
        #expect(process != "\(program.process)")
        #expect(shown.contains("variable LISTEN_PID=\(process)") && shown.contains("variable WATCHDOG_PID=\(process)"))
        #expect(shown.contains("variable LISTEN_FDS=2"))
    }

    @Test func `leads a process group`() throws {
        #expect(try Command.run([cai, "run", probe, "show"]).output.contains("\nleads 1\n"))
    }

    @Test func `starts in the directory of --workdir, which also finds a relative name`() throws {
        let scratch = try World(["d": ["it": .file("#!/bin/sh\npwd -P\n").mode(0o755)]])
        let directory = scratch.path("d").string
        let run = try Command.run([cai, "run", "--workdir", directory, "./it"])
        #expect(run.code == 0 && run.output == directory + "\n", "\(run)")
    }

    @Test(.rootOnly) func `runs as the user of --user, with the groups of the account`() throws {
        let run = try Command.run([cai, "run", "--user", "nobody", "sh", "-c", "id -u; id -g; id -G; umask; pwd"])
        #expect(run.code == 0 && run.output.hasPrefix("65534\n65534\n65534\n"), "\(run)")
        let other = try Command.run([
            cai, "run", "--user=1234:4321", "sh", "-c", "id -u; id -g; id -G; grep ^Uid /proc/self/status",
        ])
        #expect(other.output == "1234\n4321\n4321\nUid:\t1234\t1234\t1234\t1234\n", "\(other)")
    }

    @Test(.rootOnly) func `may be told to run as the user it runs as`() throws {
        let run = try Command.run(asAgent + [cai, "run", "--user", "1000:1000", "id", "-u"])
        #expect(run.code == 0 && run.output == "1000\n", "\(run)")
        #expect(try Command.run(asAgent + [cai, "run", "--user", "0", "id"]).code == 125)
    }
}

@Suite struct `The init itself` {
    @Test func `has one thread, sits in /, and keeps no descriptor but the standard ones`() throws {
        let program = try Running([probe, "hostile", "open=6", "--", cai, "run", probe, "signals"])
        try program.ready()
        // What it passes on, it passes on when its own affairs are in order.
        program.signal(10)
        #expect(try program.line()?.hasPrefix("10 ") == true)
        let entry = "/proc/\(program.process)"
        #expect(try Files.names(FilePath(entry + "/fd")).map(\.string).sorted() == ["0", "1", "2"])
        #expect(try Files.linkText(FilePath(entry + "/cwd")) == "/")
        #expect(try program.status("Threads") == "1")
        program.closeInput()
        #expect(try program.end() == .exited(0))
    }

    @Test func `does not wake up while nothing happens`() throws {
        let program = try Running(run: [probe, "signals"])
        try program.ready()
        // Waiting in rt_sigtimedwait(2) without a limit, its third argument, is all it does.
        #if arch(x86_64)
            let wait = "128 "
        #else
            let wait = "137 "
        #endif
        var call = ""
        while !call.hasPrefix(wait) { call = try Files.text(FilePath("/proc/\(program.process)/syscall")) }
        #expect(call.split(separator: " ")[3] == "0x0", "\(call)")
    }

    @Test func `prints nothing by default`() throws {
        let run = try Command.run([cai, "run", "sh", "-c", "(exit 3) & exit 4"])
        #expect(run.code == 4 && run.everything.isEmpty, "\(run)")
    }

    @Test func `tells what it does with -v, on standard error only`() throws {
        let run = try Command.run([cai, "run", "-vv", "sh", "-c", "kill -USR1 $PPID; kill -9 $$"])
        #expect(run.output.isEmpty && run.errors.contains("started process"), "\(run)")
        #expect(run.errors.contains("ended with 137"), "\(run)")
    }

    @Test func `survives the reader of its log`() throws {
        let program = try Running(run: ["-vvw", probe, "signals"])
        try program.ready()
        program.closeErrors()
        for number in [10, 12, 10] { program.signal(Int32(number)) }
        program.queue(40, 1)
        var line = try program.line()
        while let seen = line, !seen.hasPrefix("40 ") {
            #expect(!seen.hasPrefix("13 "), "its own SIGPIPE was forwarded")
            line = try program.line()
        }
        program.closeInput()
        #expect(try program.end() == .exited(0))
    }
}

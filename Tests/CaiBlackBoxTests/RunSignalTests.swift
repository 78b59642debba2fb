import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// Every signal that can be forwarded.
private let forwardable = (1...64).filter { ![9, 17, 19, 32, 33].contains($0) }

/// The numbers that the probe tells, one a line.
private func numbers(_ text: String) -> [Int] {
    text.split(separator: "\n").compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
}

@Suite struct `Signals to cai run` {
    @Test func `reach the command, every one that a user can send, faults too`() throws {
        let program = try Running(run: [probe, "signals"])
        try program.ready()
        for number in forwardable {
            // Stopping signals and SIGCONT take each other back while they wait.
            program.signal(Int32(number))
            #expect(try program.line()?.hasPrefix("\(number) ") == true, "signal \(number)")
        }
        program.closeInput()
        #expect(try program.rest().isEmpty)
        #expect(try program.end() == .exited(0))
    }

    @Test func `end the command when it does not handle them`() throws {
        for number in [1, 2, 3, 6, 8, 10, 11, 15, 31, 34, 64] {
            let program = try Running(run: ["sh", "-c", "ulimit -c 0; echo ready; exec \(probe) pause"])
            try program.ready()
            program.signal(Int32(number))
            #expect(try program.end() == .exited(128 + number))
        }
    }

    @Test func `of real time arrive as often as they were queued, in order, with their values`() throws {
        let program = try Running(run: [probe, "signals"])
        try program.ready()
        for value in 0..<200 { program.queue(37, Int32(value)) }
        let lines = try (0..<200).map { _ in try program.line() }
        #expect(lines == (0..<200).map { "37 -1 \($0)" })
        for _ in 0..<200 { program.signal(40) }
        #expect(try (0..<200).map { _ in try program.line()?.prefix(3) } == [Substring](repeating: "40 ", count: 200))
    }

    @Test(arguments: [[], ["-g"]])
    func `sent before there is a command reach it: none of 300 is lost`(flags: [String]) throws {
        for _ in 0..<300 {
            let program = try Running(run: flags + ["sleep", "1000"])
            try program.waitForFirstInstruction()
            program.signal(SIGTERM)
            #expect(try program.end() == .exited(143))
        }
    }

    @Test func `queued before there is a command all reach it`() throws {
        let all = (1...64).map { Int32($0) }
        let program = try Running(run: [probe, "signals"], blocked: all)
        for value in 0..<200 { program.queue(40, Int32(value)) }
        for number in [1, 2, 15] { program.signal(Int32(number)) }
        try program.ready()
        let lines = try (0..<203).compactMap { _ in try program.line() }
        #expect(numbers(lines.joined(separator: "\n")).sorted() == [1, 2, 15] + [Int](repeating: 40, count: 200))
    }

    @Test(arguments: [false, true])
    func `reach the group of the command with --group, and the command alone without`(isGroup: Bool) throws {
        let child = "sh -c 'trap \"echo child; exit\" USR1; echo ready; while :; do sleep 0.01; done'"
        // The signal may come before the shell waits: nothing here depends on its interrupting a wait.
        let script =
            "trap 'echo parent; got=1; trap - USR1' USR1; \(child) & while [ -z \"$got\" ]; do sleep 0.01; done; "
            + "\(isGroup ? "wait" : "kill -9 $!"); exit 5"
        let program = try Running(run: (isGroup ? ["--group"] : []) + ["sh", "-c", script])
        try program.ready()
        program.signal(SIGUSR1)
        #expect(try program.end() == .exited(5))
        let said = try program.rest().split(separator: "\n").sorted()
        #expect(said == (isGroup ? ["child", "parent"] : ["parent"]))
    }

    @Test(arguments: [["ignore=17"], ["block=17", "block=15"], ["ignore=15", "ignore=17", "block=17"]])
    func `work however the init was started`(hostility: [String]) throws {
        let program = try Running([probe, "hostile"] + hostility + ["--", cai, "run", probe, "signals"])
        try program.ready()
        program.signal(SIGTERM)
        #expect(try program.line()?.hasPrefix("15 ") == true)
        program.closeInput()
        #expect(try program.end() == .exited(0))
    }

    @Test func `are rewritten and swallowed as asked`() throws {
        let program = try Running(run: ["-r", "TERM:QUIT", "-r", "HUP:0", "-r10:RTMIN+3", probe, "signals"])
        try program.ready()
        for number in [15, 1, 10, 12] {
            program.signal(Int32(number))
            guard let arriving = [15: 3, 10: 37, 12: 12][number] else { continue }
            #expect(try program.line()?.hasPrefix("\(arriving) ") == true)
        }
        program.closeInput()
        #expect(try program.rest().isEmpty)
    }

    @Test func `in a storm keep neither the end of the command nor other signals away`() throws {
        let program = try Running(run: [probe, "signals"])
        try program.ready()
        let storms = try (0..<2).map { _ in try Running([probe, "storm", "\(program.process)"]) }
        for storm in storms { try storm.ready() }
        program.signal(SIGTERM)
        var line = try program.line()
        while let seen = line, !seen.hasPrefix("15 ") { line = try program.line() }
        #expect(line != nil)
        program.closeInput()
        _ = try program.rest()
        #expect(try program.end() == .exited(0))
        for storm in storms { storm.closeInput() }
    }

    @Test func `tell of the end of the parent with --parent-death-signal`() throws {
        let program = try Running(["sh", "-c", "exec 3<&0; \(cai) run -p HUP \(probe) signals <&3 & wait"])
        try program.ready()
        program.signal(SIGKILL)
        #expect(try program.line()?.hasPrefix("1 ") == true)
    }

    @Test(.rootOnly) func `reach the command of a process 1, also those sent at once`() throws {
        for flags in [[], ["-g"]] {
            for _ in 0..<25 {
                let program = try Running(
                    ["unshare", "--pid", "--fork", "--kill-child", cai, "run"] + flags + ["sleep", "1000"])
                let init1 = try firstProcess(below: program)
                try program.waitForFirstInstruction(of: init1)
                kill(init1, SIGTERM)
                #expect(try program.end() == .exited(143))
            }
        }
    }

    @Test(.rootOnly) func `do not end a process 1, and reach its command from outside and inside`() throws {
        let program = try Running(
            inPIDNamespace + [
                cai, "run", "sh", "-c",
                "trap 'echo inside' USR2; echo ready; kill -USR2 1; while :; do sleep 0.01; done",
            ])
        try program.ready()
        #expect(try program.line() == "inside")
        let init1 = try firstProcess(below: program)
        kill(init1, SIGUSR1)
        #expect(try program.end() == .exited(138))
    }

    /// The one child of a program, once it is the binary under test.
    private func firstProcess(below program: Running) throws -> Int32 {
        while true {
            let children = try Files.text(FilePath("/proc/\(program.process)/task/\(program.process)/children"))
            guard let child = children.split(separator: " ").first.flatMap({ Int32($0) }) else { continue }
            if try Files.linkText(FilePath("/proc/\(child)/exe")) == Command.binary { return child }
        }
    }
}

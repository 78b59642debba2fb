import CaiTestSupport
import Glibc
import SystemPackage
import Testing

extension Running {
    /// The child of process 1 that runs this program with this word.
    func child(_ word: String, of init1: Int32) throws -> Int32? {
        let children = try Files.text(FilePath("/proc/\(init1)/task/\(init1)/children"))
        return children.split(separator: " ").compactMap { Int32($0) }.first { child in
            let line = try? Files.text(FilePath("/proc/\(child)/cmdline"))  // it may end at any moment
            return line?.split(separator: "\0").dropFirst().first.map(String.init) == word
        }
    }
}

@Suite(.rootOnly, .needs("unshare")) struct `The output of services of cai entrypoint` {
    @Test func `comes on standard error with their names, the command's stays as it is`() throws {
        let world = try World()
        let declared = try world.declare(
            """
            [service.a]
            command = '''printf 'one\\ntwo\\r[b] forged\\n\\033[2K[b] x\\n'; echo errors >&2; printf 'no end'; exit 0'''
            restart = "no"
            """)
        let program = try world.start(
            "sh", "-c", "echo '[a] mine'; echo '[b] mine' >&2; read line", variables: declared)
        #expect(try program.line() == "[a] mine")
        var lines: Set<String> = []
        let wanted: Set = ["[a] one", "[a] two?[b] forged", "[a] ?[2K[b] x", "[a] errors", "[a] no end", "[b] mine"]
        while !lines.isSuperset(of: wanted), let line = try program.errorLine() { lines.insert(line) }
        #expect(lines.isSuperset(of: wanted), "\(lines)")
        program.write("\n")
        #expect(try program.rest().isEmpty && program.end() == .exited(0))
    }

    @Test func `can be lines of JSON`() throws {
        let world = try World()
        let declared = try world.declare(
            "service_output = 'json'\n[service.a]\ncommand = '''echo 'say \"x\"'; echo errors >&2; exec sleep 1000'''\n"
        )
        let program = try world.start("sh", "-c", "read line", variables: declared)
        try program.said(#"{"service":"a","stream":"stdout","line":"say \"x\""}"#)
        program.write("\n")
        #expect(try program.errorRest().isEmpty == false || program.end() == .exited(0))
    }

    @Test func `of the last moment is not lost`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''trap 'seq 1 3000; printf bye; exit' TERM; touch /home/agent/a; while :; do sleep 0.01; done'''\nready = 'exec:test -e /home/agent/a'\n"
        )
        let run = try world.boot("true", variables: declared)
        #expect(run.code == 0, "\(run)")
        let lines = run.errors.split(separator: "\n").filter { $0.hasPrefix("[a] ") }.map { $0.dropFirst(4) }
        #expect(lines == (1...3000).map { "\($0)" } + ["bye"], "\(lines.count)")
    }

    @Test func `that nobody reads keeps nobody waiting but the service`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = 'yes'\n[service.b]\ncommand = 'exit 1'\nrestart_delay = 0.001\nrestart_delay_max = 0.001\n"
        )
        let program = try world.start(
            "sh", "-c", "trap 'exit 6' TERM; trap 'echo usr1' USR1; echo ready; while :; do sleep 0.01; done",
            variables: declared)
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        // Now the log is full: the relay waits.
        while try program.child("relay", of: init1).map({ try program.status("State", of: $0) }) != "S (sleeping)" {}
        kill(init1, SIGUSR1)
        #expect(try program.line() == "usr1")
        kill(init1, SIGTERM)
        #expect(try program.end() == .exited(6))
    }

    @Test func `goes on when the relay is killed, and when nobody is there any more to read it`() throws {
        let world = try World()
        let declared = try world.declare(
            "[service.a]\ncommand = '''n=0; while :; do n=$((n+1)); echo line $n; sleep 0.01; done'''\n")
        let program = try world.start("sh", "-c", "echo ready; read line; exit 5", variables: declared)
        #expect(try program.line() == "ready")
        let init1 = try program.processOne()
        for _ in 0..<3 {
            try program.said("[a] line")
            if let relay = try program.child("relay", of: init1) { kill(relay, SIGKILL) }
            try program.said("relay of the services' output ended with 137")
        }
        try program.said("[a] line")
        program.closeErrors()
        program.write("\n")
        #expect(try program.end() == .exited(5))
    }
}

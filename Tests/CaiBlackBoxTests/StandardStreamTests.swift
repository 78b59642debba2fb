import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let streams = "echo out > /dev/stdout && echo err > /dev/stderr"

@Suite(.rootOnly, .needs("unshare")) struct `Standard streams of another user` {
    @Test func `of a service can be opened by their paths`() throws {
        let world = try World()
        let declared = try world.declare(
            """
            [service.a]
            command = '''cat /dev/stdin && \(streams) && echo > /dev/fd/$CAI_READY_FD; exec sleep 1000'''
            ready = "fd"
            essential = true
            """)
        let run = try world.boot("id", "-u", variables: declared)
        #expect(run.code == 0 && run.output == "1000\n", "\(run)")
        #expect(run.errors.contains("[a] out\n") && run.errors.contains("[a] err\n"), "\(run)")
    }

    @Test func `of a service are new pipes when it becomes another user`() throws {
        let world = try World()
        let command = "echo $(stat -Lc '%u %i' /dev/fd/2) >> /home/agent/order; exec sleep 1000"
        let service = "[service.a]\ncommand = '''\(command)'''\n"
        let declared = try world.declare(service)
        let program = try world.start("sh", "-c", "echo ready; read line", variables: declared)
        #expect(try program.line() == "ready")
        for (number, user) in ["root", "agent"].enumerated() {
            while try !world.exists("home/agent/order")
                || world.text("home/agent/order").split(separator: "\n").count < number + 1
            { sched_yield() }
            _ = try world.declare(service + "user = '\(user)'\n")
            kill(try program.processOne(), SIGHUP)
        }
        while try world.text("home/agent/order").split(separator: "\n").count < 3 { sched_yield() }
        let lines = try world.text("home/agent/order").split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.map { $0[0] } == ["1000", "0", "1000"] && Set(lines.map { $0[1] }).count == 3, "\(lines)")
        program.write("\n")
        #expect(try program.end() == .exited(0))
    }

    @Test(arguments: [["entrypoint"], ["run", "--user", "1000:1000"]])
    func `of the command can be opened by their paths if they are pipes`(words: [String]) throws {
        let world = try World()
        var all = try world.entrypoint(["sh", "-c", "head -n 1 /dev/stdin; \(streams); id -u"])
        let start = try #require(all.lastIndex(of: "entrypoint"))
        all.replaceSubrange(start...start, with: words)
        let program = try Running(all)
        program.write("in\n")
        #expect(try program.rest() == "in\nout\n1000\n")
        #expect(try program.errorRest().contains("err\n"))
        #expect(try program.end() == .exited(0))
    }

    @Test func `of the command can be opened if they are a terminal, which is given back`() throws {
        let world = try World()
        let terminal = try PseudoTerminal()
        let before = try #require(try Files.status(FilePath(terminal.path)))
        let program = try Running(
            try world.entrypoint(["sh", "-c", "stty -echo; \(streams); head -n 1 /dev/stdin; echo over"]), on: terminal)
        try terminal.expect("out\r\nerr\r\n")
        let during = try #require(try Files.status(FilePath(terminal.path)))
        #expect(during.st_uid == 1000 && during.st_gid == before.st_gid && during.st_mode == before.st_mode)
        terminal.type("in\n")
        try terminal.expect("in\r\nover\r\n")
        #expect(try program.end() == .exited(0))
        #expect(try Files.status(FilePath(terminal.path))?.st_uid == before.st_uid)
    }

    @Test func `of the command keep their owner if they are files or devices`() throws {
        let world = try World()
        let program = try world.start(
            "sh", "-c", "stat -Lc %u /dev/fd/0 /dev/fd/1 /dev/fd/2 > /home/agent/owners",
            setup: "exec < /dev/null > /home/output 2> /home/errors")
        #expect(try program.end() == .exited(0))
        #expect(try world.text("home/agent/owners") == "0\n1000\n0\n")
        #expect(try Files.status(world.path("home/output"))?.st_uid == 0)
    }

    @Test func `stay as they are where the command is root, or nothing may be given away`() throws {
        let world = try World()
        let program = try world.start("--user", "root", "sh", "-c", "stat -Lc %u /dev/fd/1 /dev/fd/2")
        #expect(try program.rest() == "0\n0\n" && program.end() == .exited(0))
        let weak = try Running(
            try world.entrypoint(
                ["sh", "-c", "stat -Lc %u /dev/fd/1; id -u"], before: ["setpriv", "--bounding-set", "-chown"]))
        #expect(try weak.rest() == "0\n1000\n" && weak.end() == .exited(0))
    }
}

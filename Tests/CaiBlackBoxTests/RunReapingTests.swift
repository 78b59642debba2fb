import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `Orphans of cai run` {
    @Test func `that end with the command never pass for it, 150 times`() throws {
        for round in 0..<150 {
            let code = round % 2 == 0 ? 7 : 0
            #expect(try Running(run: [probe, "together", "20", "\(code)"]).end() == .exited(code))
        }
    }

    @Test func `are all reaped, without a PID namespace and without a word`() throws {
        let program = try Running(run: ["-e", "9", "sh", "-c", "\(probe) orphans 2000; echo done; read line; exit 9"])
        #expect(try program.line() == "done")
        // Those of the last hundred may still be on their way.
        while try !zombies(of: program.process).isEmpty {}
        program.closeInput()
        #expect(try program.end() == .exited(0))
        #expect(try program.errorRest().isEmpty)
    }

    @Test(.rootOnly) func `of a process 1 are all reaped`() throws {
        let program = try Running(
            inPIDNamespace + [
                cai, "run", "sh", "-c", "\(probe) orphans 2000; while ps -eo stat | grep -q ^Z; do :; done; exit 6",
            ])
        #expect(try program.end() == .exited(6))
    }

    @Test func `are told with --warn-on-reap`() throws {
        let run = try Command.run([cai, "run", "-w", probe, "orphans", "3"])
        #expect(run.code == 0 && run.output.isEmpty, "\(run)")
        #expect(run.errors.contains("[WARN] cai run: reaped process "), "\(run)")
    }

    private func zombies(of parent: Int32) throws -> [Substring] {
        let children = try Files.text(FilePath("/proc/\(parent)/task/\(parent)/children"))
        return children.split(separator: " ").filter { child in
            // One that is gone meanwhile is none.
            let text = (try? Files.text(FilePath("/proc/\(child)/stat"))) ?? ""
            return text.contains(") Z ")
        }
    }
}

/// How `cai run` is started: as it is, and as process 1.
private let places: [[String]] = World.isRoot ? [[], inPIDNamespace] : [[]]

@Suite struct `The end of cai run` {
    @Test(arguments: places)
    func `asks what is left to end and waits for it`(place: [String]) throws {
        let program = try Running(
            place + [
                cai, "run", "sh", "-c",
                "sh -c 'trap \"echo asked; sleep 0.2; echo tidy; exit\" TERM; echo ready; while :; do sleep 0.01; done' & read line; exit 4",
            ])
        try program.ready()
        program.closeInput()
        #expect(try program.end() == .exited(4))
        #expect(try program.rest() == "asked\ntidy\n")
    }

    @Test(arguments: places)
    func `kills what does not end in time, in other groups and sessions too`(place: [String]) throws {
        let program = try Running(
            place + [
                cai, "run", "--grace", "100ms", "sh", "-c",
                "setsid sh -c 'trap \"\" TERM; echo ready; exec sleep 1000' & read line; exit 5",
            ])
        try program.ready()
        program.closeInput()
        #expect(try program.end() == .exited(5))
        #expect(try program.rest().isEmpty, "whoever still held the output is gone")
    }

    @Test(arguments: places)
    func `waits no moment when nothing is left`(place: [String]) throws {
        // A day: the test would not come back if grace were a sleep.
        let program = try Running(place + [cai, "run", "--grace", "24h", "sh", "-c", "sleep 0.05 & wait; exit 6"])
        #expect(try program.end() == .exited(6))
    }

    @Test(arguments: places)
    func `continues what is stopped, so that it can end`(place: [String]) throws {
        let program = try Running(
            place + [
                cai, "run", "--grace", "24h", "sh", "-c",
                "sleep 1000 & kill -STOP $!; echo ready; read line; exit 7",
            ])
        try program.ready()
        program.closeInput()
        #expect(try program.end() == .exited(7))
    }

    @Test(arguments: places)
    func `comes in time after SIGTERM if --grace was asked for`(place: [String]) throws {
        let program = try Running(
            place + [
                cai, "run", "--grace=100ms", "sh", "-c", "trap '' TERM; echo ready; exec sleep 1000",
            ])
        try program.ready()
        if place.isEmpty {
            program.signal(SIGTERM)
        } else {
            let children = try Files.text(FilePath("/proc/\(program.process)/task/\(program.process)/children"))
            kill(try #require(children.split(separator: " ").first.flatMap { Int32($0) }), SIGTERM)
        }
        #expect(try program.end() == .exited(137))
    }

    @Test func `is not hurried by SIGTERM otherwise`() throws {
        let program = try Running(run: [
            "sh", "-c", "trap 'echo asked' TERM; echo ready; while :; do read line && exit 3; done",
        ])
        try program.ready()
        for _ in 0..<2 {
            program.signal(SIGTERM)
            #expect(try program.line() == "asked")
        }
        program.write("end\n")
        #expect(try program.end() == .exited(3))
    }

    @Test func `keeps the code of the command, whatever the others end with`() throws {
        let program = try Running(run: [
            "sh", "-c",
            "sh -c 'trap \"exit 99\" TERM; echo ready; while :; do sleep 0.01; done' & read line; kill -9 $$",
        ])
        try program.ready()
        program.closeInput()
        #expect(try program.end() == .exited(137))
    }
}

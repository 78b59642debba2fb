import CaiInit
import Testing

@Suite struct `The name of a signal` {
    @Test(arguments: [
        ("TERM", 15), ("SIGTERM", 15), ("sigterm", 15), ("15", 15), ("HUP", 1), ("SYS", 31), ("64", 64), ("IOT", 6),
        ("CLD", 17), ("POLL", 29), ("STKFLT", 16), ("RTMIN", 34), ("SIGRTMIN+3", 37), ("rtmin+30", 64), ("RTMAX", 64),
        ("SIGRTMAX-2", 62), ("RTMAX-30", 34), ("32", 32),
    ])
    func `is read in every spelling`(text: String, number: Int) {
        #expect(Signal(text)?.number == CInt(number))
    }

    @Test(arguments: [
        "", "0", "65", "-1", "+15", "1 ", "TERMX", "SIG", "SIGSIGTERM", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMAX-31",
        "RTMIN+", "RTMIN3", "15s", "99999999999999999999", "１５",
    ])
    func `that is none is refused`(text: String) { #expect(Signal(text) == nil) }

    @Test func `written out is read again as the same signal`() {
        for number in 1...64 where number != 32 && number != 33 {
            #expect(Signal(Signal(number: number)?.description ?? "")?.number == CInt(number))
        }
        #expect(Signal(number: 37)?.description == "SIGRTMIN+3")
    }
}

@Suite struct `Forwarding` {
    @Test func `passes on every signal that a process sent, but the end of children`() {
        for number in 1...64 {
            guard let signal = Signal(number: number) else { continue }
            for isQueued in [false, true] {
                #expect(signal.isForwarded(from: .process(isQueued: isQueued)) == (number != 17), "\(signal)")
            }
            #expect(!signal.isForwarded(from: .itself), "\(signal)")
            #expect(signal.isForwarded(from: .kernel) == ![13, 17, 21, 22].contains(number), "\(signal)")
        }
    }

    /// si_code: 0x80 the kernel, 0 kill(2), -1 sigqueue(3), -6 tkill(2), -2 a timer.
    @Test(arguments: [
        (0x80, 0, IncomingSignal.Origin.kernel), (1, 77, .kernel), (0, 77, .process(isQueued: false)), (0, 5, .itself),
        (0, 0, .process(isQueued: false)), (-1, 77, .process(isQueued: true)), (-6, 77, .process(isQueued: false)),
        (-6, 5, .itself), (-2, 5, .process(isQueued: false)),
    ])
    func `knows whose a signal is`(code: Int, sender: Int, origin: IncomingSignal.Origin) {
        #expect(IncomingSignal.Origin(code: CInt(code), sender: Int32(sender), own: 5) == origin)
    }
}

@Suite struct `Rewriting` {
    @Test func `changes what the rules name and nothing else; the last rule holds`() throws {
        var rewriting = SignalRewriting()
        for rule in ["TERM:INT", "TERM:QUIT", "SIGHUP:15", "28:0", "RTMIN+3:KILL", "USR1:CHLD"] {
            try rewriting.add(rule, for: "-r")
        }
        let changed: [Int: Int32?] = [15: 3, 1: 15, 28: nil, 37: 9, 10: 17]
        for number in 1...64 {
            guard let signal = Signal(number: number) else { continue }
            #expect(rewriting(signal)?.number == changed[number, default: Int32(number)], "\(signal)")
        }
    }

    @Test(arguments: [
        "", "TERM", "TERM:", ":TERM", "TERM:INT:HUP", "0:TERM", "TERM:65", "KILL:TERM", "STOP:0", "CHLD:HUP",
    ])
    func `refuses a rule that means nothing`(rule: String) {
        var rewriting = SignalRewriting()
        let error = #expect(throws: RunUsageError.self) { try rewriting.add(rule, for: "-r") }
        #expect(error?.description.hasPrefix("-r: ") == true)
    }
}

import CaiPlatform
import CaiTestSupport
import SystemPackage
import Testing

/// libsystemd in a process of its own.
let peer = Command.binary(named: "systemd-peer").string

@Suite struct `What a service tells its manager` {
    @Test(arguments: [
        (ServiceMessage.ready, "READY=1"),
        (.stopping, "STOPPING=1"),
        (.watchdog, "WATCHDOG=1"),
        (.reloading(at: 123_456), "RELOADING=1\nMONOTONIC_USEC=123456"),
        (.status("Answering, 2 changes"), "STATUS=Answering, 2 changes"),
        (.status("two\nlines\r\nREADY=1"), "STATUS=two lines READY=1"),
        (.extendTimeout(by: .milliseconds(1500)), "EXTEND_TIMEOUT_USEC=1500000"),
        (.store("agent"), "FDSTORE=1\nFDNAME=agent"),
        (.forget("agent"), "FDSTOREREMOVE=1\nFDNAME=agent"),
    ])
    func `arrives byte by byte as libsystemd sends it`(message: ServiceMessage, text: String) throws {
        let world = try World()
        for name in [world.root.appending("notify").string, "@cai-test-\(UInt64.random(in: 0 ... .max))"] {
            let receiver = try DatagramReceiver(at: name)
            #expect(try #require(NotifySocket(Array(name.utf8))).send(message))
            let own = try receiver.next()
            let run = try Command.run([peer, "notify", text], environment: ["NOTIFY_SOCKET": name])
            #expect(run.code == 0, "\(run)")
            #expect(try receiver.next() == own)
            #expect(own.text == text)
        }
    }

    @Test func `can have several messages and descriptors, as libsystemd sends them`() throws {
        let world = try World(["one": "1", "two": "2", "three": "3"])
        let name = world.root.appending("notify").string
        let receiver = try DatagramReceiver(at: name)
        let files = ["one", "two", "three"].map { world.root.appending($0) }
        let open = try files.map { try FileDescriptor.open($0, .readOnly) }
        defer { open.forEach { try? $0.close() } }  // a test's own
        #expect(
            try #require(NotifySocket(Array(name.utf8))).send(
                .store("x"), .ready, descriptors: open.map(\.rawValue), patience: .seconds(1)))
        let own = try receiver.next()
        let run = try Command.run(
            [peer, "notify", "FDSTORE=1\nFDNAME=x\nREADY=1"] + files.map(\.string),
            environment: ["NOTIFY_SOCKET": name])
        #expect(run.code == 0, "\(run)")
        #expect(try receiver.next() == own)
        #expect(own.files.count == 3)
    }

    @Test func `is lost without harm when nobody listens`() throws {
        let socket = try #require(NotifySocket(Array("/no/such/socket".utf8)))
        #expect(!socket.send(.ready, patience: .seconds(60)))
    }

    @Test(arguments: [
        ["WATCHDOG_USEC": "30000000"], ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "own"],
        ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"], [:], ["WATCHDOG_PID": "own"],
    ])
    func `about being alive is wanted as often as libsystemd says`(variables: [String: String]) throws {
        let words = variables.map { "\($0.key)=\($0.value == "own" ? "$$" : $0.value)" }.joined(separator: " ")
        let run = try Command.run(["sh", "-c", "\(words) exec '\(peer)' watchdog"])
        let own = variables.mapValues { $0 == "own" ? "77" : $0 }
        let interval = ServiceManager(environment: own, process: 77).watchdog?.microseconds ?? 0
        #expect(run.output == "\(interval)\n", "\(run)")
    }
}

@Suite struct `Descriptors that a service manager passes` {
    @Test(arguments: [
        [:], ["LISTEN_PID": "own"], ["LISTEN_PID": "own", "LISTEN_FDS": "0"],
        ["LISTEN_PID": "1", "LISTEN_FDS": "1"], ["LISTEN_FDS": "1"],
        ["LISTEN_PID": "own", "LISTEN_FDS": "2"],
        ["LISTEN_PID": "own", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "agent:other"],
        ["LISTEN_PID": "own", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "agent:"],
        ["LISTEN_PID": "own", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "agent"],
        ["LISTEN_PID": "own", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "agent:other"],
        ["LISTEN_PID": "own", "LISTEN_FDS": "x"], ["LISTEN_PID": "x", "LISTEN_FDS": "1"],
    ])
    func `have the names that libsystemd finds`(variables: [String: String]) throws {
        let words = variables.map { "\($0.key)=\($0.value == "own" ? "$$" : $0.value)" }.joined(separator: " ")
        let run = try Command.run(
            ["sh", "-c", "\(words) exec '\(peer)' listen 3</dev/null 4</dev/null"])
        var own: String
        do {
            let environment = variables.mapValues { $0 == "own" ? "77" : $0 }
            own = try SocketActivation.names(environment, process: 77).map { $0 + "\n" }.joined()
        } catch {
            own = "error\n"
        }
        #expect(own == run.output, "\(variables)")
    }
}

import CaiModel
import SystemPackage
import Testing

private func read(_ text: String) -> (services: [ServiceDeclaration], findings: [String]) {
    let settings = Settings(file: ("a.toml", Array(text.utf8)), environment: [:])
    return (settings.services, settings.findings.map { "\($0.place): \($0.sentence)" })
}

@Suite struct `Services in the settings` {
    @Test func `have every key`() throws {
        let (services, findings) = read(
            """
            [service.sshd]
            command = ["/usr/sbin/sshd", "-D", "-e"]
            user = "root"
            workdir = "/"
            env = { TOKEN = "sesame" }
            restart = "on-failure"
            restart_delay = 0.5
            restart_delay_max = 10
            max_restarts = 5
            ready = "socket:/run/sshd.sock"
            ready_timeout = 2.5
            after = ["agent"]
            stop_signal = "SIGRTMIN+3"
            stop_command = "sshd -k"
            stop_timeout = 20
            essential = true
            success_exit_codes = [255]
            """)
        #expect(findings == [])
        let service = try #require(services.first)
        #expect(service.name == "sshd" && service.command == ["/usr/sbin/sshd", "-D", "-e"] && service.user == "root")
        #expect(service.directory == "/" && service.variables.map(\.value) == ["sesame"])
        #expect(
            service.restart == .onFailure && service.pause == .milliseconds(500) && service.longestPause == .seconds(10)
        )
        #expect(service.restartLimit == 5 && service.readiness == .socket("/run/sshd.sock"))
        #expect(service.readyTime == .milliseconds(2500) && service.after == ["agent"] && service.stopSignal == 37)
        #expect(service.stopCommand == ["/bin/sh", "-c", "sshd -k"] && service.stopTime == .seconds(20))
        #expect(service.isEssential && service.successCodes == [255])
        #expect(!service.shown.contains { $0.value.contains("sesame") })
    }

    @Test(arguments: [
        ("command = 7", "a.toml:2:11: command must be an array of strings, not an integer"),
        ("command = []", "a.toml:2:11: command must be an array of words, or one line for /bin/sh"),
        ("command = ['a', 1]", "a.toml:2:17: command must hold strings, not an integer"),
        ("user = 'x'", "a.toml:1:10: [service.a] has no command"),
        ("command = 'x'\nworkdir = 'relative'", "a.toml:3:11: workdir must be an absolute path"),
        ("command = 'x'\nrestart = 'sometimes'", "a.toml:3:11: restart is one of always, on-failure, no"),
        (
            "command = 'x'\nready_timeout = '5s'",
            "a.toml:3:17: ready_timeout must be a number of seconds, at most a day"
        ),
        ("command = 'x'\nstop_timeout = -1", "a.toml:3:16: stop_timeout must be a number of seconds, at most a day"),
        ("command = 'x'\nstop_timeout = nan", "a.toml:3:16: stop_timeout must be a number of seconds, at most a day"),
        ("command = 'x'\nmax_restarts = 1.5", "a.toml:3:16: max_restarts must be a whole number from 0 to 1000000"),
        (
            "command = 'x'\nready = 'maybe'",
            "a.toml:3:9: ready is one of none, notify, fd, socket:/PATH and exec:COMMAND"
        ),
        (
            "command = 'x'\nready = 'socket:relative'",
            "a.toml:3:9: ready is one of none, notify, fd, socket:/PATH and exec:COMMAND"
        ),
        ("command = 'x'\nstop_signal = 'NONESUCH'", "a.toml:3:15: stop_signal must be a signal by number or name"),
        ("command = 'x'\nstop_signal = 65", "a.toml:3:15: stop_signal must be a signal by number or name"),
        ("command = 'x'\nessential = 'yes'", "a.toml:3:13: essential must be true or false, not a string"),
        ("command = 'x'\nenv = { A = 1 }", "a.toml:3:9: env.A must be a string, not an integer"),
        (
            "command = 'x'\nsuccess_exit_codes = [256]",
            "a.toml:3:22: success_exit_codes must be an array of different numbers from 0 to 255"
        ),
    ])
    func `with a mistake cannot be run, and the others can`(lines: String, finding: String) {
        let (services, findings) = read("[service.a]\n\(lines)\n[service.b]\ncommand = 'true'\n")
        #expect(findings == [finding])
        #expect(services.map(\.name) == ["a", "b"] && services.map(\.isUsable) == [false, true])
    }

    @Test func `with a key that is not known can be run`() {
        let (services, findings) = read("[service.a]\ncommand = 'true'\ncolour = 'red'\n")
        #expect(findings == ["a.toml:3:1: \"colour\" is not a key of [service.a] and is ignored"])
        #expect(services.map(\.isUsable) == [true])
    }

    @Test(arguments: [
        ("[service.'a b']\ncommand = 'x'", "a.toml:1:10: \"a b\" cannot be the name of a service"),
        ("[service.agent]\ncommand = 'x'", "a.toml:1:10: agent is the built-in service of this name"),
        ("service = 1", "a.toml:1:1: service must be a table, not an integer"),
        ("[service]\na = 1", "a.toml:2:1: service.a must be a table, not an integer"),
    ])
    func `are none with a name that cannot be one`(text: String, finding: String) {
        let (services, findings) = read(text + "\n")
        #expect(services.isEmpty && findings == [finding])
    }

    @Test(arguments: [
        ("a after c, b, c after b", "b c a"), ("a, b, c", "a b c"), ("c after b, b after a, a", "a b c"),
    ])
    func `come behind those that they are after, else as declared`(text: String, order: String) {
        #expect(read(tables(text)).services.map(\.name).joined(separator: " ") == order)
        #expect(read(tables(text)).findings == [])
    }

    @Test func `in a circle, or after nobody, are started all the same, and told`() {
        let (services, findings) = read(tables("a after b, b after c, c after a, d after nobody"))
        #expect(services.count == 4 && services.allSatisfy(\.isUsable))
        #expect(
            findings.count == 2
                && findings.contains { $0.contains("come after each other in a circle: a after b after c after a") })
        #expect(findings.contains { $0.hasSuffix("[service.d] comes after \"nobody\", which is no service") })
        let itself = read(tables("a after a"))
        #expect(itself.services.map(\.after) == [[]] && itself.findings.count == 1)
    }

    @Test func `keep no other command from working when they have a mistake`() {
        let settings = Settings(file: ("a.toml", Array("[service.a]\ncommand = 7\n".utf8)), environment: [:])
        #expect(settings.mistakes.isEmpty && settings.findings.count == 1)
    }

    /// `x after y` for each.
    private func tables(_ text: String) -> String {
        text.split(separator: ", ").map { part in
            let words = part.split(separator: " ")
            let after = words.count > 1 ? "after = ['\(words[2])']\n" : ""
            return "[service.\(words[0])]\ncommand = 'true'\n\(after)"
        }.joined()
    }
}

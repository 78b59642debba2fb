import CaiInit
import SystemPackage
import Testing

/// Reads words as `cai run` does, below variables as NAME=VALUE without `CAI_RUN_`.
private func read(_ words: [String], _ variables: [String: String] = [:]) throws -> RunRequest {
    let options = try RunOptions { name in variables[String(name.dropFirst(8))].map { Array($0.utf8) } }
    return try RunRequest(words: words.map { Array($0.utf8) }, over: options)
}

/// The options, and the words of the command.
private func command(
    _ words: [String], _ variables: [String: String] = [:]
) throws -> (options: RunOptions, command: [String]) {
    guard case .command(let options, let start) = try read(words, variables) else {
        throw RunUsageError("no command")
    }
    return (options, Array(words[start...]))
}

@Suite struct `The command line of cai run` {
    @Test(arguments: [
        (["true"], ["true"]), (["--", "true"], ["true"]), (["--", "--", "x"], ["--", "x"]),
        (["-g", "sh", "-c", "x"], ["sh", "-c", "x"]),
        (["-g", "--", "-x"], ["-x"]), (["-", "a"], ["-", "a"]), (["", "a"], ["", "a"]),
        (["--grace", "--", "sh"], []), (["sh", "--help"], ["sh", "--help"]),
    ])
    func `ends at the first word that is no flag`(words: [String], expected: [String]) {
        #expect(((try? command(words))?.command ?? []) == expected)
    }

    @Test func `takes letters together, values at once, behind a blank and behind an equals sign`() throws {
        let signal = try #require(Signal("HUP"))
        for words in [
            ["-sgwvvp", "HUP", "-e143", "-e", "7", "--grace=1m30s", "--workdir", "/a//b"],
            [
                "-s", "-g", "-w", "-v", "-v", "-pHUP", "-e=143".replacing("=", with: ""), "-e7", "--grace", "90",
                "--workdir=/a//b",
            ],
            [
                "--subreaper", "--group", "--warn-on-reap", "--verbose", "--verbose", "--parent-death-signal=1",
                "--expect-exit-code=143", "--expect-exit-code", "7", "--grace", "90s", "--workdir", "/a/b",
            ],
        ] {
            let options = try command(words + ["x"]).options
            #expect(options.signalsGroup && options.warnsOnReap && options.verbosity == 2)
            #expect(options.parentDeathSignal == signal && options.expectedCodes == [143, 7])
            #expect(options.requestedGrace == .seconds(90) && options.workingDirectory == "/a/b")
        }
    }

    @Test func `says no more than failures and waits five seconds, unless told otherwise`() throws {
        let options = try command(["x"]).options
        #expect(options == RunOptions())
        #expect(options.requestedGrace == nil && options.grace == .seconds(5) && options.verbosity == 0)
        #expect(options.code(for: 143) == 143)
    }

    @Test func `makes expected codes 0, deaths by signal too`() throws {
        let options = try command(["-e", "143", "-e0", "-e", "255", "x"]).options
        #expect([0, 1, 143, 144, 255].map { options.code(for: $0) } == [0, 1, 0, 144, 0])
    }

    @Test func `undoes an earlier --group with --single-child`() throws {
        #expect(try !command(["-g", "-c", "x"]).options.signalsGroup)
        #expect(try command(["-c", "-g", "x"]).options.signalsGroup)
        #expect(try !command(["--single-child", "x"], ["GROUP": "1"]).options.signalsGroup)
    }

    @Test(arguments: [
        [], ["--"], ["-g"], ["-x", "true"], ["--grop", "true"], ["--group=1", "true"], ["-e"], ["-e", "256", "true"],
        ["-e", "-1", "true"], ["-e", "", "true"], ["-p", "NOPE", "true"], ["-r", "1", "true"],
        ["--grace", "5x", "true"],
        ["--grace", "", "true"], ["--user", "", "true"], ["--workdir=", "true"], ["-gp"], ["--grace"], ["-é", "true"],
    ])
    func `that means nothing is refused`(words: [String]) {
        #expect(throws: RunUsageError.self) { try read(words) }
    }

    @Test(arguments: [["-h"], ["--help"], ["-gh", "x"], ["-e", "3", "--help"]])
    func `asks for help`(words: [String]) throws { #expect(try read(words) == .help) }

    @Test func `asks for the version`() throws { #expect(try read(["--version"]) == .version) }
}

@Suite struct `The variables of cai run` {
    @Test func `mean what the flags mean, and flags come over them`() throws {
        let variables = [
            "SUBREAPER": "0", "GROUP": "yes", "WARN_ON_REAP": "1", "VERBOSE": "2", "PARENT_DEATH_SIGNAL": "HUP",
            "EXPECT_EXIT_CODE": "143, 7", "REWRITE": "TERM:QUIT,WINCH:0", "GRACE": "500ms", "USER": "agent",
            "WORKDIR": "/srv",
        ]
        let options = try command(["--grace", "1", "-e", "9", "-v", "x"], variables).options
        #expect(options.signalsGroup && options.warnsOnReap && options.verbosity == 3)
        #expect(options.expectedCodes == [143, 7, 9] && options.requestedGrace == .seconds(1))
        #expect(options.rewriting(.terminate) == Signal("QUIT") && options.user == "agent")
        #expect(options.workingDirectory == "/srv" && options.parentDeathSignal == .hangUp)
    }

    @Test(arguments: [
        ("GROUP", ""), ("GROUP", "0"), ("GROUP", "False"), ("WARN_ON_REAP", "off"), ("VERBOSE", "0"), ("GRACE", ""),
    ])
    func `that are off or empty change nothing`(name: String, value: String) throws {
        #expect(try command(["x"], [name: value]).options == RunOptions())
    }

    @Test(arguments: [
        ("GROUP", "2"), ("VERBOSE", "very"), ("EXPECT_EXIT_CODE", "300"), ("REWRITE", "TERM"), ("GRACE", "soon"),
        ("PARENT_DEATH_SIGNAL", "0"),
    ])
    func `that mean nothing are refused by name`(name: String, value: String) {
        let error = #expect(throws: RunUsageError.self) { try command(["x"], [name: value]) }
        #expect(error?.description.hasPrefix("CAI_RUN_\(name): ") == true)
    }
}

@Suite struct `A time` {
    @Test(arguments: [
        ("0", 0), ("10", 10_000), ("10s", 10_000), ("0.5", 500), ("1.5s", 1500), ("500ms", 500), ("1m30s", 90_000),
        ("2h", 7_200_000), ("1h1ms", 3_600_001),
    ])
    func `is read as people write it`(text: String, milliseconds: Int) {
        #expect(Duration(timeSpan: text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "s", "ms", "5x", "-1", "1e3", "1.", ".5", "1.5.5", "5 s", "inf", "nan", "99999999999999999999", "400000d",
        "1m30", "87600001h", "+1", "１",
    ])
    func `that is none is refused`(text: String) { #expect(Duration(timeSpan: text) == nil) }
}

/// Reads words as `cai entrypoint` does, below variables as NAME=VALUE without `CAI_ENTRYPOINT_`.
private func entrypoint(_ words: [String], _ variables: [String: String] = [:]) throws -> RunRequest {
    let all = Dictionary(uniqueKeysWithValues: variables.map { ("CAI_ENTRYPOINT_" + $0.key, $0.value) })
    let options = try RunOptions(of: .entrypoint) { name in all[name].map { Array($0.utf8) } }
    return try RunRequest(words: words.map { Array($0.utf8) }, of: .entrypoint, over: options)
}

private func boot(_ words: [String], _ variables: [String: String] = [:]) throws -> BootOptions {
    guard case .command(let options, _) = try entrypoint(words, variables) else { throw RunUsageError("no command") }
    return options.boot
}

@Suite struct `The command line of cai entrypoint` {
    @Test func `has the flags of cai run and its own`() throws {
        let options = try boot(["-g", "--boot-timeout", "1m", "--strict=links,hooks", "--ready-fd=7", "true"])
        #expect(options.timeout == .seconds(60) && options.strict == "links,hooks" && options.readyDescriptor == 7)
        #expect(try boot(["true"]) == BootOptions())
        #expect(throws: RunUsageError.self) { try read(["--strict", "true"]) }
    }

    @Test func `takes the word behind --strict for the command`() throws {
        #expect(try entrypoint(["--strict", "true"]) == entrypoint(["--strict=all", "--", "true"]).moved(by: -1))
        #expect(try boot(["true"], ["STRICT": "1"]).strict == "all")
        #expect(try boot(["true"], ["STRICT": "0"]).strict == nil)
        #expect(try boot(["true"], ["STRICT": "git"]).strict == "git")
    }

    @Test func `may do without a command for systemd only`() throws {
        #expect(try boot(["--systemd"]).isForSystemd)
        #expect(try boot([], ["SYSTEMD": "yes"]).isForSystemd)
        #expect(throws: RunUsageError.self) { try boot([]) }
    }

    @Test(arguments: [
        ["--ready-fd", "2", "x"], ["--ready-fd", "x", "x"], ["--boot-timeout", "soon", "x"], ["--root", "/", "x"],
    ])
    func `refuses what means nothing`(words: [String]) {
        #expect(throws: RunUsageError.self) { try boot(words) }
    }
}

extension RunRequest {
    /// The same request for a command that begins elsewhere.
    fileprivate func moved(by distance: Int) -> RunRequest {
        guard case .command(let options, let start) = self else { return self }
        return .command(options, start: start + distance)
    }
}

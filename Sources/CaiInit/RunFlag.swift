import SystemPackage

/// A flag of an init, with its names and what it changes.
package enum RunFlag: CaseIterable, Sendable {
    case subreaper, group, singleChild, parentDeathSignal, expectExitCode, warnOnReap, rewrite, verbose, grace, user
    case workdir
    case strict, bootTimeout, readyDescriptor, noAgent, systemd

    /// Whether a value follows.
    package enum Value: Sendable {
        case none, required
        /// Only behind an equals sign.
        case optional
    }

    /// The letter behind a single dash.
    package var letter: UInt8? {
        switch self {
        case .subreaper: UInt8(ascii: "s")
        case .group: UInt8(ascii: "g")
        case .singleChild: UInt8(ascii: "c")
        case .parentDeathSignal: UInt8(ascii: "p")
        case .expectExitCode: UInt8(ascii: "e")
        case .warnOnReap: UInt8(ascii: "w")
        case .rewrite: UInt8(ascii: "r")
        case .verbose: UInt8(ascii: "v")
        case .grace, .user, .workdir, .strict, .bootTimeout, .readyDescriptor, .noAgent, .systemd: nil
        }
    }

    /// The word behind two dashes.
    package var name: String {
        switch self {
        case .subreaper: "subreaper"
        case .group: "group"
        case .singleChild: "single-child"
        case .parentDeathSignal: "parent-death-signal"
        case .expectExitCode: "expect-exit-code"
        case .warnOnReap: "warn-on-reap"
        case .rewrite: "rewrite"
        case .verbose: "verbose"
        case .grace: "grace"
        case .user: "user"
        case .workdir: "workdir"
        case .strict: "strict"
        case .bootTimeout: "boot-timeout"
        case .readyDescriptor: "ready-fd"
        case .noAgent: "no-agent"
        case .systemd: "systemd"
        }
    }

    /// The environment variable for the same.
    package func variable(of program: InitProgram) -> String {
        program.variablePrefix + name.uppercased().replacing("-", with: "_")
    }

    package var value: Value {
        switch self {
        case .parentDeathSignal, .expectExitCode, .rewrite, .grace, .user, .workdir, .bootTimeout, .readyDescriptor:
            .required
        case .strict: .optional
        case .subreaper, .group, .singleChild, .warnOnReap, .verbose, .noAgent, .systemd: .none
        }
    }

    /// Whether a variable may hold several values.
    var isRepeatable: Bool { self == .expectExitCode || self == .rewrite }
}

extension RunOptions {
    /// Does what a flag asks for. `value` is empty for one that takes none; `name` is how errors call the flag.
    mutating func apply(_ flag: RunFlag, _ value: [UInt8], named name: String) throws(RunUsageError) {
        let text = String(decoding: value, as: UTF8.self)
        switch flag {
        case .subreaper: break  // always so when this is not process 1
        case .group: signalsGroup = true
        case .singleChild: signalsGroup = false
        case .warnOnReap: warnsOnReap = true
        case .verbose: verbosity += 1
        case .parentDeathSignal: parentDeathSignal = try RunUsageError.signal(text, for: name)
        case .expectExitCode: expectedCodes.insert(try exitCode(text, for: name))
        case .rewrite: try rewriting.add(text, for: name)
        case .grace: requestedGrace = try time(text, for: name)
        case .bootTimeout: boot.timeout = try time(text, for: name)
        case .strict: boot.strict = value.isEmpty ? "all" : text
        case .noAgent: boot.hasAgentService = false
        case .systemd: boot.isForSystemd = true
        case .readyDescriptor:
            guard let number = decimal(text), number > 2 else {
                throw RunUsageError("\(name): '\(text)' is no descriptor above 2")
            }
            boot.readyDescriptor = CInt(number)
        case .user:
            try requireNotEmpty(value, for: name)
            user = text
        case .workdir:
            try requireNotEmpty(value, for: name)
            workingDirectory = (value.map(CChar.init(bitPattern:)) + [0]).withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { FilePath(platformString: $0) }
            }
        }
    }
}

private func exitCode(_ text: String, for name: String) throws(RunUsageError) -> UInt8 {
    guard let number = decimal(text), let code = UInt8(exactly: number) else {
        throw RunUsageError("\(name): '\(text)' is no exit code; they go from 0 to 255")
    }
    return code
}

private func time(_ text: String, for name: String) throws(RunUsageError) -> Duration {
    guard let time = Duration(timeSpan: text) else {
        throw RunUsageError("\(name): '\(text)' is no time; write for example 10, 10s, 500ms, 1.5s or 1m30s")
    }
    return time
}

private func requireNotEmpty(_ value: [UInt8], for name: String) throws(RunUsageError) {
    if value.isEmpty { throw RunUsageError("\(name): the value must not be empty") }
}

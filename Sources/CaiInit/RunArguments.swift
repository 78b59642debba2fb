/// What a command line of an init asks for.
package enum RunRequest: Hashable, Sendable {
    /// To run a command: how, and at which of the given words it begins. Behind the last word where the command is left to
    /// systemd.
    case command(RunOptions, start: Int)
    case help
    case version
}

extension RunRequest {
    /// Reads the words behind the name of an init, over what the environment says (`variables`, see
    /// `RunOptions.init(of:variables:)`).
    ///
    /// Flags end at `--`, which is dropped, or at the first word that is none; nothing behind that is looked at. Letters
    /// may share a dash, and a value may follow at once: `-gvp TERM`, `-e143`, `--grace=5s`. Throws `RunUsageError`.
    package init(
        words: some Collection<[UInt8]>, of program: InitProgram = .run, over variables: RunOptions
    ) throws(RunUsageError) {
        var reader = FlagReader(words: words, options: variables, flags: program.flags)
        self = try reader.read()
    }
}

/// Goes through the words up to the command.
private struct FlagReader<Words: Collection<[UInt8]>> {
    /// The words that are still to be looked at.
    private var words: Words.SubSequence
    private var options: RunOptions
    private let flags: [RunFlag]
    private var position = 0

    init(words: Words, options: RunOptions, flags: [RunFlag]) {
        self.words = words[...]
        self.options = options
        self.flags = flags
    }

    mutating func read() throws(RunUsageError) -> RunRequest {
        while let word = words.first, word.first == dash, word.count > 1 {
            skip()
            if word == [dash, dash] { break }
            let request = word[1] == dash ? try readName(word.dropFirst(2)) : try readLetters(word.dropFirst())
            if let request { return request }
        }
        if words.isEmpty, !options.boot.isForSystemd { throw RunUsageError("there is no command to run") }
        return .command(options, start: position)
    }

    private mutating func skip() {
        words = words.dropFirst()
        position += 1
    }

    /// Reads `name` or `name=value`. Returns what ends the reading: help and version.
    private mutating func readName(_ bytes: ArraySlice<UInt8>) throws(RunUsageError) -> RunRequest? {
        let parts = bytes.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        let name = text(parts[0])
        if name == "help" { return .help }
        if name == "version" { return .version }
        guard let flag = flags.first(where: { $0.name == name }) else {
            throw RunUsageError("Unknown option '--\(name)'")
        }
        guard parts.count == 1 || flag.value != .none else { throw RunUsageError("--\(name) takes no value") }
        try apply(flag, named: "--\(name)", attached: parts.count == 2 ? Array(parts[1]) : nil)
        return nil
    }

    private mutating func readLetters(_ bytes: ArraySlice<UInt8>) throws(RunUsageError) -> RunRequest? {
        var rest = bytes
        while let letter = rest.popFirst() {
            if letter == UInt8(ascii: "h") { return .help }
            guard let flag = flags.first(where: { $0.letter == letter }) else {
                throw RunUsageError("Unknown option '-\(text([letter]))'")
            }
            let isAttached = flag.value != .none && !rest.isEmpty
            try apply(flag, named: "-\(text([letter]))", attached: isAttached ? Array(rest) : nil)
            if isAttached { break }
        }
        return nil
    }

    /// Applies a flag with the value attached to it, or with the next word if it takes one.
    private mutating func apply(
        _ flag: RunFlag, named name: String, attached: [UInt8]?
    ) throws(RunUsageError) {
        var value = attached ?? []
        if attached == nil && flag.value == .required {
            guard let next = words.first else { throw RunUsageError("Missing value for '\(name)'") }
            value = next
            skip()
        }
        try options.apply(flag, value, named: name)
    }
}

private let dash = UInt8(ascii: "-")

private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

extension RunOptions {
    /// What the variables `CAI_RUN_*`, or those of another init, say. Switches are on for 1, true, yes and on; off for 0,
    /// false, no, off and nothing; that of `--verbose` is a number, and lists are separated by commas or blanks. Throws
    /// `RunUsageError`.
    package init(of program: InitProgram = .run, variables: (String) -> [UInt8]?) throws(RunUsageError) {
        self.init()
        for flag in program.flags {
            let name = flag.variable(of: program)
            guard let value = variables(name), !value.isEmpty else { continue }
            try apply(flag, variable: name, value)
        }
        if program == .entrypoint, let value = variables("USE_SYSTEMD"), !value.isEmpty {
            boot.isForSystemd = try isOn(text(value), "USE_SYSTEMD")
        }
    }

    private mutating func apply(_ flag: RunFlag, variable name: String, _ value: [UInt8]) throws(RunUsageError) {
        let text = text(value)
        if flag == .verbose, let level = decimal(text) {
            verbosity = level
        } else if flag.isRepeatable {
            for part in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
                try apply(flag, Array(part.utf8), named: name)
            }
        } else if let isOn = switchValue(text), flag.value == .optional {
            if isOn { try apply(flag, [], named: name) }
        } else {
            let applies = if flag.value == .none { try isOn(text, name) } else { true }
            if applies { try apply(flag, value, named: name) }
        }
    }
}

private func isOn(_ text: String, _ variable: String) throws(RunUsageError) -> Bool {
    guard let value = switchValue(text) else {
        throw RunUsageError("\(variable): '\(text)' is neither on nor off; write 1 or 0")
    }
    return value
}

private func switchValue(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "1", "true", "yes", "on": true
    case "0", "false", "no", "off": false
    default: nil
    }
}

/// The variables of an `.env` file, as the predecessors read it, and what was wrong with the other lines.
///
/// One variable per line: an optional `export `, a name, the first `=`, and everything behind it, quotes and blanks
/// included. Lines that are blank, or begin with `#` behind any blanks, are nothing. A value that opens a quote and does
/// not close it on its line is skipped, with the lines that belong to it. Of equal names the first counts, because it is
/// set when the second one comes. No finding quotes a line: names appear where they are valid names, values never.
package struct EnvironmentFile: Sendable {
    /// One variable and its line, counted from 1.
    package struct Assignment: Hashable, Sendable {
        package let name: String
        package let value: String
        package let line: Int

        package init(name: String, value: String, line: Int) {
            self.name = name
            self.value = value
            self.line = line
        }
    }

    /// The variables in the order of their lines, each name once.
    package let assignments: [Assignment]
    /// What was skipped, in the order of the lines.
    package let findings: [Finding]
    /// The variables that are not set because the environment of a program has no room for them.
    package let refused: [Assignment]

    /// Reads the bytes of a file that findings call `file`.
    package init(_ bytes: [UInt8], file: String) {
        var reader = EnvironmentReader(bytes, file: file)
        reader.read()
        assignments = reader.assignments
        findings = reader.findings
        refused = []
    }

    private init(_ assignments: [Assignment], _ findings: [Finding], refused: [Assignment]) {
        self.assignments = assignments
        self.findings = findings
        self.refused = refused
    }

    /// The values that no output may show, those of refused variables included.
    package var secrets: [String] { (assignments + refused).map(\.value) }

    /// The file without the variables that would keep every program from being executed (execve(2), E2BIG): those longer
    /// than `longest` bytes, and those that do not fit with the ones before them into `room` bytes. Findings name them at
    /// `file`, and never quote a value.
    package func fitting(longest: Int, room: Int, file: String) -> EnvironmentFile {
        var (kept, refused, findings): ([Assignment], [Assignment], [Finding]) = ([], [], findings)
        var left = room
        var crowded: [String] = []
        for assignment in assignments {
            // The equals sign and the NUL; the kernel counts a pointer besides.
            let length = assignment.name.utf8.count + assignment.value.utf8.count + 2
            if length > longest {
                refused.append(assignment)
                if refused.count - crowded.count <= mostNames {
                    findings.append(
                        Finding(
                            .warning, at: "\(file):\(assignment.line):1",
                            "\(assignment.name.prefix(200)) has \(length) bytes, and a variable at most \(longest): it is not set",
                            advice: "put the value into a file, and the path of the file into .env"))
                }
            } else if length + 8 > left {
                refused.append(assignment)
                crowded.append(String(assignment.name.prefix(200)))
            } else {
                kept.append(assignment)
                left -= length + 8
            }
        }
        if !crowded.isEmpty {
            let more = crowded.count > mostNames ? " and \(crowded.count - mostNames) more" : ""
            findings.append(
                Finding(
                    .warning, at: file,
                    "the environment of a program has room for \(room) bytes of it; not set:"
                        + " \(crowded.prefix(mostNames).joined(separator: ", "))\(more)",
                    advice: "put long values into files, and the paths of the files into .env"))
        }
        return EnvironmentFile(kept, findings, refused: refused)
    }

    /// The environment with the variables added that it does not have; one that is set to nothing counts as set.
    package func applying(to environment: [String: String]) -> [String: String] {
        environment.merging(assignments.map { ($0.name, $0.value) }) { existing, _ in existing }
    }
}

/// The most refused variables that are reported by name.
private let mostNames = 20

/// Goes through the lines of an `.env` file once.
private struct EnvironmentReader {
    private(set) var assignments: [EnvironmentFile.Assignment] = []
    private(set) var findings: [Finding] = []
    private let lines: [ArraySlice<UInt8>]
    private let file: String
    private var names: Set<String> = []

    init(_ bytes: [UInt8], file: String) {
        self.file = file
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
            .map { $0.last == 0x0D ? $0.dropLast() : $0 }
    }

    mutating func read() {
        var index = 0
        while index < lines.count { index += read(lines[index], at: index) }
    }

    /// Reads one line; returns how many lines it took.
    private mutating func read(_ line: ArraySlice<UInt8>, at index: Int) -> Int {
        let indented = line.drop(while: isBlank)
        if indented.isEmpty || indented.first == UInt8(ascii: "#") { return 1 }
        let declaration = line.starts(with: "export ".utf8) ? line.dropFirst("export ".utf8.count) : line
        guard let equals = declaration.firstIndex(of: UInt8(ascii: "=")) else {
            report(.warning, index, "no = found - skipping")
            return 1
        }
        guard let name = variableName(declaration[..<equals]) else {
            report(.warning, index, "invalid key - skipping")
            return 1
        }
        let value = declaration[(equals + 1)...]
        if let quote = unclosedQuote(in: value) {
            report(.warning, index, "key '\(name)' skipped (multiline value)")
            return 1 + continuation(of: quote, behind: index)
        }
        assign(name, value, at: index)
        return 1
    }

    private mutating func assign(_ name: String, _ value: ArraySlice<UInt8>, at index: Int) {
        guard let text = String(validating: value, as: UTF8.self), !value.contains(0) else {
            return report(.warning, index, "the value of key '\(name)' is not text - skipping")
        }
        guard names.insert(name).inserted else {
            return report(.note, index, "key '\(name)' is set before - skipping")
        }
        assignments.append(EnvironmentFile.Assignment(name: name, value: text, line: index + 1))
    }

    /// How many lines behind an open quote belong to its value: up to the one that closes it.
    ///
    /// None when nothing closes it, or when the next quote of that kind opens the value of another variable; then the open
    /// quote is taken for a slip, and the other variables are read.
    private func continuation(of quote: UInt8, behind index: Int) -> Int {
        guard let closing = lines[(index + 1)...].firstIndex(where: { $0.contains(quote) }) else { return 0 }
        let line = lines[closing]
        let declaration = line.starts(with: "export ".utf8) ? line.dropFirst("export ".utf8.count) : line
        if let equals = declaration.firstIndex(of: UInt8(ascii: "=")), variableName(declaration[..<equals]) != nil,
            declaration[(equals + 1)...].first == quote
        {
            return 0
        }
        return closing - index
    }

    private mutating func report(_ severity: Severity, _ index: Int, _ sentence: String) {
        findings.append(Finding(severity, at: "\(file):\(index + 1):1", "line \(index + 1): \(sentence)"))
    }
}

/// The quote that a value opens and does not close; nil when there is none.
private func unclosedQuote(in value: ArraySlice<UInt8>) -> UInt8? {
    guard let quote = value.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
    return value.dropFirst().contains(quote) ? nil : quote
}

/// The bytes as the name of a variable (`[A-Za-z_][A-Za-z0-9_]*`); nil when they are none.
private func variableName(_ bytes: ArraySlice<UInt8>) -> String? {
    func isLetter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    guard let first = bytes.first, isLetter(first) else { return nil }
    guard bytes.allSatisfy({ isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
}

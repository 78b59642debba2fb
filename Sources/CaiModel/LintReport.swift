import class FoundationEssentials.JSONEncoder

/// The answer of `cai manifest lint`: findings as lines or as JSON, and the exit code that follows from them.
package struct LintReport: Sendable, Encodable {
    package let findings: [Finding]

    package init(_ findings: [Finding]) { self.findings = findings }

    /// 78 when a finding is an error, 1 when one is a warning, else 0.
    package var exitCode: Int32 {
        switch findings.map(\.severity).max() {
        case .error: 78
        case .warning: 1
        case .note, nil: 0
        }
    }

    /// One line per finding: `file:line:column: severity: sentence`, and advice in parentheses. Empty when all is well.
    package var text: String { findings.map { $0.line + "\n" }.joined() }

    /// The counts in words, such as "2 errors, 1 warning, 0 notes".
    package var summary: String {
        let counts: [(Severity, String)] = [(.error, "error"), (.warning, "warning"), (.note, "note")]
        return counts.map { severity, word in "\(count(severity)) \(word)\(count(severity) == 1 ? "" : "s")" }
            .joined(separator: ", ")
    }

    private func count(_ severity: Severity) -> Int { findings.count { $0.severity == severity } }

    private enum Key: String, CodingKey { case errors, warnings, notes, findings }

    /// Encodes the counts and the findings in their order.
    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(count(.error), forKey: .errors)
        try object.encode(count(.warning), forKey: .warnings)
        try object.encode(count(.note), forKey: .notes)
        try object.encode(findings, forKey: .findings)
    }

    /// The report as JSON with sorted keys.
    package func json() throws -> String { try sortedJSON(self) }
}

extension Finding {
    /// `place: sentence (advice)`, for lines that name the severity themselves.
    package var told: String { "\(place): \(sentence)" + (advice.map { " (\($0))" } ?? "") }

    /// `place: severity: sentence (advice)`.
    package var line: String { "\(place): \(severity.rawValue): \(sentence)" + (advice.map { " (\($0))" } ?? "") }
}

/// Indented JSON with sorted keys, the form of every `--json` answer about manifests.
package func sortedJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

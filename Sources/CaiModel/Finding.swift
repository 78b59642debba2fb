/// How much a finding matters: a note needs nobody, a warning degrades, an error is a job left undone.
package enum Severity: String, Comparable, Sendable, Codable {
    case note, warning, error
    private var rank: Int { self == .note ? 0 : self == .warning ? 1 : 2 }
    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// One notable thing: what was found, where, and what to do about it.
///
/// The sentence never holds file content, only names, numbers and reasons. Documents hold the four fields, `advice` only
/// where there is one.
package struct Finding: Hashable, Sendable, Codable {
    package let severity: Severity
    /// A path, or `file:line:column`.
    package let place: String
    package let sentence: String
    /// The next command or edit, when there is one.
    package let advice: String?

    package init(_ severity: Severity, at place: String, _ sentence: String, advice: String? = nil) {
        self.severity = severity
        self.place = place
        self.sentence = sentence
        self.advice = advice
    }
}

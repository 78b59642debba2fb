/// Findings about one file, each with the position it is about; what goes beyond `limit` is only counted.
struct FindingList {
    static let limit = 200

    let file: String
    private var items: [(position: SourcePosition, finding: Finding)] = []
    private var unlisted: [Severity: Int] = [:]
    /// Lines about which nothing is added.
    var mutedLines: [ClosedRange<Int>] = []

    init(file: String) { self.file = file }

    mutating func add(
        _ severity: Severity, at position: SourcePosition, _ sentence: String, advice: String? = nil
    ) {
        if mutedLines.contains(where: { $0.contains(position.line) }) { return }
        guard items.count < Self.limit else {
            unlisted[severity, default: 0] += 1
            return
        }
        let place = SourceLocation(file: file, line: position.line, column: position.column).description
        items.append((position, Finding(severity, at: place, sentence, advice: advice)))
    }

    /// The findings in the order of the file, then one as severe as the worst that is not listed.
    var sorted: [Finding] {
        let listed = items.enumerated()
            .sorted { ($0.element.position, $0.offset) < ($1.element.position, $1.offset) }
            .map(\.element.finding)
        guard let worst = unlisted.keys.max() else { return listed }
        let count = unlisted.values.reduce(0, +)
        return listed + [Finding(worst, at: file, "\(count) more findings about this file are not listed")]
    }
}

/// Reads the known keys of one declared table and notes what is unknown or of the wrong type.
struct DeclaredTable {
    let table: TOMLTable
    let position: SourcePosition
    /// How sentences name the table, such as `[[entries]]`.
    let name: String
    /// Whether something was found that makes the whole declaration unusable.
    private(set) var isInvalid = false

    init(_ table: TOMLTable, at position: SourcePosition, name: String) {
        self.table = table
        self.position = position
        self.name = name
    }

    mutating func reject(
        at position: SourcePosition, _ sentence: String, advice: String? = nil, in findings: inout FindingList
    ) {
        isInvalid = true
        findings.add(.error, at: position, sentence, advice: advice)
    }

    /// Notes every key that is not in `known`.
    func checkKeys(_ known: [String], in findings: inout FindingList) {
        for member in table.members where !known.contains(member.key) {
            findings.add(
                .warning, at: member.keyPosition, "\(quoted(member.key)) is not a key of \(name) and is ignored",
                advice: "the keys are \(known.joined(separator: ", "))")
        }
    }

    mutating func string(_ key: String, in findings: inout FindingList) -> (text: String, position: SourcePosition)? {
        guard let value = table[key] else { return nil }
        guard let text = value.string else {
            reject(at: value.position, "\(key) must be a string, not \(value.kindName)", in: &findings)
            return nil
        }
        return (text, value.position)
    }

    mutating func boolean(_ key: String, in findings: inout FindingList) -> Bool {
        guard let value = table[key] else { return false }
        guard let flag = value.boolean else {
            reject(
                at: value.position, "\(key) must be true or false, not \(value.kindName)",
                advice: value.string.map { _ in "write it without quotes" }, in: &findings)
            return false
        }
        return flag
    }

    mutating func strings(
        _ key: String, in findings: inout FindingList
    ) -> [(text: String, position: SourcePosition)] {
        guard let value = table[key] else { return [] }
        guard let elements = value.array else {
            reject(
                at: value.position, "\(key) must be an array of strings, not \(value.kindName)",
                advice: "write \(key) = [\"…\"]", in: &findings)
            return []
        }
        var result: [(text: String, position: SourcePosition)] = []
        for element in elements {
            if let text = element.string {
                result.append((text, element.position))
            } else {
                reject(at: element.position, "\(key) must hold strings, not \(element.kindName)", in: &findings)
            }
        }
        return result
    }
}

/// Finds every syntax error of a text, where the parser stops at the first.
///
/// After an error the statement it stands in is taken out and the text is read again. A broken table header is replaced
/// by a header of its own, so that the keys below it do not fall into the table above and clash there.
package struct TOMLRecovery {
    private var lines: [[UInt8]]
    /// Numbers of the lines that were taken out, from 1.
    private var takenOut: Set<Int> = []

    /// What was found in a text, and what can still be read of it.
    package struct Result {
        /// All syntax errors in the order of the text, at most the limit; empty when the text is TOML.
        package fileprivate(set) var errors: [TOMLSyntaxError] = []
        /// What the text holds without the statements that were taken out; nil when the search was given up.
        package fileprivate(set) var table: TOMLTable?
        /// The lines, from 1, of every table that lost a statement, its header included.
        package fileprivate(set) var damagedLines: [ClosedRange<Int>] = []
    }

    /// How many bytes are read again at most; a long text gives fewer errors instead of taking long.
    private static let rereadBudget = 4 << 20

    /// Reads a text again and again, each time without the statement that held the last error, until nothing is wrong or
    /// `limit` errors are found.
    package static func read(_ bytes: [UInt8], limit: Int = 50) -> Result {
        var recovery = TOMLRecovery(
            lines: bytes.split(separator: newline, omittingEmptySubsequences: false).map(Array.init))
        var text = bytes
        var result = Result()
        while result.errors.count < limit {
            do throws(TOMLSyntaxError) {
                result.table = try TOMLReader.table(from: text)
                break
            } catch {
                result.errors.append(error)
                let count = result.errors.count
                guard text.count * count <= rereadBudget, recovery.takeOut(error, number: count) else { break }
                text = Array(recovery.lines.joined(separator: [newline]))
            }
        }
        result.errors.sort { $0.position < $1.position }
        result.damagedLines = recovery.damagedTables
        return result
    }

    private init(lines: [[UInt8]]) { self.lines = lines }

    /// The tables around the lines that were taken out: from the header, or the beginning, to the line before the next.
    private var damagedTables: [ClosedRange<Int>] {
        let headers = lines.indices.filter { Self.isHeader(lines[$0]) }.map { $0 + 1 }
        return takenOut.map { line in
            (headers.last { $0 <= line } ?? 1)...max((headers.first { $0 > line } ?? lines.count + 1) - 1, line)
        }
    }

    private static func isHeader(_ line: [UInt8]) -> Bool { line.first { !isBlank($0) } == UInt8(ascii: "[") }

    /// Removes the statement that holds an error; false when there is nothing left to remove.
    private mutating func takeOut(_ error: TOMLSyntaxError, number: Int) -> Bool {
        let last = min(error.position.line, lines.count) - 1
        guard let (first, isString) = openValue(before: last) else { return replace(last...last, number) }
        let isNextStatement = Self.isStatement(lines[last]) && !isString
        if isNextStatement { return replace(first...last - 1, number) }
        let isAtEnd = lines[(last + 1)...].allSatisfy { $0.allSatisfy(Self.isBlank) }
        if isAtEnd || lines[last].allSatisfy(Self.isBlank) { return replace(first...last, number) }
        return replace(last...last, number)
    }

    private mutating func replace(_ range: ClosedRange<Int>, _ number: Int) -> Bool {
        guard range.contains(where: { !lines[$0].allSatisfy(Self.isBlank) }) else { return false }
        for index in range {
            takenOut.insert(index + 1)
            lines[index] = Self.isHeader(lines[index]) && range.count == 1 ? Array("[unreadable-\(number)]".utf8) : []
        }
        return true
    }

    /// The line on which a value begins that is still open where `line` begins: brackets, braces or a long string.
    private func openValue(before line: Int) -> (line: Int, isString: Bool)? {
        var open: Int?
        var depth = 0
        var closing: [UInt8]?
        for index in 0..<line {
            if depth == 0, closing == nil {
                open = nil
                if Self.isHeader(lines[index]) { continue }
            }
            Self.scan(lines[index], depth: &depth, closing: &closing)
            if open == nil, depth > 0 || closing != nil { open = index }
        }
        return open.flatMap { depth > 0 || closing != nil ? ($0, closing != nil) : nil }
    }

    private static func scan(_ line: [UInt8], depth: inout Int, closing: inout [UInt8]?) {
        var rest = line[...]
        while let byte = rest.first {
            if let end = closing {
                if end[0] == UInt8(ascii: "\""), byte == UInt8(ascii: "\\") {
                    rest = rest.dropFirst(2)
                } else if rest.starts(with: end) {
                    closing = nil
                    rest = rest.dropFirst(end.count)
                } else {
                    rest = rest.dropFirst()
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "#"): return
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                let three = [byte, byte, byte]
                closing = rest.starts(with: three) ? three : [byte]
                rest = rest.dropFirst(closing?.count ?? 1)
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth = max(0, depth - 1)
            default: break
            }
            rest = rest.dropFirst()
        }
        // A short string ends with its line, closed or not.
        if closing?.count == 1 { closing = nil }
    }

    /// Whether a line looks like `key =` or `[header]`, and so cannot belong to an array.
    private static func isStatement(_ line: [UInt8]) -> Bool {
        let text = line.drop(while: isBlank)
        if text.first == UInt8(ascii: "[") {
            let name = text.drop { $0 == UInt8(ascii: "[") }.prefix(while: isBareKey)
            let end = text.drop { $0 == UInt8(ascii: "[") }.dropFirst(name.count).first
            return end == UInt8(ascii: "]") && name.contains { $0 >= UInt8(ascii: "A") }
                && name != Array("true".utf8)[...]
        }
        let name = text.prefix { isBareKey($0) || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
        return !name.isEmpty && text.dropFirst(name.count).drop(while: isBlank).first == UInt8(ascii: "=")
    }

    private static func isBareKey(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}

private let newline = UInt8(ascii: "\n")

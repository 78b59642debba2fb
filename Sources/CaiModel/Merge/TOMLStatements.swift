/// One statement of a TOML text: a table header, or a key with its value.
struct TOMLStatement: Sendable {
    enum Kind: Sendable {
        case header(isArray: Bool)
        /// The bytes of the value, from its first to its last.
        case assignment(value: Range<Int>)
    }

    let kind: Kind
    /// The keys from the root to what is declared: the header's own, or those of the section and of the assignment.
    let path: [String]
    /// How many of the keys come from the header of the section.
    let sectionDepth: Int
    /// The lines of the statement, with its comment and the line break at its end.
    let lines: Range<Int>

    var isHeader: Bool { if case .header = kind { true } else { false } }
    /// The keys of the section that the statement stands in, or begins.
    var section: [String] { Array(path[..<sectionDepth]) }
}

/// Finds the statements of a text that is known to be TOML.
///
/// It looks at brackets, quotes and line breaks only, since the rest was checked by `TOMLReader`; nil on anything that it
/// cannot place, such as a quoted key with an escape.
struct TOMLStatementScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var section: [String] = []
    private var statements: [TOMLStatement] = []

    /// The statements in order.
    static func statements(of bytes: [UInt8]) -> [TOMLStatement]? {
        var scanner = TOMLStatementScanner(bytes: bytes)
        return scanner.scan() ? scanner.statements : nil
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        position = byteOrderMark(of: bytes)
    }

    private mutating func scan() -> Bool {
        while true {
            skip { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
            guard let first = current else { return true }
            if first == UInt8(ascii: "#") {
                skipLine()
            } else if !(first == UInt8(ascii: "[") ? readHeader() : readAssignment()) {
                return false
            }
        }
    }

    /// The start of the present line, after a byte order mark, which belongs to the text and not to its first statement.
    private var startOfLine: Int { max(lineStart(of: position, in: bytes), byteOrderMark(of: bytes)) }

    private mutating func readHeader() -> Bool {
        let start = startOfLine
        position += 1
        let isArray = take(UInt8(ascii: "["))
        guard let path = readKeys(), take(UInt8(ascii: "]")) else { return false }
        if isArray, !take(UInt8(ascii: "]")) { return false }
        skipLine()
        section = path
        let kind = TOMLStatement.Kind.header(isArray: isArray)
        statements.append(TOMLStatement(kind: kind, path: path, sectionDepth: path.count, lines: start..<position))
        return true
    }

    private mutating func readAssignment() -> Bool {
        let start = startOfLine
        guard let keys = readKeys(), take(UInt8(ascii: "=")) else { return false }
        skip(while: isBlank)
        guard let value = readValue() else { return false }
        skipLine()
        statements.append(
            TOMLStatement(
                kind: .assignment(value: value), path: section + keys, sectionDepth: section.count,
                lines: start..<position))
        return true
    }

    /// Reads keys with dots between them, and the blanks around them.
    private mutating func readKeys() -> [String]? {
        var keys: [String] = []
        repeat {
            skip(while: isBlank)
            guard let key = readKey() else { return nil }
            keys.append(key)
            skip(while: isBlank)
        } while take(UInt8(ascii: "."))
        return keys
    }

    private mutating func readKey() -> String? {
        guard let first = current else { return nil }
        let start = position
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            position += 1
            skip { $0 != first && $0 != 0x0A }
            let text = bytes[(start + 1)..<position]
            let isEscaped = first == UInt8(ascii: "\"") && text.contains(UInt8(ascii: "\\"))
            return take(first) && !isEscaped ? String(decoding: text, as: UTF8.self) : nil
        }
        skip { !isBlank($0) && !".=]\r\n".utf8.contains($0) }
        return start == position ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// Reads up to the end of the line that closes every bracket and quote; blanks and a comment behind it do not count.
    private mutating func readValue() -> Range<Int>? {
        let start = position
        var end = position
        var depth = 0
        while let byte = current {
            switch byte {
            case 0x0A, 0x0D:
                if depth == 0 { return start..<end }
                position += 1
            case UInt8(ascii: "#"):
                if depth == 0 { return start..<end }
                skip { $0 != 0x0A }
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard skipString(byte) else { return nil }
                end = position
            default:
                if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { depth += 1 }
                if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { depth -= 1 }
                position += 1
                if !isBlank(byte) { end = position }
            }
        }
        return depth == 0 ? start..<end : nil
    }

    /// Skips a string of one line or of many.
    private mutating func skipString(_ quote: UInt8) -> Bool {
        let isBasic = quote == UInt8(ascii: "\"")
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        position += isLong ? 3 : 1
        while let byte = current {
            if isBasic, byte == UInt8(ascii: "\\") {
                position = min(position + 2, bytes.count)
            } else if byte == quote, !isLong || bytes[position...].starts(with: [quote, quote, quote]) {
                position += isLong ? 3 : 1
                // A long string may end in quotes of its own, which stand before the three that close it.
                if isLong { skip { $0 == quote } }
                return true
            } else {
                position += 1
            }
        }
        return false
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = current, condition(byte) { position += 1 }
    }

    private mutating func skipLine() {
        skip { $0 != 0x0A }
        _ = take(0x0A)
    }
}

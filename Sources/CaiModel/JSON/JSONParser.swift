/// Reads a JSON text into nodes, one member or element at a time, with its own stack of open containers.
struct JSONParser {
    private(set) var nodes: [JSONNode] = []
    private let bytes: [UInt8]
    private let isLenient: Bool
    private var position = 0
    /// The containers that have begun and not ended, outermost first.
    private var open: [Int] = []
    /// What is kept of each of them.
    private var focuses: [JSONFocus] = []
    private let focus: JSONFocus

    init(_ bytes: [UInt8], dialect: JSONDocument.Dialect, focus: JSONFocus = .everything) {
        self.bytes = bytes
        self.isLenient = dialect == .lenient
        self.focus = focus
    }

    mutating func parse() throws(JSONProblem) {
        if let offset = firstInvalidUTF8(in: bytes) { throw problem("the text is not UTF-8", at: offset) }
        if isLenient, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        try skipBlanks()
        try readValue(name: nil)
        while let container = open.last { try advance(in: container) }
        try skipBlanks()
        if position < bytes.count { throw problem("there is more text after the end of the document") }
    }

    /// Reads the next member or element of the innermost container, or the comma behind the last one, or the end.
    private mutating func advance(in container: Int) throws(JSONProblem) {
        try skipBlanks()
        let isObject = nodes[container].kind == .object
        let end = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        let last = nodes[container].children.last
        if let last, nodes[last].comma == nil, take(UInt8(ascii: ",")) {
            nodes[last].comma = position - 1
        } else if take(end) {
            guard isLenient || last.flatMap({ nodes[$0].comma }) == nil else {
                throw problem("a comma stands before the closing bracket", at: position - 1)
            }
            nodes[container].range = nodes[container].range.lowerBound..<position
            open.removeLast()
            focuses.removeLast()
        } else if let last, nodes[last].comma == nil {
            throw problem(isObject ? "a comma or \"}\" is missing" : "a comma or \"]\" is missing")
        } else {
            try readValue(name: isObject ? readName() : nil)
        }
    }

    /// Reads a member's name and the colon behind it.
    private mutating func readName() throws(JSONProblem) -> Range<Int> {
        guard current == UInt8(ascii: "\"") else { throw problem("a name in double quotes is missing") }
        let start = position
        try readString()
        let name = start..<position
        try skipBlanks()
        guard take(UInt8(ascii: ":")) else { throw problem("a colon is missing after the name") }
        try skipBlanks()
        return name
    }

    /// Reads a whole scalar, or the opening bracket of a container.
    private mutating func readValue(name: Range<Int>?) throws(JSONProblem) {
        let start = position
        let kind = try readKind()
        if let parent = open.last { nodes[parent].children.append(nodes.count) }
        if kind == .object || kind == .array {
            guard open.count < JSONDocument.maximumDepth else {
                throw problem("the text is nested deeper than \(JSONDocument.maximumDepth) levels", at: start)
            }
            let focus = focuses.last.map { $0.inside(name.map { bytes[$0] }) } ?? focus
            if let end = extent(of: kind, from: start, focus) {
                position = end
            } else {
                open.append(nodes.count)
                focuses.append(focus)
            }
        }
        nodes.append(JSONNode(kind: kind, range: start..<position, name: name))
    }

    /// Where a container ends of which nothing but that is kept; nil when it has to be read. So is one that is not valid,
    /// for the place and the sentence.
    private func extent(of kind: JSONValue.Kind, from start: Int, _ focus: JSONFocus) -> Int? {
        switch focus {
        case .everything: return nil
        case .members where kind == .object: return nil
        case .members, .extent:
            let levels = JSONDocument.maximumDepth - open.count
            return bytes.withUnsafeBufferPointer {
                endOfJSONContainer($0, from: start, levels: levels, isLenient: isLenient)
            }
        }
    }

    private mutating func readKind() throws(JSONProblem) -> JSONValue.Kind {
        guard let first = current else { throw problem("the text ends where a value is missing") }
        switch first {
        case UInt8(ascii: "{"):
            position += 1
            return .object
        case UInt8(ascii: "["):
            position += 1
            return .array
        case UInt8(ascii: "\""):
            try readString()
            return .string
        case UInt8(ascii: "t"): return try readWord("true", .true)
        case UInt8(ascii: "f"): return try readWord("false", .false)
        case UInt8(ascii: "n"): return try readWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try readNumber()
            return .number
        default: throw problem("a value is missing")
        }
    }

    private mutating func readWord(_ word: String, _ kind: JSONValue.Kind) throws(JSONProblem) -> JSONValue.Kind {
        guard bytes[position...].starts(with: word.utf8) else { throw problem("a value is missing") }
        position += word.utf8.count
        return kind
    }

    /// Reads a string from quote to quote; escapes are checked, not decoded.
    private mutating func readString() throws(JSONProblem) {
        let start = position
        position += 1
        while let byte = current {
            if byte < 0x20 { throw problem("a control character stands in a string; it must be escaped") }
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte == UInt8(ascii: "\\") { try readEscape() }
        }
        throw problem("a string is not closed", at: start)
    }

    private mutating func readEscape() throws(JSONProblem) {
        let escape = current ?? 0
        position += 1
        if "\"\\/bfnrt".utf8.contains(escape) { return }
        let digits = bytes[min(position, bytes.count)...].prefix(4)
        guard escape == UInt8(ascii: "u"), digits.count == 4, digits.allSatisfy(isHexDigit) else {
            throw problem("an escape in a string is not one that JSON knows", at: position - 2)
        }
        position += 4
    }

    private mutating func readNumber() throws(JSONProblem) {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try readDigits(start) }
        if take(UInt8(ascii: ".")) { try readDigits(start) }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try readDigits(start)
        }
    }

    private mutating func readDigits(_ start: Int) throws(JSONProblem) {
        let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { throw problem("a number is not complete", at: start) }
        position += digits.count
    }

    /// Skips white space and, leniently, comments.
    private mutating func skipBlanks() throws(JSONProblem) {
        while let byte = current {
            if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                position += 1
            } else if isLenient, byte == UInt8(ascii: "/") {
                guard let end = endOfJSONComment(at: position, in: bytes) else {
                    throw problem("a comment is not complete")
                }
                position = end
            } else {
                return
            }
        }
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private func problem(_ sentence: String, at offset: Int? = nil) -> JSONProblem {
        let (line, column) = textLocation(of: offset ?? position, in: bytes)
        return JSONProblem(line: line, column: column, sentence: sentence)
    }
}

/// Where the comment that begins at an offset ends: before the line break, or behind `*/`; nil when none begins there or
/// it never ends.
func endOfJSONComment(at offset: Int, in bytes: [UInt8]) -> Int? {
    let rest = bytes[offset...]
    if rest.starts(with: "//".utf8) { return rest.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count }
    guard rest.starts(with: "/*".utf8) else { return nil }
    var position = offset + 2
    while position + 1 < bytes.count {
        if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") { return position + 2 }
        position += 1
    }
    return nil
}

/// Where the text stops being UTF-8; nil when it is.
func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
    if String(validating: bytes, as: UTF8.self) != nil { return nil }
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
    return offset
}

func isHexDigit(_ byte: UInt8) -> Bool { hexValue(byte) != nil }

/// The value of a hexadecimal digit.
func hexValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}

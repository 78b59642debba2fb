/// A git configuration file, read as git reads it (git-config(1), "Syntax"): sections and subsections, values with
/// quotes, escapes, continuation lines and comments, names without a value, and keys on the line of their header.
///
/// Nothing is normalised: every item knows its text, so that what stays is written as it was.
package struct GitConfiguration: Sendable {
    /// A piece of the file, in its order; all texts together are the file.
    package enum Item: Sendable {
        /// `[section "subsection"]`; the section in lower case.
        case header(section: String, subsection: String?, text: [UInt8])
        /// The key in lower case; nil for a name without a value, which means true.
        case variable(key: String, value: String?, text: [UInt8])
        /// Comments, blank lines, and what cannot be read.
        case other(text: [UInt8])
    }

    package let items: [Item]
    /// The first line, counted from 1, that git would refuse; nothing behind it is read.
    package let brokenLine: Int?

    package init(_ bytes: [UInt8]) {
        var reader = GitReader(bytes)
        reader.read()
        items = reader.items
        brokenLine = reader.brokenLine
    }
}

private struct GitReader {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var items: [GitConfiguration.Item] = []
    private(set) var brokenLine: Int?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func read() {
        while byte != nil {
            let start = position
            skipBlanks()
            switch byte {
            case nil, 0x0A, 0x0D: readOther(from: start)
            case UInt8(ascii: "#"), UInt8(ascii: ";"): readOther(from: start)
            case UInt8(ascii: "["):
                guard readHeader(from: start) else { return breakOff(start) }
            case let first? where isLetter(first):
                guard readVariable(from: start) else { return breakOff(start) }
            default: return breakOff(start)
            }
        }
    }

    private mutating func breakOff(_ start: Int) {
        brokenLine = bytes[..<start].count { $0 == 0x0A } + 1
        position = bytes.count
    }

    private mutating func skipBlanks() { while let byte, isBlank(byte) { position += 1 } }

    /// Up to and with the end of the line.
    private mutating func readOther(from start: Int) {
        while let byte, byte != 0x0A { position += 1 }
        if byte == 0x0A { position += 1 }
        items.append(.other(text: Array(bytes[start..<position])))
    }

    private mutating func readHeader(from start: Int) -> Bool {
        position += 1
        var name: [UInt8] = []
        while let byte, isLetter(byte) || isDigit(byte) || byte == 0x2D || byte == 0x2E {
            name.append(byte)
            position += 1
        }
        guard !name.isEmpty else { return false }
        skipBlanks()
        var subsection: String?
        if byte == UInt8(ascii: "\"") {
            guard let text = readQuotedSubsection() else { return false }
            subsection = text
        }
        guard byte == UInt8(ascii: "]") else { return false }
        position += 1
        var section = String(decoding: name, as: UTF8.self).lowercased()
        // The old form `[section.subsection]`.
        if subsection == nil, let dot = section.firstIndex(of: ".") {
            subsection = String(section[section.index(after: dot)...])
            section = String(section[..<dot])
        }
        let end = position
        skipBlanks()
        if byte == 0x0D || byte == 0x0A || byte == nil {
            if byte == 0x0D { position += 1 }
            if byte == 0x0A { position += 1 }
        } else {
            position = end  // a key, or a comment, on the same line
        }
        items.append(.header(section: section, subsection: subsection, text: Array(bytes[start..<position])))
        return true
    }

    private mutating func readQuotedSubsection() -> String? {
        position += 1
        var text: [UInt8] = []
        while let byte {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let next = self.byte, next != 0x0A else { return nil }
                text.append(next)
                position += 1
            case 0x0A, 0: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func readVariable(from start: Int) -> Bool {
        var key: [UInt8] = []
        while let byte, isLetter(byte) || isDigit(byte) || byte == 0x2D {
            key.append(byte)
            position += 1
        }
        skipBlanks()
        var value: String?
        switch byte {
        case UInt8(ascii: "="):
            position += 1
            guard let text = readValue() else { return false }
            value = text
        case nil, 0x0A, 0x0D, UInt8(ascii: "#"), UInt8(ascii: ";"):
            while let byte, byte != 0x0A { position += 1 }
            if byte == 0x0A { position += 1 }
        default: return false
        }
        items.append(
            .variable(
                key: String(decoding: key, as: UTF8.self).lowercased(), value: value,
                text: Array(bytes[start..<position])))
        return true
    }

    /// The value up to the end of its last line; nil where git refuses it.
    private mutating func readValue() -> String? {
        skipBlanks()
        var value: [UInt8] = []
        var blanks: [UInt8] = []
        var isQuoted = false
        var isComment = false
        while let byte {
            position += 1
            if byte == 0x0A {
                if isQuoted { return nil }
                return String(decoding: value, as: UTF8.self)
            }
            if isComment || byte == 0x0D && self.byte == 0x0A { continue }
            if byte == UInt8(ascii: "\\") {
                guard let next = self.byte else { return nil }
                position += 1
                if next == 0x0D, self.byte == 0x0A { position += 1 }
                if next == 0x0A || next == 0x0D { continue }
                guard let escaped = Self.escapes[next] else { return nil }
                value += blanks + [escaped]
                blanks = []
            } else if byte == UInt8(ascii: "\"") {
                value += blanks
                blanks = []
                isQuoted.toggle()
            } else if !isQuoted, byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") {
                isComment = true
            } else if !isQuoted, isBlank(byte) {
                if !value.isEmpty { blanks.append(byte) }
            } else {
                value += blanks + [byte]
                blanks = []
            }
        }
        return isQuoted ? nil : String(decoding: value, as: UTF8.self)
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, UInt8(ascii: "b"): 0x08, UInt8(ascii: "\\"): 0x5C,
        UInt8(ascii: "\""): 0x22,
    ]
}

private func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

/// Cuts a stream of bytes into lines. What is longer than `longest` is cut there as well, so that it stays small.
package struct LineCutter: Sendable {
    /// A line without its end; `isWhole` is false for one that is cut or has no end yet.
    package struct Line: Hashable, Sendable {
        package let bytes: [UInt8]
        package let isWhole: Bool
    }

    package static let longest = 8192
    private var rest: [UInt8] = []

    package init() {}

    /// Takes bytes in. Returns the lines that they end.
    package mutating func take(_ bytes: some Collection<UInt8>) -> [Line] {
        var lines: [Line] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(Line(bytes: rest, isWhole: true))
                rest = []
                continue
            }
            rest.append(byte)
            if rest.count >= Self.longest { lines.append(cut()) }
        }
        return lines
    }

    /// What has no end yet and will not get one; nil for nothing.
    package mutating func flush() -> Line? {
        defer { rest = [] }
        return rest.isEmpty ? nil : Line(bytes: rest, isWhole: false)
    }

    /// Not in the middle of a character, if it is one.
    private mutating func cut() -> Line {
        let tail = rest.suffix(3).reversed().firstIndex { $0 & 0xC0 != 0x80 }
        let begin = tail.map { $0.base - 1 } ?? rest.count
        let end = begin < rest.count && rest[begin] >= 0xC0 ? begin : rest.count
        let line = Line(bytes: Array(rest[..<end]), isWhole: false)
        rest = Array(rest[end...])
        return line
    }
}

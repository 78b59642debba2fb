/// A JSON value to be written.
package indirect enum JSONLiteral: Sendable {
    case object([(name: String, value: JSONLiteral)])
    case array([JSONLiteral])
    case string(String)
    case integer(Int)
    /// A number that is not whole; it must be finite.
    case fraction(Double)
    case bool(Bool)
    case null

    /// The value as a document of its own: two spaces per level, members in the given order, a line break at the end.
    package var document: [UInt8] { rendered(.pretty, indentation: []) + [0x0A] }

    /// How a value is laid out.
    struct Style {
        let newline: [UInt8]
        /// The indentation of one level; nil for everything on one line.
        let unit: [UInt8]?
        let colon: [UInt8]

        static let pretty = Style(newline: [0x0A], unit: [0x20, 0x20], colon: [0x3A, 0x20])
        static let compact = Style(newline: [], unit: nil, colon: [0x3A])
    }

    /// The text of the value where the line it begins on has that indentation.
    func rendered(_ style: Style, indentation: [UInt8]) -> [UInt8] {
        let inner = indentation + (style.unit ?? [])
        switch self {
        case .object(let members):
            let parts = members.map { quotedJSON($0.name) + style.colon + $0.value.rendered(style, indentation: inner) }
            return enclosed(parts, "{", "}", style, indentation: indentation)
        case .array(let elements):
            let parts = elements.map { $0.rendered(style, indentation: inner) }
            return enclosed(parts, "[", "]", style, indentation: indentation)
        case .string(let text): return quotedJSON(text)
        case .integer(let number): return Array(String(number).utf8)
        case .fraction(let number): return Array(number.description.utf8)
        case .bool(let value): return Array((value ? "true" : "false").utf8)
        case .null: return Array("null".utf8)
        }
    }
}

private func enclosed(
    _ parts: [[UInt8]], _ open: String, _ close: String, _ style: JSONLiteral.Style, indentation: [UInt8]
) -> [UInt8] {
    guard !parts.isEmpty else { return Array((open + close).utf8) }
    guard let unit = style.unit else {
        let gap = style.colon.count > 1 ? [UInt8](", ".utf8) : [UInt8](",".utf8)
        return Array(open.utf8) + parts.joined(separator: gap) + Array(close.utf8)
    }
    let line = style.newline + indentation
    return Array(open.utf8) + line + unit + parts.joined(separator: [0x2C] + line + unit) + line + Array(close.utf8)
}

import FoundationEssentials

/// A JSON answer under construction.
enum JSON: Encodable {
    case null
    case bool(Bool)
    case number(Int64)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let values): try container.encode(values)
        }
    }

    static func number(_ value: Int) -> JSON { .number(Int64(value)) }
    static func strings(_ values: some Sequence<String>) -> JSON { .array(values.map { .string($0) }) }
    static func optional(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }

    /// The text with sorted keys.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The text on one line, with sorted keys.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(self) else { return "{}" }  // none of its values can fail
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text on one line in ASCII, other characters escaped: for a field of HTTP.
    var asciiLine: String {
        line.utf16.reduce(into: "") { text, unit in
            if let scalar = Unicode.Scalar(unit), scalar.isASCII {
                text.unicodeScalars.append(scalar)
            } else {
                let digits = String(unit, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
    }

    /// Prints the text to standard output.
    func print() throws { Swift.print(try text()) }
}

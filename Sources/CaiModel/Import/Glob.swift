/// One component of a pattern: `*`, `?` and `[…]` as gitignore(5) reads them, `\` in front of a character that means
/// itself. Compares bytes; `?` and `[…]` take one character of UTF-8.
struct Glob: Hashable, Sendable {
    private enum Element: Hashable, Sendable {
        case character([UInt8])
        case anyCharacter
        case anyText
        case set([ClosedRange<UInt32>], isNegated: Bool)
    }

    private let elements: [Element]
    /// The one name that it means; nil when it may mean several.
    private let literal: [UInt8]?

    /// Whether it means exactly one name.
    var isLiteral: Bool { literal != nil }

    init(_ pattern: Substring) {
        var reader = GlobReader(Array(pattern.unicodeScalars))
        var elements: [Element] = []
        while let scalar = reader.next() {
            switch scalar {
            case "*": if elements.last != .anyText { elements.append(.anyText) }
            case "?": elements.append(.anyCharacter)
            case "[":
                if let (ranges, isNegated) = reader.set() {
                    elements.append(.set(ranges, isNegated: isNegated))
                } else {
                    elements.append(.character(Array("[".utf8)))
                }
            case "\\": elements.append(.character(Array(String(reader.next() ?? "\\").utf8)))
            default: elements.append(.character(Array(String(scalar).utf8)))
            }
        }
        self.elements = elements
        let characters = elements.compactMap { if case .character(let bytes) = $0 { bytes } else { nil } }
        literal = characters.count == elements.count ? characters.flatMap(\.self) : nil
    }

    /// Whether a name is one that it means. The time is bounded by the product of both lengths.
    func matches(_ name: [UInt8]) -> Bool {
        if let literal { return literal == name }
        var element = 0
        var position = 0
        var retry: (element: Int, position: Int)?
        while position < name.count {
            if element < elements.count, elements[element] == .anyText {
                retry = (element + 1, position)
                element += 1
            } else if element < elements.count, let length = length(elements[element], name, position) {
                element += 1
                position += length
            } else if let start = retry {
                position = start.position + 1
                element = start.element
                retry = (start.element, position)
            } else {
                return false
            }
        }
        return elements[element...].allSatisfy { $0 == .anyText }
    }

    /// How many bytes of the name an element takes; nil when it takes none of them.
    private func length(_ element: Element, _ name: [UInt8], _ position: Int) -> Int? {
        switch element {
        case .character(let bytes): name[position...].starts(with: bytes) ? bytes.count : nil
        case .anyCharacter: scalar(in: name, at: position).length
        case .set(let ranges, let isNegated):
            ranges.contains { $0.contains(scalar(in: name, at: position).value) } != isNegated
                ? scalar(in: name, at: position).length : nil
        case .anyText: nil
        }
    }
}

/// The character at an offset; a byte that is no UTF-8 is one of its own, behind all others.
private func scalar(in bytes: [UInt8], at position: Int) -> (value: UInt32, length: Int) {
    let lead = bytes[position]
    let length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
    if length == 1, lead < 0x80 { return (UInt32(lead), 1) }
    let piece = bytes[position...].prefix(length)
    guard length > 1, let text = String(validating: piece, as: UTF8.self), let scalar = text.unicodeScalars.first else {
        return (0x110000 + UInt32(lead), 1)
    }
    return (scalar.value, length)
}

private struct GlobReader {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

    mutating func next() -> Unicode.Scalar? {
        guard position < scalars.count else { return nil }
        position += 1
        return scalars[position - 1]
    }

    /// Reads what stands between `[` and `]`; nil, and nothing read, when nothing closes it.
    mutating func set() -> (ranges: [ClosedRange<UInt32>], isNegated: Bool)? {
        let start = position
        var isNegated = false
        if position < scalars.count, ["!", "^"].contains(scalars[position]) {
            isNegated = true
            position += 1
        }
        var ranges: [ClosedRange<UInt32>] = []
        let first = position
        while var low = next() {
            if low == "]", position - 1 > first { return (ranges, isNegated) }
            if low == "\\", let escaped = next() { low = escaped }
            var high = low
            if position + 1 < scalars.count, scalars[position] == "-", scalars[position + 1] != "]" {
                position += 1
                high = next() ?? low
                if high == "\\", let escaped = next() { high = escaped }
            }
            if low <= high { ranges.append(low.value...high.value) }
        }
        position = start
        return nil
    }
}

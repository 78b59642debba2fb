/// One place of a text and what stands there afterwards.
struct TextEdit: Sendable {
    let range: Range<Int>
    let text: [UInt8]

    init(_ range: Range<Int>, _ text: [UInt8]) {
        self.range = range
        self.text = text
    }

    init(insert text: [UInt8], at offset: Int) { self.init(offset..<offset, text) }
}

/// The text after all edits, every byte outside of them unchanged; nil when two of them overlap.
///
/// Insertions at one place appear in the given order.
func edited(_ bytes: [UInt8], _ edits: [TextEdit]) -> [UInt8]? {
    let ordered = edits.enumerated().sorted {
        ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
    }
    var result: [UInt8] = []
    var position = 0
    for (_, edit) in ordered {
        guard edit.range.lowerBound >= position, edit.range.upperBound <= bytes.count else { return nil }
        result += bytes[position..<edit.range.lowerBound] + edit.text
        position = edit.range.upperBound
    }
    return result + bytes[position...]
}

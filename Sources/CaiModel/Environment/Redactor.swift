/// Takes secret values out of lines of output.
///
/// Every stretch of a line that is covered by secrets, also by several that overlap, becomes `***`; so of two secrets that
/// begin alike the longer one goes, and no part of the other stays. Values shorter than `minimumLength` bytes are left:
/// replacing every `1` would hide more than it protects.
package struct Redactor: Sendable {
    /// How long a value must be to be replaced.
    package static let minimumLength = 4

    private let patterns: PatternMatcher

    /// Learns the values; of one with line breaks every line counts, of one in quotes also what is between them.
    package init(secrets values: some Sequence<String>) {
        let lines = values.flatMap { Array($0.utf8).split { $0 == 0x0A || $0 == 0x0D } }
        let inner = lines.compactMap(unquoted)
        patterns = PatternMatcher((lines + inner).filter { $0.count >= Self.minimumLength })
    }

    /// The line without the secrets.
    package func redacting(_ line: String) -> String {
        let bytes = Array(line.utf8)
        let covered = patterns.matches(in: bytes).stretches
        return covered.isEmpty ? line : String(decoding: replaced(bytes, covered), as: UTF8.self)
    }

    /// The bytes of a line without the secrets.
    package func redacting(_ line: [UInt8]) -> [UInt8] { replaced(line, patterns.matches(in: line).stretches) }

    /// The bytes of the beginning of a line that was cut, without the secrets and without bytes at the end that begin one.
    package func redacting(cut line: [UInt8]) -> [UInt8] {
        let (stretches, open) = patterns.matches(in: line)
        let end = line.count - open
        let whole = stretches.filter { $0.lowerBound <= end }.map { $0.lowerBound..<min($0.upperBound, end) }
        return replaced(Array(line[..<end]), whole)
    }

    private func replaced(_ bytes: [UInt8], _ stretches: [Range<Int>]) -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        for stretch in stretches {
            result += bytes[position..<stretch.lowerBound] + Array("***".utf8)
            position = stretch.upperBound
        }
        return result + bytes[position...]
    }
}

/// What stands between the quotes of a quoted value; nil for one without.
private func unquoted(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard value.count >= 2, let quote = value.first, quote == value.last else { return nil }
    return quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") ? value.dropFirst().dropLast() : nil
}

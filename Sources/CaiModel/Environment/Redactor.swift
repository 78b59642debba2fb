/// Takes secret values out of lines of output.
///
/// Every stretch of a line that is covered by secrets, also by several that overlap, becomes `***`; so of two secrets that
/// begin alike the longer one goes, and no part of the other stays. Values shorter than `minimumLength` bytes are left:
/// replacing every `1` would hide more than it protects.
package struct Redactor: Sendable {
    /// How long a value must be to be replaced.
    package static let minimumLength = 4

    /// The values by their first byte.
    private let secrets: [UInt8: [[UInt8]]]
    private let longest: Int

    /// Learns the values; of one with line breaks every line counts, of one in quotes also what is between them.
    package init(secrets values: some Sequence<String>) {
        let lines = values.flatMap { Array($0.utf8).split { $0 == 0x0A || $0 == 0x0D } }
        let inner = lines.compactMap(unquoted)
        let long = Set((lines + inner).filter { $0.count >= Self.minimumLength }.map(Array.init))
        secrets = Dictionary(grouping: long) { $0.first ?? 0 }
        longest = long.map(\.count).max() ?? 0
    }

    /// The line without the secrets.
    package func redacting(_ line: String) -> String {
        let bytes = Array(line.utf8)
        let covered = stretches(of: bytes)
        return covered.isEmpty ? line : String(decoding: replaced(bytes, covered), as: UTF8.self)
    }

    /// The bytes of a line without the secrets.
    package func redacting(_ line: [UInt8]) -> [UInt8] { replaced(line, stretches(of: line)) }

    /// The bytes of the beginning of a line that was cut, without the secrets and without as many bytes at the end as may
    /// be the beginning of one.
    package func redacting(cut line: [UInt8]) -> [UInt8] {
        Array(redacting(line).dropLast(max(longest - 1, 0)))
    }

    /// The stretches that are covered by secrets, in order and apart from each other.
    private func stretches(of bytes: [UInt8]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for start in bytes.indices {
            guard let candidates = secrets[bytes[start]] else { continue }
            let length = candidates.lazy.filter { bytes[start...].starts(with: $0) }.map(\.count).max() ?? 0
            if length == 0 { continue }
            if let last = result.last, start < last.upperBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, start + length)
            } else {
                result.append(start..<start + length)
            }
        }
        return result
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

package import SystemPackage

/// A relative path below an agent's directory; `*` inside a component matches any characters but a slash.
package struct PartPattern: Hashable, Sendable, CustomStringConvertible {
    /// The pattern as it was declared.
    package let text: String
    private let components: [[UInt8]]

    /// A pattern of declared text; nil for text that is no relative path of plain components.
    package init?(_ text: String) {
        guard let path = try? VolumePath(text) else { return nil }
        self.text = text
        components = path.relative.components.map { Array($0.string.utf8) }
    }

    /// True if the path matches the pattern or lies below something that does. The path is relative to the directory.
    package func holds(_ path: FilePath) -> Bool {
        var names = path.components.makeIterator()
        for pattern in components {
            guard let name = names.next() else { return false }
            if !Self.matches(pattern[...], name.utf8Bytes[...]) { return false }
        }
        return true
    }

    /// The path itself if there is no `*` in it.
    package var path: FilePath? {
        components.contains { $0.contains(star) } ? nil : FilePath(text)
    }

    /// The directory of what the pattern matches, relative like the pattern; nil if it has a `*`.
    package var parent: FilePath? {
        components.dropLast().contains { $0.contains(star) } ? nil : FilePath(text).removingLastComponent()
    }

    package var description: String { text }

    /// Compares byte by byte. After a mismatch only the last star takes more, so that the time is bounded by the product of
    /// both lengths, however many stars there are.
    private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var (next, position) = (pattern.startIndex, text.startIndex)
        var lastStar: (next: Int, position: Int)?
        while position < text.endIndex {
            if next < pattern.endIndex, pattern[next] == star {
                next += 1
                lastStar = (next, position)
            } else if next < pattern.endIndex, pattern[next] == text[position] {
                next += 1
                position += 1
            } else if let last = lastStar {
                (next, position) = (last.next, last.position + 1)
                lastStar = (next, position)
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == star }
    }
}

private let star = UInt8(ascii: "*")

extension FilePath.Component {
    /// The bytes of the name.
    fileprivate var utf8Bytes: [UInt8] {
        withPlatformString { text in
            var bytes: [UInt8] = []
            var next = text
            while next.pointee != 0 {
                bytes.append(UInt8(bitPattern: next.pointee))
                next += 1
            }
            return bytes
        }
    }
}

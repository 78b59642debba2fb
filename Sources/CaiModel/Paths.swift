package import SystemPackage

/// Why a declared path was refused.
package enum PathProblem: Error, Equatable, Sendable {
    case empty, absolute, escapes, containsNUL, containsNewline, notNormal, tooLong

    /// The reason as the end of a sentence that begins with the path.
    package var sentence: String {
        switch self {
        case .empty: "is empty"
        case .absolute: "is absolute; it must be relative"
        case .escapes: "contains \"..\"; it must stay inside its directory"
        case .containsNUL: "contains a NUL character"
        case .containsNewline: "contains a line break"
        case .notNormal: "contains an empty or \".\" component"
        case .tooLong: "has a component longer than 255 bytes"
        }
    }
}

/// A relative path that cannot leave the directory it is joined to: no root, no `..`, no `.`, no empty component.
///
/// Declared text is validated; names that a directory listing returned are trusted to be single components and may hold
/// any byte a file name can hold.
package protocol ConfinedPath: Hashable, Comparable, Sendable, CustomStringConvertible {
    var relative: FilePath { get }
    init(unchecked relative: FilePath)
}

extension ConfinedPath {
    /// Validates text from a manifest, a specification or a command line.
    package init(_ declared: String) throws(PathProblem) {
        self.init(unchecked: try confined(declared))
    }

    /// The path of a child that a directory listing named.
    package func appending(_ name: FilePath.Component) -> Self { Self(unchecked: relative.appending(name)) }

    /// The path of something below, as seen from here.
    package func appending(_ below: FilePath) -> Self { Self(unchecked: relative.appending(below.components)) }

    /// The directory that holds this path; nil for a path of one component.
    package var parent: Self? {
        let up = relative.removingLastComponent()
        return up.isEmpty ? nil : Self(unchecked: up)
    }

    /// Whether this path is `other` or lies below it, by whole components.
    package func isInside(_ other: Self) -> Bool { relative.starts(with: other.relative) }

    package static func < (left: Self, right: Self) -> Bool { left.relative.string < right.relative.string }
    package var description: String { relative.printable }
}

/// A path below the agent's home directory.
package struct HomePath: ConfinedPath {
    package let relative: FilePath
    package init(unchecked relative: FilePath) { self.relative = relative }
}

/// A path below the root of the persistent volume.
package struct VolumePath: ConfinedPath {
    package let relative: FilePath
    package init(unchecked relative: FilePath) { self.relative = relative }
}

/// The rules of `ConfinedPath` for declared text; one trailing slash is tolerated, as the predecessors write `ssh/`.
private func confined(_ declared: String) throws(PathProblem) -> FilePath {
    var text = Substring(declared)
    if text.isEmpty { throw .empty }
    if text.utf8.first == UInt8(ascii: "/") { throw .absolute }
    if text.utf8.contains(0) { throw .containsNUL }
    if text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) { throw .containsNewline }
    if text.utf8.last == UInt8(ascii: "/") { text = text.dropLast() }
    for component in text.split(separator: "/", omittingEmptySubsequences: false) {
        if component == ".." { throw .escapes }
        if component.isEmpty || component == "." { throw .notNormal }
        if component.utf8.count > 255 { throw .tooLong }
    }
    return FilePath(String(text))
}

extension FilePath {
    /// The path for people: control characters, backslashes and bytes that are not UTF-8 appear as `\xNN`, so that a
    /// hostile name can neither forge a line of output nor a terminal sequence.
    package var printable: String { withPlatformString { escaped(UnsafeBufferPointer(start: $0, count: length)) } }
}

extension FilePath.Component {
    /// The name for people; see `FilePath.printable`.
    package var printable: String { FilePath(root: nil, [self]).printable }
}

private func escaped(_ characters: UnsafeBufferPointer<CChar>) -> String {
    let bytes = characters.map { UInt8(bitPattern: $0) }
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) {
        return String(decoding: bytes, as: UTF8.self)
    }
    var result = ""
    var decoder = UTF8()
    var position = bytes.makeIterator()
    var consumed = 0
    decoding: while true {
        switch decoder.decode(&position) {
        case .scalarValue(let scalar):
            let width = UTF8.width(scalar)
            if scalar.value < 0x20 || scalar.value == 0x7F || scalar == "\\" || (0x80..<0xA0).contains(scalar.value) {
                result += bytes[consumed..<consumed + width].map(hexEscape).joined()
            } else {
                result.unicodeScalars.append(scalar)
            }
            consumed += width
        case .emptyInput: break decoding
        case .error:
            // The decoder may have read ahead: take one byte as it is and start again behind it.
            result += hexEscape(bytes[consumed])
            consumed += 1
            decoder = UTF8()
            position = Array(bytes[consumed...]).makeIterator()
        }
    }
    return result
}

private func hexEscape(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return "\\x" + (digits.count < 2 ? "0" : "") + digits
}

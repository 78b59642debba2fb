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
    var key: PathKey { get }
    init(unchecked relative: FilePath)
}

extension ConfinedPath {
    package var relative: FilePath { key.path }

    /// Validates text from a manifest, a specification or a command line.
    package init(_ declared: String) throws(PathProblem) {
        self.init(unchecked: try confined(declared))
    }

    /// Reads a path from a record of `cai`, in which it is encoded (`FilePath.encoded`). The owner of the volume can write
    /// there: nil for a path that leaves its tree, is absolute, or is empty.
    package init?(recorded text: String) {
        guard let path = FilePath(encoded: text), !path.isEmpty, !path.isAbsolute,
            path.components.allSatisfy({ $0.kind == .regular })
        else { return nil }
        self.init(unchecked: path)
    }

    /// The path of a child that a directory listing named.
    package func appending(_ name: FilePath.Component) -> Self { Self(unchecked: relative.appending(name)) }

    /// The path of something below, as seen from here.
    package func appending(_ below: FilePath) -> Self { Self(unchecked: relative.pushing(below)) }

    /// The directory that holds this path; nil for a path of one component.
    package var parent: Self? {
        let up = relative.removingLastComponent()
        return up.isEmpty ? nil : Self(unchecked: up)
    }

    /// True if this path is `other` or lies below it, by whole components.
    package func isInside(_ other: Self) -> Bool { key.isInside(other.key) }

    /// The order of the bytes.
    package static func < (left: Self, right: Self) -> Bool { left.key < right.key }
    package var description: String { relative.printable }
}

/// A path below the agent's home directory.
package struct HomePath: ConfinedPath {
    package let key: PathKey
    package init(unchecked relative: FilePath) { key = PathKey(relative) }
}

/// A path below the root of the persistent volume.
package struct VolumePath: ConfinedPath {
    package let key: PathKey
    package init(unchecked relative: FilePath) { key = PathKey(relative) }
}

extension VolumePath {
    /// Whether `cai` keeps records of its own there, so that nothing else may be declared to lie there.
    package var isReserved: Bool {
        let first = relative.components.first?.string ?? ""
        return [
            ".containai", ".containai-imported-at", ".containai-links-checked-at", ExportManifest.name,
            ExportManifest.amendmentsName,
        ].contains(first)
    }
}

extension VolumePath {
    /// When the links were looked at last.
    package static var linkStamp: VolumePath { VolumePath(unchecked: ".containai-links-checked-at") }

    /// A name in this directory, which may be the root of the volume.
    package func below(_ name: FilePath.Component) -> VolumePath {
        relative.isEmpty ? VolumePath(unchecked: FilePath(root: nil, [name])) : appending(name)
    }

    /// Whether this path, or a directory above it, is among these.
    package func isAtOrBelow(_ paths: Set<VolumePath>) -> Bool {
        var next: VolumePath? = self
        while let path = next {
            if paths.contains(path) { return true }
            next = path.parent
        }
        return false
    }
}

/// A path as a key of dictionaries: hashed once, all bytes together, where `FilePath` hashes character by character each
/// time.
package struct PathKey: Hashable, Comparable, Sendable {
    package let path: FilePath
    private let code: Int

    package init(_ path: FilePath) {
        self.path = path
        var hasher = Hasher()
        path.withPlatformString { hasher.combine(bytes: UnsafeRawBufferPointer(start: $0, count: path.length)) }
        code = hasher.finalize()
    }

    package static func == (left: Self, right: Self) -> Bool { left.code == right.code && left.path == right.path }
    package func hash(into hasher: inout Hasher) { hasher.combine(code) }

    /// The order of the bytes.
    package static func < (left: Self, right: Self) -> Bool {
        left.withBytes { here in right.withBytes { here.lexicographicallyPrecedes($0) } }
    }

    /// True if this path is `other` or lies below it, by whole components: compared byte by byte, because there is one
    /// spelling only of a path without a root.
    package func isInside(_ other: Self) -> Bool {
        other.withBytes { prefix in
            withBytes { bytes in
                guard bytes.count > prefix.count, !prefix.isEmpty else {
                    return prefix.isEmpty || bytes.elementsEqual(prefix)
                }
                return bytes[prefix.count] == UInt8(ascii: "/") && bytes.starts(with: prefix)
            }
        }
    }

    fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        path.withPlatformString { body(UnsafeRawBufferPointer(start: $0, count: path.length)) }
    }
}

/// The paths of some directories, for finding quickly the one that another path is or lies below.
struct PathsAround<Path: ConfinedPath>: Sendable {
    private let prefixes: [[UInt8]]

    init(_ paths: [Path]) { prefixes = paths.map { $0.key.withBytes(Array.init) } }

    /// The index of the first directory that holds the path, or is it.
    func firstIndex(around path: Path) -> Int? {
        path.key.withBytes { bytes in
            prefixes.firstIndex { prefix in
                guard bytes.count >= prefix.count else { return false }
                if bytes.count > prefix.count, !prefix.isEmpty, bytes[prefix.count] != UInt8(ascii: "/") {
                    return false
                }
                return bytes.starts(with: prefix)
            }
        }
    }
}

/// The rules of `ConfinedPath` for declared text; one trailing slash is tolerated, as the predecessors write `ssh/`.
private func confined(_ declared: String) throws(PathProblem) -> FilePath {
    var text = declared
    if let problem = text.withUTF8(problem) { throw problem }
    return FilePath(text)
}

private func problem(in text: UnsafeBufferPointer<UInt8>) -> PathProblem? {
    let slash = UInt8(ascii: "/")
    guard let first = text.first else { return .empty }
    if first == slash { return .absolute }
    if text.contains(0) { return .containsNUL }
    if text.contains(where: { $0 == 0x0A || $0 == 0x0D }) { return .containsNewline }
    var rest = text.last == slash ? text.dropLast() : text[...]
    while true {
        let component = rest.prefix { $0 != slash }
        if component.elementsEqual("..".utf8) { return .escapes }
        if component.isEmpty || component.elementsEqual(".".utf8) { return .notNormal }
        if component.count > 255 { return .tooLong }
        if component.endIndex == rest.endIndex { return nil }
        rest = rest[(component.endIndex + 1)...]
    }
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

extension String {
    /// The longest text of another program that is shown, in scalars.
    private static let longestForeignText = 4096

    /// A text of another program for people, as one line: control characters appear as `\xNN`, so that it can neither forge
    /// a line of output nor a terminal sequence, and what is too long is cut off.
    package var printable: String {
        var result = ""
        for scalar in unicodeScalars.prefix(Self.longestForeignText) {
            if scalar.isControl {
                result += Array(String(scalar).utf8).map(hexEscape).joined()
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return unicodeScalars.count > Self.longestForeignText ? result + "…" : result
    }
}

extension Unicode.Scalar {
    /// True for the characters that a terminal may obey: C0, DEL and C1 (ECMA-48).
    package var isControl: Bool { value < 0x20 || (0x7F..<0xA0).contains(value) }
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
            if scalar.isControl || scalar == "\\" {
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

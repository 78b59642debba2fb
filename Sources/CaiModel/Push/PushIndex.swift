package import SystemPackage

/// What a host has to push: directories with the files and symlinks in them, without their content.
///
/// On the wire it is `cai-index 1` and a line break, then records, each ended by a NUL: `D MODE PATH` for a directory, then
/// for what is in it `F MODE SIZE MTIME SHA256 NAME` or `L NAME` with the text of the link, and where that leads, as records
/// of their own. Modes are octal, times nanoseconds, the digest is `-` where nobody asked for it. Paths are relative, the
/// root's is empty; a link to what goes nowhere leads to the root. Records are counted from 0, those behind a
/// link not.
package struct PushIndex: Sendable, Equatable {
    package struct File: Sendable, Equatable {
        package let mode: UInt16
        package let size: Int64
        package let modified: Int64
        package let digest: ContentDigest?

        package init(mode: UInt16, size: Int64, modified: Int64, digest: ContentDigest? = nil) {
            self.mode = mode
            self.size = size
            self.modified = modified
            self.digest = digest
        }
    }

    package enum Kind: Sendable, Equatable {
        case directory(FilePath, mode: UInt16)
        case file(FilePath.Component, File)
        /// `target` is where it leads, in the end and as the index calls it; empty where that goes nowhere.
        case link(FilePath.Component, text: FilePath, target: FilePath)
    }

    package var records: [Kind] = []

    package init(records: [Kind] = []) { self.records = records }

    /// The most bytes that an index may have.
    package static let largest = 256 << 20
    static let head = Array("cai-index 1\n".utf8)
}

extension [UInt8] {
    /// Adds what comes before a number, the number, and a blank.
    fileprivate mutating func append(word before: StaticString, _ number: some BinaryInteger, radix: Int = 10) {
        before.withUTF8Buffer { append(contentsOf: $0) }
        append(contentsOf: String(number, radix: radix).utf8)
        append(0x20)
    }
}

/// Why an index cannot be read.
package struct PushIndexProblem: Error, Hashable, Sendable {
    /// The number of the record.
    package let record: Int
    package let sentence: String
}

extension PushIndex {
    /// Calls `body` with each record and its path, in order.
    package func forEachPath(_ body: (FilePath, Kind) -> Void) {
        var directory = FilePath()
        for record in records {
            switch record {
            case .directory(let path, _):
                directory = path
                body(path, record)
            case .file(let name, _), .link(let name, _, _): body(directory.appending(name), record)
            }
        }
    }

    /// The index as it travels.
    package var bytes: [UInt8] {
        var result = Self.head
        result.reserveCapacity(records.count * 64)
        for record in records {
            switch record {
            case .directory(let path, let mode):
                result.append(word: "D ", mode, radix: 8)
                append(path, &result)
            case .file(let name, let file):
                result.append(word: "F ", file.mode, radix: 8)
                result.append(word: "", file.size)
                result.append(word: "", file.modified)
                result += (file.digest?.hex ?? "-").utf8
                result.append(0x20)
                append(name, &result)
            case .link(let name, let text, let target):
                result += "L ".utf8
                append(name, &result)
                append(text, &result)
                append(target, &result)
            }
        }
        return result
    }

    private func append(_ path: FilePath, _ result: inout [UInt8]) {
        path.withPlatformString { start in
            result.append(contentsOf: UnsafeRawBufferPointer(start: start, count: path.length + 1))
        }
    }

    private func append(_ name: FilePath.Component, _ result: inout [UInt8]) {
        name.withPlatformString { start in
            var next = start
            while next.pointee != 0 {
                result.append(UInt8(bitPattern: next.pointee))
                next += 1
            }
        }
        result.append(0)
    }

    /// Reads an index. Nothing in it leads out of its root. Throws `PushIndexProblem`.
    package init(_ bytes: [UInt8]) throws(PushIndexProblem) {
        var reader = PushIndexReader(bytes)
        self.init(records: try reader.readAll())
    }
}

private struct PushIndexReader {
    private let bytes: [UInt8]
    private var position = 0
    private var count = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readAll() throws(PushIndexProblem) -> [PushIndex.Kind] {
        guard bytes.starts(with: PushIndex.head) else { throw problem("the index does not begin as one of version 1") }
        position = PushIndex.head.count
        var records: [PushIndex.Kind] = []
        while position < bytes.count {
            let record = try next()
            if case .directory = record {
            } else if count == 0 {
                throw problem("the index does not begin with a directory")
            }
            records.append(record)
            count += 1
        }
        return records
    }

    private func problem(_ sentence: String) -> PushIndexProblem { PushIndexProblem(record: count, sentence: sentence) }

    private mutating func next() throws(PushIndexProblem) -> PushIndex.Kind {
        let kind = bytes[position]
        position += 1
        guard position < bytes.count, bytes[position] == 0x20 else { throw problem("a record has no known kind") }
        position += 1
        switch kind {
        case UInt8(ascii: "D"):
            let mode = try mode()
            return .directory(try path(), mode: mode)
        case UInt8(ascii: "F"):
            let (mode, size, modified) = (try mode(), try number(), try number())
            guard let size, let modified, size >= 0 else { throw problem("a file has no size or no time") }
            let digest = try digest()
            return .file(
                try name(), PushIndex.File(mode: mode, size: size, modified: modified, digest: digest))
        case UInt8(ascii: "L"):
            let (name, text) = (try name(), try linkText())
            return .link(name, text: text, target: try path())
        default: throw problem("a record has no known kind")
        }
    }

    /// The bytes up to a blank.
    private mutating func word() throws(PushIndexProblem) -> ArraySlice<UInt8> {
        var end = position
        while end < bytes.count, bytes[end] != 0x20 {
            if bytes[end] == 0 || end - position > 64 { throw problem("a field is too long, or missing") }
            end += 1
        }
        guard end < bytes.count else { throw problem("the index is cut off") }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    private mutating func mode() throws(PushIndexProblem) -> UInt16 {
        var value: UInt16 = 0
        let digits = try word()
        guard (1...4).contains(digits.count) else { throw problem("a mode is not octal") }
        for digit in digits {
            guard (0x30...0x37).contains(digit) else { throw problem("a mode is not octal") }
            value = value << 3 | UInt16(digit - 0x30)
        }
        return value
    }

    /// Nil for `-`.
    private mutating func number() throws(PushIndexProblem) -> Int64? {
        var digits = try word()
        if digits.elementsEqual([0x2D]) { return nil }
        let isNegative = digits.first == 0x2D
        if isNegative { digits = digits.dropFirst() }
        guard (1...19).contains(digits.count) else { throw problem("a number is none") }
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { throw problem("a number is none") }
            let (tenfold, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isLarger) = tenfold.addingReportingOverflow(Int64(digit - 0x30))
            if isTooLarge || isLarger { throw problem("a number is too large") }
            value = sum
        }
        return isNegative ? -value : value
    }

    private mutating func digest() throws(PushIndexProblem) -> ContentDigest? {
        let word = try word()
        if word.elementsEqual([0x2D]) { return nil }
        guard word.count == 64, word.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
            throw problem("a digest is not SHA-256 in hexadecimal")
        }
        return ContentDigest(hex: String(decoding: word, as: UTF8.self))
    }

    /// The bytes up to a NUL.
    private mutating func text() throws(PushIndexProblem) -> ArraySlice<UInt8> {
        guard let end = bytes[position...].firstIndex(of: 0) else { throw problem("the index is cut off") }
        defer { position = end + 1 }
        if end - position > 4096 { throw problem("a path is too long") }
        return bytes[position..<end]
    }

    private mutating func path() throws(PushIndexProblem) -> FilePath {
        let path = FilePath(bytes: try text())
        guard !path.isAbsolute, path.components.allSatisfy({ $0.kind == .regular }) else {
            throw problem("a path is not a plain one below the root")
        }
        return path
    }

    private mutating func name() throws(PushIndexProblem) -> FilePath.Component {
        let bytes = try text()
        guard !bytes.contains(0x2F), bytes.count <= 255, let name = FilePath(bytes: bytes).lastComponent,
            name.kind == .regular
        else { throw problem("a name is not one") }
        return name
    }

    private mutating func linkText() throws(PushIndexProblem) -> FilePath {
        let bytes = try text()
        if bytes.isEmpty { throw problem("a link has no text") }
        return FilePath(bytes: bytes)
    }
}

extension FilePath {
    fileprivate init(bytes: ArraySlice<UInt8>) {
        self = (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                $0.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
            }
        }
    }
}

/// The paths of a home that an import looks at as a whole: together they say what it does, so they always travel.
package enum PushScope {
    /// Paths of files and directories, links followed.
    package static let whole: [FilePath] = [
        ".config/containai", ".gitconfig", ".config/git/config", ".zshenv", ".zprofile", ".zshrc",
    ]

    /// The first member of what a push that removes sends: the whole index of the source. What is in it and not in the archive
    /// did not have to travel.
    package static let index: FilePath = ".containai/pushed-index"

    /// Whether a path is one of these, or lies in one.
    package static func isWhole(_ path: FilePath) -> Bool { whole.contains { path.starts(with: $0) } }
}

/// What a server says about an index: numbers of its records.
package struct PushNeeds: Codable, Sendable, Equatable {
    /// What has to travel.
    package var needed: [Int] = []
    /// Files whose digest would tell.
    package var candidates: [Int] = []

    package init() {}
}

import SystemPackage

/// Reads the text of an index. Whatever it is given, it ends with records that are ones, or with a problem.
struct PushIndexReader {
    private let bytes: [UInt8]
    private var position = 0
    private var count = 0
    private var isInDirectory = false
    /// Where each record begins.
    private(set) var offsets: [Int] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readAll() throws(PushIndexProblem) -> [PushIndex.Kind] {
        guard bytes.starts(with: PushIndex.head) else { throw problem("the index does not begin as one of version 1") }
        position = PushIndex.head.count
        var records: [PushIndex.Kind] = []
        while position < bytes.count {
            offsets.append(position)
            let record = try next()
            switch record {
            case .directory, .same: isInDirectory = true
            case .file, .link: if !isInDirectory { throw problem("there is no directory that this is in") }
            }
            if case .same = record { isInDirectory = false }
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
        case UInt8(ascii: "S"):
            guard let digest = try digest() else { throw problem("a directory has no digest") }
            return .same(try path(), digest)
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

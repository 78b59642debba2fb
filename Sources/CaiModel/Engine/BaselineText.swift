import FoundationEssentials

/// Records of a baseline as a file holds them: one line each, in the order of their encoded paths, so that one is found and
/// some are changed without reading the others.
///
/// The first line is `cai-baseline 1 KEY GENERATION LENGTH`, LENGTH being that of what follows. A record is the encoded path,
/// the content's digest, the size, the mode in octal, the digest of the source, and the digests of the keys as a JSON object,
/// with a tab between each and `-` for what there is none of. A record of one `-` says that the path is not known any more.
package struct BaselineText: Sendable {
    /// What a line says of its path.
    package enum Record: Sendable, Hashable {
        case file(Baseline.File)
        case forgotten
    }

    /// Of the digests of single values, in hexadecimal.
    package let key: String
    /// Which records these are a change of: those of the same key and generation.
    package let generation: Int
    /// The lines, behind what may stand before the first.
    private let lines: ArraySlice<UInt8>

    private init(key: String, generation: Int, lines: ArraySlice<UInt8>) {
        self.key = key
        self.generation = generation
        self.lines = lines
    }

    /// The text of these records.
    package init(key: String, generation: Int = 0, _ records: [VolumePath: Record] = [:]) {
        let sorted = records.map { (path: Array($0.relative.encoded.utf8), record: $1) }
            .sorted { $0.path.lexicographicallyPrecedes($1.path) }
        self.init(
            key: key, generation: generation, lines: sorted.flatMap { $0.path + Self.rest($0.record) }[...])
    }

    /// The line of a record.
    package static func line(_ path: VolumePath, _ record: Record) -> [UInt8] {
        Array(path.relative.encoded.utf8) + rest(record)
    }

    /// The same records under another key.
    package func with(key: String) -> BaselineText {
        BaselineText(key: key, generation: generation, lines: lines)
    }

    /// Reads the bytes of a file; nil for what is none, or not whole.
    package init?(_ bytes: [UInt8]) {
        guard let end = bytes.prefix(Self.longestHeader).firstIndex(of: Self.lineFeed) else { return nil }
        let words = String(decoding: bytes[..<end], as: UTF8.self).split(
            separator: " ", omittingEmptySubsequences: false)
        guard words.count == 5, words[0] == "cai-baseline", words[1] == "1", let generation = Int(words[3]),
            let length = Int(words[4]), length == bytes.count - end - 1, length == 0 || bytes.last == Self.lineFeed
        else { return nil }
        self.init(key: String(words[2]), generation: generation, lines: bytes[(end + 1)...])
    }

    /// What a file holds, in two pieces.
    package var pieces: [ArraySlice<UInt8>] { [Self.header(key, generation, lines.count)[...], lines] }

    package var bytes: [UInt8] { pieces.flatMap(\.self) }

    /// The first line of a file with as many bytes of records.
    package static func header(_ key: String, _ generation: Int, _ length: Int) -> [UInt8] {
        Array("cai-baseline 1 \(key) \(generation) \(length)\n".utf8)
    }

    package var isEmpty: Bool { lines.isEmpty }

    /// How many bytes the records take.
    package var size: Int { lines.count }

    /// What is said of a path; nil when nothing is, or nothing that can be read.
    package subscript(path: VolumePath) -> Record? {
        let path = Array(path.relative.encoded.utf8)
        return lines.withUnsafeBufferPointer { lines in
            let line = Self.line(at: Self.place(of: path[...], in: lines, from: 0), in: lines)
            guard Self.path(of: line).elementsEqual(path) else { return nil }
            return Self.record(line)
        }
    }

    /// These records with what newer ones say. Where nothing older is below them, what is forgotten needs no record.
    package func merged(with newer: BaselineText, generation: Int, keepingForgotten: Bool) -> BaselineText {
        if isEmpty, keepingForgotten || !newer.holdsForgotten {
            return BaselineText(key: key, generation: generation, lines: newer.lines)
        }
        var result: [UInt8] = []
        result.reserveCapacity(lines.count + newer.lines.count)
        lines.withUnsafeBufferPointer { old in
            newer.lines.withUnsafeBufferPointer { new in
                var (taken, next) = (0, 0)
                while next < new.count {
                    let line = Self.line(at: next, in: new)
                    next = line.endIndex + 1
                    let path = Self.path(of: line)
                    let place = Self.place(of: path, in: old, from: taken)
                    result += old[taken..<place]
                    let known = Self.line(at: place, in: old)
                    taken = Self.path(of: known).elementsEqual(path) ? known.endIndex + 1 : place
                    if keepingForgotten || !Self.isForgotten(line) { result += new[line.startIndex..<next] }
                }
                result += old[taken...]
            }
        }
        return BaselineText(key: key, generation: generation, lines: result[...])
    }

    // MARK: lines

    private typealias Lines = UnsafeBufferPointer<UInt8>

    private static let longestHeader = 256
    private static let lineFeed = UInt8(ascii: "\n")
    private static let tab = UInt8(ascii: "\t")
    private static let nothing = UInt8(ascii: "-")

    /// The line that begins at a place, without its end; empty at the end.
    private static func line(at place: Int, in lines: Lines) -> Slice<Lines> {
        lines[place..<(lines[place...].firstIndex(of: lineFeed) ?? lines.endIndex)]
    }

    private static func path(of line: Slice<Lines>) -> Slice<Lines> {
        line.prefix { $0 != tab }
    }

    /// Where the line of a path begins, or would; nothing before `start` is looked at.
    private static func place<Path: Collection<UInt8>>(of path: Path, in lines: Lines, from start: Int) -> Int {
        var (low, high) = (start, lines.count)
        while low < high {
            var middle = low + (high - low) / 2
            while middle > low, lines[middle - 1] != lineFeed { middle -= 1 }
            let line = line(at: middle, in: lines)
            if Self.path(of: line).lexicographicallyPrecedes(path) {
                low = min(line.endIndex + 1, lines.count)
            } else {
                high = middle
            }
        }
        return low
    }

    /// Whether any record says that its path is not known any more.
    private var holdsForgotten: Bool {
        lines.withUnsafeBufferPointer { lines in
            var next = 0
            while next < lines.count {
                let line = Self.line(at: next, in: lines)
                if Self.isForgotten(line) { return true }
                next = line.endIndex + 1
            }
            return false
        }
    }

    private static func isForgotten(_ line: Slice<Lines>) -> Bool {
        line.suffix(2).elementsEqual([tab, nothing]) && line.count(where: { $0 == tab }) == 1
    }

    private static func record(_ line: Slice<Lines>) -> Record? {
        let fields = line.split(separator: tab, omittingEmptySubsequences: false).dropFirst()
            .map { String(decoding: $0, as: UTF8.self) }
        if fields == ["-"] { return .forgotten }
        guard fields.count == 5, let size = Int64(fields[1]), let mode = UInt16(fields[2], radix: 8) else { return nil }
        let source = fields[3] == "-" ? nil : ContentDigest(hex: fields[3])
        // Keys that cannot be read make the record none: a merge with half of them would take the wrong side.
        let keys = fields[4] == "-" ? nil : try? JSONDecoder().decode([String: String].self, from: Data(fields[4].utf8))
        guard keys != nil || fields[4] == "-" else { return nil }
        return .file(
            Baseline.File(digest: ContentDigest(hex: fields[0]), size: size, mode: mode, keys: keys, source: source))
    }

    private static func rest(_ record: Record) -> [UInt8] {
        guard case .file(let file) = record else { return [tab, nothing, lineFeed] }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Two texts are always JSON; without keys a merge keeps what both sides have.
        let keys = file.keys.flatMap { try? encoder.encode($0) }.map { String(decoding: $0, as: UTF8.self) }
        let fields = [
            file.digest.hex, String(file.size), String(file.mode, radix: 8), file.source?.hex ?? "-", keys ?? "-",
        ]
        return [tab] + Array(fields.joined(separator: "\t").utf8) + [lineFeed]
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// What the baseline says of files that were written, as lines: few bytes for each, because there may be a million.
struct BaselineLines {
    private struct Line {
        let piece: UInt32
        let start: UInt32
    }

    private var pieces: [(bytes: [UInt8], areNew: Bool)] = []

    var isEmpty: Bool { pieces.isEmpty }
    var areAnyNew: Bool { pieces.contains(where: \.areNew) }

    /// Adds lines that `BaselineText.line` made; `areNew` says whether an undo takes the files of all of them back.
    mutating func append(_ lines: [UInt8], areNew: Bool = false) {
        if !lines.isEmpty { pieces.append((lines, areNew)) }
    }

    mutating func append(_ path: VolumePath, _ record: BaselineText.Record) {
        append(BaselineText.line(path, record))
    }

    /// Calls `body` with the line of each file that is new, without its end.
    func forEachNew(_ body: (ArraySlice<UInt8>) throws -> Void) rethrows {
        for piece in pieces where piece.areNew {
            var rest = piece.bytes[...]
            while let end = rest.firstIndex(of: Self.lineFeed) {
                try body(rest[..<end])
                rest = rest[(end + 1)...]
            }
        }
    }

    /// Writes the text of a baseline of these lines, in the order of their paths.
    func write(to buffer: inout FileBuffer, key: String) throws {
        var lines: [Line] = []
        for (number, piece) in pieces.enumerated() {
            var start = 0
            while start < piece.bytes.count, let end = piece.bytes[start...].firstIndex(of: Self.lineFeed) {
                lines.append(Line(piece: UInt32(number), start: UInt32(start)))
                start = end + 1
            }
        }
        // They nearly are in order, which makes this cheap.
        lines.sort(by: precedes)
        try buffer.write(BaselineText.header(key, 0, pieces.reduce(0) { $0 + $1.bytes.count })[...])
        for line in lines {
            let rest = pieces[Int(line.piece)].bytes[Int(line.start)...]
            try buffer.write(rest.prefix(through: rest.firstIndex(of: Self.lineFeed) ?? rest.startIndex))
        }
    }

    private func precedes(_ first: Line, _ second: Line) -> Bool {
        pieces[Int(first.piece)].bytes.withUnsafeBufferPointer { left in
            pieces[Int(second.piece)].bytes.withUnsafeBufferPointer { right in
                var (here, there) = (Int(first.start), Int(second.start))
                // A tab ends the path, and comes before all that a path may hold.
                while left[here] == right[there] {
                    if left[here] == Self.tab { return false }
                    here += 1
                    there += 1
                }
                return left[here] < right[there]
            }
        }
    }

    private static let lineFeed = UInt8(ascii: "\n")
    private static let tab = UInt8(ascii: "\t")
}

/// Digests of what a document holds, for merges.
struct DocumentKeys: Sendable {
    let digest: @Sendable ([UInt8]) -> String

    /// Nil for what is no document that is merged.
    func digests(of document: [UInt8]?, _ target: VolumePath) -> [String: String]? {
        guard let document, let name = target.relative.lastComponent, let kind = MergeKind(fileName: name.string) else {
            return nil
        }
        return BaselineKeys.keys(of: document, kind: kind, digest: digest)?.digests
    }
}

/// A new file that is written in small pieces.
struct FileBuffer: ~Copyable {
    private let file: Descriptor
    private let path: FilePath
    private var bytes: [UInt8] = []
    private static let size = 64 << 10

    /// Creates the file, which must not exist.
    init(_ name: FilePath.Component, in directory: Directory) throws(SystemCallError) {
        file = try directory.createFile(name, mode: 0o600)
        path = directory.label.appending(name)
        bytes.reserveCapacity(Self.size)
    }

    mutating func write(_ piece: ArraySlice<UInt8>) throws(SystemCallError) {
        bytes += piece
        if bytes.count >= Self.size { try flush() }
    }

    /// Writes the rest and makes the file durable.
    consuming func finish() throws(SystemCallError) {
        try flush()
        try file.sync(path)
        try file.close()
    }

    private mutating func flush() throws(SystemCallError) {
        try file.write(bytes, path)
        bytes.removeAll(keepingCapacity: true)
    }
}

package import SystemPackage

/// What a host has to push: directories with the files and symlinks in them, without their content.
///
/// On the wire it is `cai-index 1` and a line break, then records, each ended by a NUL: `D MODE PATH` for a directory, then
/// for what is in it `F MODE SIZE MTIME SHA256 NAME` or `L NAME` with the text of the link, and where that leads, as records
/// of their own. Modes are octal, times nanoseconds, the digest is `-` where nobody asked for it. Paths are relative, the
/// root's is empty; a link to what goes nowhere leads to the root. Records are counted from 0, those behind a
/// link not.
/// `S SHA256 PATH` stands for a directory and what is in it: the digest is that of the records it would have, from the `D` on,
/// with their NULs.
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
        /// A directory with everything in it, of which the service may know that nothing of it has to travel.
        case same(FilePath, ContentDigest)
        case file(FilePath.Component, File)
        /// `target` is where it leads, in the end and as the index calls it; empty where that goes nowhere.
        case link(FilePath.Component, text: FilePath, target: FilePath)
    }

    package var records: [Kind] = []

    package init(records: [Kind] = []) { self.records = records }

    /// The most bytes that an index may have.
    package static let largest = 256 << 20
    package static let head = Array("cai-index 1\n".utf8)
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
            case .directory(let path, _), .same(let path, _):
                directory = path
                body(path, record)
            case .file(let name, _), .link(let name, _, _): body(directory.appending(name), record)
            }
        }
    }

    /// The index as it travels.
    package var bytes: [UInt8] {
        var text = PushText(Self.head)
        records.forEach { text.add($0) }
        return text.bytes
    }

    /// Reads an index. Nothing in it leads out of its root. Throws `PushIndexProblem`.
    package init(_ bytes: [UInt8]) throws(PushIndexProblem) {
        var reader = PushIndexReader(bytes)
        self.init(records: try reader.readAll())
    }
}

/// An index as it came, and what it says.
package struct PushRequest: Sendable {
    package let index: PushIndex
    private let bytes: [UInt8]
    private let offsets: [Int]

    /// Throws `PushIndexProblem`.
    package init(_ bytes: [UInt8]) throws(PushIndexProblem) {
        var reader = PushIndexReader(bytes)
        index = PushIndex(records: try reader.readAll())
        self.bytes = bytes
        offsets = reader.offsets + [bytes.count]
    }

    /// The text of some of its records.
    package func text(of records: Range<Int>) -> ArraySlice<UInt8> {
        bytes[offsets[records.lowerBound]..<offsets[records.upperBound]]
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
    /// Directories of which only a digest was told, and it is not known that nothing of them has to travel.
    package var unknown: [Int] = []

    package init() {}
}

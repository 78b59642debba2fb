package import SystemPackage

/// A file beside an SQLite database that belongs to it (https://sqlite.org/tempfiles.html).
package enum DatabaseCompanion: String, CaseIterable, Sendable {
    /// The write-ahead log: it holds commits that are not in the database yet.
    case log = "-wal"
    /// The rollback journal: it holds what an unfinished transaction has overwritten.
    case journal = "-journal"
    /// The index of the log, made anew when the database is opened next.
    case index = "-shm"

    /// The name of this part of a database.
    package func name(of database: FilePath.Component) -> FilePath.Component? {
        database.withPlatformString { start in
            var bytes: [CChar] = []
            var next = start
            while next.pointee != 0 {
                bytes.append(next.pointee)
                next += 1
            }
            bytes += rawValue.utf8.map { CChar(bitPattern: $0) } + [0]
            return FilePath.Component(platformString: bytes)
        }
    }

    /// Takes the name of a part apart; nil for a name that ends in another way.
    package static func split(_ name: FilePath.Component) -> (database: FilePath.Component, part: DatabaseCompanion)? {
        name.withPlatformString { start in
            let bytes = Array(UnsafeBufferPointer(start: start, count: length(start)))
            for part in allCases {
                let ending = part.rawValue.utf8.map { CChar(bitPattern: $0) }
                guard bytes.count > ending.count, bytes.suffix(ending.count).elementsEqual(ending),
                    let database = FilePath.Component(platformString: bytes.dropLast(ending.count) + [0])
                else { continue }
                return (database, part)
            }
            return nil
        }
    }

    private static func length(_ start: UnsafePointer<CChar>) -> Int {
        var length = 0
        while start[length] != 0 { length += 1 }
        return length
    }
}

/// The size below which no file is an SQLite database: the smallest page.
package let smallestDatabase: Int64 = 512

/// True if a file of this size can be an SQLite database: it consists of pages, whose size is a multiple of 512.
package func mayBeDatabase(size: Int64) -> Bool { size >= smallestDatabase && size % smallestDatabase == 0 }

/// True if a file that begins with these bytes is an SQLite database (https://sqlite.org/fileformat.html).
package func isDatabase(_ head: [UInt8]) -> Bool { head.starts(with: Array("SQLite format 3\0".utf8)) }

extension ConfinedPath {
    /// The path of a part of the database at this path.
    package func appending(_ part: DatabaseCompanion) -> Self {
        guard let name = relative.lastComponent.flatMap(part.name(of:)) else { return self }
        return Self(unchecked: relative.removingLastComponent().appending(name))
    }
}

/// Decides for a database and its parts at once, because SQLite would apply the log of one version to another: all files of
/// one side are taken, and those of the other side make room together. `pairs` are the database at `path` and its parts; a
/// verdict is nil where nothing is live and nothing has to make room.
func decideDatabase(
    _ pairs: [ObservedPair], at path: FilePath, baseline: Baseline, target: (FilePath) -> VolumePath,
    isAgentDirectory: Bool
) -> [Verdict?] {
    let winner = DatabaseSides(pairs: pairs, path: path).winner(baseline, target, isAgentDirectory: isAgentDirectory)
    return pairs.map { pair in
        switch (winner, pair.live) {
        case (.neither, .missing), (.stored, .missing): nil
        case (.neither, _): .same
        case (.stored, _): .keep
        case (.live, .missing): .remove
        case (.live, _): pair.stored.isMissing ? .take : .takeOver
        }
    }
}

/// The two versions of a database.
private struct DatabaseSides {
    enum Winner { case live, stored, neither }

    let pairs: [ObservedPair]
    let path: FilePath

    /// The files that make the content; the index of the log is none of them.
    private var contents: [ObservedPair] {
        pairs.filter { $0.path == path || !$0.path.string.hasSuffix(DatabaseCompanion.index.rawValue) }
    }

    func winner(
        _ baseline: Baseline, _ target: (FilePath) -> VolumePath, isAgentDirectory: Bool
    ) -> Winner {
        guard let main = pairs.first(where: { $0.path == path }), case .file(let live) = main.live else {
            return .stored
        }
        if main.stored.isMissing { return .live }
        guard main.stored.isFile, let stored = main.storedContent else { return .stored }
        if contents.allSatisfy({ $0.liveContent?.digest == $0.storedContent?.digest }) { return .neither }
        if live.size == 0 { return .stored }
        if stored.isPlaceholder { return .live }
        func isUnchanged(_ side: KeyPath<ObservedPair, ContentSample?>) -> Bool {
            contents.allSatisfy { $0[keyPath: side]?.digest == baseline[target($0.path)]?.digest }
        }
        if isUnchanged(\.storedContent) { return .live }
        if isUnchanged(\.liveContent) { return isAgentDirectory ? .neither : .stored }
        return newest(\.live) >= newest(\.stored) ? .live : .stored
    }

    private func newest(_ side: KeyPath<ObservedPair, Node>) -> Int64 {
        contents.compactMap { $0[keyPath: side].facts?.modified }.max() ?? 0
    }
}

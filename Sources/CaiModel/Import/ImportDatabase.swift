/// An SQLite database that an import wants, with its log and journal on both sides: all of them count together.
package struct ImportDatabase: Sendable {
    package let target: VolumePath
    /// Where it comes from, for sentences.
    package let origin: String
    package let authority: ImportAuthority
    /// The database and its parts by their paths on the volume, with the source as the live side. The index of the log is not
    /// taken from the source.
    package let pairs: [ObservedPair]

    package init(target: VolumePath, origin: String, authority: ImportAuthority, pairs: [ObservedPair]) {
        self.target = target
        self.origin = origin
        self.authority = authority
        self.pairs = pairs
    }

    /// The paths of all files on the volume.
    package var targets: [VolumePath] { pairs.map { VolumePath(unchecked: $0.path) } }
}

/// The version of a database that counts.
enum DatabaseDecision {
    /// Both sides have the same.
    case same
    /// The source's; these files of the volume make room without another one in their place.
    case take(removing: [ObservedPair])
    case keep(ImportKeep)
    /// The source's would be taken, but a process has it open there, as messages name it.
    case openInSource(user: String)
}

/// Decides between the database of the source and that of the volume, as an adoption does: the side that changed since the last
/// import counts, the newer one if both did. A database is never taken while a process has it open, and never replaced.
func decideImport(_ database: ImportDatabase, baseline: Baseline) -> DatabaseDecision {
    let path = database.target.relative
    let verdicts = decideDatabase(
        database.pairs, at: path, baseline: baseline, target: { VolumePath(unchecked: $0) }, isAgentDirectory: false)
    guard let main = database.pairs.first, let verdict = verdicts.first ?? nil else { return .same }
    if verdict == .same { return .same }
    // Another thing than a file in its place is displaced like that of any file.
    let isReplaced = database.authority == .source || !(main.stored.isFile || main.stored.isMissing)
    if verdict == .keep, !isReplaced {
        if main.liveContent?.isPlaceholder ?? false { return .keep(.emptySource) }
        let isUnchanged = baseline[database.target]?.digest == main.liveContent?.digest
        return .keep(isUnchanged ? .changedInContainer : .newerInContainer)
    }
    if let user = database.pairs.lazy.compactMap(\.liveUser).first { return .openInSource(user: user) }
    if let user = database.pairs.lazy.compactMap(\.storedUser).first { return .keep(.open(user: user)) }
    return .take(removing: database.pairs.filter { $0.path != path && $0.live.isMissing && $0.stored.isFile })
}

package import SystemPackage

/// What happens to one file or directory of a tree that moves onto the volume.
package enum Verdict: Sendable, Equatable {
    /// The live one goes to the volume, where nothing, a placeholder or an earlier save of the same file stands.
    case take
    /// The volume has the content of the live one, or had it and went on from it: the volume keeps its own, and the live
    /// one goes.
    case same
    /// The live one goes to the volume; what stood there is displaced.
    case takeOver
    /// The volume keeps its own; the live one is displaced, unless it is empty.
    case keep
    /// Nothing is live, and what stands on the volume is displaced: a part of a database that another version replaces.
    case remove
    /// Both are displaced, and this is written.
    case merge([UInt8])
    /// Directories on both sides: what is in them is decided one by one.
    case enter
}

/// One path of a tree that moves, with what was seen on both sides and what is to happen.
package struct MovingItem: Sendable, Equatable {
    /// Below the link; empty for the file or directory itself. The parts of a database that is an entry of its own have
    /// their ending as path: `-wal`.
    package let path: FilePath
    package let live: Node
    package let stored: Node
    package let verdict: Verdict
    /// The path of the database that this is, or is a part of.
    package let database: FilePath?

    package init(path: FilePath, live: Node, stored: Node, verdict: Verdict, database: FilePath? = nil) {
        self.path = path
        self.live = live
        self.stored = stored
        self.verdict = verdict
        self.database = database
    }
}

/// Decides between a live file and the one on the volume (design, "One engine").
///
/// Equal content is no conflict. A placeholder or empty file never beats content. Of two append-only files of which one
/// continues the other, the longer wins, and the shorter goes, because the longer has all of it. The side that differs from the
/// baseline is the one that changed; when both did, JSON and TOML objects merge where no key clashes, else the newer one
/// wins. Whatever loses is displaced, never dropped, but for one case: in an agent directory a live file with the content
/// of the baseline goes, because an image that has it brings it to each new container. `history` is what is known of a link in whose place the live file
/// stands.
package func decide(
    _ pair: ObservedPair, target: VolumePath, baseline: Baseline, history: LinkHistory? = nil,
    isAgentDirectory: Bool = false
) -> Verdict {
    if pair.isOwnLink { return .same }
    switch (pair.live, pair.stored) {
    case (_, .missing): return .take
    case (.directory, .directory): return .enter
    case (.symlink(let live), .symlink(let stored)): return live == stored ? .same : .keep
    case (.file(let live), .file(let stored)):
        guard let liveContent = pair.liveContent, let storedContent = pair.storedContent else { return .keep }
        if liveContent.digest == storedContent.digest { return .same }
        if pair.storedIsMounted { return .keep }
        if live.size == 0 { return .keep }
        if storedContent.isPlaceholder { return .take }
        if let continuation = pair.continuation { return continuation == .live ? .take : .same }
        if pair.path.isEmpty, let history, let verdict = history.verdict(live, liveContent, stored, storedContent) {
            return verdict
        }
        let path = pair.path.isEmpty ? target : target.appending(pair.path)
        if isAgentDirectory, baseline[path]?.digest == liveContent.digest { return .same }
        return decide(live, liveContent, stored, storedContent, path: path, baseline: baseline)
    default: return .keep
    }
}

private func decide(
    _ live: FileFacts, _ liveContent: ContentSample, _ stored: FileFacts, _ storedContent: ContentSample,
    path: VolumePath, baseline: Baseline
) -> Verdict {
    let base = baseline[path]
    if base?.digest == storedContent.digest { return .takeOver }
    if base?.digest == liveContent.digest { return .keep }
    let liveIsNewer = live.modified >= stored.modified
    if let merged = merged(liveContent, storedContent, liveIsNewer: liveIsNewer, path: path, baseline: baseline) {
        return merged == liveContent.document ? .takeOver : merged == storedContent.document ? .keep : .merge(merged)
    }
    return liveIsNewer ? .takeOver : .keep
}

private func merged(
    _ live: ContentSample, _ stored: ContentSample, liveIsNewer: Bool, path: VolumePath, baseline: Baseline
) -> [UInt8]? {
    guard let live = live.document, let stored = stored.document, let name = path.relative.lastComponent,
        let kind = MergeKind(fileName: name.string)
    else { return nil }
    return mergeText(
        kind: kind, newer: liveIsNewer ? live : stored, older: liveIsNewer ? stored : live,
        base: baseline[path]?.keys.map { BaselineKeys(digests: $0) }, digest: baseline.keyDigest)
}

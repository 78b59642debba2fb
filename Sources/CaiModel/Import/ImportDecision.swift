import SystemPackage

/// The side whose content counts where the source of an import and the volume differ.
package enum ImportAuthority: Sendable {
    /// Whoever changed since the last import; both: keys are merged, or the newer one counts.
    case newer
    /// The source: a restore, an override, something that was made.
    case source
    /// The volume: a placeholder that only fills an empty place.
    case volume
}

/// Both versions of a file, read as far as a decision needs it.
package struct ImportSides: Sendable {
    package let source: ContentSample
    package let sourceSize: Int64
    /// When the source was changed, nanoseconds since the epoch.
    package let sourceModified: Int64
    package let stored: ContentSample
    /// Known of append-only files, `*.jsonl`, with the source as the live side; nil if neither side continues the other.
    package let continuation: Continuation?
    /// A process that has such a file of the volume open, as messages name it: it may append through its descriptor.
    package let storedUser: String?

    package init(
        source: ContentSample, sourceSize: Int64, sourceModified: Int64, stored: ContentSample,
        continuation: Continuation? = nil, storedUser: String? = nil
    ) {
        self.source = source
        self.sourceSize = sourceSize
        self.sourceModified = sourceModified
        self.stored = stored
        self.continuation = continuation
        self.storedUser = storedUser
    }
}

/// What happens to a file that is there on both sides.
enum ImportDecision: Equatable {
    case same, take
    case keep(ImportKeep)
    case merge([UInt8])
}

/// Why the volume keeps its own version.
package enum ImportKeep: Hashable, Sendable {
    /// It changed after the last import, the source did not.
    case changedInContainer
    /// It is newer.
    case newerInContainer
    /// The source holds nothing.
    case emptySource
    /// It has all lines of the source, and more.
    case longerInContainer
    /// A process has it open, as messages name it.
    case open(user: String)
}

/// Decides between a file of the source and the one on the volume (design, "One engine"): what changed since the last
/// import counts; when both did, JSON and TOML objects merge where no key clashes, else the newer one counts. A document
/// of one login is never mixed with that of another.
func decideImport(
    _ sides: ImportSides, target: VolumePath, stored: FileFacts, authority: ImportAuthority, baseline: Baseline
) -> ImportDecision {
    if sides.source.digest == sides.stored.digest { return .same }
    switch authority {
    case .source: return .take
    case .volume: return stored.size == 0 ? .take : .same
    case .newer: break
    }
    if sides.stored.isPlaceholder { return sides.sourceSize == 0 ? .same : .take }
    if sides.source.isPlaceholder { return .keep(.emptySource) }
    if sides.continuation == .stored { return .keep(.longerInContainer) }
    if let user = sides.storedUser { return .keep(.open(user: user)) }
    if sides.continuation == .live { return .take }
    let base = baseline[target]
    if let base, (base.source ?? base.digest) == sides.source.digest { return .keep(.changedInContainer) }
    let isStoredUnchanged = base?.digest == sides.stored.digest
    if isStoredUnchanged, base?.source == nil { return .take }
    let isSourceNewer = sides.sourceModified >= stored.modified
    if let merged = merged(sides, target, isSourceNewer: isSourceNewer, base) {
        return merged == sides.stored.document ? .keep(.newerInContainer) : .merge(merged)
    }
    return isSourceNewer || isStoredUnchanged ? .take : .keep(.newerInContainer)

    func merged(
        _ sides: ImportSides, _ target: VolumePath, isSourceNewer: Bool, _ base: Baseline.File?
    ) -> [UInt8]? {
        guard let source = sides.source.document, let stored = sides.stored.document,
            let name = target.relative.lastComponent?.string, !isCredential(fileName: name),
            let kind = MergeKind(fileName: name)
        else { return nil }
        return mergeText(
            kind: kind, newer: isSourceNewer ? source : stored, older: isSourceNewer ? stored : source,
            base: base?.keys.map { BaselineKeys(digests: $0) }, digest: baseline.keyDigest)
    }
}

/// Whether the times of two files of one size, nanoseconds since the epoch, say that one is a copy of the other. Those of the
/// seventies and of the first day of 1980 do not: build systems and archives give them to every file, whatever is in it.
package func tellsNoChange(_ source: Int64, _ stored: Int64) -> Bool {
    source == stored && source >= (315_532_800 + 86_400) * 1_000_000_000
}

/// Whether a file holds one login as a whole.
func isCredential(fileName: String) -> Bool {
    let name = fileName.lowercased()
    return ["credential", "oauth", "auth.json", "accounts"].contains { name.contains($0) }
}

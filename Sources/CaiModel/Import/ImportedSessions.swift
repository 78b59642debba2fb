package import SystemPackage

/// The state of one agent directory in the source of an import with `--sessions`, and the share of it that comes.
package struct ImportedSessions: Hashable, Sendable {
    package let agent: String
    /// The directory below the home of the source.
    package let source: FilePath
    package let target: VolumePath
    /// Files of the source, and their bytes. What entries of the manifests bring does not count.
    package private(set) var files = 0
    package private(set) var bytes: Int64 = 0
    /// Files that are written on the volume.
    package private(set) var broughtFiles = 0
    package private(set) var broughtBytes: Int64 = 0
    /// The targets of those entries.
    private let others: Set<VolumePath>

    package init(agent: String, source: FilePath, target: VolumePath, others: Set<VolumePath>) {
        self.agent = agent
        self.source = source
        self.target = target
        self.others = others
    }

    /// Counts what the source has for a path below the directory.
    package mutating func count(wanted target: VolumePath, _ content: PlacedContent) {
        guard !target.isAtOrBelow(others) else { return }
        switch content {
        case .copy(_, let facts, _):
            files += 1
            bytes += facts.size
        case .text(let text, _):
            files += 1
            bytes += Int64(text.count)
        case .files, .directory, .link, .kept, .mode, .time, .nothing: return
        }
    }

    /// Counts what a placement writes below the directory.
    mutating func count(_ placement: Placement) {
        guard placement.target.isInside(target), !placement.target.isAtOrBelow(others) else { return }
        switch placement.content {
        case .files(let files): broughtFiles += files.count
        case .copy, .text: broughtFiles += 1
        case .directory, .link, .kept, .mode, .time, .nothing: return
        }
        broughtBytes += placement.byteCount
    }

    /// The share for people: `2 of 12 files, 3.4 kB`.
    package var words: String {
        let files = "\(broughtFiles) of \(files) \(files == 1 ? "file" : "files")"
        return broughtFiles == 0 ? files : "\(files), \(sizeWords(broughtBytes))"
    }
}

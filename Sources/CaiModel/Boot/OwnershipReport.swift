package import SystemPackage

/// What an ownership repair did or, in a preview, would do.
package struct OwnershipReport: Sendable {
    /// How far it went.
    package enum Extent: Hashable, Sendable {
        /// Every entry of the volume was looked at.
        case walked
        /// The stamp says that nothing changed since the last walk.
        case settled
        /// Without root's rights only a few directories are looked at and nothing can be changed.
        case unprivileged
        /// The owner is root, who needs no ownership.
        case unnecessary
    }

    package var extent: Extent
    package let isPreview: Bool
    /// How many entries of the volume were looked at.
    package var visited = 0
    /// How many entries of the volume were given to the owner, or would be.
    package var given = 0
    /// The directories of the home that were given to the owner, or would be.
    package var homeDirectories: [FilePath] = []
    /// Whether something wrong remains, so that the next run has to look again.
    package var isIncomplete = false
    package private(set) var findings: [Finding] = []
    private var counts: [String: Int] = [:]
    private var kinds: [String] = []

    /// How many findings of one kind are kept; the rest is counted.
    package static let mostFindings = 10

    package init(_ extent: Extent, isPreview: Bool) {
        self.extent = extent
        self.isPreview = isPreview
    }

    /// How many things changed, or would.
    package var changes: Int { given + homeDirectories.count }

    /// Adds a finding; behind the first `mostFindings` of a kind they are only counted.
    package mutating func add(_ finding: Finding, kind: String) {
        let count = counts[kind, default: 0] + 1
        counts[kind] = count
        if count == 1 { kinds.append(kind) }
        if count <= Self.mostFindings { findings.append(finding) }
    }

    /// Adds what was only counted.
    package mutating func finish(at volume: FilePath) {
        for kind in kinds {
            let more = counts[kind, default: 0] - Self.mostFindings
            guard more > 0 else { continue }
            findings.append(Finding(.warning, at: volume.printable, "\(more) more: \(kind)"))
            counts[kind] = 0
        }
    }
}

/// How much an archive may hold before it is refused; what a hostile one would need to fill a disk with a few bytes.
package struct ArchiveLimits: Hashable, Sendable {
    /// Bytes of all files together, holes included.
    package var bytes: Int64
    /// How many times larger than its compressed form an archive may be, once it is larger than `ratioStart`.
    package var ratio: Int64
    package var members: Int
    /// Names in a path.
    package var depth: Int
    /// Bytes of a path.
    package var pathBytes: Int

    /// Below this size no ratio is too much: a small archive of an empty tree is mostly zeros.
    package static let ratioStart: Int64 = 64 << 20

    package init(bytes: Int64, ratio: Int64, members: Int, depth: Int, pathBytes: Int) {
        self.bytes = bytes
        self.ratio = ratio
        self.members = members
        self.depth = depth
        self.pathBytes = pathBytes
    }
}

extension Settings {
    package var archiveLimits: ArchiveLimits {
        ArchiveLimits(
            bytes: number(.archiveBytes), ratio: number(.archiveRatio), members: Int(clamping: number(.archiveMembers)),
            depth: Int(clamping: number(.archiveDepth)), pathBytes: Int(clamping: number(.archivePathBytes)))
    }
}

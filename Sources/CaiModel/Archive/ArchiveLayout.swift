package import SystemPackage

/// How an archive is arranged, and the directory in it where that begins.
package struct RecognisedLayout: Hashable, Sendable {
    package let layout: SourceArrangement
    /// Empty, unless everything lies in one directory, as in an archive of `agent-data/`.
    package let base: FilePath

    private static let deepest = 4

    package init(layout: SourceArrangement, base: FilePath = FilePath()) {
        self.layout = layout
        self.base = base
    }

    /// Decides as for a directory; where nothing tells, the one directory that holds everything is looked into, at most four
    /// levels deep. Nil when nothing tells, or things of both kinds are there.
    ///
    /// `exists` says whether the archive has a path, `only` which one name a directory of it holds.
    package init?(
        _ entries: [Entry], exists: (FilePath) -> Bool, only: (FilePath) -> FilePath.Component?
    ) {
        var base = FilePath()
        for _ in 0...Self.deepest {
            switch SourceArrangement.recognize(entries, exists: { exists(base.pushing($0)) }) {
            case .one(let layout):
                self.init(layout: layout, base: base)
                return
            case .both: return nil
            case .none:
                guard let name = only(base) else { return nil }
                base.append(name)
            }
        }
        return nil
    }
}

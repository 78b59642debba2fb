package import SystemPackage

/// Whose paths an archive holds.
package enum ArchiveLayout: String, Hashable, Sendable {
    /// Those of a home: `.claude.json`, `.config/gh/hosts.yml`.
    case home
    /// Those of the volume: `claude/claude.json`, `config/gh/hosts.yml`.
    case volume
}

/// An archive's layout, and the directory in it where that begins.
package struct RecognisedLayout: Hashable, Sendable {
    package let layout: ArchiveLayout
    /// Empty, unless everything lies in one directory, as in an archive of `agent-data/`.
    package let base: FilePath

    package init(layout: ArchiveLayout, base: FilePath = FilePath()) {
        self.layout = layout
        self.base = base
    }

    /// Decides from the paths of an archive: whichever side of the entries more of them lie on or in. nil when none lies
    /// on either.
    ///
    /// What the volume has of its own (`.env`, `containai/`) counts for the volume. Where neither side has a path, the one
    /// directory that holds everything is looked into, at most four levels deep.
    package init?(paths: [FilePath], entries: [Entry]) {
        let sources = Set(entries.compactMap { $0.source.map { PathKey($0.relative) } })
        let targets = Set(entries.map { PathKey($0.target.relative) } + ["containai", ".env"].map { PathKey($0) })
        var base = FilePath()
        for _ in 0...4 {
            let below = paths.compactMap { path -> FilePath? in
                var rest = path
                return rest.removePrefix(base) && !rest.isEmpty ? rest : nil
            }
            let home = below.count { $0.isInside(sources) }
            let volume = below.count { $0.isInside(targets) }
            if home > 0 || volume > 0 {
                self.layout = home > volume ? .home : .volume
                self.base = base
                return
            }
            guard let first = below.first?.components.first, below.allSatisfy({ $0.components.first == first }) else {
                return nil
            }
            base.append(first)
        }
        return nil
    }
}

extension FilePath {
    /// Whether the path, or a directory it lies in, is one of those.
    fileprivate func isInside(_ places: Set<PathKey>) -> Bool {
        var path = self
        while !path.isEmpty {
            if places.contains(PathKey(path)) { return true }
            path.removeLastComponent()
        }
        return false
    }
}

package import SystemPackage

/// Where the two trees are inside the container, for words and link texts.
package struct Layout: Hashable, Sendable {
    package let home: FilePath
    package let volume: FilePath
    package init(home: FilePath, volume: FilePath) {
        self.home = home
        self.volume = volume
    }

    /// The text of a link to a target.
    package func linkText(to target: VolumePath) -> FilePath { volume.pushing(target.relative) }

    /// The place on the volume that the text of a link leads to; nil when that is no plain path to something on it.
    package func volumePath(of text: FilePath) -> VolumePath? {
        let rest = text.components.dropFirst(volume.components.count)
        guard text.starts(with: volume), !rest.isEmpty, rest.allSatisfy({ $0.kind == .regular }) else { return nil }
        return VolumePath(unchecked: FilePath(root: nil, rest))
    }

    /// The absolute path, for machines and for the predecessors' lines.
    package func path(_ place: Place) -> FilePath {
        switch place {
        case .home(let path): home.pushing(path.relative)
        case .volume(let path): volume.pushing(path.relative)
        }
    }

    /// The absolute path, printable.
    package func text(_ place: Place) -> String { path(place).printable }
    package func text(_ path: HomePath) -> String { text(.home(path)) }
    package func text(_ path: VolumePath) -> String { text(.volume(path)) }
}

extension HomePath {
    /// `~/…` for sentences.
    package var inHome: String { "~/" + relative.printable }
}

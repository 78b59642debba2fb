package import SystemPackage

/// One link of a specification: what stands in the home, what it leads to on the volume, and whether a directory in its
/// place may be taken out of the way.
package struct SpecifiedLink: Hashable, Sendable {
    package let link: HomePath
    package let target: VolumePath
    package let removeFirst: Bool

    package init(link: HomePath, target: VolumePath, removeFirst: Bool) {
        self.link = link
        self.target = target
        self.removeFirst = removeFirst
    }
}

/// The content of `link-spec.json` or `user-link-spec.json`.
///
/// The agent can write the second one, so nothing in it is trusted: every link lies below the file's home directory and
/// every target below its mount, by whole components and without `..`. Whether these two are the ones of this machine is
/// for the caller to compare.
package struct LinkSpecification: Hashable, Sendable {
    /// The directory that links lie below (`home_dir`), absolute.
    package let home: FilePath
    /// The directory that targets lie below (`data_mount`), absolute.
    package let volume: FilePath
    /// The links in the order of the file, each path once.
    package let links: [SpecifiedLink]

    package init(home: FilePath, volume: FilePath, links: [SpecifiedLink]) {
        self.home = home
        self.volume = volume
        self.links = links
    }

    /// The text of the file: keys and links sorted, two spaces per level, the same bytes for the same links.
    package var text: [UInt8] {
        let sorted = links.sorted {
            $0.link.relative.string.utf8.lexicographicallyPrecedes($1.link.relative.string.utf8)
        }
        return JSONLiteral.object([
            ("data_mount", .string(volume.string)), ("home_dir", .string(home.string)),
            ("links", .array(sorted.map(literal))), ("version", .integer(1)),
        ]).document
    }

    private func literal(_ link: SpecifiedLink) -> JSONLiteral {
        .object([
            ("link", .string(home.appending(link.link.relative.components).string)),
            ("remove_first", .integer(link.removeFirst ? 1 : 0)),
            ("target", .string(volume.appending(link.target.relative.components).string)),
        ])
    }
}

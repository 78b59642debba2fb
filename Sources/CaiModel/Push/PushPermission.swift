import SystemPackage

/// The decision about what leaves the host on a push. It is made on the host: what the built-in manifests name, and what a
/// person allows here. A container can ask for less, and for nothing more: its manifests are the agent's to write.
package struct PushPermission: Sendable {
    private let builtIn: [Entry]
    private let allowed: [HomePath]

    /// `builtIn` are the entries of this binary, `allowed` the paths that a person named.
    package init(builtIn: [Entry], allowed: [HomePath]) {
        self.builtIn = builtIn
        self.allowed = allowed
    }

    /// True if a person named the path, or something above it.
    package func isAllowed(_ path: HomePath) -> Bool { allowed.contains { path.isInside($0) } }

    /// The entries that may travel, of those that a container asks for, and the paths that it gets nothing of. An entry that is
    /// built in has the kind of the built-in one, is disabled where that is, and keeps the flags that hold something back.
    package func entries(_ asked: [Entry]) -> (entries: [Entry], refused: [HomePath]) {
        var entries: [Entry] = []
        var refused: [HomePath] = []
        for entry in asked {
            guard let source = entry.source else { continue }
            if isAllowed(source) {
                entries.append(entry)
            } else if let known = builtIn(around: source) {
                entries.append(entry.asPermitted(by: known))
            } else {
                refused.append(source)
            }
        }
        return (entries, refused.sorted())
    }

    /// The built-in entry for exactly this path, or the innermost one for a directory around it.
    private func builtIn(around path: HomePath) -> Entry? {
        builtIn.filter { entry in
            guard let source = entry.source, !entry.flags.contains(.glob) else { return false }
            return path == source || entry.isDirectory && path.isInside(source)
        }.max { ($0.source?.relative.length ?? 0) < ($1.source?.relative.length ?? 0) }
    }
}

extension Entry {
    /// The flags that hold something back: leaving one out must not bring that.
    private static let protecting: EntryFlags = [.secret, .excludeSystem, .privacyFilter]

    /// Returns this entry, which a container asks for, within the limits of a built-in entry at or above the same path.
    fileprivate func asPermitted(by known: Entry) -> Entry {
        var flags = flags.union(known.flags.intersection(Self.protecting))
        if source == known.source {
            flags.subtract([.file, .directory])
            flags.formUnion(known.flags.intersection([.file, .directory]))
        }
        return Entry(
            kind: kind, source: source, target: target, link: link, flags: flags,
            isDisabled: isDisabled || known.isDisabled, layer: layer, location: location)
    }
}

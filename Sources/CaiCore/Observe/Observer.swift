package import CaiModel
import CaiPlatform
import SystemPackage

/// Which trees an observation reads in full.
package enum ObservationDepth: Sendable {
    /// What took the place of links, as far as repair would adopt it.
    case links
    /// The live sources as well.
    case sync
}

/// Reads what the engine decides on: every entry's link, source and target, and the trees that would move.
package struct Observer {
    private let machine: Machine
    private let home: NodeReader
    private let volume: NodeReader

    package init(_ machine: Machine) {
        self.machine = machine
        home = NodeReader(machine.home)
        volume = NodeReader(machine.volume)
    }

    /// Looks at some entries, `among` all that are declared. Unless it `asksForUsers`, the files of agent directories but
    /// for databases are not asked whether a process has them open.
    package func observe(
        _ entries: [Entry], among declared: [Entry]? = nil, depth: ObservationDepth, asksForUsers: Bool = true
    ) -> Observation {
        let observed = entries.map { observe($0, depth: depth, asksForUsers) }
        var directories: [VolumePath: Node] = [:]
        for entry in entries {
            var next = entry.target.parent
            while let path = next, directories[path] == nil {
                directories[path] = volume.node(at: path.relative)
                next = path.parent
            }
        }
        let parents = observed.filter(\.link.isMissing).compactMap { $0.entry.hasLink ? $0.entry.link?.parent : nil }
        return Observation(
            entries: observed, volumeDirectories: directories,
            missingHomeDirectories: Set(parents).filter { home.node(at: $0.relative).isMissing },
            declared: declared)
    }

    private func observe(_ entry: Entry, depth: ObservationDepth, _ asksForUsers: Bool) -> EntryObservation {
        let link = entry.hasLink ? entry.link.map { home.node(atLink: $0.relative) } ?? .missing : .missing
        let target = volume.node(at: entry.target.relative)
        var source = Node.missing
        if depth == .sync, let path = entry.source {
            source = path == entry.link ? link : home.node(at: path.relative)
        }
        let (live, path) = depth == .sync ? (source, entry.source) : (link, entry.link)
        return EntryObservation(
            entry: entry, link: link, source: source, target: target,
            strangerExists: strangerExists(live, at: path, besides: entry.target),
            pairs: pairs(entry, live, path, target, depth, asksForUsers),
            targetIsEmpty: target.isFile && target.facts?.size == 0,
            targetDangles: dangles(target, at: entry.target), linkIsMounted: isMounted(link, at: entry.link),
            linkIsEmpty: isEmptyDirectory(link, at: entry.link),
            targetIsMounted: isMounted(target, entry, besides: live))
    }

    /// True if something is mounted at a link's place. A link itself is no mount.
    private func isMounted(_ link: Node, at path: HomePath?) -> Bool {
        guard link.isFile || link.isDirectory, let path, let name = path.relative.lastComponent else { return false }
        return home.openParent(of: path.relative)?.isMountPoint(name) ?? false
    }

    /// True if a file is mounted at a target that a step may want to change; not asked otherwise.
    private func isMounted(_ target: Node, _ entry: Entry, besides live: Node) -> Bool {
        guard case .file(let facts) = target, let name = entry.target.relative.lastComponent else { return false }
        let mayChange =
            live.isFile || live.isDirectory || facts.size == 0 || entry.isSecret && facts.mode & ~0o600 != 0
        return mayChange && volume.openParent(of: entry.target.relative)?.isMountPoint(name) ?? false
    }

    private func isEmptyDirectory(_ link: Node, at path: HomePath?) -> Bool {
        guard link.isDirectory, let path, let name = path.relative.lastComponent,
            // In doubt it is not empty.
            let names = try? home.openParent(of: path.relative)?.openDirectory(name).names()
        else { return false }
        return names.isEmpty
    }

    /// The tree at the link or source with its counterparts, when it may have to move.
    private func pairs(
        _ entry: Entry, _ live: Node, _ path: HomePath?, _ target: Node, _ depth: ObservationDepth,
        _ asksForUsers: Bool
    ) -> [ObservedPair] {
        guard let path, live.isFile || live.isDirectory else { return [] }
        if depth == .links, live.isDirectory, !entry.flags.contains(.removeFirst) { return [] }
        // Nothing of it moves by itself: it lies in an agent directory, whose tree is looked at as a whole.
        if depth == .sync, !entry.hasLink { return [] }
        guard let parent = home.openParent(of: path.relative), let name = path.relative.lastComponent else { return [] }
        let stored = volume.openParent(of: entry.target.relative)
        let isAgentDirectory = entry.kind == .agentDirectory
        var walk = PairWalk(
            ownLinks: isAgentDirectory ? ownLinks(entry) : nil, isExclusive: isAgentDirectory && asksForUsers)
        var counterpart: PairWalk.Spot?
        if let stored, let name = entry.target.relative.lastComponent {
            counterpart = PairWalk.Spot(name, in: stored, target)
        }
        walk.visit(PairWalk.Spot(name, in: parent, live), counterpart)
        return walk.pairs
    }

    /// The texts of single links inside a directory that is linked as a whole, by their paths below it.
    private func ownLinks(_ entry: Entry) -> OwnLinks {
        let target = machine.layout.linkText(to: entry.target)
        let earlier = entry.renamed.map { ($0.to.relative, target.pushing($0.from.relative)) }
        return OwnLinks(target: target, earlier: Dictionary(earlier, uniquingKeysWith: { first, _ in first }))
    }

    /// Whether a symlink on the volume leads to nothing.
    private func dangles(_ target: Node, at path: VolumePath) -> Bool {
        guard case .symlink = target else { return false }
        return !machine.root.existsInRoot(machine.layout.path(.volume(path)))
    }

    /// Whether a symlink of the user's own leads to something, resolved inside the machine's root. The link to the
    /// entry's own target is not the user's.
    private func strangerExists(_ node: Node, at path: HomePath?, besides own: VolumePath) -> Bool {
        guard case .symlink(let text) = node, let path, text != machine.layout.linkText(to: own) else { return false }
        var target = text
        if !text.isAbsolute {
            target = machine.layout.path(.home(path)).removingLastComponent().pushing(text)
        }
        return machine.root.existsInRoot(target)
    }
}

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

    /// Looks at some entries, `among` all that are declared.
    package func observe(_ entries: [Entry], among declared: [Entry]? = nil, depth: ObservationDepth) -> Observation {
        let observed = entries.map { observe($0, depth: depth) }
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

    private func observe(_ entry: Entry, depth: ObservationDepth) -> EntryObservation {
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
            pairs: pairs(entry, live, path, target, depth),
            targetIsEmpty: target.isFile && target.facts?.size == 0,
            targetDangles: dangles(target, at: entry.target))
    }

    /// The tree at the link or source with its counterparts, when it may have to move.
    private func pairs(
        _ entry: Entry, _ live: Node, _ path: HomePath?, _ target: Node, _ depth: ObservationDepth
    ) -> [ObservedPair] {
        guard let path, live.isFile || live.isDirectory else { return [] }
        if depth == .links, live.isDirectory, !entry.flags.contains(.removeFirst) { return [] }
        guard let parent = home.openParent(of: path.relative), let name = path.relative.lastComponent else { return [] }
        let stored = volume.openParent(of: entry.target.relative)
        var walk = PairWalk(ownLinks: entry.kind == .agentDirectory ? ownLinks(entry) : nil)
        walk.visit(FilePath(), live, name, parent, target, entry.target.relative.lastComponent, stored)
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

/// The single links that an earlier release put into an agent directory: each leads to the place on the volume that its
/// path has now, or had under an earlier name.
private struct OwnLinks {
    let target: FilePath
    let earlier: [FilePath: FilePath]

    func contains(_ text: FilePath, at path: FilePath) -> Bool {
        !path.isEmpty && (text == target.pushing(path) || text == earlier[path])
    }
}

/// Collects a live tree with its counterparts on the volume, parents before children.
private struct PairWalk {
    var pairs: [ObservedPair] = []
    /// The single links that are recognized in the live tree; nil for a tree without.
    let ownLinks: OwnLinks?

    init(ownLinks: OwnLinks?) { self.ownLinks = ownLinks }

    mutating func visit(
        _ path: FilePath, _ live: Node, _ name: FilePath.Component, _ parent: Directory, _ stored: Node,
        _ storedName: FilePath.Component?, _ storedParent: Directory?
    ) {
        if live.isFile || live.isDirectory, parent.isMountPoint(name) {
            return pairs.append(ObservedPair(path: path, live: .unreachable(.mountPoint), stored: stored))
        }
        switch live {
        case .file where stored.isFile: addFiles(path, live, name, parent, stored, storedName, storedParent)
        case .directory:
            do {
                let directory = try parent.openDirectory(name)
                let names = try directory.names()
                if !names.isEmpty, let owner = try directory.foreignOwner() {
                    let obstacle = Node.unreachable(.foreign(uid: owner))
                    return pairs.append(ObservedPair(path: path, live: obstacle, stored: stored))
                }
                pairs.append(ObservedPair(path: path, live: live, stored: stored))
                var counterpart: Directory?
                if stored.isDirectory, let storedParent, let storedName {
                    counterpart = try storedParent.openDirectory(storedName)
                }
                for child in names {
                    let other = counterpart.map { Node(child, in: $0) } ?? .missing
                    visit(
                        path.appending(child), Node(child, in: directory), child, directory, other, child, counterpart)
                }
            } catch {
                add(path, failed: error, stored)
            }
        case .symlink(let text) where ownLinks?.contains(text, at: path) ?? false:
            pairs.append(ObservedPair(path: path, live: live, stored: stored, isOwnLink: true))
        default: pairs.append(ObservedPair(path: path, live: live, stored: stored))
        }
    }

    private mutating func addFiles(
        _ path: FilePath, _ live: Node, _ name: FilePath.Component, _ parent: Directory, _ stored: Node,
        _ storedName: FilePath.Component?, _ storedParent: Directory?
    ) {
        do {
            guard let storedName, let storedParent else { return }
            let contents = try contentSamples(live: (name, parent), stored: (storedName, storedParent))
            pairs.append(
                ObservedPair(
                    path: path, live: live, stored: stored, liveContent: contents.live,
                    storedContent: contents.stored, continuation: contents.continuation))
        } catch {
            add(path, failed: error, stored)
        }
    }

    private mutating func add(_ path: FilePath, failed error: any Error, _ stored: Node) {
        pairs.append(
            ObservedPair(path: path, live: .unreachable(.failed(reason: "\(error)")), stored: stored))
    }
}

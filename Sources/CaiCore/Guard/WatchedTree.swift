import CaiModel
import CaiPlatform
import SystemPackage

/// A subject of a guard's attention.
enum Subject: Hashable, Sendable {
    case link(HomePath)
    case open(OpenFileID)
    /// The manifests, and everything else that says which links there are.
    case manifests
    case everything
    /// Displaced secrets, which are removed by their age.
    case secrets
}

/// The directories of one tree that lead to places of interest, each watched as long as it exists.
///
/// Every directory on the way to a place is watched, so that one that appears, vanishes or is replaced is noticed where it
/// happens. A directory is watched before it is looked into: what appears in it meanwhile is either seen or reported. None
/// is reached through a symlink.
///
/// At most `mostDirectories` are watched, in the order in which their places were added, so that the manifests of an agent
/// cannot use up what the kernel gives to a user (`fs.inotify.max_user_watches`).
final class WatchedTree {
    static let mostDirectories = 2_048
    /// The operation of the error for a directory that is one too many.
    static let full = "watch one more directory"

    private final class Node {
        let name: FilePath.Component?
        let bytes: [UInt8]
        /// By a digest of the name's bytes, so that a name that nobody waits for costs no copy of it.
        var children: [UInt64: [Node]] = [:]
        /// What has its place here.
        var subjects: [Subject] = []
        /// What wants to hear of every name in here.
        var keepers: [Subject] = []
        var watch: ChangeWatch.ID?
        /// The number of directories that were added before this one; nil until it is known to be one.
        var rank: Int?

        init(_ name: FilePath.Component?) {
            self.name = name
            bytes = name?.bytes ?? []
        }

        var isDirectory: Bool { !children.isEmpty || !keepers.isEmpty || name == nil }
        var allChildren: some Sequence<Node> { children.values.joined() }

        func child(_ name: FilePath.Component) -> Node {
            let key = digest(name.bytes)
            if let known = children[key]?.first(where: { $0.name == name }) { return known }
            let node = Node(name)
            children[key, default: []].append(node)
            return node
        }

        func forEachSubject(_ body: (Subject) -> Void) {
            (subjects + keepers).forEach(body)
            for child in allChildren { child.forEachSubject(body) }
        }
    }

    private let tree: Tree
    private let kinds: ChangeWatch.Kinds
    private let root = Node(nil)
    private var nodes: [ChangeWatch.ID: [(node: Node, path: FilePath)]] = [:]
    /// Directories that changed and have to be watched anew.
    private var stale: [FilePath: Node] = [:]
    private var directories = 0
    /// Whether the root itself moved, vanished or was unmounted.
    private(set) var isLost = false

    /// `kinds` is reported beside names that come and go, and owners and modes, of which a directory may become readable.
    init(_ tree: Tree, _ kinds: ChangeWatch.Kinds = []) {
        self.tree = tree
        self.kinds = kinds.union([.attributes, .created, .movedHere, .movedAway, .removed, .selfMoved, .selfRemoved])
    }

    /// Adds a place of interest.
    func add(_ path: FilePath, _ subject: Subject) { node(path).subjects.append(subject) }

    /// Adds a directory of which every entry is of interest.
    func add(allIn path: FilePath, _ subject: Subject) {
        let node = node(path)
        rank(node)
        node.keepers.append(subject)
    }

    private func node(_ path: FilePath) -> Node {
        path.components.reduce(root) { parent, name in
            rank(parent)
            return parent.child(name)
        }
    }

    private func rank(_ node: Node) {
        guard node.rank == nil else { return }
        node.rank = directories
        directories += 1
    }

    /// How many directories are watched.
    var count: Int { nodes.count }

    /// Watches everything that exists. `problem` hears of each directory that cannot be watched.
    func watchAll(_ watch: ChangeWatch, problem: (SystemCallError) -> Void) {
        unwatch(root, watch)
        self.watch(root, tree.root, FilePath(), watch, problem)
    }

    /// Ends all watches.
    func unwatchAll(_ watch: ChangeWatch) { unwatch(root, watch) }

    /// Watches what `note` found changed.
    func watchStale(_ watch: ChangeWatch, problem: (SystemCallError) -> Void) {
        for (path, node) in stale.sorted(by: { $0.key.components.count < $1.key.components.count }) {
            unwatch(node, watch)
            // Missing, or behind a symlink: then its parent tells when that changes.
            if let directory = try? tree.directory(path) { self.watch(node, directory, path, watch, problem) }
        }
        stale = [:]
    }

    var hasStale: Bool { !stale.isEmpty }

    private func watch(
        _ node: Node, _ directory: Directory, _ path: FilePath, _ watch: ChangeWatch,
        _ problem: (SystemCallError) -> Void
    ) {
        guard node.rank ?? 0 < Self.mostDirectories else {
            return problem(SystemCallError(Self.full, directory.label.printable, .noBufferSpace))
        }
        do {
            let id = try watch.add(directory, node.keepers.isEmpty ? kinds : kinds.union(.closed))
            node.watch = id
            nodes[id, default: []].append((node, path))
        } catch {
            problem(error)
        }
        for child in node.allChildren where child.isDirectory {
            guard let name = child.name, let below = try? directory.openDirectory(name) else { continue }  // as above
            self.watch(child, below, path.appending(name), watch, problem)
        }
    }

    private func unwatch(_ node: Node, _ watch: ChangeWatch) {
        if let id = node.watch {
            node.watch = nil
            nodes[id]?.removeAll { $0.node === node }
            if nodes[id]?.isEmpty ?? false {
                nodes[id] = nil
                watch.remove(id)
            }
        }
        for child in node.allChildren where child.isDirectory { unwatch(child, watch) }
    }

    /// Notes one event; `changed` hears which subjects it is about.
    func note(_ event: ChangeWatch.Event, changed: (Subject, ChangeSign) -> Void) {
        for (node, path) in nodes[event.id] ?? [] {
            if event.name.isEmpty {
                if node === root, !event.kinds.isDisjoint(with: [.selfMoved, .selfRemoved, .unmounted]) {
                    isLost = true
                }
                continue
            }
            for keeper in node.keepers { changed(keeper, .other) }
            guard let children = node.children[digest(event.name)] else { continue }
            for child in children where event.name.elementsEqual(child.bytes) {
                note(child, path, event.kinds, changed)
            }
        }
    }

    private func note(
        _ node: Node, _ parent: FilePath, _ kinds: ChangeWatch.Kinds, _ changed: (Subject, ChangeSign) -> Void
    ) {
        let sign = ChangeSign(kinds)
        for subject in node.subjects { changed(subject, sign) }
        guard node.isDirectory, let name = node.name, sign != .other || node.watch == nil else { return }
        stale[parent.appending(name)] = node
        for child in node.allChildren { child.forEachSubject { changed($0, sign == .saved ? .created : sign) } }
        for keeper in node.keepers { changed(keeper, .other) }
    }
}

extension ChangeSign {
    init(_ kinds: ChangeWatch.Kinds) {
        if !kinds.isDisjoint(with: [.closed, .movedHere]) {
            self = .saved
        } else if kinds.contains(.created) {
            self = .created
        } else {
            self = kinds.isDisjoint(with: [.removed, .movedAway]) ? .other : .gone
        }
    }
}

/// FNV-1a.
private func digest(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

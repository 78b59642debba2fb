package import CaiModel
import CaiPlatform
import SystemPackage

/// A run of the displaced store, for a list.
package struct KeptRun: Sendable {
    package let id: RunID
    package let items: Int
    package let bytes: Int64
    /// The number of secrets that were removed by their age.
    package let expiredSecrets: Int
}

extension KeptRun {
    /// The number of removed secrets as the begin of a sentence.
    package static func words(_ count: Int) -> String { count == 1 ? "1 secret was" : "\(count) secrets were" }
}

/// There is nothing that could be undone under this name.
package struct UnknownRun: Error, Sendable {
    /// The name that was asked for; nil when there is no run at all.
    package let name: String?
}

/// Brings displaced content back, and takes away what was added.
package struct UndoJob {
    let machine: Machine
    let entries: [Entry]

    package init(_ machine: Machine, entries: [Entry]) {
        self.machine = machine
        self.entries = entries
    }

    /// The runs that can be undone, newest first.
    package func list() throws -> [KeptRun] {
        let store = DisplacedStore(machine.volume)
        return try store.runs().reversed().map { run in
            let leaves = try leaves(of: run)
            // A list that cannot be read is told when the run is to be undone.
            let additions = ((try? store.additions(of: run)) ?? []).filter { !$0.isTime }
            return KeptRun(
                id: run, items: leaves.count + additions.count,
                bytes: leaves.reduce(0) { $0 + ($1.node.facts?.size ?? 0) },
                expiredSecrets: try store.expiredSecrets(of: run).count)
        }
    }

    /// Undoes a run; without a name the newest that was no undo itself, so that doing it twice changes nothing more.
    package func run(_ name: String?, _ options: RunOptions) throws -> RunReport<UndoPlan> {
        let runs = try DisplacedStore(machine.volume).runs()
        let wanted = name == nil ? runs.last { $0.command != "undo" } : runs.first { $0.text == name }
        guard let wanted else { throw UnknownRun(name: name) }
        return try Engine(machine, entries: entries, options: options).run { _ in plan(wanted) }
    }

    private func plan(_ run: RunID) -> UndoPlan {
        var findings: [Finding] = []
        do {
            let store = DisplacedStore(machine.volume)
            let expired = try store.expiredSecrets(of: run).count
            if expired > 0 {
                findings.append(
                    Finding(
                        .note, at: run.text, "\(KeptRun.words(expired)) removed by age: secrets are kept for an hour"))
            }
            let additions = try store.additions(of: run).map(AdditionReader(machine.volume).see)
            let items = try observe(run, &findings)
            let parts = otherParts(beside: items, &findings)
            let seen = UndoObservation(items: items, additions: additions, parts: parts)
            return planUndo(seen, run: run, layout: machine.layout, findings: findings)
        } catch {
            findings.append(Finding(.error, at: run.text, "cannot be read: \(error.sentence)"))
            return planUndo(UndoObservation(), run: run, layout: machine.layout, findings: findings)
        }
    }

    private struct Leaf {
        let path: FilePath
        let node: Node
    }

    /// What a run keeps: files, symlinks, and whole directories where a file's place was taken by one.
    private func leaves(of run: RunID) throws -> [Leaf] {
        var result: [Leaf] = []
        func visit(_ directory: Directory, _ path: FilePath) throws {
            // A copy in the making is no content yet; a temporary name that kept content is for a hand to bring back.
            for name in try directory.names() where TemporaryName.parse(name)?.kind != .part {
                if path.isEmpty, name == DisplacedStore.additions || name == SecretSweep.list { continue }
                let below = path.appending(name)
                let node = try directory.look(at: name)
                if node.isDirectory, try !isWhole(below) {
                    try visit(directory.openDirectory(name), below)
                } else {
                    result.append(Leaf(path: below, node: node))
                }
            }
        }
        try visit(DisplacedStore(machine.volume).open(run).root, FilePath())
        return result
    }

    /// Whether a directory of the store goes back as one piece: it stood where a manifest wants a file, or something that is
    /// no directory has taken its place. Throws where the machine does not tell what stands there.
    private func isWhole(_ path: FilePath) throws -> Bool {
        if let target = volumePath(path) {
            // Where no directory stands any more the whole of it comes back.
            return try !target.relative.isEmpty && !look(at: target.relative).isDirectory
        }
        guard path.components.first?.string == "home" else { return false }
        let home = HomePath(unchecked: FilePath(root: nil, path.components.dropFirst()))
        if entries.contains(where: { $0.link == home && !$0.isDirectory }) { return true }
        guard let entry = entries.first(where: { $0.hasLink && $0.isDirectory && $0.link.map(home.isInside) ?? false }),
            let link = entry.link, home != link
        else { return false }
        var below = home.relative
        _ = below.removePrefix(link.relative)
        switch try look(at: entry.target.appending(below).relative) {
        case .file, .symlink, .special: return true
        case .missing, .directory, .unreachable: return false
        }
    }

    /// What the machine does not tell.
    private struct Unseen: Error, CustomStringConvertible { let description: String }

    private func look(at path: FilePath) throws -> Node {
        let node = NodeReader(machine.volume).node(at: path)
        if case .unreachable(.failed(let reason, _)) = node { throw Unseen(description: reason) }
        return node
    }

    private func observe(_ run: RunID, _ findings: inout [Finding]) throws -> [KeptItem] {
        let leaves = try leaves(of: run)
        let fromVolume = Set(leaves.compactMap { volumePath($0.path) })
        let store = try DisplacedStore(machine.volume).open(run)
        return leaves.compactMap { leaf in
            let isOddlyNamed = leaf.path.components.contains { TemporaryName.parse($0) != nil }
            guard !isOddlyNamed, let place = place(of: leaf, fromVolume, leaves) else {
                findings.append(
                    Finding(
                        .note, at: leaf.path.printable,
                        "is one of several versions, or was found by a search, and stays where it is kept",
                        advice: "copy it from \(DisplacedStore.directory.appending(run.text)) by hand"))
                return nil
            }
            let (tree, path) = machine.tree(of: place)
            let reader = NodeReader(tree)
            let found = reader.node(at: path)
            if case .unreachable(let obstacle) = found {
                findings.append(Finding(.error, at: machine.layout.text(place), obstacle.sentence))
                return nil
            }
            let isSame = isSame(leaf, store, found, reader.openParent(of: path), path)
            return KeptItem(path: leaf.path, node: leaf.node, place: place, found: found, isSame: isSame)
        }
    }

    private func volumePath(_ path: FilePath) -> VolumePath? {
        guard path.components.first?.string == "volume" else { return nil }
        return VolumePath(unchecked: FilePath(root: nil, path.components.dropFirst()))
    }

    /// Where a leaf goes; nil for one that stays. The part of a database goes with the database: beside another version it
    /// would do harm.
    private func place(of leaf: Leaf, _ fromVolume: Set<VolumePath>, _ leaves: [Leaf]) -> Place? {
        guard leaf.node.isFile, let (name, part) = leaf.path.lastComponent.flatMap(DatabaseCompanion.split) else {
            return place(of: leaf, fromVolume)
        }
        let database = leaf.path.removingLastComponent().appending(name)
        if let main = leaves.first(where: { $0.path == database && $0.node.isFile }) {
            switch place(of: main, fromVolume) {
            case .home(let path): return .home(path.appending(part))
            case .volume(let path): return .volume(path.appending(part))
            case nil: return nil
            }
        }
        guard let place = place(of: leaf, fromVolume) else { return nil }
        let (tree, path) = machine.tree(of: place)
        let reader = NodeReader(tree)
        let beside = path.removingLastComponent().appending(name)
        guard reader.node(at: beside).isFile, let parent = reader.openParent(of: beside) else { return place }
        return FileUse.look(at: name, in: parent, isAsked: false).isDatabase ? nil : place
    }

    /// The parts of databases that stand where databases come back, and that did not belong to them. A database that a
    /// process has open is an error finding: the process would go on with the other one.
    private func otherParts(beside items: [KeptItem], _ findings: inout [Finding]) -> [VolumePath: Node] {
        let places = Dictionary(items.map { ($0.place, $0) }, uniquingKeysWith: { first, _ in first })
        var parts: [VolumePath: Node] = [:]
        for item in items where item.node.isFile {
            guard case .volume(let target) = item.place, let name = target.relative.lastComponent,
                let parent = NodeReader(machine.volume).openParent(of: target.relative)
            else { continue }
            let members = DatabaseCompanion.allCases.map { ($0, target.appending($0)) }
            let kept = [item] + members.compactMap { places[.volume($0.1)] }
            let others = members.filter { part, path in
                places[.volume(path)] == nil && part.name(of: name).map { Node($0, in: parent).isFile } ?? false
            }
            guard isDatabase(item, kept.count > 1, others.map(\.0), name, parent) else { continue }
            if kept.allSatisfy(\.isSame), others.allSatisfy({ $0.0 == .index }) { continue }
            for file in [name] + DatabaseCompanion.allCases.compactMap({ $0.name(of: name) }) {
                if let user = (try? FileUse.user(of: file, in: parent)) ?? nil {  // unreadable: the restoring says why
                    findings.append(
                        Finding(
                            .error, at: machine.layout.text(target),
                            "is a database that \(user) has open, so that nothing is brought back",
                            advice: "end that program and run cai undo again"))
                    break
                }
            }
            for (part, path) in others {
                if let other = part.name(of: name) { parts[path] = Node(other, in: parent) }
            }
        }
        return parts
    }

    /// True if a kept file is a database, or takes the place of one.
    private func isDatabase(
        _ item: KeptItem, _ hasParts: Bool, _ others: [DatabaseCompanion], _ name: FilePath.Component,
        _ parent: Directory
    ) -> Bool {
        if item.path.lastComponent.flatMap(DatabaseCompanion.split) != nil, !hasParts { return false }
        if hasParts || FileUse.look(at: name, in: parent, isAsked: false).isDatabase { return true }
        return others.contains { $0 != .index }
    }

    private func place(of leaf: Leaf, _ fromVolume: Set<VolumePath>) -> Place? {
        if let path = volumePath(leaf.path) { return .volume(path) }
        guard leaf.path.components.first?.string == "home" else { return nil }
        let path = HomePath(unchecked: FilePath(root: nil, leaf.path.components.dropFirst()))
        return undoPlace(of: path, leaf.node, entries: entries) { fromVolume.contains($0) }
    }

    private func isSame(
        _ leaf: Leaf, _ store: Tree, _ found: Node, _ parent: Directory?, _ path: FilePath
    ) -> Bool {
        switch (leaf.node, found) {
        case (.symlink(let kept), .symlink(let now)): return kept == now
        case (.file(let kept), .file(let now)):
            guard kept.size == now.size, let parent, let name = path.lastComponent,
                // What cannot be read differs, and is restored.
                let (directory, keptName) = try? store.parent(of: leaf.path),
                let first = try? contentSample(keptName, in: directory),
                let second = try? contentSample(name, in: parent)
            else { return false }
            return first.digest == second.digest
        case (.directory, .directory):
            guard let parent, let name = path.lastComponent,
                let (directory, keptName) = try? store.parent(of: leaf.path),  // in doubt they differ, as above
                let kept = try? directory.openDirectory(keptName), let now = try? parent.openDirectory(name)
            else { return false }
            return isSame(kept, now)
        default: return false
        }
    }

    /// Whether two directories hold the same, all the way down; false where one cannot be read.
    private func isSame(_ kept: Directory, _ now: Directory) -> Bool {
        guard let names = try? kept.names(), let others = try? now.names(), names == others else { return false }
        return names.allSatisfy { name in
            switch (Node(name, in: kept), Node(name, in: now)) {
            case (.directory, .directory):
                guard let first = try? kept.openDirectory(name), let second = try? now.openDirectory(name) else {
                    return false
                }
                return isSame(first, second)
            case (.file(let first), .file(let second)):
                guard first.size == second.size, let sample = try? contentSample(name, in: kept),
                    let other = try? contentSample(name, in: now)
                else { return false }
                return sample.digest == other.digest
            case (.symlink(let first), .symlink(let second)): return first == second
            case (.special(let first), .special(let second)): return first == second
            default: return false
            }
        }
    }
}

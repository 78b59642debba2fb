import CaiModel
import CaiPlatform
import SystemPackage

/// The single links that an earlier release put into an agent directory: each leads to the place on the volume that its
/// path has now, or had under an earlier name.
struct OwnLinks {
    let target: FilePath
    let earlier: [FilePath: FilePath]

    func contains(_ text: FilePath, at path: FilePath) -> Bool {
        !path.isEmpty && (text == target.pushing(path) || text == earlier[path])
    }
}

/// Collects a live file or tree with its counterparts on the volume, parents before children.
///
/// SQLite databases are recognized on either side by their first bytes, or by a log or journal beside them. The pairs of all
/// files of a database are marked, and say if a process has one of the files open.
struct PairWalk {
    /// A name in an open directory, and what stands there.
    struct Spot {
        let name: FilePath.Component
        let directory: Directory
        let node: Node

        init(_ name: FilePath.Component, in directory: Directory, _ node: Node) {
            self.name = name
            self.directory = directory
            self.node = node
        }

        init(_ name: FilePath.Component, in directory: Directory) {
            self.init(name, in: directory, Node(name, in: directory))
        }

        /// The place of a part of the database of this name.
        func spot(of part: DatabaseCompanion) -> Spot? { part.name(of: name).map { Spot($0, in: directory) } }
    }

    /// A file of a database on both sides, and the number of its pair if it has one already.
    private struct Member {
        let path: FilePath
        let live: Spot?
        let stored: Spot?
        let number: Int?

        /// True if there is something on either side.
        var isAnywhere: Bool { !(live?.node.isMissing ?? true) || !(stored?.node.isMissing ?? true) }

        var isFileOrMissing: Bool {
            [live, stored].allSatisfy { spot in spot.map { $0.node.isFile || $0.node.isMissing } ?? true }
        }
    }

    private(set) var pairs: [ObservedPair] = []
    private let ownLinks: OwnLinks?
    /// True if no file may be open, as in an agent directory; else that is asked for databases only.
    private let isExclusive: Bool
    private var mayHoldMounts = true

    /// `ownLinks` are the single links that are recognized in the live tree.
    init(ownLinks: OwnLinks?, isExclusive: Bool) {
        self.ownLinks = ownLinks
        self.isExclusive = isExclusive
    }

    /// Collects everything at a place of the home. `stored` is nil if the directory of the counterpart is missing.
    mutating func visit(_ live: Spot, _ stored: Spot?) {
        if live.node.isDirectory {
            let user = isExclusive ? FileUse.user(ofTree: live.name, in: live.directory) : nil
            mayHoldMounts = MountsBelow.mayBegin(below: live.directory)
            return visitDirectory(FilePath(), live, stored, user: user)
        }
        var isDatabase = visitEntry(FilePath(), live, stored)
        guard live.node.isFile, pairs.first?.live.isFile ?? false else { return }
        let parts = DatabaseCompanion.allCases.map { part in
            Member(
                path: FilePath(part.rawValue), live: live.spot(of: part), stored: stored?.spot(of: part), number: nil)
        }
        isDatabase =
            isDatabase || parts.contains { $0.path.string != DatabaseCompanion.index.rawValue && $0.isAnywhere }
        if isDatabase { mark([Member(path: FilePath(), live: live, stored: stored, number: 0)] + parts) }
    }

    private mutating func visitDirectory(_ path: FilePath, _ live: Spot, _ stored: Spot?, user: String? = nil) {
        let counterpart = stored?.node ?? .missing
        if mayHoldMounts, live.directory.isMountPoint(live.name) {
            return pairs.append(ObservedPair(path: path, live: .unreachable(.mountPoint), stored: counterpart))
        }
        do {
            let directory = try live.directory.openDirectory(live.name)
            let names = try directory.names()
            if !names.isEmpty, let owner = try directory.foreignOwner() {
                let obstacle = Node.unreachable(.foreign(owner, directory))
                return pairs.append(ObservedPair(path: path, live: obstacle, stored: counterpart))
            }
            pairs.append(ObservedPair(path: path, live: live.node, stored: counterpart, liveUser: user))
            var other: Directory?
            if let stored, stored.node.isDirectory { other = try stored.directory.openDirectory(stored.name) }
            visitChildren(names, of: path, directory, other)
        } catch {
            pairs.append(Self.pair(path, failed: error, counterpart))
        }
    }

    private mutating func visitChildren(
        _ names: [FilePath.Component], of path: FilePath, _ directory: Directory, _ other: Directory?
    ) {
        var databases: Set<FilePath.Component> = []
        var parts: [FilePath.Component] = []
        var numbers: [FilePath.Component: Int] = [:]
        for name in names {
            let (live, stored) = (Spot(name, in: directory), other.map { Spot(name, in: $0) })
            let below = path.appending(name)
            if live.node.isDirectory {
                visitDirectory(below, live, stored)
                continue
            }
            let number = pairs.count
            if visitEntry(below, live, stored) {
                databases.insert(name)
                numbers[name] = number
            } else if DatabaseCompanion.split(name) != nil, live.node.isFile {
                parts.append(name)
                numbers[name] = number
            }
        }
        databases.formUnion(Self.databases(of: parts, names, directory, other))
        for name in names where databases.contains(name) && numbers[name] == nil {
            numbers[name] = pairs.firstIndex { $0.path == path.appending(name) }
        }
        for database in databases.sorted(by: { $0.string < $1.string }) {
            mark(
                ([database] + DatabaseCompanion.allCases.compactMap { $0.name(of: database) }).map { name in
                    Member(
                        path: path.appending(name), live: numbers[name].map { _ in Spot(name, in: directory) },
                        stored: other.map { Spot(name, in: $0) }, number: numbers[name])
                })
        }
    }

    /// The databases that parts in a directory belong to: a file beside a log or journal, or a database on the volume.
    private static func databases(
        of parts: [FilePath.Component], _ names: [FilePath.Component], _ directory: Directory, _ other: Directory?
    ) -> [FilePath.Component] {
        parts.compactMap { name in
            guard let (database, part) = DatabaseCompanion.split(name) else { return nil }
            let live = Node(database, in: directory)
            if live.isFile { return part == .index ? nil : database }
            guard live.isMissing, let other, Node(database, in: other).isFile else { return nil }
            return FileUse.look(at: database, in: other, isAsked: false).isDatabase ? database : nil
        }
    }

    /// Adds the pair of anything but a directory. Returns true if it is a database by the first bytes of either side.
    private mutating func visitEntry(_ path: FilePath, _ live: Spot, _ stored: Spot?) -> Bool {
        let counterpart = stored?.node ?? .missing
        switch live.node {
        case .file where mayHoldMounts && live.directory.isMountPoint(live.name):
            pairs.append(ObservedPair(path: path, live: .unreachable(.mountPoint), stored: counterpart))
        case .file(let facts):
            guard let stored, counterpart.isFile else { return addFile(path, live, facts, counterpart) }
            return addFiles(path, live, stored)
        case .symlink(let text):
            let isOwn = ownLinks?.contains(text, at: path) ?? false
            pairs.append(ObservedPair(path: path, live: live.node, stored: counterpart, isOwnLink: isOwn))
        default: pairs.append(ObservedPair(path: path, live: live.node, stored: counterpart))
        }
        return false
    }

    private mutating func addFile(_ path: FilePath, _ live: Spot, _ facts: FileFacts, _ stored: Node) -> Bool {
        var seen = (isDatabase: false, user: nil as String?)
        let mayBeDatabase = mayBeDatabase(size: facts.size)
        if isExclusive || mayBeDatabase {
            seen = FileUse.look(
                at: live.name, in: live.directory, isAsked: isExclusive, mayBeDatabase: mayBeDatabase)
        }
        pairs.append(ObservedPair(path: path, live: live.node, stored: stored, liveUser: seen.user))
        return seen.isDatabase
    }

    private mutating func addFiles(_ path: FilePath, _ live: Spot, _ stored: Spot) -> Bool {
        do {
            let contents = try contentSamples(
                live: (live.name, live.directory), stored: (stored.name, stored.directory))
            pairs.append(
                ObservedPair(
                    path: path, live: live.node, stored: stored.node, liveContent: contents.live,
                    storedContent: contents.stored, continuation: contents.continuation,
                    liveUser: isExclusive ? try FileUse.user(of: live.name, in: live.directory) : nil,
                    storedIsMounted: stored.directory.isMountPoint(stored.name)))
            return contents.live.isDatabase || contents.stored.isDatabase
        } catch {
            pairs.append(Self.pair(path, failed: error, stored.node))
            return false
        }
    }

    private static func pair(_ path: FilePath, failed error: any Error, _ stored: Node) -> ObservedPair {
        ObservedPair(path: path, live: .unreachable(.failed(error)), stored: stored)
    }

    // MARK: databases

    /// Marks the files of a database, the database itself first, and adds pairs of those that are on the volume only.
    private mutating func mark(_ members: [Member]) {
        guard let main = members.first else { return }
        let isOnBothSides = main.live?.node.isFile ?? false && main.stored?.node.isFile ?? false
        for member in members where member.isFileOrMissing || member.path == main.path {
            if !member.isAnywhere { continue }
            do {
                let pair = try pair(member, of: main.path, isSampled: isOnBothSides)
                if let number = member.number { pairs[number] = pair } else { pairs.append(pair) }
            } catch {
                let pair = Self.pair(member.path, failed: error, member.stored?.node ?? .missing)
                if let number = member.number { pairs[number] = pair } else { pairs.append(pair) }
            }
        }
    }

    private func pair(
        _ member: Member, of database: FilePath, isSampled: Bool
    ) throws(SystemCallError) -> ObservedPair {
        let live = member.live.flatMap { $0.node.isFile ? $0 : nil }
        let stored = member.stored.flatMap { $0.node.isFile ? $0 : nil }
        let known = member.number.map { pairs[$0] }
        var (liveContent, storedContent) = (known?.liveContent, known?.storedContent)
        var (liveUser, storedUser) = (known?.liveUser, nil as String?)
        if let live {
            if isSampled, liveContent == nil { liveContent = try contentSample(live.name, in: live.directory) }
            if liveUser == nil { liveUser = try FileUse.user(of: live.name, in: live.directory) }
        }
        if let stored {
            if isSampled, storedContent == nil { storedContent = try contentSample(stored.name, in: stored.directory) }
            storedUser = try FileUse.user(of: stored.name, in: stored.directory)
        }
        return ObservedPair(
            path: member.path, live: member.live?.node ?? .missing, stored: member.stored?.node ?? .missing,
            liveContent: liveContent, storedContent: storedContent, database: database, liveUser: liveUser,
            storedUser: storedUser)
    }
}

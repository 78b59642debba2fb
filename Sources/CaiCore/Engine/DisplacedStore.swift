package import CaiModel
package import CaiPlatform
import SystemPackage

/// `.containai/displaced/` on the volume: one directory a run, in it `home/…` and `volume/…` with what had to make room,
/// same relative paths and modes, and `added`, a list of what it put where nothing stood.
package struct DisplacedStore: Sendable {
    static let directory = FilePath(".containai/displaced")
    static let additions: FilePath.Component = "added"

    let volume: Tree
    package init(_ volume: Tree) { self.volume = volume }

    /// The runs that displaced something, oldest first; none when there is no store.
    package func runs() throws -> [RunID] {
        do {
            return try volume.directory(Self.directory).names().compactMap { RunID($0.string) }.sorted()
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return []
        }
    }

    /// The directory of one run; throws ENOENT when it displaced nothing.
    package func open(_ run: RunID) throws -> Tree {
        Tree(root: try volume.directory(Self.directory.appending(run.text)))
    }

    /// The directory of one run, made when it is missing.
    func make(_ run: RunID) throws -> Tree {
        Tree(root: try volume.makeDirectories(Self.directory.appending(run.text), mode: 0o700))
    }

    /// The list of what a run added, to be added to; its directory is made when it is missing. Nil where there is none.
    func additionText(of run: RunID) throws -> [UInt8]? { try additionText(in: make(run).root) }

    private func additionText(in root: Directory) throws -> [UInt8]? {
        guard Node(Self.additions, in: root).isFile else { return nil }
        return try root.openFile(Self.additions).readAll(
            limit: Self.largestList, root.label.appending(Self.additions))
    }

    private static let largestList = 512 << 20

    /// What a run added and an undo takes back; none where it is not known. Throws `SystemCallError`, and
    /// `DamagedAdditions` for a list that no run wrote.
    func additions(of run: RunID) throws -> [Addition] {
        let root = try open(run).root
        guard let bytes = try additionText(in: root) else { return [] }
        guard let additions = AdditionList.additions(in: bytes) else {
            throw DamagedAdditions(path: root.label.appending(Self.additions))
        }
        return additions
    }

    /// Bytes that one run keeps.
    func size(of run: RunID) throws -> Int64 {
        func size(_ directory: Directory) throws -> Int64 {
            try directory.names().reduce(0) { sum, name in
                guard let status = try directory.status(of: name) else { return sum }
                return sum + (status.kind == .directory ? try size(directory.openDirectory(name)) : status.size)
            }
        }
        return try size(open(run).root)
    }

    /// Forgets a run and everything it kept.
    func remove(_ run: RunID) throws {
        let directory = try volume.directory(Self.directory)
        if let name = FilePath.Component(run.text) { try TreeEmptier.remove(name, in: directory) }
    }
}

/// The list of what a run added holds something else.
struct DamagedAdditions: Error, CustomStringConvertible {
    let path: FilePath
    var description: String { "\(path.printable) is damaged: what the run added is not known" }
}

/// Where one run puts what it displaces.
final class DisplacedRun {
    private let volume: Tree
    let id: RunID
    private var opened: Tree?
    /// What this run has displaced so far.
    private(set) var paths: [FilePath] = []

    init(_ volume: Tree, id: RunID) {
        self.volume = volume
        self.id = id
    }

    /// Moves an entry, whatever it is, into the store; across file systems it is copied, made durable, compared and only
    /// then removed. Returns where it is now, below the run's directory.
    @discardableResult
    func take(_ name: FilePath.Component, in directory: Directory, as path: FilePath) throws -> FilePath {
        let (place, parent, free) = try freePlace(for: path)
        try move(name, directory, parent, free)
        try parent.sync()
        paths.append(place)
        return place
    }

    /// A file of a database, with the part that it is.
    struct DatabaseFile {
        let name: FilePath.Component
        /// Nil for the database itself.
        let part: DatabaseCompanion?

        init(_ name: FilePath.Component, _ part: DatabaseCompanion?) {
            self.name = name
            self.part = part
        }
    }

    /// Moves the files of a database into the store together, so that no other version has files among them. `path` is that
    /// of the database. Files without content are removed. The parts go before the database: without a log it is whole,
    /// while a log without its database would be deleted by the next program that opens the place.
    func take(database files: [DatabaseFile], in directory: Directory, as path: FilePath) throws {
        let (place, parent, free) = try freePlace(for: path, with: DatabaseCompanion.allCases)
        for file in files.filter({ $0.part != nil }) + files.filter({ $0.part == nil }) {
            guard let status = try directory.status(of: file.name) else { continue }
            if status.kind == .regular, status.size == 0 {
                try directory.unlink(file.name)
                continue
            }
            guard let newName = file.part.map({ $0.name(of: free) }) ?? free else { continue }
            try move(file.name, directory, parent, newName)
            paths.append(file.part.map { place.appending($0) } ?? place)
        }
        try parent.sync()
    }

    private func move(
        _ name: FilePath.Component, _ directory: Directory, _ parent: Directory, _ newName: FilePath.Component
    ) throws {
        do {
            try directory.moveExclusively(name, to: parent, newName)
        } catch {
            guard error.errno == .improperLink else { throw error }
            try moveAcross(name, directory, parent, newName)
        }
    }

    /// Keeps the list of what the run added, if it staged one.
    func takeAdditions(from workshop: Directory) throws {
        guard try workshop.status(of: DisplacedStore.additions) != nil else { return }
        let root = try tree().root
        try workshop.rename(DisplacedStore.additions, to: root, DisplacedStore.additions, .replace)
        try root.sync()
    }

    private func moveAcross(
        _ name: FilePath.Component, _ directory: Directory, _ parent: Directory, _ free: FilePath.Component
    ) throws {
        let part = TemporaryName.make(id, 0, .part)
        try TreeEmptier.remove(part, in: parent)
        var copier = TreeCopier()
        do {
            try copier.copy(name, in: directory, to: parent, as: part)
            try parent.renameExclusively(part, to: parent, free)
        } catch {
            // Half a copy: the original is still where it was, and a copy that stays is removed by the next try.
            try? TreeEmptier.remove(part, in: parent)
            throw error
        }
        try parent.sync()
        try TreeEmptier { path, name, directory, now in
            guard let copied = copier.copied[path]?.source, now.hasSameContentFacts(as: copied) else {
                throw SystemCallError("displace", "\(directory.label.appending(name).printable)", .resourceBusy)
            }
            try directory.unlink(name)
        }.empty(name, in: directory)
    }

    /// Where a path goes: `home/…` or `volume/…`, and `home.2/…` and so on for what is displaced from one place again. With
    /// `parts`, their names beside it are free, too.
    private func freePlace(
        for path: FilePath, with parts: [DatabaseCompanion] = []
    ) throws -> (FilePath, Directory, FilePath.Component) {
        let tree = try tree()
        for number in 1...1000 {
            var place = path
            if number > 1, let first = path.components.first {
                place = FilePath("\(first.string).\(number)").appending(path.components.dropFirst())
            }
            let (parent, name) = try tree.makeParent(of: place, mode: 0o700)
            let names = [name] + parts.compactMap { $0.name(of: name) }
            if try names.allSatisfy({ try parent.status(of: $0) == nil }) { return (place, parent, name) }
        }
        throw SystemCallError("displace", path.printable, .fileExists)
    }

    /// Removes copies in the making that an interrupted run left in its part of the store.
    func removeParts() throws {
        func clean(_ directory: Directory) throws {
            for name in try directory.names() {
                if TemporaryName.parse(name)?.kind == .part {
                    try TreeEmptier.remove(name, in: directory)
                } else if Node(name, in: directory).isDirectory {
                    try clean(directory.openDirectory(name))
                }
            }
        }
        do {
            try clean(volume.directory(DisplacedStore.directory.appending(id.text)))
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return
        }
    }

    private func tree() throws -> Tree {
        if let opened { return opened }
        let directory = try volume.makeDirectories(DisplacedStore.directory.appending(id.text), mode: 0o700)
        let tree = Tree(root: directory)
        opened = tree
        return tree
    }
}

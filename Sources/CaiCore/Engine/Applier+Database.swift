import CaiModel
import CaiPlatform
import SystemPackage

/// Moving SQLite databases: with all their files, and never while a process has one of them open.
///
/// A database and its parts are copied to the volume first, the parts before the database, so that a kill never leaves a
/// database without its log; only then the live one is exchanged for the link. What came out of the exchange is compared
/// with the copies, and asked for its users, before anything of it is removed: if a process was faster, the exchange is
/// taken back. No file of one version is ever put beside another version: where a stored database loses, all its files make
/// room before the first one of the other is put there.
extension Applier {
    /// Refuses if a file of a database is not what the plan saw, or is open.
    func expectDatabases(
        _ move: Move, _ name: FilePath.Component, _ parent: Directory, _ targetName: FilePath.Component,
        _ targetParent: Directory
    ) throws {
        for item in move.databases.values.joined() {
            let (directory, file) = try move.spot(item.path, name, parent)
            try expect(item.live, file, in: directory, .home(move.adoption.live(below: item.path)))
            if let user = try FileUse.user(of: file, in: directory) {
                throw Refusal(description: "\(directory.label.appending(file).printable) is in use by \(user)")
            }
            guard [.takeOver, .remove].contains(item.verdict) else { continue }
            let (storedIn, stored) = try move.spot(item.path, targetName, targetParent)
            try expect(item.stored, stored, in: storedIn, .volume(move.adoption.target(below: item.path)))
            if let user = try FileUse.user(of: stored, in: storedIn) {
                throw Refusal(description: "\(storedIn.label.appending(stored).printable) is in use by \(user)")
            }
        }
    }

    /// Copies the parts of a single database beside its target.
    func stageParts(
        _ move: Move, _ name: FilePath.Component, _ from: Directory, _ parent: Directory
    ) throws {
        for (part, item) in move.parts where item.live.isFile {
            guard let file = part.name(of: name) else { continue }
            var copier = TreeCopier(secrecy: move.adoption.secrecy)
            try copier.copy(file, in: from, to: parent, as: TemporaryName.make(run, move.number, .part, part))
            move.copied[item.path] = copier.copied[FilePath()]
        }
    }

    /// Makes room for a single database, and puts its parts at their places.
    func placeParts(_ move: Move, _ name: FilePath.Component, _ parent: Directory) throws {
        try displaceDatabase(move, FilePath(), name, parent)
        for (part, item) in move.parts where item.live.isFile {
            guard let file = part.name(of: name) else { continue }
            try parent.renameExclusively(TemporaryName.make(run, move.number, .part, part), to: parent, file)
        }
    }

    /// Makes room for the databases of a directory.
    func displaceDatabases(_ move: Move, _ path: FilePath, _ directory: Directory) throws {
        for database in move.databases.keys.sorted(by: { $0.string < $1.string })
        where database.removingLastComponent() == path {
            guard let name = database.lastComponent else { continue }
            try displaceDatabase(move, database, name, directory)
        }
    }

    /// Displaces a stored database that loses, if either side has parts; a lone file makes room in the exchange.
    private func displaceDatabase(
        _ move: Move, _ database: FilePath, _ name: FilePath.Component, _ directory: Directory
    ) throws {
        guard let items = move.databases[database], items.count > 1,
            items.contains(where: { [.takeOver, .remove].contains($0.verdict) })
        else { return }
        let place = Place.volume(move.adoption.target(below: database)).displacedPath
        try displaced.take(database: Self.databaseFiles(name, in: directory), in: directory, as: place)
    }

    // MARK: after the exchange

    /// True if what came out of the exchange holds no database that was opened or changed since it was copied, and, in an
    /// agent directory, no open file at all.
    func isUntouched(
        _ move: Move, _ swap: FilePath.Component, _ name: FilePath.Component, _ parent: Directory
    ) throws -> Bool {
        guard move.adoption.isDirectory else {
            guard let items = move.databases[FilePath()] else { return true }
            for (part, file) in DatabaseCompanion.allCases.map({ ($0, $0.name(of: name)) }) {
                guard let file else { continue }
                let path = FilePath(part.rawValue)
                let isPlanned = items.contains { $0.path == path && $0.live.isFile }
                if !isPlanned, Node(file, in: parent).isFile { return false }
                if isPlanned, try !isUntouched(move, path, file, parent) { return false }
            }
            return try isUntouched(move, FilePath(), swap, parent)
        }
        if move.adoption.isExclusive, FileUse.user(ofTree: swap, in: parent) != nil { return false }
        var missing = Set(move.databases.values.joined().filter { $0.live.isFile }.map(\.path))
        return try isUntouched(move, tree: try parent.openDirectory(swap), &missing) && missing.isEmpty
    }

    /// The same for a tree, without the processes that work in it. Takes the files of databases that it finds out of
    /// `missing`.
    private func isUntouched(_ move: Move, tree: Directory, _ missing: inout Set<FilePath>) throws -> Bool {
        var files: [FileUse.Files] = []
        var folders = [FilePath()]
        while let folder = folders.popLast() {
            let directory = try tree.descendant(folder)
            var names: [FilePath.Component] = []
            for entry in try directory.listedEntries() {
                let path = folder.appending(entry.name)
                switch try directory.kind(of: entry) {
                case .directory: folders.append(path)
                case .regular:
                    guard let item = move.item(path) else {
                        if try isNewDatabase(entry.name, in: directory) { return false }
                        names.append(entry.name)
                        continue
                    }
                    if item.database == nil {
                        names.append(entry.name)
                    } else {
                        missing.remove(path)
                        if try !isUntouched(move, path, entry.name, directory) { return false }
                    }
                default: continue
                }
            }
            if move.adoption.isExclusive { files += FileUse.Files.groups(names, in: folder) }
        }
        return try FileUse.firstOpen(of: files, below: tree, skipsUnreadable: true) == nil
    }

    /// True for a database that the plan did not see: it is for the next plan.
    private func isNewDatabase(_ name: FilePath.Component, in directory: Directory) throws -> Bool {
        guard let status = try directory.status(of: name), mayBeDatabase(size: status.size) else { return false }
        return FileUse.look(at: name, in: directory, isAsked: false).isDatabase
    }

    private func isUntouched(
        _ move: Move, _ path: FilePath, _ name: FilePath.Component, _ directory: Directory
    ) throws -> Bool {
        guard let status = try directory.status(of: name), status.kind == .regular,
            try FileUse.user(of: name, in: directory) == nil
        else { return false }
        guard try move.hasSameContent(path, status, name, directory) else { return false }
        move.compared[path] = status
        return true
    }

    /// Removes the live parts of a single database whose copies are on the volume, or displaces them with the database.
    func settleParts(
        _ move: Move, _ swap: FilePath.Component, _ name: FilePath.Component, _ parent: Directory
    ) throws {
        let parts = move.parts.filter { $0.item.live.isFile }
        if move.verdicts[FilePath()] == .keep, !parts.isEmpty {
            let files = parts.compactMap { part, _ in part.name(of: name).map { DisplacedRun.DatabaseFile($0, part) } }
            let place = Place.home(move.adoption.live).displacedPath
            return try displaced.take(database: [DisplacedRun.DatabaseFile(swap, nil)] + files, in: parent, as: place)
        }
        for (part, _) in parts {
            if let file = part.name(of: name) { try parent.unlink(file) }
        }
    }

    /// Settles a file of a database in a tree: it was compared before, so that nothing of it is stored again.
    func settleDatabaseFile(
        _ move: Move, _ path: FilePath, _ name: FilePath.Component, _ directory: Directory, _ status: FileStatus
    ) throws {
        guard move.verdicts[path] == .keep else {
            if move.isAsCompared(path, status) { return try directory.unlink(name) }
            try displaced.take(name, in: directory, as: Place.home(move.adoption.live(below: path)).displacedPath)
            return
        }
        guard let database = move.item(path)?.database, let mainName = database.lastComponent else {
            // A single database without parts, under its temporary name.
            if status.size == 0 { return try directory.unlink(name) }
            try displaced.take(name, in: directory, as: Place.home(move.adoption.live).displacedPath)
            return
        }
        try displaced.take(
            database: Self.databaseFiles(mainName, in: directory), in: directory,
            as: Place.home(move.adoption.live(below: database)).displacedPath)
    }

    /// The files of a database that are in a directory.
    private static func databaseFiles(
        _ name: FilePath.Component, in directory: Directory
    ) -> [DisplacedRun.DatabaseFile] {
        ([nil] + DatabaseCompanion.allCases).compactMap { part in
            guard let file = part.map({ $0.name(of: name) }) ?? name, Node(file, in: directory).isFile else {
                return nil
            }
            return DisplacedRun.DatabaseFile(file, part)
        }
    }

    /// Forgets parts of databases that were on the volume before and are not now.
    func forgetParts(_ move: Move) {
        for (database, items) in move.databases
        where items.contains(where: { [.take, .takeOver].contains($0.verdict) }) {
            let target = move.adoption.target(below: database)
            for part in DatabaseCompanion.allCases where baseline[target.appending(part)] != nil {
                let path = move.adoption.isDirectory ? database.appending(part) : FilePath(part.rawValue)
                if move.copied[path] == nil { baseline[target.appending(part)] = nil }
            }
        }
    }
}

extension Move {
    /// The parts of a single database.
    var parts: [(part: DatabaseCompanion, item: MovingItem)] {
        guard !adoption.isDirectory else { return [] }
        return adoption.items.dropFirst().compactMap { item in
            DatabaseCompanion(rawValue: item.path.string).map { ($0, item) }
        }
    }

    /// The directory and name of an item, below what stands at a name.
    func spot(
        _ path: FilePath, _ name: FilePath.Component, _ parent: Directory
    ) throws -> (Directory, FilePath.Component) {
        guard adoption.isDirectory else {
            return (parent, DatabaseCompanion(rawValue: path.string)?.name(of: name) ?? name)
        }
        let directory = try parent.openDirectory(name).descendant(path.removingLastComponent())
        return (directory, path.lastComponent ?? name)
    }

    /// The names of a directory, those of databases last.
    func partsFirst(_ names: [FilePath.Component], in path: FilePath) -> [FilePath.Component] {
        if databases.isEmpty { return names }
        let isDatabase = { (name: FilePath.Component) in self.databases[path.appending(name)] != nil }
        return names.filter { !isDatabase($0) } + names.filter(isDatabase)
    }

    /// True if nothing changed in a file since it was compared.
    func isAsCompared(_ path: FilePath, _ status: FileStatus) -> Bool {
        compared[path].map { status.hasSameContentFacts(as: $0) && status.changed == $0.changed } ?? false
    }

    /// True if a file of a database has the content that was copied, or, if it was not copied, that the plan saw.
    func hasSameContent(
        _ path: FilePath, _ status: FileStatus, _ name: FilePath.Component, _ directory: Directory
    ) throws -> Bool {
        guard let copy = copied[path] else { return matchesPlan(path, Node(name, in: directory)) }
        guard status.size == copy.source.size, status.modified == copy.source.modified else { return false }
        if try isUnchanged(path, status, name, directory) { return true }
        return try contentSample(name, in: directory).digest == copy.digest
    }
}

extension FilePath {
    /// The path of a part of the database at this path.
    func appending(_ part: DatabaseCompanion) -> FilePath {
        guard let name = lastComponent.flatMap(part.name(of:)) else { return self }
        return removingLastComponent().appending(name)
    }
}

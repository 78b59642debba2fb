import CaiModel
import CaiPlatform
import SystemPackage

/// One path that the volume is to have.
struct WantedPath {
    let content: PlacedContent
    let authority: ImportAuthority
    let isSecret: Bool
    let origin: String
    /// When the file was changed that a text was made from.
    var modified: Int64?
}

/// Plain files of one directory of the source that the volume is to have in one of its own.
struct WantedFiles {
    let target: VolumePath
    /// Where they come from, for sentences.
    let shown: FilePath
    let authority: ImportAuthority
    var files: PlainFiles

    func path(at index: Int) -> WantedPath {
        WantedPath(
            content: files.content(at: index), authority: authority, isSecret: files.isSecret,
            origin: (files.name(at: index).map { shown.appending($0) } ?? shown).printable)
    }
}

/// Everything that the volume is to have, as it is collected; what comes later counts.
struct WantedPaths {
    /// But for the plain files of directories.
    private(set) var paths: [VolumePath: WantedPath] = [:]
    /// By the directory that they go to. No path is here and in `paths`.
    private(set) var files: [VolumePath: WantedFiles] = [:]
    /// The directories in which any of `paths` lies.
    private var parents: Set<VolumePath> = []

    subscript(path: VolumePath) -> WantedPath? {
        get {
            if let found = paths[path] { return found }
            return place(of: path).flatMap { parent, index in files[parent]?.path(at: index) }
        }
        set {
            if let (parent, index) = place(of: path) { files[parent]?.files.remove(at: index) }
            paths[path] = newValue
            if newValue != nil { parents.insert(path.directory) }
        }
    }

    /// Adds plain files of one directory.
    mutating func add(_ added: WantedFiles) {
        if files[added.target] != nil {
            for index in added.files.indices {
                if let name = added.files.name(at: index) { self[added.target.below(name)] = added.path(at: index) }
            }
            return
        }
        if parents.contains(added.target) {
            for index in added.files.indices {
                if let name = added.files.name(at: index) { paths[added.target.below(name)] = nil }
            }
        }
        files[added.target] = added
    }

    /// A placeholder counts only where nothing else is wanted.
    mutating func addPlaceholder(_ path: VolumePath, _ wanted: WantedPath) {
        if self[path] == nil { self[path] = wanted }
    }

    /// Takes out what `isUnwanted` says, in a directory and below it.
    mutating func remove(in directory: VolumePath, where isUnwanted: (VolumePath) -> Bool) {
        for path in paths.keys where path.isInside(directory) && isUnwanted(path) { paths[path] = nil }
        for parent in files.keys where parent.isInside(directory) {
            files[parent]?.files.removeAll { isUnwanted(parent.below($0)) }
        }
        if place(of: directory) != nil, isUnwanted(directory) { self[directory] = nil }
    }

    /// Takes out the files that come from where `isUnwanted` says; returns where they were to go.
    mutating func removeCopies(where isUnwanted: (FilePath) -> Bool) -> [(target: VolumePath, isSecret: Bool)] {
        var removed: [(target: VolumePath, isSecret: Bool)] = []
        for (target, path) in paths {
            guard case .copy(let real, _, _) = path.content, isUnwanted(real) else { continue }
            removed.append((target, path.isSecret))
            paths[target] = nil
        }
        for parent in files.keys {
            guard let group = files[parent]?.files else { continue }
            files[parent]?.files.removeAll { name in
                guard isUnwanted(group.directory.appending(name)) else { return false }
                removed.append((parent.below(name), group.isSecret))
                return true
            }
        }
        return removed
    }

    /// Makes a file, or a directory and all that is in it, secret.
    mutating func makeSecret(_ path: VolumePath) {
        for (other, wanted) in paths where other.isInside(path) {
            paths[other] = wanted.asSecret(other == path ? .file : .directory)
        }
        for parent in files.keys where parent.isInside(path) { files[parent]?.files.isSecret = true }
        if place(of: path) != nil { self[path] = self[path]?.asSecret(.file) }
    }

    /// The directories in which secrets are wanted.
    var privateDirectories: Set<VolumePath> {
        let single = paths.filter { $1.isSecret && !$1.content.isDirectory }.compactMap { $0.key.parent }
        let many = files.filter { $1.files.isSecret && !$1.files.isEmpty && !$0.relative.isEmpty }.map(\.key)
        return Set(single).union(many)
    }

    /// Keeps a plain file as one path, so that it can be treated apart from the others of its directory.
    mutating func separate(_ path: VolumePath) {
        let wanted = self[path]
        self[path] = wanted
    }

    /// Calls `body` with everything in a directory and below it, one by one.
    func forEach(in directory: VolumePath, _ body: (VolumePath, WantedPath) -> Void) {
        for (path, wanted) in paths where path.isInside(directory) { body(path, wanted) }
        for (parent, group) in files where parent.isInside(directory) {
            for index in group.files.indices {
                if let name = group.files.name(at: index) { body(parent.below(name), group.path(at: index)) }
            }
        }
    }

    /// Calls `body` with everything, one by one.
    func forEach(_ body: (VolumePath, WantedPath) -> Void) {
        for (path, wanted) in paths { body(path, wanted) }
        for (parent, group) in files {
            for index in group.files.indices {
                if let name = group.files.name(at: index) { body(parent.below(name), group.path(at: index)) }
            }
        }
    }

    /// The targets of files that may be SQLite databases: by their size, which is a multiple of the smallest page, or because
    /// a log or a journal is wanted beside them. Files of the usual text formats are none, so that they need not be opened.
    func possibleDatabases() -> Set<VolumePath> {
        var result: Set<VolumePath> = []
        func add(_ name: FilePath.Component, in directory: VolumePath, isSized: Bool) {
            if let (database, part) = DatabaseCompanion.split(name) {
                if part != .index { result.insert(directory.below(database)) }
            } else if isSized, !textFormats.contains(name.extension ?? "") {
                result.insert(directory.below(name))
            }
        }
        for (target, path) in paths where path.authority != .volume {
            guard case .copy(_, let facts, _) = path.content, let name = target.relative.lastComponent else { continue }
            add(name, in: target.directory, isSized: mayBeDatabase(size: facts.size))
        }
        for (parent, group) in files {
            for index in group.files.indices {
                let isSized = mayBeDatabase(size: group.files.facts(at: index).size)
                guard isSized || group.files.withName(at: index, mayNameDatabasePart),
                    let name = group.files.name(at: index)
                else { continue }
                add(name, in: parent, isSized: isSized)
            }
        }
        return result
    }

    /// The names of the plain files that are wanted in a directory.
    func names(in directory: VolumePath) -> Set<FilePath.Component> {
        guard let group = files[directory]?.files else { return [] }
        return Set(group.indices.compactMap { group.name(at: $0) })
    }

    private func place(of path: VolumePath) -> (parent: VolumePath, index: Int)? {
        guard let name = path.relative.lastComponent else { return nil }
        let parent = path.directory
        return files[parent]?.files.index(of: name).map { (parent, $0) }
    }
}

private let textFormats: Set<String> = [
    "jsonl", "json", "md", "txt", "toml", "yaml", "yml", "js", "mjs", "ts", "py", "sh", "html", "css", "svg",
]

/// The last four bytes of the names of parts of databases.
private let databaseEndings = DatabaseCompanion.allCases.map { part in
    part.rawValue.utf8.suffix(4).reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
}

/// True for a name that ends like those of the parts of databases; finds that out without an allocation.
private func mayNameDatabasePart(_ name: UnsafePointer<CChar>) -> Bool {
    var last: UInt32 = 0
    var next = name
    while next.pointee != 0 {
        last = last << 8 | UInt32(UInt8(bitPattern: next.pointee))
        next += 1
    }
    return databaseEndings.contains(last)
}

extension PlacedContent {
    fileprivate var isDirectory: Bool { if case .directory = self { true } else { false } }
}

extension VolumePath {
    /// The directory that holds this path, which may be the root of the volume.
    fileprivate var directory: VolumePath { VolumePath(unchecked: relative.removingLastComponent()) }
}

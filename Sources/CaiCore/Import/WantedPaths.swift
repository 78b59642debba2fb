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
            add(name, in: target.directory, isSized: facts.mayBeDatabase)
        }
        for (parent, group) in files {
            for index in group.files.indices {
                let isSized = group.files.facts(at: index).mayBeDatabase
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

extension FileFacts {
    /// True if the size is that of an SQLite database: whole pages of at least 512 bytes.
    fileprivate var mayBeDatabase: Bool { size >= smallestDatabase && size % smallestDatabase == 0 }
}

extension PlacedContent {
    fileprivate var isDirectory: Bool { if case .directory = self { true } else { false } }
}

extension VolumePath {
    /// The directory that holds this path, which may be the root of the volume.
    fileprivate var directory: VolumePath { VolumePath(unchecked: relative.removingLastComponent()) }
}

/// Looks at what stands on the volume where something is wanted.
struct CounterpartReader {
    /// From this many directories of files on, several threads look.
    private static let threadedCount = 16

    private let source: SourceTree
    private let volume: NodeReader
    private let volumeRoot: Tree

    init(_ machine: Machine, source: SourceTree) {
        self.source = source
        volumeRoot = machine.volume
        volume = NodeReader(machine.volume)
    }

    func node(at path: VolumePath) -> Node { volume.node(at: path.relative) }

    /// What is to be done, parents first, and how many files need nothing. The files of `databases` are not compared here.
    func items(
        _ wanted: WantedPaths, databases: [ImportDatabase], _ findings: inout [Finding]
    ) -> (items: [ImportItem], unchanged: Int) {
        let decided = Set(databases.flatMap(\.targets))
        let groups = wanted.files.values.filter { !$0.files.isEmpty }
        let root = volumeRoot
        let threads = groups.count >= Self.threadedCount ? Workers.count : 1
        let source = source
        let compared = Workers.map(groups, threads: threads) { ComparedFiles($0, from: source, on: root) }
        var items: [ImportItem] = []
        for group in compared {
            if let new = group.new { items.append(new) }
            for path in group.others { add(path.target, path.wanted, true, to: &items, &findings) }
        }
        for (target, path) in wanted.paths {
            add(target, path, !decided.contains(target), to: &items, &findings)
        }
        items.sort { ($0.target, $0.isForFiles ? 1 : 0) < ($1.target, $1.isForFiles ? 1 : 0) }
        return (items, compared.reduce(0) { $0 + $1.unchanged })
    }

    private func add(
        _ target: VolumePath, _ path: WantedPath, _ isCompared: Bool, to items: inout [ImportItem],
        _ findings: inout [Finding]
    ) {
        let found = node(at: target)
        do {
            let sides = isCompared ? try sides(target, path, found) : nil
            items.append(
                ImportItem(
                    target: target, content: path.content, authority: path.authority, isSecret: path.isSecret,
                    origin: path.origin, found: found, sides: sides))
        } catch {
            findings.append(Finding(unreadable: error, at: path.origin))
        }
    }

    /// The directories above all targets, as far as none of the items says what is there.
    func directories(above items: [ImportItem]) -> [VolumePath: Node] {
        var result: [VolumePath: Node] = [:]
        for item in items {
            if case .directory = item.content { result[item.target] = item.found }
            var next = item.isForFiles ? item.target : item.target.parent
            while let path = next, !path.relative.isEmpty, result[path] == nil {
                result[path] = node(at: path)
                next = path.parent
            }
        }
        return result
    }

    /// Both versions of a file; nil where there is nothing to decide, or where size and time say that both are the same.
    private func sides(_ target: VolumePath, _ wanted: WantedPath, _ found: Node) throws -> ImportSides? {
        guard case .file(let stored) = found, let name = target.relative.lastComponent,
            let parent = volume.openParent(of: target.relative)
        else { return nil }
        switch wanted.content {
        case .copy(let path, let facts, _):
            if facts.size == stored.size, tellsNoChange(facts.modified, stored.modified) { return nil }
            let (directory, sourceName) = try source.tree.parent(of: path)
            let samples = try contentSamples(live: (sourceName, directory), stored: (name, parent))
            // Some programs append through one descriptor for hours.
            let isReplaced = name.extension == "jsonl" && samples.live.digest != samples.stored.digest
            return ImportSides(
                source: samples.live, sourceSize: facts.size, sourceModified: facts.modified, stored: samples.stored,
                continuation: samples.continuation,
                storedUser: isReplaced ? try FileUse.user(of: name, in: parent) : nil)
        case .text(let bytes, _):
            return ImportSides(
                source: ContentSample(
                    digest: digest(of: bytes), document: MergeKind(fileName: name.string) == nil ? nil : bytes,
                    isPlaceholder: isPlaceholder(bytes)),
                sourceSize: Int64(bytes.count), sourceModified: wanted.modified ?? 0,
                stored: try contentSample(name, in: parent))
        default: return nil
        }
    }
}

/// What became of the look at the files of one directory.
private struct ComparedFiles {
    /// Those for which there is nothing on the volume.
    private(set) var new: ImportItem?
    /// Those that need a decision.
    private(set) var others: [(target: VolumePath, wanted: WantedPath)] = []
    private(set) var unchanged = 0

    init(_ wanted: WantedFiles, from source: SourceTree, on volume: Tree) {
        let files = wanted.files
        let directory: Directory?
        do {
            directory = try volume.directory(wanted.target.relative)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            new = Self.item(wanted, files)
            return
        } catch {
            directory = nil  // the look at each of them tells why
        }
        let look = SameContent(source: source, files: files, volume: directory)
        var missing = files.emptied
        for index in files.indices {
            let facts = files.facts(at: index)
            // What cannot be looked at is looked at again, and told.
            let status = files.withName(at: index) { name in directory.map { $0.result(named: name) } ?? .unknown }
            switch status {
            case .missing: files.withName(at: index) { missing.append($0, facts) }
            case .found(let status)
            where status.kind == .regular && status.mode == files.mode(at: index)
                && (facts.isUnchanged(as: status) || look.isSame(index, facts, status)):
                unchanged += 1
            case .found, .unknown:
                if let name = files.name(at: index) {
                    others.append((wanted.target.below(name), wanted.path(at: index)))
                }
            }
        }
        if missing.isEmpty { return }
        missing.pack()
        new = Self.item(wanted, missing)
    }

    private static func item(_ wanted: WantedFiles, _ files: PlainFiles) -> ImportItem {
        ImportItem(
            target: wanted.target, content: .files(files), authority: wanted.authority, isSecret: files.isSecret,
            origin: wanted.shown.printable, found: .missing, sides: nil)
    }
}

private enum Look {
    case missing, unknown
    case found(FileStatus)
}

extension Directory {
    fileprivate func result(named name: UnsafePointer<CChar>) -> Look {
        do {
            return try status(named: name).map { .found($0) } ?? .missing
        } catch {
            return .unknown
        }
    }
}

extension FileFacts {
    /// Whether size and time say that a file is the same.
    fileprivate func isUnchanged(as status: FileStatus) -> Bool {
        size == status.size && tellsNoChange(modified, status.modified)
    }
}

/// Compares the content of files whose times say nothing: those that build systems and archives give to every file.
private struct SameContent {
    let source: SourceTree
    let files: PlainFiles
    let volume: Directory?

    /// False also where one of them cannot be read: that is told by who looks closer.
    func isSame(_ index: Int, _ facts: FileFacts, _ status: FileStatus) -> Bool {
        guard facts.size == status.size, facts.modified == status.modified, let volume,
            let name = files.name(at: index)
        else { return false }
        if facts.size == 0 { return true }
        guard let stored = try? contentSample(name, in: volume).digest else { return false }
        if let known = source.digest(files.path(at: index)) { return known == stored }
        guard let directory = try? source.tree.directory(files.directory),
            let sample = try? contentSample(name, in: directory)
        else { return false }
        return sample.digest == stored
    }
}

extension ImportItem {
    /// Whether it is for many files, and its target their directory.
    var isForFiles: Bool { if case .files = content { true } else { false } }
}

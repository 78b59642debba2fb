import CaiModel
import CaiPlatform
import SystemPackage

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

    /// Returns the paths that differ, parents first, and the number of files that are the same. The files of `databases` are
    /// not compared here.
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

/// The result of looking at the files of one directory.
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
            // A file that cannot be looked at is looked at once more by itself, which reports the error.
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
    /// True if a file has the same size and time, and so is taken for the same.
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
    /// True if it stands for many files, whose directory is its target.
    var isForFiles: Bool { if case .files = content { true } else { false } }
}

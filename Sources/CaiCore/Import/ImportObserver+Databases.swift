import CaiModel
import CaiPlatform
import SystemPackage

/// SQLite databases of an import. A database, its log and its journal count together: a log beside another version of its
/// database would damage it.
extension ImportObserver {
    /// Collects the databases that are wanted and differ from those of the volume, with all of their files. Comes last, when
    /// everything else is known.
    func collectDatabases() {
        let reader = NodeReader(machine.volume)
        for target in wanted.possibleDatabases().sorted() {
            if isUnchangedWithoutParts(target, reader) { continue }
            do {
                try collectDatabase(target, reader)
            } catch {
                seen.findings.append(Finding(unreadable: error, at: wanted[target]?.origin ?? target.description))
            }
        }
    }

    /// True for a file that is as it was, and that has no log or journal on either side: most files need not be opened.
    private func isUnchangedWithoutParts(_ target: VolumePath, _ reader: NodeReader) -> Bool {
        guard case .copy(_, let facts, _)? = wanted[target]?.content,
            case .file(let stored) = reader.node(at: target.relative), facts.size == stored.size,
            tellsNoChange(facts.modified, stored.modified)
        else { return false }
        return !DatabaseCompanion.allCases.map(target.appending).contains { part in
            wanted[part] != nil || excludes.excluding(part) != nil || !reader.node(at: part.relative).isMissing
        }
    }

    private func collectDatabase(_ target: VolumePath, _ reader: NodeReader) throws {
        guard let real = source(ofDatabase: target), let name = real.lastComponent else { return }
        let (directory, _) = try request.source.tree.parent(of: real)
        guard Node(name, in: directory).isFile, isDatabase(name, in: directory) else { return }
        leaveOut(target.appending(.index))
        let isUnsent = request.unsent?.contains(real) ?? false
        guard let main = wanted[target] else {
            // It is left out, and its log with it.
            if !isUnsent { [.log, .journal].forEach { leaveOut(target.appending($0)) } }
            if !isUnsent { return }
            return try addDatabase(target, origin: target.description, .newer, real, directory, reader)
        }
        try addDatabase(target, origin: main.origin, main.authority, real, directory, reader)
    }

    /// The place of a database in the source, also of one that is not wanted if a log or journal of it is.
    private func source(ofDatabase target: VolumePath) -> FilePath? {
        if case .copy(let real, _, _)? = wanted[target]?.content { return real }
        for part in [DatabaseCompanion.log, .journal] {
            guard case .copy(let real, _, _)? = wanted[target.appending(part)]?.content,
                let (name, _) = real.lastComponent.flatMap(DatabaseCompanion.split)
            else { continue }
            return real.removingLastComponent().appending(name)
        }
        return nil
    }

    /// True for a file that begins as a database does, or has a log or a journal beside it.
    private func isDatabase(_ name: FilePath.Component, in directory: Directory) -> Bool {
        if FileUse.look(at: name, in: directory, isAsked: false).isDatabase { return true }
        return [DatabaseCompanion.log, .journal].contains { part in
            part.name(of: name).map { Node($0, in: directory).isFile } ?? false
        }
    }

    private func addDatabase(
        _ target: VolumePath, origin: String, _ authority: ImportAuthority, _ real: FilePath, _ directory: Directory,
        _ reader: NodeReader
    ) throws {
        guard let realName = real.lastComponent else { return }
        var files: [DatabaseFile] = []
        for part in [nil, DatabaseCompanion.log, .journal] {
            guard let name = part.map({ $0.name(of: realName) }) ?? realName else { continue }
            let place = part.map { target.appending($0) } ?? target
            let path = real.removingLastComponent().appending(name)
            var file = DatabaseFile(
                target: place, name: name, source: Node(name, in: directory), stored: reader.node(at: place.relative))
            // A file that did not have to travel is as the volume has it.
            file.isUnsent = request.unsent?.contains(path) ?? false
            if let part { want(part, of: target, origin: origin, path, file) }
            files.append(file)
        }
        if files.allSatisfy(\.isEvidentlySame) { return }
        var pairs = try files.map { try $0.pair(in: directory, reader, isSourceAsked: !request.source.isStaged) }
        let index = target.appending(.index)
        let stored = reader.node(at: index.relative)
        if stored.isFile {
            pairs.append(
                ObservedPair(
                    path: index.relative, live: .missing, stored: stored, database: target.relative,
                    storedUser: try user(of: index, reader)))
        }
        for file in files where wanted[file.target] != nil { wanted.separate(file.target) }
        seen.databases.append(ImportDatabase(target: target, origin: origin, authority: authority, pairs: pairs))
    }

    /// Wants a part of a database, whatever excludes say: the database is damaged without it. An empty one is like none.
    private func want(
        _ part: DatabaseCompanion, of target: VolumePath, origin: String, _ path: FilePath, _ file: DatabaseFile
    ) {
        guard !file.isUnsent, case .file(let facts) = file.source, facts.size > 0 else {
            return wanted[file.target] = nil
        }
        guard wanted[file.target] == nil, let main = wanted[target] else { return }
        let copy = WantedPath(
            content: .copy(path, facts, mode: facts.mode & 0o777), authority: main.authority, isSecret: false,
            origin: origin + part.rawValue)
        wanted[file.target] = main.isSecret ? copy.asSecret(.file) : copy
    }

    private func user(of target: VolumePath, _ reader: NodeReader) throws -> String? {
        guard let name = target.relative.lastComponent, let parent = reader.openParent(of: target.relative) else {
            return nil
        }
        return try FileUse.user(of: name, in: parent)
    }
}

/// A file of a database on both sides.
private struct DatabaseFile {
    let target: VolumePath
    /// Its name in the source.
    let name: FilePath.Component
    let source: Node
    let stored: Node
    var isUnsent = false

    /// The source, with an empty part as a missing one.
    private var live: Node { isUnsent ? stored : source.facts?.size == 0 ? .missing : source }

    /// True if no content has to be read to know that both sides have the same.
    var isEvidentlySame: Bool {
        if isUnsent { return true }
        switch (live, stored) {
        case (.file(let source), .file(let stored)):
            return source.size == stored.size && tellsNoChange(source.modified, stored.modified)
        case (.missing, .missing): return true
        default: return false
        }
    }

    func pair(in directory: Directory, _ reader: NodeReader, isSourceAsked: Bool) throws -> ObservedPair {
        var (liveContent, storedContent) = (nil as ContentSample?, nil as ContentSample?)
        var (liveUser, storedUser) = (nil as String?, nil as String?)
        if stored.isFile, let parent = reader.openParent(of: target.relative),
            let storedName = target.relative.lastComponent
        {
            if stored.facts?.size != 0 { storedContent = try contentSample(storedName, in: parent) }
            storedUser = try FileUse.user(of: storedName, in: parent)
        }
        if isUnsent {
            liveContent = storedContent
        } else if live.isFile {
            liveContent = try contentSample(name, in: directory)
            if isSourceAsked { liveUser = try FileUse.user(of: name, in: directory) }
        }
        return ObservedPair(
            path: target.relative, live: live, stored: stored, liveContent: liveContent, storedContent: storedContent,
            database: target.relative, liveUser: liveUser, storedUser: storedUser)
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// An entry that is exported.
struct ExportItem: Sendable {
    enum Content: Sendable {
        /// A file that is still to be read.
        case unread
        case file(StableContent)
        /// A copy in the spool.
        case spooled(Range<Int64>, ContentDigest)
        case directory
        case symlink(FilePath)
        case hardLink(to: FilePath)
    }

    let path: FilePath
    var status: FileStatus
    var content: Content

    /// The entry in the archive's manifest; nil for a file that was not read.
    var entry: ExportManifest.Entry? {
        let kind: ExportManifest.Entry.Kind
        switch content {
        case .unread: return nil
        case .file(let content): kind = .file(size: content.size, digest: content.digest)
        case .spooled(let range, let digest): kind = .file(size: Int64(range.count), digest: digest)
        case .directory: kind = .directory
        case .symlink(let text): kind = .symlink(text: text)
        case .hardLink(let other): kind = .hardLink(to: other)
        }
        return ExportManifest.Entry(path: path, kind: kind, mode: status.mode)
    }
}

/// A walk of a volume that reads everything once: for the manifest, which precedes the content in the archive.
struct ExportSurvey {
    let machine: Machine
    let choice: ExportChoice
    /// Files of the export itself, which may lie on the volume.
    let own: [FileStatus]
    let spool: Spool
    var items: [ExportItem] = []
    var leftOut = LeftOut()
    var findings: [Finding] = []
    private var linked: [Inode: FilePath] = [:]
    /// Secrets that have other names too.
    private var linkedSecrets: Set<Inode> = []
    private var databases: [ExportItem] = []

    private struct Inode: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    init(_ machine: Machine, _ choice: ExportChoice, own: [FileStatus], spool: Spool) {
        self.machine = machine
        self.choice = choice
        self.own = own
        self.spool = spool
    }

    var volume: Tree { machine.volume }

    /// Reads everything. A file that cannot be read, or that keeps changing, is an error finding and left out.
    mutating func run(_ progress: (Int, Int64) -> Void) throws {
        try walk(volume.root, FilePath(), nil)
        countDisplaced()
        dropOtherNamesOfSecrets()
        try readFiles(progress)
        try copyDatabases()
        items.removeAll { if case .unread = $0.content { true } else { false } }
        if let judge = choice.judge { try leaveSecretsOut(judge) }
        repairHardLinks()
    }

    private mutating func walk(
        _ directory: Directory, _ path: FilePath, _ position: AgentTargets.Position?
    ) throws {
        let names = try directory.names()
        let present = Set(names)
        for name in names {
            let below = path.appending(name)
            if path.isEmpty, VolumePath(unchecked: below).isReserved { continue }
            let position = choice.agents.position(of: below, in: position)
            do {
                guard let status = try directory.status(of: name) else { continue }
                let reason =
                    try choice.reason(toLeaveOut: below, position)
                    ?? reasonByKind(name, status, in: directory, among: present, below, position)
                if let reason {
                    if reason == .secret, status.kind == .regular, status.linkCount > 1 {
                        linkedSecrets.insert(Inode(device: status.device, inode: status.inode))
                    }
                    leaveOut(name, status, in: directory, reason)
                } else {
                    try note(name, below, status, directory, position)
                }
            } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
                continue  // gone since it was listed
            } catch let error as SystemCallError {
                complain(below, error)
            }
        }
    }

    private mutating func note(
        _ name: FilePath.Component, _ path: FilePath, _ status: FileStatus, _ directory: Directory,
        _ position: AgentTargets.Position?
    ) throws {
        switch status.kind {
        case .directory:
            let inside = try directory.openDirectory(name)
            items.append(ExportItem(path: path, status: status, content: .directory))
            try walk(inside, path, position)
        case .symlink:
            items.append(ExportItem(path: path, status: status, content: .symlink(try directory.linkText(of: name))))
        case .regular:
            if own.contains(where: status.isSameFile) { return }
            let inode = Inode(device: status.device, inode: status.inode)
            if status.linkCount > 1, let first = linked[inode] {
                items.append(ExportItem(path: path, status: status, content: .hardLink(to: first)))
            } else {
                if status.linkCount > 1 { linked[inode] = path }
                items.append(ExportItem(path: path, status: status, content: .unread))
            }
        case .fifo, .socket, .blockDevice, .characterDevice: break  // left out by their kind
        }
    }

    /// Leaves out what is the same file as a secret under another name.
    private mutating func dropOtherNamesOfSecrets() {
        if linkedSecrets.isEmpty { return }
        let secrets = linkedSecrets
        func isSecret(_ item: ExportItem) -> Bool {
            guard item.status.kind == .regular else { return false }
            return secrets.contains(Inode(device: item.status.device, inode: item.status.inode))
        }
        for item in items where isSecret(item) { leftOut.add(.file(size: item.status.size), .secret) }
        items.removeAll(where: isSecret)
    }

    func place(_ path: FilePath) -> String { volume.root.label.appending(path.components).printable }

    mutating func complain(_ path: FilePath, _ error: SystemCallError) {
        findings.append(
            Finding(.error, at: place(path), "was left out: \(error.plainReason)", advice: error.advice))
    }

    // MARK: content

    private enum Reading: Sendable {
        case content(StableContent)
        case failed(SystemCallError)
        case gone, restless, database
    }

    private mutating func readFiles(_ progress: (Int, Int64) -> Void) throws {
        let files = items.indices.filter { if case .unread = items[$0].content { true } else { false } }
        let volume = volume
        var bytes: Int64 = 0
        var done = 0
        // In rounds, so that somebody who watches sees it move.
        for round in stride(from: 0, to: files.count, by: 1024) {
            let part = files[round..<min(round + 1024, files.count)]
            let pieces = stride(from: part.startIndex, to: part.endIndex, by: 16).map { start in
                part[start..<min(start + 16, part.endIndex)].map { items[$0].path }
            }
            let readings = Workers.map(pieces, threads: Workers.count) { Self.read($0, volume) }.joined()
            for (index, reading) in zip(part, readings) {
                take(reading, index)
                bytes += items[index].status.size
            }
            done += part.count
            progress(done, bytes)
        }
    }

    /// Reads some files; those that follow each other mostly lie in one directory.
    private static func read(_ paths: [FilePath], _ volume: Tree) -> [Reading] {
        var current: (path: FilePath, directory: Directory)?
        return paths.map { path in
            let parent = path.removingLastComponent()
            if current?.path != parent { current = nil }
            return read(path) {
                if let current { return current.directory }
                let directory = try volume.root.descendant(parent)
                current = (parent, directory)
                return directory
            }
        }
    }

    private static func read(_ path: FilePath, _ directory: () throws -> Directory) -> Reading {
        guard let name = path.lastComponent else { return .gone }
        do {
            let directory = try directory()
            return .content(try StableReading.look(name, in: directory))
        } catch let error as SystemCallError {
            return error.errno == .noSuchFileOrDirectory ? .gone : .failed(error)
        } catch is StableReading.FoundDatabase {
            return .database
        } catch {
            return .restless
        }
    }

    private mutating func take(_ reading: Reading, _ index: Int) {
        switch reading {
        case .content(let content):
            items[index].content = .file(content)
            items[index].status = content.status
        case .failed(let error): complain(items[index].path, error)
        case .gone: break
        case .database: databases.append(items[index])
        case .restless:
            findings.append(.restless(at: place(items[index].path)))
        }
    }

    // MARK: databases

    /// Replaces databases, and what lies beside them, by copies of one moment.
    private mutating func copyDatabases() throws {
        guard !databases.isEmpty else { return }
        var parts: [PathKey: [ExportItem]] = [:]
        var companions: Set<PathKey> = []
        for database in databases {
            companions.formUnion(DatabaseSnapshot.suffixes.map { PathKey(database.path.adding($0)) })
            parts[PathKey(database.path)] = try copies(of: database)
        }
        items = items.flatMap { item -> [ExportItem] in
            let key = PathKey(item.path)
            return parts[key] ?? (companions.contains(key) ? [] : [item])
        }
        // What was said of a file beside a database is about how it was read before.
        let places = Set(companions.map { place($0.path) })
        findings.removeAll { places.contains($0.place) }
    }

    private mutating func copies(of database: ExportItem) throws -> [ExportItem] {
        guard let name = database.path.lastComponent else { return [] }
        let parent = database.path.removingLastComponent()
        do {
            let directory = try volume.root.descendant(parent)
            return try DatabaseSnapshot(directory: directory, name: name, spool: spool).take().map {
                ExportItem(path: parent.appending($0.name), status: $0.status, content: .spooled($0.range, $0.digest))
            }
        } catch is DatabaseSnapshot.Busy {
            findings.append(
                Finding(
                    .error, at: place(database.path), "was left out: the database is locked all the time",
                    advice: "stop what uses it, and export again"))
            return []
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return []
        }
    }

    /// A hard link to what was left out cannot be one.
    private mutating func repairHardLinks() {
        let present = Set(items.map { PathKey($0.path) })
        let kept = items.filter { item in
            guard case .hardLink(let first) = item.content else { return true }
            return present.contains(PathKey(first))
        }
        let keptPaths = Set(kept.map { PathKey($0.path) })
        findings += items.filter { !keptPaths.contains(PathKey($0.path)) }.map {
            Finding(.error, at: place($0.path), "was left out, as the same file under another name was")
        }
        items = kept
    }
}

extension FilePath {
    /// The path with more at the end of its last name.
    fileprivate func adding(_ suffix: String) -> FilePath {
        FilePath(platformString: (byteArray + Array(suffix.utf8)).map { CChar(bitPattern: $0) } + [0])
    }
}

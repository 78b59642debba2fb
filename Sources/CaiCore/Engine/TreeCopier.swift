import CaiModel
import CaiPlatform
import Synchronization
import SystemPackage

/// What was copied of one path: the source as it was then, and the digest of a file's content.
struct CopiedEntry {
    let source: FileStatus
    let digest: ContentDigest?
    /// When, in nanoseconds since the epoch, as the kernel stamps files.
    let copiedAt = WallClock.nanoseconds
}

/// Copies a tree: files with their holes, times, modes and attributes, hard links between them, directories, symlinks as
/// they are, FIFOs and socket nodes. Devices are refused.
///
/// The directories are made first, then the files with one name are copied, then those with several, by several threads
/// when there are many, then the further names are linked, and then the directories get their modes and times. What vanishes meanwhile is not copied;
/// `copied` tells what was.
struct TreeCopier {
    /// What to do with a path of the tree; directories that are `skip`ped are not entered.
    enum Choice {
        case copy, skip
        /// Write this instead of the file's content.
        case write([UInt8])
    }

    let secrecy: TreeSecrecy
    let choose: (FilePath) -> Choice
    private(set) var copied: [FilePath: CopiedEntry] = [:]
    /// Attributes that the destination could not hold.
    private(set) var lostAttributes: Set<String> = []

    /// From this many files on, they are copied by several threads.
    private static let threadedCount = 64
    init(secrecy: TreeSecrecy = TreeSecrecy(.none), choose: @escaping (FilePath) -> Choice = { _ in .copy }) {
        self.secrecy = secrecy
        self.choose = choose
    }

    /// Copies `name` in `from` to `newName` in `to`, which must not exist, and makes the copy durable.
    ///
    /// `meanwhile` is called once everything of a tree of many files is copied, while the file system writes it: the tree is
    /// not durable then.
    mutating func copy(
        _ name: FilePath.Component, in from: Directory, to: Directory, as newName: FilePath.Component,
        meanwhile: ([FilePath: CopiedEntry]) -> Void = { _ in }
    ) throws(SystemCallError) {
        guard let status = try from.status(of: name) else { return }
        let choice = choose(FilePath())
        if case .skip = choice { return }
        switch status.kind {
        case .directory:
            var tree = CopiedTree(
                source: try from.openDirectory(name), copy: try to.makeDirectory(newName, mode: 0o700))
            try survey(tree.source, tree.copy, FilePath(), status, &tree)
            try fill(&tree)
            try link(tree)
            try finish(tree, meanwhile)
        case .regular:
            let file = CopyJob.File(name: name, newName: newName, choice)
            let result = try copyFile(file, from, to, secrecy.at(FilePath()), isDurable: true, onlySingle: false)
            if case .copied(let content) = result { add(content, at: FilePath()) }
        default: try copySpecial(name, status, from, to, newName, FilePath())
        }
    }

    /// Makes the directories and what holds no content, and notes the files.
    private mutating func survey(
        _ source: Directory, _ copy: Directory, _ path: FilePath, _ status: FileStatus, _ tree: inout CopiedTree
    ) throws(SystemCallError) {
        tree.folders.append((path, status))
        var files: [CopyJob.File] = []
        for entry in try source.listedEntries() {
            let (name, below) = (entry.name, path.appending(entry.name))
            let choice = choose(below)
            if case .skip = choice { continue }
            if entry.kind == .regular {
                files.append(CopyJob.File(name: name, newName: name, choice))
                continue
            }
            guard let status = try source.status(of: name) else { continue }
            switch status.kind {
            case .directory:
                let made = try copy.makeDirectory(name, mode: 0o700)
                try survey(source.openDirectory(name), made, below, status, &tree)
            case .regular: files.append(CopyJob.File(name: name, newName: name, choice))
            default: try copySpecial(name, status, source, copy, name, below)
            }
        }
        tree.add(files, in: path)
    }

    private mutating func copySpecial(
        _ name: FilePath.Component, _ status: FileStatus, _ from: Directory, _ to: Directory,
        _ newName: FilePath.Component, _ path: FilePath
    ) throws(SystemCallError) {
        switch status.kind {
        case .symlink:
            try to.makeLink(newName, to: try from.linkText(of: name))
            try to.keepTimes(of: newName, accessed: status.accessed, modified: status.modified)
        case .fifo, .socket: try to.makeNode(newName, kind: status.kind, mode: status.mode)
        default:
            throw SystemCallError("copy", "\(from.label.appending(name).printable), which is a device", .notSupported)
        }
        copied[path] = CopiedEntry(source: status, digest: nil)
    }

    /// Copies the files: first those with one name only, of which there are many, then those with several, once each.
    private mutating func fill(_ tree: inout CopiedTree) throws(SystemCallError) {
        try fill(tree, tree.jobs, onlySingle: true).forEach { tree.addNamed($0) }
        _ = try fill(tree, tree.firstNameJobs, onlySingle: false)
    }

    /// Copies the files of some jobs. Returns those that were left out because they have other names.
    private mutating func fill(
        _ tree: CopiedTree, _ jobs: [CopyJob], onlySingle: Bool
    ) throws(SystemCallError) -> [CopiedTree.NamedFile] {
        let threads = tree.fileCount >= Self.threadedCount ? Workers.count : 1
        let (source, copy, secrecy, isDurable) = (tree.source, tree.copy, secrecy, tree.isDurableByFile)
        let results = try Workers.map(jobs, threads: threads) { (job) throws(SystemCallError) in
            let (from, to) = (try source.descendant(job.folder), try copy.descendant(job.folder))
            return try job.files.map { (file) throws(SystemCallError) in
                try copyFile(
                    file, from, to, secrecy.at(job.folder.appending(file.name)), isDurable: isDurable,
                    onlySingle: onlySingle)
            }
        }
        var named: [CopiedTree.NamedFile] = []
        for (job, files) in zip(jobs, results) {
            for (file, result) in zip(job.files, files) {
                switch result {
                case .copied(let content): add(content, at: job.folder.appending(file.name))
                case .hasOtherNames(let status):
                    named.append(CopiedTree.NamedFile(folder: job.folder, file: file, identity: status.identity))
                case .gone: continue
                }
            }
        }
        return named
    }

    /// Gives the copies of files with several names their further names. A name that leads to another file by now, or
    /// cannot be linked, becomes a copy of its own.
    private mutating func link(_ tree: CopiedTree) throws(SystemCallError) {
        var first = tree.firstNames
        for name in tree.furtherNames {
            let (source, copy) = (try tree.source.descendant(name.folder), try tree.copy.descendant(name.folder))
            let path = name.folder.appending(name.file.name)
            if let known = first[name.identity], let entry = copied[known], let knownName = known.lastComponent,
                let status = try source.status(of: name.file.name), status.isSameFile(as: entry.source)
            {
                let parent = try tree.copy.descendant(known.removingLastComponent())
                if try parent.tryHardLink(of: knownName, to: copy, name.file.name) {
                    copied[path] = entry
                    continue
                }
            }
            let result = try copyFile(
                name.file, source, copy, secrecy.at(path), isDurable: tree.isDurableByFile, onlySingle: false)
            if case .copied(let content) = result { add(content, at: path) }
            first[name.identity] = path
        }
    }

    private mutating func add(_ file: CopiedContent, at path: FilePath) {
        copied[path] = file.entry
        lostAttributes.formUnion(file.lostAttributes)
    }

    /// Gives the directories their attributes, modes and times, the inner ones first, and makes the whole copy durable.
    private mutating func finish(
        _ tree: CopiedTree, _ meanwhile: ([FilePath: CopiedEntry]) -> Void
    ) throws(SystemCallError) {
        for (path, status) in tree.folders.reversed() {
            let made = try tree.copy.descendant(path)
            lostAttributes.formUnion(try tree.source.descendant(path).copyAttributes(to: made))
            try made.descriptor.keepMode(secrecy.at(path).mode(ofDirectory: status.mode), made.label)
            try made.descriptor.keepTimes(accessed: status.accessed, modified: status.modified, made.label)
            if tree.isDurableByFile { try made.sync() }
            copied[path] = CopiedEntry(source: status, digest: nil)
        }
        guard !tree.isDurableByFile else { return }
        let result = Mutex<Result<Void, SystemCallError>>(.success(()))
        let sync = { @Sendable [copy = tree.copy] in
            let ended = Result { () throws(SystemCallError) in try copy.descriptor.syncFileSystem(copy.label) }
            result.withLock { $0 = ended }
        }
        // A thread that the system refuses is done without.
        let thread = Thread(isElsewhere: true, sync)
        meanwhile(copied)
        if let thread { thread.join() } else { sync() }
        try result.withLock { $0 }.get()
    }
}

/// A directory that is being copied: its folders, parents before children, and the files still to copy.
private struct CopiedTree {
    /// Above this many files, one sync of the whole file system is cheaper than one fsync for each.
    private static let fsyncLimit = 8

    /// A file that has other names, in the tree or elsewhere.
    struct NamedFile {
        let folder: FilePath
        let file: CopyJob.File
        let identity: FileIdentity
    }

    let source: Directory
    let copy: Directory
    var folders: [(path: FilePath, status: FileStatus)] = []
    /// The files to copy. Jobs that follow one another are for different folders as far as possible: threads that make
    /// files in one directory wait for each other.
    var jobs: [CopyJob] { pieces.flatMap(\.self) }
    /// The first piece of each folder, the second piece of each, and so on.
    private var pieces: [[CopyJob]] = []
    private(set) var fileCount = 0
    /// The first name of each file that has others.
    private(set) var firstNames: [FileIdentity: FilePath] = [:]
    private(set) var firstNameJobs: [CopyJob] = []
    private(set) var furtherNames: [NamedFile] = []

    var isDurableByFile: Bool { fileCount <= Self.fsyncLimit }

    init(source: Directory, copy: Directory) {
        self.source = source
        self.copy = copy
    }

    /// Adds a file that has other names: the first name that is added is copied, the further ones become links to it.
    mutating func addNamed(_ file: NamedFile) {
        if firstNames[file.identity] != nil { return furtherNames.append(file) }
        firstNames[file.identity] = file.folder.appending(file.file.name)
        firstNameJobs.append(CopyJob(folder: file.folder, files: [file.file]))
    }

    mutating func add(_ files: [CopyJob.File], in folder: FilePath) {
        fileCount += files.count
        var rest = files[...]
        var number = 0
        while !rest.isEmpty {
            if pieces.count == number { pieces.append([]) }
            pieces[number].append(CopyJob(folder: folder, files: Array(rest.prefix(CopyJob.size))))
            rest = rest.dropFirst(CopyJob.size)
            number += 1
        }
    }
}

/// Some files of one folder, as much as one thread takes at a time.
private struct CopyJob: Sendable {
    struct File: Sendable {
        let name: FilePath.Component
        let newName: FilePath.Component
        /// What to write instead of the file's own content.
        let content: [UInt8]?

        init(name: FilePath.Component, newName: FilePath.Component, _ choice: TreeCopier.Choice) {
            self.name = name
            self.newName = newName
            content = if case .write(let content) = choice { content } else { nil }
        }
    }

    static let size = 32

    let folder: FilePath
    let files: [File]
}

private struct CopiedContent: Sendable {
    let entry: CopiedEntry
    let lostAttributes: [String]
}

/// The numbers that make a file the same under each of its names.
private struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
}

extension FileStatus {
    fileprivate var identity: FileIdentity { FileIdentity(device: device, inode: inode) }
}

/// The result of copying one file.
private enum CopyResult: Sendable {
    case copied(CopiedContent)
    /// It has other names, and was left for later.
    case hasOtherNames(FileStatus)
    case gone
}

/// Copies one file, with `onlySingle` if it has no other name.
private func copyFile(
    _ file: CopyJob.File, _ from: Directory, _ to: Directory, _ secrecy: Secrecy, isDurable: Bool, onlySingle: Bool
) throws(SystemCallError) -> CopyResult {
    if let content = file.content {
        guard let source = try from.status(of: file.name) else { return .gone }
        try to.writeFile(file.newName, content, mode: secrecy.mode(ofFile: source.mode), isDurable: isDurable)
        let entry = CopiedEntry(source: source, digest: digest(of: content))
        return .copied(CopiedContent(entry: entry, lostAttributes: []))
    }
    var digest = RunningDigest()
    do {
        var status: FileStatus?
        let result = try from.copyFile(
            file.name, to: to, file.newName, mode: secrecy.mode(ofFile:), durable: isDurable,
            isWanted: { found in
                status = found
                return !onlySingle || found.linkCount == 1
            }, restart: { digest.restart() }, each: { digest.add($0) })
        guard let result else { return status.map { .hasOtherNames($0) } ?? .gone }
        let entry = CopiedEntry(source: result.source, digest: digest.digest)
        return .copied(CopiedContent(entry: entry, lostAttributes: result.lostAttributes))
    } catch {
        guard error.errno == .noSuchFileOrDirectory, try from.status(of: file.name) == nil else { throw error }
        return .gone
    }
}

extension Directory {
    /// Gives a file another name; false where the file system refuses that.
    func tryHardLink(
        of name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) -> Bool {
        do {
            try makeHardLink(of: name, to: directory, newName)
            return true
        } catch {
            let refusals: [Errno] = [.notPermitted, .tooManyLinks, .notSupported, .improperLink, .noFunction]
            guard refusals.contains(error.errno) else { throw error }
            return false
        }
    }

    /// Writes a new file of a given mode; the name must not exist. On an error it is removed again.
    func writeFile(
        _ name: FilePath.Component, _ content: [UInt8], mode: UInt16, isDurable: Bool
    ) throws(SystemCallError) {
        try writeFile(name, pieces: [content[...]], mode: mode, isDurable: isDurable)
    }

    /// The same with content in pieces.
    func writeFile(
        _ name: FilePath.Component, pieces: [ArraySlice<UInt8>], mode: UInt16, isDurable: Bool
    ) throws(SystemCallError) {
        let path = label.appending(name)
        let file = try createFile(name, mode: mode)
        do {
            for piece in pieces { try file.write(piece, path) }
            if isDurable { try file.sync(path) }
            try file.close()
        } catch {
            try? unlink(name)  // it held nothing but our own text
            throw error
        }
    }
}

/// Empties a tree from its leaves up, handing every entry that is not a directory, and its facts, to `settle`, which has to
/// unlink it or move it away. Entries that appear meanwhile are settled too.
struct TreeEmptier {
    let settle: (FilePath, FilePath.Component, Directory, FileStatus) throws -> Void

    /// Settles `name` and everything below it; throws ENOTEMPTY when new entries keep appearing.
    func empty(_ name: FilePath.Component, in directory: Directory, path: FilePath = FilePath()) throws {
        guard let status = try directory.status(of: name) else { return }
        guard status.kind == .directory else { return try settle(path, name, directory, status) }
        if directory.isMountPoint(name) {
            let path = directory.label.appending(name).printable
            throw SystemCallError("remove", "\(path), which is a mount", .resourceBusy)
        }
        let inside = try directory.openDirectory(name)
        inside.unlock(status.mode)
        for attempt in 1... {
            for child in try inside.names() { try empty(child, in: inside, path: path.appending(child)) }
            do {
                return try directory.removeDirectory(name)
            } catch {
                guard error.errno == .directoryNotEmpty, attempt < 5 else { throw error }
            }
        }
    }

    /// Removes a tree that holds only our own copies.
    static func remove(_ name: FilePath.Component, in directory: Directory) throws {
        try TreeEmptier { _, name, directory, _ in try directory.unlink(name) }.empty(name, in: directory)
    }
}

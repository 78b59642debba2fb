import CaiModel
import CaiPlatform
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
/// The directories are made first, then the files are copied, by several threads when there are many, then the further
/// names of files are linked, and then the directories get their modes and times. What vanishes meanwhile is not copied;
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
    mutating func copy(
        _ name: FilePath.Component, in from: Directory, to: Directory, as newName: FilePath.Component
    ) throws(SystemCallError) {
        guard let status = try from.status(of: name) else { return }
        let choice = choose(FilePath())
        if case .skip = choice { return }
        switch status.kind {
        case .directory:
            var tree = CopiedTree(
                source: try from.openDirectory(name), copy: try to.makeDirectory(newName, mode: 0o700))
            try survey(tree.source, tree.copy, FilePath(), status, &tree)
            try fill(tree)
            try link(tree)
            try finish(tree)
        case .regular:
            let file = CopyJob.File(name: name, newName: newName, choice)
            add(try copyFile(file, from, to, secrecy.at(FilePath()), isDurable: true), at: FilePath())
        default: try copySpecial(name, status, from, to, newName, FilePath())
        }
    }

    /// Makes the directories and what holds no content, and notes the files.
    private mutating func survey(
        _ source: Directory, _ copy: Directory, _ path: FilePath, _ status: FileStatus, _ tree: inout CopiedTree
    ) throws(SystemCallError) {
        tree.folders.append((path, status))
        var files: [CopyJob.File] = []
        for name in try source.names() {
            guard let status = try source.status(of: name) else { continue }
            let below = path.appending(name)
            let choice = choose(below)
            if case .skip = choice { continue }
            switch status.kind {
            case .directory:
                let made = try copy.makeDirectory(name, mode: 0o700)
                try survey(source.openDirectory(name), made, below, status, &tree)
            case .regular:
                let file = CopyJob.File(name: name, newName: name, choice)
                if !tree.isFurtherName(file, status, below) { files.append(file) }
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
            try to.setTimes(of: newName, accessed: status.accessed, modified: status.modified)
        case .fifo, .socket: try to.makeNode(newName, kind: status.kind, mode: status.mode)
        default:
            throw SystemCallError("copy", "\(from.label.appending(name).printable), which is a device", .notSupported)
        }
        copied[path] = CopiedEntry(source: status, digest: nil)
    }

    /// Copies the files.
    private mutating func fill(_ tree: CopiedTree) throws(SystemCallError) {
        let threads = tree.fileCount >= Self.threadedCount ? Workers.count : 1
        let (source, copy, secrecy, isDurable) = (tree.source, tree.copy, secrecy, tree.isDurableByFile)
        let results = try Workers.map(tree.jobs, threads: threads) { (job) throws(SystemCallError) in
            let (from, to) = (try source.descendant(job.folder), try copy.descendant(job.folder))
            return try job.files.map { (file) throws(SystemCallError) in
                try copyFile(
                    file, from, to, secrecy.at(job.folder.appending(file.name)), isDurable: isDurable)
            }
        }
        for (job, files) in zip(tree.jobs, results) {
            for (file, result) in zip(job.files, files) { add(result, at: job.folder.appending(file.name)) }
        }
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
            add(try copyFile(name.file, source, copy, secrecy.at(path), isDurable: tree.isDurableByFile), at: path)
            first[name.identity] = path
        }
    }

    private mutating func add(_ file: CopiedContent?, at path: FilePath) {
        guard let file else { return }
        copied[path] = file.entry
        lostAttributes.formUnion(file.lostAttributes)
    }

    /// Gives the directories their attributes, modes and times, the inner ones first, and makes the whole copy durable.
    private mutating func finish(_ tree: CopiedTree) throws(SystemCallError) {
        for (path, status) in tree.folders.reversed() {
            let made = try tree.copy.descendant(path)
            lostAttributes.formUnion(try tree.source.descendant(path).copyAttributes(to: made))
            try made.descriptor.setMode(secrecy.at(path).mode(ofDirectory: status.mode), made.label)
            try made.descriptor.setTimes(accessed: status.accessed, modified: status.modified, made.label)
            if tree.isDurableByFile { try made.sync() }
            copied[path] = CopiedEntry(source: status, digest: nil)
        }
        if !tree.isDurableByFile { try tree.copy.descriptor.syncFileSystem(tree.copy.label) }
    }
}

/// A directory that is being copied: its folders, parents before children, and the files still to copy.
private struct CopiedTree {
    /// Above this many files, one sync of the whole file system is cheaper than one fsync for each.
    private static let fsyncLimit = 8

    /// One more name of a file that has a name in the tree already.
    struct FurtherName {
        let folder: FilePath
        let file: CopyJob.File
        let identity: FileIdentity
    }

    /// The numbers that make a file the same under each of its names.
    struct FileIdentity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    let source: Directory
    let copy: Directory
    var folders: [(path: FilePath, status: FileStatus)] = []
    private(set) var jobs: [CopyJob] = []
    private(set) var fileCount = 0
    /// The first name of each file that has others.
    private(set) var firstNames: [FileIdentity: FilePath] = [:]
    private(set) var furtherNames: [FurtherName] = []

    var isDurableByFile: Bool { fileCount <= Self.fsyncLimit }

    init(source: Directory, copy: Directory) {
        self.source = source
        self.copy = copy
    }

    /// True if a file that keeps its content has another name in the tree, after which it is named.
    mutating func isFurtherName(_ file: CopyJob.File, _ status: FileStatus, _ path: FilePath) -> Bool {
        guard status.linkCount > 1, file.content == nil else { return false }
        let identity = FileIdentity(device: status.device, inode: status.inode)
        guard firstNames[identity] != nil else {
            firstNames[identity] = path
            return false
        }
        furtherNames.append(FurtherName(folder: path.removingLastComponent(), file: file, identity: identity))
        return true
    }

    mutating func add(_ files: [CopyJob.File], in folder: FilePath) {
        fileCount += files.count
        var rest = files[...]
        while !rest.isEmpty {
            jobs.append(CopyJob(folder: folder, files: Array(rest.prefix(CopyJob.size))))
            rest = rest.dropFirst(CopyJob.size)
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

/// Copies one file; nil when it is gone.
private func copyFile(
    _ file: CopyJob.File, _ from: Directory, _ to: Directory, _ secrecy: Secrecy, isDurable: Bool
) throws(SystemCallError) -> CopiedContent? {
    if let content = file.content {
        guard let source = try from.status(of: file.name) else { return nil }
        try to.writeFile(file.newName, content, mode: secrecy.mode(ofFile: source.mode), isDurable: isDurable)
        return CopiedContent(entry: CopiedEntry(source: source, digest: digest(of: content)), lostAttributes: [])
    }
    var digest = RunningDigest()
    do {
        let result = try from.copyFile(
            file.name, to: to, file.newName, mode: secrecy.mode(ofFile:), durable: isDurable,
            restart: { digest.restart() }, each: { digest.add($0) })
        return CopiedContent(
            entry: CopiedEntry(source: result.source, digest: digest.digest), lostAttributes: result.lostAttributes)
    } catch {
        guard error.errno == .noSuchFileOrDirectory, try from.status(of: file.name) == nil else { throw error }
        return nil
    }
}

extension Directory {
    /// Gives a file another name; false where the file system refuses that.
    fileprivate func tryHardLink(
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

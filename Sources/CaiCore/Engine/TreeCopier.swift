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

/// Copies a tree entry by entry: files with their holes, times, modes and attributes, directories, symlinks as they are,
/// FIFOs and socket nodes. Devices are refused.
struct TreeCopier {
    /// What to do with a path of the tree; directories that are `skip`ped are not entered.
    enum Choice {
        case copy, skip
        /// Write this instead of the file's content.
        case write([UInt8])
    }

    /// Files become 0600 and directories 0700.
    let isSecret: Bool
    /// Each file is made durable by itself; otherwise the caller syncs the file system.
    let isDurable: Bool
    let choose: (FilePath) -> Choice
    private(set) var copied: [FilePath: CopiedEntry] = [:]
    /// Attributes that the destination could not hold.
    private(set) var lostAttributes: Set<String> = []

    init(isSecret: Bool = false, isDurable: Bool, choose: @escaping (FilePath) -> Choice = { _ in .copy }) {
        self.isSecret = isSecret
        self.isDurable = isDurable
        self.choose = choose
    }

    /// Copies `name` in `from` to `newName` in `to`, which must not exist. `path` is where this stands in the tree.
    mutating func copy(
        _ name: FilePath.Component, in from: Directory, to: Directory, as newName: FilePath.Component,
        path: FilePath = FilePath()
    ) throws(SystemCallError) {
        guard let status = try from.status(of: name) else { return }
        let choice = choose(path)
        if case .skip = choice { return }
        switch status.kind {
        case .regular: try copyFile(name, from, to, newName, path, choice)
        case .directory: try copyDirectory(name, status, from, to, newName, path)
        case .symlink:
            try to.makeLink(newName, to: try from.linkText(of: name))
            try to.setTimes(of: newName, accessed: status.accessed, modified: status.modified)
            copied[path] = CopiedEntry(source: status, digest: nil)
        case .fifo, .socket:
            try to.makeNode(newName, kind: status.kind, mode: status.mode)
            copied[path] = CopiedEntry(source: status, digest: nil)
        case .blockDevice, .characterDevice:
            throw SystemCallError("copy", "\(from.label.appending(name).printable), which is a device", .notSupported)
        }
    }

    private mutating func copyFile(
        _ name: FilePath.Component, _ from: Directory, _ to: Directory, _ newName: FilePath.Component, _ path: FilePath,
        _ choice: Choice
    ) throws(SystemCallError) {
        if case .write(let content) = choice {
            guard let source = try from.status(of: name) else { return }
            try to.writeFile(newName, content, mode: isSecret ? 0o600 : source.mode, isDurable: isDurable)
            copied[path] = CopiedEntry(source: source, digest: CaiCore.digest(of: content))
            return
        }
        var digest = RunningDigest()
        let result = try from.copyFile(
            name, to: to, newName, mode: isSecret ? 0o600 : nil, durable: isDurable,
            restart: { digest.restart() }, each: { digest.add($0) })
        lostAttributes.formUnion(result.lostAttributes)
        copied[path] = CopiedEntry(source: result.source, digest: digest.digest)
    }

    private mutating func copyDirectory(
        _ name: FilePath.Component, _ status: FileStatus, _ from: Directory, _ to: Directory,
        _ newName: FilePath.Component, _ path: FilePath
    ) throws(SystemCallError) {
        let source = try from.openDirectory(name)
        let made = try to.makeDirectory(newName, mode: 0o700)
        for child in try source.names() {
            try copy(child, in: source, to: made, as: child, path: path.appending(child))
        }
        try made.descriptor.setMode(isSecret ? 0o700 : status.mode, made.label)
        try made.descriptor.setTimes(accessed: status.accessed, modified: status.modified, made.label)
        if isDurable { try made.sync() }
        copied[path] = CopiedEntry(source: status, digest: nil)
    }
}

extension Directory {
    /// Writes a new file of a given mode; the name must not exist. On an error it is removed again.
    func writeFile(
        _ name: FilePath.Component, _ content: [UInt8], mode: UInt16, isDurable: Bool
    ) throws(SystemCallError) {
        let path = label.appending(name)
        let file = try createFile(name, mode: mode)
        do {
            try file.write(content, path)
            if isDurable { try file.sync(path) }
            try file.close()
        } catch {
            try? unlink(name)  // it held nothing but our own text
            throw error
        }
    }
}

/// Empties a tree from its leaves up, handing every entry that is not a directory to `settle`, which has to unlink it or
/// move it away. Entries that appear meanwhile are settled too.
struct TreeEmptier {
    let settle: (FilePath, FilePath.Component, Directory) throws -> Void

    /// Settles `name` and everything below it; throws ENOTEMPTY when new entries keep appearing.
    func empty(_ name: FilePath.Component, in directory: Directory, path: FilePath = FilePath()) throws {
        guard let status = try directory.status(of: name) else { return }
        guard status.kind == .directory else { return try settle(path, name, directory) }
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
        try TreeEmptier { _, name, directory in try directory.unlink(name) }.empty(name, in: directory)
    }
}

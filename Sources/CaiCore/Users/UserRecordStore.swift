import CaiModel
import CaiPlatform
import SystemPackage

/// The directory of the users volume: a record for each user, root's alone (predecessors 2.5).
struct UserRecordStore {
    private static let recordSuffix = ".json"
    private static let limit = 1 << 20
    /// Marks a removal that was begun: the predecessors look at no name that begins with a dot.
    private static let removalPrefix = ".removing-"

    /// Above this many, one sync of the file system is cheaper than one for each.
    private static let fewRecords = 8

    let directory: Directory

    /// Opens the directory below a root, or makes it, 0700. A directory that somebody else can write in is refused: its
    /// records would be anybody's accounts.
    init(root: Directory, path: FilePath) throws {
        directory = try root.makeDirectories(path, mode: 0o700)
        let status = try directory.status()
        guard status.uid == Identity.uid, status.mode & 0o022 == 0 else {
            throw UserProblem(
                at: path.printable, "others than root can write there, so its records are not trusted",
                advice: "chown root:root \(path.printable) && chmod 700 \(path.printable)")
        }
        if status.mode & 0o077 != 0 { try directory.descriptor.setMode(0o700, directory.label) }
    }

    /// Every record, in the order of the names. What is no regular file is a record that cannot be used.
    func records() throws -> [UserSituation.Kept] {
        try names().map { UserSituation.Kept(name: $0, content: record($0)) }
    }

    private func names() throws -> [String] {
        try directory.names().map(\.string).filter { $0.hasSuffix(Self.recordSuffix) && !$0.hasPrefix(".") }
            .map { String($0.dropLast(Self.recordSuffix.count)) }
    }

    private func record(_ name: String) -> Result<UserRecord, UserRecordProblem> {
        guard let component = FilePath.Component(name + Self.recordSuffix) else {
            return .failure(UserRecordProblem("has no usable name"))
        }
        do {
            let bytes = try directory.openFile(component).readAll(
                limit: Self.limit, directory.label.appending(component))
            return Result { () throws(UserRecordProblem) in try UserRecord(reading: bytes, named: name) }
        } catch {
            let isLasting = [.tooManySymbolicLinkLevels, .notSupported, .isDirectory, .fileTooLarge].contains(
                error.errno)
            return .failure(UserRecordProblem("cannot be read: \(error.plainReason)", isLasting: isLasting))
        }
    }

    /// Writes records, each atomically, all of them durably, 0600. Many are made durable together.
    func write(_ records: [UserRecord]) throws {
        if records.count <= Self.fewRecords { return try records.forEach(write) }
        var parts: [(part: FilePath.Component, name: FilePath.Component)] = []
        do {
            for record in records {
                guard let name = FilePath.Component(record.username + Self.recordSuffix),
                    let part = FilePath.Component(name.string + StateDirectory.partSuffix)
                else { continue }
                if try directory.status(of: part) != nil { try directory.unlink(part) }
                try directory.writeFile(part, try record.content(), mode: 0o600, isDurable: false)
                parts.append((part, name))
            }
            try directory.descriptor.syncFileSystem(directory.label)
        } catch {
            for (part, _) in parts { try? directory.unlink(part) }  // nobody knows of them yet
            throw error
        }
        for (part, name) in parts { try directory.rename(part, to: directory, name, .replace) }
        try directory.sync()
    }

    private func write(_ record: UserRecord) throws {
        guard let name = FilePath.Component(record.username + Self.recordSuffix) else { return }
        try StateDirectory.replace(name, in: directory, with: record.content(), mode: 0o600)
    }

    /// Removes copies in the making that an interrupted run left: they hold hashes.
    func removeLeftovers() throws {
        for name in try directory.names() where name.string.hasSuffix(Self.recordSuffix + StateDirectory.partSuffix) {
            try directory.unlink(name)
        }
    }

    /// Puts a file that is no record aside: under a name beside it that nobody takes for one.
    func putAside(_ name: String, at time: Timestamp) throws {
        guard let old = FilePath.Component(name + Self.recordSuffix) else { return }
        var number = 0
        while let new = FilePath.Component("\(name)\(Self.recordSuffix).invalid-\(time.compact).\(number)") {
            if try directory.status(of: new) == nil { return try directory.renameExclusively(old, to: directory, new) }
            number += 1
        }
    }

    /// Marks the beginning of a removal; from now on there is no record.
    func beginRemoval(of name: String) throws {
        guard let record = FilePath.Component(name + Self.recordSuffix),
            let mark = FilePath.Component(Self.removalPrefix + name)
        else { return }
        if try directory.status(of: record) != nil {
            try directory.rename(record, to: directory, mark, .replace)
        } else if try directory.status(of: mark) == nil {
            try directory.writeFile(mark, [], mode: 0o600, isDurable: true)
        }
        try directory.sync()
    }

    /// The users whose removal was begun.
    func removals() throws -> [String] {
        try directory.names().map(\.string).filter { $0.hasPrefix(Self.removalPrefix) }
            .map { String($0.dropFirst(Self.removalPrefix.count)) }
    }

    /// Ends a removal.
    func endRemoval(of name: String) throws {
        guard let mark = FilePath.Component(Self.removalPrefix + name) else { return }
        try directory.unlink(mark)
        try directory.sync()
    }
}

extension UserRecordStore {
    /// Opens the directory for looking only; throws when there is none.
    init(lookingAt path: FilePath, root: Directory) throws { directory = try root.openInRoot(path) }
}

package import CaiModel
import CaiPlatform
import SystemPackage

/// `passwd`, `group`, `shadow` and `gshadow` of a machine.
///
/// They are replaced as a whole, each by one rename, with owner, mode and attributes as they were; the copies of all that
/// change are on the disk before the first takes its place, so that a full or read-only disk changes none of them.
struct AccountFiles {
    /// A name of a file, and whether there must be one.
    private static let names: [(name: FilePath.Component, isNeeded: Bool)] = [
        ("passwd", true), ("group", true), ("shadow", false), ("gshadow", false),
    ]
    /// More than this is no account file.
    private static let limit = 256 << 20
    private static let partSuffix = ".cai"

    let directory: Directory

    /// Opens `/etc` below a root.
    init(root: Directory) throws { directory = try root.openInRoot("/etc") }

    /// Takes the lock that every program for accounts takes (lckpwdf(3)). Throws `UserProblem` when it is held for too long.
    func lock(_ timeout: Duration) throws -> Descriptor {
        let file = try directory.openLockFile(".pwd.lock")
        let path = directory.label.appending(".pwd.lock").printable
        guard try file.lockLikePasswordFile(timeout, path) else {
            throw UserProblem(
                at: path, "somebody else is changing the accounts",
                advice: "wait until useradd, passwd or vipw is done, and try again")
        }
        return file
    }

    /// Reads the files. Throws when one that there must be is missing, or one is no regular file.
    func read() throws -> AccountDatabase {
        let tables = try Self.names.map { name, isNeeded in
            let bytes = try content(of: name)
            if isNeeded, bytes == nil {
                throw SystemCallError("open", directory.label.appending(name).printable, .noSuchFileOrDirectory)
            }
            return bytes.map { AccountTable($0) }
        }
        return AccountDatabase(
            passwd: tables[0] ?? AccountTable([]), group: tables[1] ?? AccountTable([]), shadow: tables[2],
            gshadow: tables[3])
    }

    private func content(of name: FilePath.Component) throws -> [UInt8]? {
        do {
            return try directory.openFile(name).readAll(limit: Self.limit, directory.label.appending(name))
        } catch let error where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// Throws `UserProblem` if a file that differs between two states cannot be replaced: a single file that is mounted there
    /// takes no other file in its place.
    func requireReplaceable(_ new: AccountDatabase, instead old: AccountDatabase) throws {
        for (name, _) in Self.changes(new, instead: old) {
            let path = directory.label.appending(name).printable
            let file = try directory.openEntry(name)
            guard let mount = Mounts.id(of: file), let around = Mounts.id(of: directory.descriptor), mount != around
            else { continue }
            throw UserProblem(
                at: path,
                "is a single file that is mounted there, so that no account can be written; nothing was changed",
                advice: "start the container without the mount at \(path) (podman run --passwd=false)")
        }
    }

    /// The files that differ between two states, with their new text.
    private static func changes(
        _ new: AccountDatabase, instead old: AccountDatabase
    ) -> [(name: FilePath.Component, table: AccountTable)] {
        let pairs: [(AccountTable?, AccountTable?)] = [
            (old.passwd, new.passwd), (old.group, new.group), (old.shadow, new.shadow), (old.gshadow, new.gshadow),
        ]
        return zip(names, pairs).compactMap { file, tables in
            guard let after = tables.1, tables.0 != after else { return nil }
            return (file.name, after)
        }
    }

    /// Writes what differs between two states of the files beside them and onto the disk.
    func stage(_ new: AccountDatabase, instead old: AccountDatabase) throws -> Staged {
        try requireReplaceable(new, instead: old)
        var staged = Staged(directory: directory)
        for (name, after) in Self.changes(new, instead: old) {
            do {
                try staged.add(name, part: part(of: name), after.text)
            } catch {
                staged.discard()
                throw error
            }
        }
        return staged
    }

    /// Removes copies that an interrupted run left: they hold hashes.
    func removeLeftovers() {
        for (name, _) in Self.names {
            guard let part = try? part(of: name) else { continue }
            try? directory.unlink(part)  // most of the time there is none
        }
    }

    private func part(of name: FilePath.Component) throws -> FilePath.Component {
        FilePath.Component(".\(name.string)\(Self.partSuffix)") ?? name
    }

    /// Copies that wait to take their places.
    struct Staged {
        let directory: Directory
        private var files: [(name: FilePath.Component, part: FilePath.Component)] = []

        init(directory: Directory) { self.directory = directory }

        var isEmpty: Bool { files.isEmpty }

        mutating func add(_ name: FilePath.Component, part: FilePath.Component, _ text: [UInt8]) throws {
            let old = try directory.openFile(name)
            let status = try old.status(directory.label.appending(name))
            if try directory.status(of: part) != nil { try directory.unlink(part) }
            let path = directory.label.appending(part)
            let file = try directory.createFile(part, mode: 0o600)
            files.append((name, part))
            try file.write(text, path)
            try file.setOwner(uid: status.uid, gid: status.gid, path)
            try file.keepMode(status.mode, path)
            for attribute in (try? old.attributeNames(path)) ?? [] where !attribute.hasPrefix("system.") {
                // A label that cannot be given is set by the next relabelling; the accounts matter more.
                try? file.setAttribute(attribute, to: old.attribute(attribute, path), path)
            }
            try file.sync(path)
        }

        /// Puts the copies in their places: groups first, so that no account is without its own, and hashes before the
        /// accounts that they are for.
        func commit() throws {
            let order = ["group", "gshadow", "shadow", "passwd"]
            for name in order {
                guard let file = files.first(where: { $0.name.string == name }) else { continue }
                try directory.rename(file.part, to: directory, file.name, .replace)
            }
            if !files.isEmpty { try directory.sync() }
        }

        /// Removes the copies.
        func discard() {
            // One that has taken its place is not there any more.
            for file in files { try? directory.unlink(file.part) }
        }
    }
}

/// What keeps a job on users from being done.
package struct UserProblem: Error, Sendable {
    package let finding: Finding
    init(at place: String, _ sentence: String, advice: String? = nil) {
        finding = Finding(.error, at: place, sentence, advice: advice)
    }
}

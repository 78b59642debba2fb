package import CaiModel
package import CaiPlatform
import SystemPackage

extension FailureSite {
    /// Reads the facts about a system call that has failed: the path, its mount, and the rights of this process. `needed` are
    /// the bytes that were about to be written, if known.
    package init(_ error: SystemCallError, needed: UInt64? = nil) {
        guard Identity.isRoot, error.uid != 0 else {
            self.init(reading: error, needed)
            return
        }
        // Owner and mode say something else to root than to the user that failed.
        let site = try? Identity.with(uid: error.uid, gid: error.gid) { FailureSite(reading: error, needed) }
        self = site ?? FailureSite(reading: error, needed)
    }

    /// Reads the facts as the effective user.
    private init(reading error: SystemCallError, _ needed: UInt64?) {
        let action = Action(operation: error.operation)
        let paths = error.paths
        let user = FailedUser(
            uid: Identity.uid, gid: Identity.gid, isRoot: Identity.isRootProcess,
            missing: Identity.capabilities.map(Capability.missing) ?? [])
        let found = paths.lazy.compactMap { path in Self.entry(error.errno, action, path) }
        let entry = found.first { $0.refuses || $0.isImmutable || $0.isAppendOnly || $0.isMountPoint } ?? found.first
        self.init(
            error.errno, action, path: paths.first?.printable ?? "", entry: entry,
            mount: paths.first.flatMap { Self.mount(below: entry.map { FilePath($0.path) } ?? $0, error.errno) },
            user: user, neededBytes: needed)
    }

    /// The entry that refuses, outermost first; else the one at the path, or the nearest one above that is there.
    private static func entry(_ errno: Errno, _ action: Action, _ path: FilePath) -> FailedEntry? {
        let isDenied = [.permissionDenied, .notPermitted].contains(errno)
        if isDenied, let refusing = refusing(action, path) { return FailedEntry(refusing, refuses: true) }
        var nearest = path
        while PathFacts(nearest) == nil, nearest.removeLastComponent() {}
        return FailedEntry(nearest, refuses: false, isExact: nearest == path)
    }

    /// The first directory on the way that may not be entered, the last one if it may not be written to, or the entry itself
    /// if it may not be read.
    private static func refusing(_ action: Action, _ path: FilePath) -> FilePath? {
        var above = FilePath("/")
        for name in path.removingLastComponent().components {
            above.append(name)
            if !PathFacts.allows(.search, at: above) { return above }
        }
        guard let facts = PathFacts(path) else {
            return action != .read && !PathFacts.allows([.write, .search], at: above) ? above : nil
        }
        // An attribute says more than owner and mode.
        if facts.isImmutable || facts.isAppendOnly { return nil }
        switch action {
        case .read:
            let rights: PathFacts.Rights = facts.status.kind == .directory ? [.read, .search] : .read
            return facts.status.kind != .symlink && !PathFacts.allows(rights, at: path) ? path : nil
        case .setAttribute, .setMode: return facts.status.uid == Identity.uid ? nil : path
        case .setOwner: return nil
        case .change, .becomeUser:
            if facts.status.kind == .directory, !PathFacts.allows([.write, .search], at: path) { return path }
            if !PathFacts.allows([.write, .search], at: above) { return above }
            // In a directory with the sticky bit only the owner of an entry may rename or remove it.
            let isSticky =
                PathFacts(above).map { $0.status.mode & 0o1000 != 0 && $0.status.uid != Identity.uid } ?? false
            return isSticky && facts.status.uid != Identity.uid ? path : nil
        }
    }

    private static func mount(below path: FilePath, _ errno: Errno) -> FailedMount? {
        guard let table = try? MountTable(parsing: Mounts.table()) else { return nil }  // without /proc it is not known
        var place = path
        while PathFacts(place) == nil, place.removeLastComponent() {}
        guard let mount = PathFacts(place)?.mountID.flatMap(table.mount(id:)) ?? table.mount(holding: place) else {
            return nil
        }
        let isAboutRoom = [.noSpace, .diskQuotaExceeded].contains(errno)
        let room = isAboutRoom ? PathFacts.room(at: place) : nil
        return FailedMount(
            mountPoint: mount.mountPoint.printable, fileSystem: mount.fileSystem, isReadOnly: mount.isReadOnly,
            isBind: MountRoot(mount.root) != .whole, freeBytes: room?.bytes, freeNodes: room?.nodes)
    }
}

extension FailedEntry {
    /// `isExact`: the path is the one that failed, not one above it.
    fileprivate init?(_ path: FilePath, refuses: Bool, isExact: Bool = true) {
        guard let facts = PathFacts(path) else { return nil }
        self.init(
            path: path.printable, uid: facts.status.uid, gid: facts.status.gid, mode: facts.status.mode,
            isDirectory: facts.status.kind == .directory, refuses: refuses,
            isMountPoint: isExact && facts.isMountPoint,
            isImmutable: facts.isImmutable, isAppendOnly: facts.isAppendOnly)
    }
}

extension SystemCallError {
    /// The paths that the call was about: the new name of a rename or link first, which its advice is about.
    fileprivate var paths: [FilePath] {
        var texts: [String] = []
        for prefix in ["rename to ", "link to "] where operation.hasPrefix(prefix) {
            texts.append(String(operation.dropFirst(prefix.count)))
        }
        // The text behind a comma is a remark of our own.
        texts.append(subject.prefix { $0 != "," }.description)
        return texts.filter { $0.hasPrefix("/") }.map { FilePath($0).lexicallyNormalized() }
    }

    /// The path that the call was about, or the nearest one above it that is there.
    var nearestPath: FilePath? {
        guard var path = paths.first else { return nil }
        while PathFacts(path) == nil, path.removeLastComponent() {}
        return path
    }

    /// The next step for the user of this process; nil where the table has none.
    package func advice(needed: UInt64? = nil) -> String? {
        switch operation {
        case Directory.tooDeep: "move it further up, or remove it"
        case WorkBudget.operation: "run cai init by hand, which has no limit"
        default: FailureAdvice.sentence(for: FailureSite(self, needed: needed))
        }
    }
}

extension SystemCallError {
    /// The refusal to change entries of a directory, for advice about a directory that was not tried.
    init(refusedIn directory: Directory) {
        self.init("change", directory.label.appending("entry").printable, .permissionDenied)
    }
}

extension FailureAdvice {
    /// The next step for an entry that is refused because it belongs to another user, whatever its mode allows.
    static func sentence(forForeign entry: FilePath.Component, in directory: Directory) -> String? {
        let path = directory.label.appending(entry)
        let site = FailureSite(SystemCallError("change", path.printable, .permissionDenied))
        guard let facts = PathFacts(path) else { return nil }
        return sentence(
            for: FailureSite(
                .permissionDenied, .change, path: path.printable,
                entry: FailedEntry(
                    path: path.printable, uid: facts.status.uid, gid: facts.status.gid, mode: facts.status.mode,
                    refuses: true),
                mount: site.mount, user: site.user))
    }
}

extension Obstacle {
    /// A directory of another user.
    static func foreign(_ uid: UInt32, _ directory: Directory) -> Obstacle {
        .foreign(uid: uid, advice: SystemCallError(refusedIn: directory).advice)
    }

    /// A refusal of the machine.
    static func failed(_ error: any Error) -> Obstacle {
        .failed(reason: "\(error)", advice: (error as? SystemCallError)?.advice)
    }
}

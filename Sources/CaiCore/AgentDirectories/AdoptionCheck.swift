import CaiModel
import CaiPlatform
import SystemPackage

/// Finds what keeps a real directory of the home from moving to the volume: a mount in it, entries of another user, a
/// device, or a process that has something in it open. Such a process would go on writing to files without a name.
struct AdoptionCheck {
    private let machine: Machine

    init(_ machine: Machine) { self.machine = machine }

    /// The first obstacle in the tree at a path of the home; nil if it can move. `label` is the path inside the container.
    func obstacle(to path: HomePath, label: FilePath) -> Finding? {
        do {
            let directory = try machine.home.directory(path.relative)
            if let place = directory.resolvedPath, let user = ProcessTree.user(of: place) {
                return inUse(path, "\(user.name) (process \(user.id))")
            }
            return try obstacle(in: directory, path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            return Finding(
                .warning, at: path.inHome, "cannot be moved to the volume: \(error.sentence)",
                advice: (error as? SystemCallError)?.advice ?? "correct that, and run cai init again")
        }
    }

    private func obstacle(in root: Directory, _ path: HomePath) throws -> Finding? {
        let mayHoldMounts = MountsBelow.mayBegin(below: root)
        var files: [FileUse.Files] = []
        var folders = [FilePath()]
        while let folder = folders.popLast() {
            let directory = try root.descendant(folder)
            let entries = try directory.listedEntries()
            let place = path.appending(folder)
            if !entries.isEmpty, let owner = try directory.foreignOwner() {
                let obstacle = Obstacle.foreign(owner, directory)
                return Finding(.warning, at: place.inHome, obstacle.sentence, advice: obstacle.advice)
            }
            var names: [FilePath.Component] = []
            for entry in entries {
                guard let kind = try directory.kind(of: entry) else { continue }
                if let found = obstacle(entry.name, kind, directory, place, mayHoldMounts) { return found }
                switch kind {
                case .directory: folders.append(folder.appending(entry.name))
                case .regular: names.append(entry.name)
                default: continue
                }
            }
            files += FileUse.Files.groups(names, in: folder)
        }
        guard let file = try FileUse.firstOpen(of: files, below: root, skipsUnreadable: false) else { return nil }
        return inUse(path.appending(file), "a process")
    }

    /// The finding about an entry that keeps its directory in the home: a mount or a device; nil for any other entry.
    private func obstacle(
        _ name: FilePath.Component, _ kind: FileKind, _ directory: Directory, _ path: HomePath, _ mayHoldMounts: Bool
    ) -> Finding? {
        switch kind {
        case .directory, .regular:
            guard mayHoldMounts, directory.isMountPoint(name) else { return nil }
            return Finding(
                .warning, at: path.appending(name).inHome,
                "is a mount, so that the directory around it cannot be linked to the volume",
                advice: "mount it below \(machine.layout.volume.printable) instead")
        case .blockDevice, .characterDevice:
            return Finding(
                .warning, at: path.appending(name).inHome, "is a device; its directory cannot be moved",
                advice: "remove it")
        case .symlink, .fifo, .socket: return nil
        }
    }

    private func inUse(_ path: HomePath, _ user: String) -> Finding {
        Finding(
            .warning, at: path.inHome,
            "is in use by \(user), so that its directory is not moved to the volume now; the single links in it go on working",
            advice: "restart the container")
    }
}

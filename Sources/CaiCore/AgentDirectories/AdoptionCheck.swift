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
            return try visit(directory, path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch {
            return Finding(
                .warning, at: path.inHome, "cannot be moved to the volume: \(error.sentence)",
                advice: "run cai init as root once, which repairs owners")
        }
    }

    private func visit(_ directory: Directory, _ path: HomePath) throws -> Finding? {
        let names = try directory.names()
        if !names.isEmpty, let owner = try directory.foreignOwner() {
            let obstacle = Obstacle.foreign(uid: owner)
            return Finding(.warning, at: path.inHome, obstacle.sentence, advice: obstacle.advice)
        }
        for name in names {
            guard let status = try directory.status(of: name) else { continue }
            let below = path.appending(name)
            switch status.kind {
            case .directory, .regular:
                if directory.isMountPoint(name) {
                    return Finding(
                        .warning, at: below.inHome,
                        "is a mount, so that the directory around it cannot be linked to the volume",
                        advice: "mount it below \(machine.layout.volume.printable) instead")
                }
                if status.kind == .directory {
                    if let found = try visit(directory.openDirectory(name), below) { return found }
                } else if try isOpen(name, directory) {
                    return inUse(below, "a process")
                }
            case .blockDevice, .characterDevice:
                return Finding(
                    .warning, at: below.inHome, "is a device; its directory cannot be moved", advice: "remove it")
            case .symlink, .fifo, .socket: continue
            }
        }
        return nil
    }

    /// True if the kernel says so; a file system without leases says nothing.
    private func isOpen(_ name: FilePath.Component, _ directory: Directory) throws -> Bool {
        do {
            return try directory.openFile(name).isOpenElsewhere ?? false
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return false  // gone since it was listed
        }
    }

    private func inUse(_ path: HomePath, _ user: String) -> Finding {
        Finding(
            .warning, at: path.inHome,
            "is in use by \(user), so that its directory is not moved to the volume now; the single links in it go on working",
            advice: "restart the container")
    }
}

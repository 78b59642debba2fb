import CaiModel
import CaiPlatform
import SystemPackage

/// Putting a link where the file system knows no exchange of names.
extension Applier {
    /// What stands at `name` steps aside, the link is made, and `settle` gets what stepped aside; when `settle` returns
    /// false, everything is put back and the step is refused. A kill in between leaves a place without a link, which
    /// `Recovery` puts.
    func stepAsideForLink(
        _ text: FilePath, _ link: HomePath, _ parent: Directory, _ name: FilePath.Component, _ number: Int,
        settle: (FilePath.Component) throws -> Bool
    ) throws {
        let aside = temporary(number, .aside)
        do {
            try parent.renameExclusively(name, to: parent, aside)
        } catch {
            guard error.errno == .improperLink else { throw error }
            try carry(name, in: parent, to: parent, as: aside, from: Place.home(link).displacedPath)
        }
        do {
            try parent.makeLink(name, to: text)
        } catch {
            // A file system without symlinks: the application finds its file where it was.
            try parent.renameExclusively(aside, to: parent, name)
            throw error
        }
        try parent.sync()
        try settled(parent) {
            if try settle(aside) { return }
            try parent.unlink(name)  // our own link
            try parent.renameExclusively(aside, to: parent, name)
            throw Refusal(
                description: "\(parent.label.appending(name).printable) changed after it was looked at; run again")
        }
    }

    /// Renames a directory of an image layer entry by entry, because the overlay cannot rename it as a whole. Whatever
    /// a program saves there meanwhile comes along: nothing is looked at, so nothing can change after a look.
    private func carry(
        _ name: FilePath.Component, in from: Directory, to: Directory, as newName: FilePath.Component,
        from path: FilePath
    ) throws {
        guard let status = try from.status(of: name) else { return }
        guard status.kind == .directory else { return try carryFile(name, in: from, to: to, as: newName, from: path) }
        let source = try from.openDirectory(name)
        source.unlock(status.mode)
        let target = try to.makeOrOpenDirectory(newName, mode: 0o700)
        for attempt in 1... {
            for child in try source.names() {
                try carry(child, in: source, to: target, as: child, from: path.appending(child))
            }
            do {
                try from.removeDirectory(name)
                break
            } catch {
                // Something was saved meanwhile.
                guard error.errno == .directoryNotEmpty, attempt < 50 else { throw error }
            }
        }
        try target.descriptor.keepMode(status.mode | 0o700, target.label)  // it is emptied or displaced next
    }

    /// A file that was saved again after its older version was carried takes that one's place.
    private func carryFile(
        _ name: FilePath.Component, in from: Directory, to: Directory, as newName: FilePath.Component,
        from path: FilePath
    ) throws {
        do {
            try from.renameExclusively(name, to: to, newName)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return  // a temporary file that its program renamed or removed
            case .fileExists:
                try displaced.take(newName, in: to, as: path)
                try from.renameExclusively(name, to: to, newName)
            default: throw error
            }
        }
    }
}

package import CaiModel
import CaiPlatform
import SystemPackage

/// Adds to what a run notes of its additions: what a later run made because of it.
package struct AdditionNotes {
    let machine: Machine

    package init(_ machine: Machine) { self.machine = machine }

    /// Lets an undo of `run` also take back the directories and placeholders that these steps make or made, and modes that they
    /// change. Noted before they are carried out, they are known to whoever is killed meanwhile; what was not carried out is
    /// not there to be taken back.
    ///
    /// `options` says how long to wait for the volume's lock, which others may hold; throws `VolumeLock.Held`.
    package func append(_ outcomes: [Outcome], to run: RunID, _ options: RunOptions) throws {
        let made = outcomes.filter { [.done, .planned].contains($0.result) }.compactMap { addition($0.step) }
        if made.isEmpty { return }
        let store = DisplacedStore(machine.volume)
        try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { _ in
            let text = try store.additionText(of: run) ?? AdditionList.text([])
            try StateDirectory(volume: machine.volume).replace(
                DisplacedStore.additions, in: try store.make(run).root,
                with: [text[...], AdditionList.lines(made)[...]])
        }
    }

    /// Lets an undo of `run` also give back the time of the last look at the links, as it is now.
    package func keepLinkStamp(of run: RunID, _ options: RunOptions) throws {
        let target = VolumePath.linkStamp
        guard let name = target.relative.lastComponent else { return }
        let store = DisplacedStore(machine.volume)
        try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { _ in
            switch Node(name, in: machine.volume.root) {
            case .missing:
                let text = try store.additionText(of: run) ?? AdditionList.text([])
                let line = AdditionList.lines([Addition(target, .file(digest(of: []), size: 0))])
                try StateDirectory(volume: machine.volume).replace(
                    DisplacedStore.additions, in: try store.make(run).root, with: [text[...], line[...]])
            case .file:
                let (parent, kept) = try store.make(run).makeParent(
                    of: Place.volume(target).displacedPath, mode: 0o700)
                if try parent.status(of: kept) != nil { return }
                var copier = TreeCopier()
                try copier.copy(name, in: machine.volume.root, to: parent, as: kept)
                try parent.sync()
            default: return
            }
        }
    }

    private func addition(_ step: Step) -> Addition? {
        switch step {
        case .makeDirectory(let path, _): return Addition(path, .directory)
        case .makeFile(let path, let content, _):
            let bytes = Array(content.utf8)
            return Addition(path, .file(digest(of: bytes), size: Int64(bytes.count)))
        case .setMode(let path, let old, let new): return Addition(path, .mode(from: old, to: new))
        default: return nil
        }
    }
}

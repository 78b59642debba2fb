package import CaiModel
import CaiPlatform
import SystemPackage

/// Adds to what a run notes of its additions: what a later run made because of it.
package struct AdditionNotes {
    let machine: Machine

    package init(_ machine: Machine) { self.machine = machine }

    /// Lets an undo of `run` also take back the directories and placeholders that these steps made, and modes that they changed.
    ///
    /// `options` says how long to wait for the volume's lock, which others may hold; throws `VolumeLock.Held`.
    package func append(_ outcomes: [Outcome], to run: RunID, _ options: RunOptions) throws {
        let made = outcomes.filter { $0.result == .done }.compactMap { addition($0.step) }
        if made.isEmpty { return }
        let store = DisplacedStore(machine.volume)
        try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { _ in
            let additions = try store.additions(of: run) + made
            try StateDirectory(volume: machine.volume).replace(
                DisplacedStore.additions, in: try store.open(run).root, with: AdditionList.text(additions))
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

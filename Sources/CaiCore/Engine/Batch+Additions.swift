import CaiModel
import CaiPlatform
import SystemPackage

/// What a batch puts where nothing stood, noted for an undo: staged with everything else, and kept with what the run displaces.
extension Batch {
    /// Whether an undo of this run has to take it away again.
    func isNew(_ placement: Placement) -> Bool {
        guard placement.keeping != .none else { return false }
        switch placement.found {
        case .missing, .special, .unreachable: return true
        case .file, .directory, .symlink: return false
        }
    }

    func addition(of placement: Placement, _ kind: Addition.Kind) {
        if isNew(placement) { additions.append(Addition(placement.target, kind)) }
    }

    /// Lets the baseline forget what goes, with all that is in it.
    func forget(_ target: VolumePath, found: Node) throws {
        guard found.isDirectory else { return lines.append(target, .forgotten) }
        let directory = try machine.volume.directory(target.relative)
        for name in try directory.names() {
            try forget(target.appending(name), found: Node(name, in: directory))
        }
    }

    /// Notes something that was copied whole, with all that is in it.
    func noteContent(of name: FilePath.Component, in directory: Directory, _ target: VolumePath) throws {
        switch try directory.look(at: name) {
        case .file(let facts):
            let sample = try contentSample(name, in: directory)
            additions.append(Addition(target, .file(sample.digest, size: facts.size)))
        case .symlink(let text): additions.append(Addition(target, .symlink(text: text)))
        case .directory:
            additions.append(Addition(target, .directory))
            let inner = try directory.openDirectory(name)
            for name in try inner.names() { try noteContent(of: name, in: inner, target.appending(name)) }
        case .missing, .special, .unreachable: return
        }
    }

    /// Writes the list, where there is anything to take back.
    func noteAdditions(_ workshop: Directory) throws {
        guard !additions.isEmpty || lines.areAnyNew else { return }
        hasAdditions = true
        var file = try FileBuffer(DisplacedStore.additions, in: workshop)
        try file.write(AdditionList.text(additions)[...])
        try lines.forEachNew { try file.write(AdditionList.line(ofWritten: $0)[...]) }
        try file.finish()
    }

    /// Notes the times of the directories that change, where an undo can be wanted.
    func noteTimes(_ workshop: Directory) throws {
        if placements.allSatisfy({ $0.keeping == .none }) { return }
        try DirectoryTimes(volume: machine.volume).note(record.operations, in: workshop)
    }

    /// Writes what the baseline says afterwards, where it says anything new.
    func noteWritten(_ workshop: Directory) throws {
        guard !lines.isEmpty else { return }
        var file = try FileBuffer(BatchExchange.written, in: workshop)
        try lines.write(to: &file, key: baselineKey)
        try file.finish()
        lines = BaselineLines()
    }
}

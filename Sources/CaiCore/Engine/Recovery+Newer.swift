import CaiModel
import CaiPlatform
import SystemPackage

/// The place on the volume for saves of applications that an interrupted step took from the home.
struct NewerContent {
    fileprivate let target: VolumePath
    fileprivate let number: Int

    /// Nil unless the step moves content from that place of the home to the volume.
    init?(_ step: RecoverableStep, _ place: Place) {
        guard case .home(let live) = place, let pair = step.pair, pair.live == live else { return nil }
        target = pair.target
        number = step.number
    }
}

extension Recovery {
    /// Stores a file that an application saved while an older version of it was moved to the volume: the newest content
    /// wins, as in a run that is not interrupted, and the older one is displaced. False if the volume has no older version
    /// of the file, or the file is part of a database, which is never stored file by file.
    func store(
        _ newer: NewerContent, _ name: FilePath.Component, _ directory: Directory, _ status: FileStatus,
        _ below: FilePath
    ) throws -> Bool {
        let place = below.isEmpty ? newer.target : newer.target.appending(below)
        guard status.kind == .regular, status.size > 0, !isDatabase(name, place, directory),
            case .file(let stored) = NodeReader(machine.volume).node(at: place.relative), stored.size > 0,
            stored.modified < status.modified
        else { return false }
        let (parent, newName) = try machine.volume.parent(of: place.relative)
        // Beside the whole target, where the next recovery looks for them.
        let (beside, _) = try machine.volume.parent(of: newer.target.relative)
        let part = TemporaryName.make(displaced.id, newer.number, .part)
        let swap = TemporaryName.make(displaced.id, newer.number, .swap)
        guard try beside.status(of: swap) == nil else { return false }
        try TreeEmptier.remove(part, in: beside)
        _ = try directory.copyFile(name, to: beside, part, mode: { _ in stored.mode }, durable: true)
        let older = Place.volume(place).displacedPath
        try beside.renameExclusively(part, to: beside, swap)
        do {
            try beside.rename(swap, to: parent, newName, .exchange)
        } catch {
            guard error.isUnsupportedRename else { throw error }
            try displaced.take(newName, in: parent, as: older)
            try beside.renameExclusively(swap, to: parent, newName)
        }
        try parent.sync()
        if try beside.status(of: swap) != nil { try displaced.take(swap, in: beside, as: older) }
        try directory.unlink(name)
        return true
    }

    private func isDatabase(_ name: FilePath.Component, _ place: VolumePath, _ directory: Directory) -> Bool {
        let target = place.relative.lastComponent?.string ?? ""
        return DatabaseCompanion.allCases.contains { target.hasSuffix($0.rawValue) }
            || FileUse.look(at: name, in: directory, isAsked: false).isDatabase
    }
}

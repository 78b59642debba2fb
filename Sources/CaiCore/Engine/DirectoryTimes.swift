import CaiModel
import CaiPlatform
import SystemPackage

/// When the directories that a batch changes were changed before, for an undo: noted with what is staged, and settled behind the
/// exchange, when it is known what time they have now.
struct DirectoryTimes {
    private static let name: FilePath.Component = "times"
    private static let largest = 64 << 20

    let volume: Tree

    /// Notes the times of the directories that the operations change, as far as they are there.
    func note(_ operations: [BatchRecord.Operation], in workshop: Directory) throws {
        var seen: Set<String> = []
        var additions: [Addition] = []
        for operation in operations where [.put, .remove].contains(operation.kind) {
            guard let path = FilePath(encoded: operation.path)?.removingLastComponent(), !path.isEmpty,
                seen.insert(path.encoded).inserted, let status = try volume.status(path), status.kind == .directory
            else { continue }
            additions.append(Addition(VolumePath(unchecked: path), .time(from: status.modified, to: status.modified)))
        }
        if additions.isEmpty { return }
        try workshop.writeFile(Self.name, AdditionList.text(additions), mode: 0o600, isDurable: true)
    }

    /// Adds to the list of a run's additions what time the directories had and have. Doing it again changes nothing.
    func settle(in workshop: Directory) throws {
        guard Node(Self.name, in: workshop).isFile else { return }
        let bytes = try workshop.openFile(Self.name).readAll(limit: Self.largest, workshop.label)
        let changed = try (AdditionList.additions(in: bytes) ?? []).compactMap { addition -> Addition? in
            guard case .time(let before, _) = addition.kind, let status = try volume.status(addition.path.relative),
                status.modified != before
            else { return nil }
            return Addition(addition.path, .time(from: before, to: status.modified))
        }
        if !changed.isEmpty { try add(changed, workshop) }
        try workshop.unlink(Self.name)
    }

    private func add(_ additions: [Addition], _ workshop: Directory) throws {
        let list = DisplacedStore.additions
        let isThere = Node(list, in: workshop).isFile
        let text =
            isThere
            ? try workshop.openFile(list).readAll(limit: Self.largest * 8, workshop.label) : AdditionList.text([])
        try StateDirectory(volume: volume).replace(
            list, in: workshop, with: [text[...], AdditionList.lines(additions)[...]])
    }
}

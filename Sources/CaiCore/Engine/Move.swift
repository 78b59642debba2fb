import CaiModel
import CaiPlatform
import SystemPackage

/// One adoption while it is carried out.
final class Move {
    let adoption: Adoption
    /// The number of the step.
    let number: Int
    let verdicts: [FilePath: Verdict]
    private let planned: [FilePath: MovingItem]
    private let staging: Set<FilePath>
    var copied: [FilePath: CopiedEntry] = [:]
    var hasStaged = false
    /// True if what was copied is in the baseline. It counts there once the move has come to its end.
    var isNoted = false
    /// What changed meanwhile and is in the baseline already.
    var storedAgain: Set<FilePath> = []
    /// The files of databases as they were when they were compared with their copies, after the exchange.
    var compared: [FilePath: FileStatus] = [:]
    /// The files of each database that moves, by its path.
    let databases: [FilePath: [MovingItem]]

    init(_ adoption: Adoption, _ number: Int) {
        self.adoption = adoption
        self.number = number
        databases = Dictionary(
            grouping: adoption.items.filter { $0.database != nil }, by: { $0.database ?? $0.path })
        planned = Dictionary(adoption.items.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        verdicts = planned.mapValues(\.verdict)
        staging = Self.stagedPaths(adoption.items)
    }

    /// The paths that are copied, and the directories that lead to them.
    private static func stagedPaths(_ items: [MovingItem]) -> Set<FilePath> {
        var result: Set<FilePath> = []
        for item in items {
            switch item.verdict {
            case .take, .takeOver, .merge: break
            case .same, .keep, .remove, .enter: continue
            }
            var path = item.path
            while result.insert(path).inserted, !path.isEmpty { path.removeLastComponent() }
        }
        return result
    }

    func stages(_ path: FilePath) -> Bool { staging.contains(path) }

    func choice(for path: FilePath) -> TreeCopier.Choice {
        guard staging.contains(path) else { return .skip }
        if case .merge(let content) = verdicts[path] { return .write(content) }
        return .copy
    }

    /// The item of a path; nil for what the plan did not see.
    func item(_ path: FilePath) -> MovingItem? { planned[path] }

    func loser(_ path: FilePath, _ place: Place) -> Loser {
        guard let item = planned[path], item.verdict == .take, item.stored.isFile else { return .displace(place) }
        return .ours(item.stored, place)  // a placeholder, unless somebody wrote to it meanwhile
    }

    func wasPlaceholder(_ path: FilePath, _ node: Node) -> Bool { planned[path]?.stored == node }

    /// Whether a live node still is what the plan saw. The inode may be another one: an overlay copies a file of an image
    /// layer when it is renamed.
    func matchesPlan(_ path: FilePath, _ node: Node) -> Bool {
        switch (planned[path]?.live, node) {
        case (.file(let then), .file(let now)):
            then.size == now.size && then.modified == now.modified && then.mode == now.mode
        case (let then, let now): then == now
        }
    }

    /// Whether what came out of the exchange is what was copied. Coarse clocks may hide a write that directly followed
    /// another, so a file that was young when it was copied is read again.
    func isUnchanged(
        _ path: FilePath, _ status: FileStatus, _ name: FilePath.Component, _ directory: Directory
    ) throws -> Bool {
        guard let copy = copied[path] else { return false }
        return try copy.isUnchanged(isTop: path.isEmpty, status, name, directory)
    }
}

extension CopiedEntry {
    /// True if a file or symlink still is what was copied. `isTop` is true for the one that came out of an exchange, which
    /// changed its change time.
    func isUnchanged(
        isTop: Bool, _ status: FileStatus, _ name: FilePath.Component, _ directory: Directory
    ) throws -> Bool {
        guard status.isSameFile(as: source) else { return false }
        if status.kind == .symlink { return true }  // a symlink's text cannot change
        guard status.hasSameContentFacts(as: source) else { return false }
        if !isTop, status.changed == source.changed, wasOld { return true }
        return try contentSample(name, in: directory).digest == digest
    }

    /// Whether the file had been at rest for a tenth of a second when it was copied.
    private var wasOld: Bool { max(source.modified, source.changed) < copiedAt - 100_000_000 }
}

package import CaiModel
import CaiPlatform
import SystemPackage

/// Tells what of an index has to travel: everything of which the volume does not show that an import would leave it as it is.
///
/// It only looks, and it may ask for too much: what is imported of what travels is decided by the import.
package struct PushPlanJob {
    private let machine: Machine
    private let arrangement: SourceArrangement
    private let withoutSecrets: Bool
    private let sources: [PathKey: Entry]
    /// The directories in which a name may have an entry, or a meaning, of its own.
    private let special: Set<PathKey>

    package init(_ machine: Machine, entries: [Entry], arrangement: SourceArrangement, withoutSecrets: Bool) {
        self.machine = machine
        self.arrangement = arrangement
        self.withoutSecrets = withoutSecrets
        // What is disabled counts where nothing else does: the configuration may have added it.
        let usable = entries.filter { $0.kind == .entry && !$0.flags.contains(.glob) }
        sources = Dictionary(
            usable.compactMap { entry in
                let path = arrangement == .home ? entry.source?.relative : entry.target.relative
                return path.map { (PathKey($0), entry) }
            }, uniquingKeysWith: { $1.isDisabled ? $0 : $1 })
        special = Set((sources.keys.map(\.path) + PushScope.whole).map { PathKey($0.removingLastComponent()) })
    }

    /// Where the files of a directory go.
    private struct Place {
        let path: FilePath
        let target: FilePath
        /// The entry it belongs to; nil where no manifest names it.
        let entry: Entry?
        let directory: Directory?
        /// Whether a name in it may go elsewhere than the others.
        let isSpecial: Bool
    }

    /// Looks at the volume for each record, with several threads. The caller is the owner.
    package func run(_ index: PushIndex) throws -> PushNeeds {
        // It is large, and only who has digests needs it.
        let source = BaselineSource(machine.volume)
        let baseline = index.records.contains(where: hasLargeDigest) ? source.baseline : nil
        try source.check()
        let parts = Workers.map(pieces(index.records), threads: Workers.count) { needs(index.records, $0, baseline) }
        return parts.reduce(into: PushNeeds()) { whole, part in
            whole.needed += part.needed
            whole.candidates += part.candidates
        }
    }

    private func hasLargeDigest(_ record: PushIndex.Kind) -> Bool {
        if case .file(_, let file) = record { file.digest != nil && file.size > Self.smallFile } else { false }
    }

    /// Whole directories, as many together as are worth a turn of a thread.
    private func pieces(_ records: [PushIndex.Kind]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var start = 0
        for (number, record) in records.enumerated() where number - start >= 256 {
            guard case .directory = record else { continue }
            result.append(start..<number)
            start = number
        }
        return result + [start..<records.count]
    }

    private func needs(_ records: [PushIndex.Kind], _ piece: Range<Int>, _ baseline: Baseline?) -> PushNeeds {
        var needs = PushNeeds()
        var place: Place?
        for number in piece {
            switch records[number] {
            case .directory(let path, let mode):
                let found = self.place(path)
                place = found
                if isTaken(found), directoryDiffers(found, mode) { needs.needed.append(number) }
            case .file(let name, let file):
                guard let place else { continue }
                switch verdict(name, file, place, baseline) {
                case .unchanged: continue
                case .needed: needs.needed.append(number)
                case .candidate: needs.candidates.append(number)
                }
            case .link(let name, let text, let target):
                guard let place, !isLeftOut(place.entry), differs(name, text, target, place) else { continue }
                needs.needed.append(number)
            }
        }
        return needs
    }

    // MARK: places

    private func place(_ path: FilePath) -> Place {
        let (target, entry) = self.target(path)
        let directory: Directory? =
            if target.isEmpty { machine.volume.root } else { try? machine.volume.directory(target) }  // then all is new
        return Place(
            path: path, target: target, entry: entry, directory: directory,
            isSpecial: special.contains(PathKey(path)) || arrangement == .home && PushScope.isWhole(path))
    }

    /// Where a path goes, and by which entry; without one, where an additional path would go.
    private func target(_ path: FilePath) -> (FilePath, Entry?) {
        var above = path
        while !above.isEmpty {
            if let entry = sources[PathKey(above)] {
                let rest = path.components.dropFirst(above.components.count)
                return (entry.target.relative.appending(rest), entry)
            }
            above.removeLastComponent()
        }
        guard arrangement == .home, let first = path.components.first, first.string.hasPrefix("."),
            let name = FilePath.Component(String(first.string.dropFirst()))
        else { return (path, nil) }
        return (FilePath(root: nil, [name]).appending(path.components.dropFirst()), nil)
    }

    private func isLeftOut(_ entry: Entry?) -> Bool { withoutSecrets && entry?.isSecret == true }

    // MARK: verdicts

    private static let smallFile: Int64 = 64 << 10

    private enum Verdict { case unchanged, needed, candidate }

    /// Whether an import would make the directory. The one that says what an import does is only read.
    private func isTaken(_ place: Place) -> Bool {
        let isRead = arrangement == .home && place.entry == nil && PushScope.isWhole(place.path)
        return !isRead && !isLeftOut(place.entry)
    }

    private func directoryDiffers(_ place: Place, _ mode: UInt16) -> Bool {
        guard let directory = place.directory, let status = try? directory.status() else { return true }
        return place.entry?.isSecret != true && status.mode != mode & 0o1777
    }

    private func verdict(
        _ name: FilePath.Component, _ file: PushIndex.File, _ place: Place, _ baseline: Baseline?
    ) -> Verdict {
        var (entry, last, directory, target) = (place.entry, name, place.directory, nil as FilePath?)
        if place.isSpecial {
            let path = place.path.appending(name)
            if arrangement == .home, PushScope.isWhole(path) { return .needed }
            if let own = sources[PathKey(path)] {
                entry = own
                last = own.target.relative.lastComponent ?? name
                target = own.target.relative
                directory = try? machine.volume.directory(own.target.relative.removingLastComponent())  // else new
            }
        }
        if isLeftOut(entry) { return .unchanged }
        guard let directory, let found = try? directory.status(of: last), found.kind == .regular else {
            return .needed
        }
        let mode = entry?.isSecret == true ? 0o600 : file.mode & 0o777
        if found.mode != mode { return .needed }
        if found.size == file.size, tellsNoChange(file.modified, found.modified) { return .unchanged }
        guard let digest = file.digest else { return .candidate }
        // What cannot be read differs.
        if found.size == file.size, (try? contentSample(last, in: directory))?.digest == digest { return .unchanged }
        // The record of what was written is large; to bring a small file for nothing costs less.
        if file.size <= Self.smallFile { return .needed }
        let known = baseline?[VolumePath(unchecked: target ?? place.target.appending(name))]
        return known?.source ?? known?.digest == digest ? .unchanged : .needed
    }

    /// Whether an import would make another link of it than there is.
    private func differs(
        _ name: FilePath.Component, _ text: FilePath, _ target: FilePath, _ place: Place
    ) -> Bool {
        var stored: FilePath?
        if let directory = place.directory, case .symlink(let found) = Node(name, in: directory) { stored = found }
        if arrangement == .volume || stored == text && target.isEmpty { return stored != text }
        if target.isEmpty { return isKept(text) }
        let (mapped, entry) = self.target(target)
        if isLeftOut(entry) { return false }
        let named = place.path.pushing(text).lexicallyNormalized()
        let isSame = !text.isAbsolute && self.target(named).0 == place.target.pushing(text).lexicallyNormalized()
        return stored != (isSame ? text : mapped.relative(to: place.target))
    }

    /// Whether an import makes a link that leads out of its source: into the volume, or to what is here as well.
    private func isKept(_ text: FilePath) -> Bool {
        guard text.isAbsolute else { return false }
        return text.lexicallyNormalized().starts(with: machine.layout.volume) || machine.root.existsInRoot(text)
    }
}

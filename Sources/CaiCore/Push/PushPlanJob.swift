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
    private let entries: [Entry]
    private let memory: PushMemory

    package init(
        _ machine: Machine, entries: [Entry], arrangement: SourceArrangement, withoutSecrets: Bool, memory: PushMemory
    ) {
        self.machine = machine
        self.entries = entries
        self.memory = memory
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

    /// Looks at the volume for each record that it does not know to be the same, with several threads. The caller is the
    /// owner.
    package func run(_ request: PushRequest) throws -> PushNeeds {
        let records = request.index.records
        // It is large, and only who has digests needs it.
        let source = BaselineSource(machine.volume)
        let baseline = records.contains(where: hasLargeDigest) ? source.baseline : nil
        try source.check()
        let status = try machine.volume.root.status()
        let scope = PushMemory.Scope(
            arrangement: arrangement, withoutSecrets: withoutSecrets, entries: entries, device: status.device,
            inode: status.inode)
        let directories = records.count { if case .directory = $0 { true } else { false } }
        return memory.use(scope, directories: directories) { known, watch in
            let look = Look(request: request, known: known, watch: watch, baseline: baseline)
            let parts = Workers.map(pieces(records), threads: Workers.count) { findings(look, $0) }
            let whole = parts.reduce(into: Findings()) { $0.add($1) }
            return (whole.needs, whole.known)
        }
    }

    private func hasLargeDigest(_ record: PushIndex.Kind) -> Bool {
        if case .file(_, let file) = record { file.digest != nil && file.size > Self.smallFile } else { false }
    }

    /// Whole directories, as many together as are worth a turn of a thread: one that is told by its digest takes as long as a few
    /// files.
    private func pieces(_ records: [PushIndex.Kind]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var (start, work) = (0, 0)
        for (number, record) in records.enumerated() {
            if !record.isInDirectory, work >= 512 {
                result.append(start..<number)
                (start, work) = (number, 0)
            }
            if case .same = record { work += 2 } else { work += 1 }
        }
        return result + [start..<records.count]
    }

    /// What it looks for and with.
    private struct Look: Sendable {
        let request: PushRequest
        let known: [PathKey: PushMemory.Known]
        let watch: ChangeWatch?
        let baseline: Baseline?
    }

    /// What it found.
    private struct Findings: Sendable {
        var needs = PushNeeds()
        var known: [PathKey: PushMemory.Known] = [:]

        mutating func add(_ other: Findings) {
            needs.needed += other.needs.needed
            needs.candidates += other.needs.candidates
            needs.unknown += other.needs.unknown
            known.merge(other.known) { $1 }
        }
    }

    private func findings(_ look: Look, _ piece: Range<Int>) -> Findings {
        var findings = Findings()
        let places = NodeReader(machine.volume)
        var start = piece.lowerBound
        while start < piece.upperBound {
            var end = start + 1
            while end < piece.upperBound, look.request.index.records[end].isInDirectory { end += 1 }
            findAll(start..<end, look, places, &findings)
            start = end
        }
        return findings
    }

    /// One directory.
    private func findAll(_ records: Range<Int>, _ look: Look, _ places: NodeReader, _ findings: inout Findings) {
        switch look.request.index.records[records.lowerBound] {
        case .same(let path, let digest):
            if !isKnown(path, digest, look, places) { findings.needs.unknown.append(records.lowerBound) }
        case .directory(let path, let mode):
            let place = place(path)
            // From here on: what changes while it is looked at is not remembered.
            let watch = watch(place, look)
            let before = findings.needs
            if isTaken(place), directoryDiffers(place, mode) { findings.needs.needed.append(records.lowerBound) }
            var isUncertain = false
            for number in records.dropFirst() { find(number, place, look, &findings.needs, &isUncertain) }
            completeDatabases(records.dropFirst(), look, &findings.needs)
            guard let watch, !isUncertain, findings.needs == before, let status = try? place.directory?.status()
            else { return }
            findings.known[PathKey(path)] = PushMemory.Known(
                digest: digest(of: Array(look.request.text(of: records))), target: place.target, status: status,
                watch: watch)
        case .file, .link: return
        }
    }

    /// Asks for all files of a database if it asks for one of them: an import takes a log that does not travel for gone.
    private func completeDatabases(_ records: Range<Int>, _ look: Look, _ needs: inout PushNeeds) {
        func isAsked(_ number: Int) -> Bool { needs.needed.contains(number) || needs.candidates.contains(number) }
        guard needs.needed.last.map(records.contains) ?? false || needs.candidates.last.map(records.contains) ?? false
        else { return }
        var numbers: [FilePath.Component: Int] = [:]
        var parts: [(database: FilePath.Component, number: Int)] = []
        for number in records {
            guard case .file(let name, _) = look.request.index.records[number] else { continue }
            numbers[name] = number
            guard let (database, part) = DatabaseCompanion.split(name), part != .index else { continue }
            parts.append((database, number))
        }
        for (database, part) in parts {
            guard let main = numbers[database] else { continue }
            let unit = [main, part]
            guard unit.contains(where: isAsked) else { continue }
            needs.candidates.removeAll(where: unit.contains)
            needs.needed += unit.filter { !needs.needed.contains($0) }
        }
    }

    private func isKnown(_ path: FilePath, _ digest: ContentDigest, _ look: Look, _ places: NodeReader) -> Bool {
        guard let known = look.known[PathKey(path)], known.digest == digest,
            let status = status(known.target, places)
        else { return false }
        return status.isSameFile(as: known.status) && status.mode == known.status.mode
    }

    /// Facts about a directory; nil where it cannot be looked at.
    private func status(_ target: FilePath, _ places: NodeReader) -> FileStatus? {
        if target.isEmpty { return try? machine.volume.root.status() }
        return try? places.openParent(of: target)?.status(ofLastIn: target)
    }

    /// Nil for a place that cannot be watched, or would tell nothing.
    private func watch(_ place: Place, _ look: Look) -> ChangeWatch.ID? {
        guard let watch = look.watch, !place.isSpecial, let directory = place.directory,
            let magic = directory.fileSystemMagic, FileSystemFamily(magic: magic).reportsChanges
        else { return nil }
        return try? watch.add(directory, .firstChange)  // no watch is left: it is not remembered
    }

    private func find(
        _ number: Int, _ place: Place, _ look: Look, _ needs: inout PushNeeds, _ isUncertain: inout Bool
    ) {
        switch look.request.index.records[number] {
        case .file(let name, let file):
            switch verdict(name, file, place, look.baseline, &isUncertain) {
            case .unchanged: return
            case .needed: needs.needed.append(number)
            case .candidate: needs.candidates.append(number)
            }
        case .link(let name, let text, let target):
            // What becomes of it depends on what is elsewhere, too.
            isUncertain = true
            guard !isLeftOut(place.entry), differs(name, text, target, place) else { return }
            needs.needed.append(number)
        case .directory, .same: return
        }
    }

    // MARK: places

    private func place(_ path: FilePath) -> Place {
        let (target, entry) = self.target(path)
        return Place(
            path: path, target: target, entry: entry, directory: directory(target),
            isSpecial: special.contains(PathKey(path)) || arrangement == .home && PushScope.isWhole(path))
    }

    /// Nil for one that is not there, or cannot be reached: then all is new.
    private func directory(_ target: FilePath) -> Directory? {
        target.isEmpty ? machine.volume.root : try? machine.volume.directory(target)
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
        _ name: FilePath.Component, _ file: PushIndex.File, _ place: Place, _ baseline: Baseline?,
        _ isUncertain: inout Bool
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
        isUncertain = isUncertain || found.linkCount > 1
        let mode = (entry?.secrecy ?? .none).mode(ofFile: file.mode & 0o777)
        if found.mode != mode { return .needed }
        if found.size == file.size, tellsNoChange(file.modified, found.modified) { return .unchanged }
        // To bring a small file for nothing costs less than to ask about it, or to look into a large record. Without its
        // secrets a file has another size, which only comes with its digest.
        let isSmall = file.size <= Self.smallFile
        if isSmall, !withoutSecrets, found.size != file.size { return .needed }
        guard let digest = file.digest else { return .candidate }
        // What cannot be read differs.
        if found.size == file.size, (try? contentSample(last, in: directory))?.digest == digest { return .unchanged }
        if isSmall { return .needed }
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

extension PushIndex.Kind {
    fileprivate var isInDirectory: Bool {
        switch self {
        case .directory, .same: false
        case .file, .link: true
        }
    }
}

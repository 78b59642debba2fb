import SystemPackage

/// One path that an import wants on the volume, and what stands there.
package struct ImportItem: Sendable {
    package let target: VolumePath
    package let content: PlacedContent
    package let authority: ImportAuthority
    package let isSecret: Bool
    /// Where it comes from, for sentences: a path of the source, or what it was made from.
    package let origin: String
    package let found: Node
    /// Present when both are files whose size or time differ.
    package let sides: ImportSides?

    package init(
        target: VolumePath, content: PlacedContent, authority: ImportAuthority, isSecret: Bool, origin: String,
        found: Node, sides: ImportSides?
    ) {
        self.target = target
        self.content = content
        self.authority = authority
        self.isSecret = isSecret
        self.origin = origin
        self.found = found
        self.sides = sides
    }
}

extension ImportItem {
    /// The same in a directory that is yet to be made.
    fileprivate var inEmptyDirectory: ImportItem {
        ImportItem(
            target: target, content: content, authority: authority, isSecret: isSecret, origin: origin,
            found: .missing, sides: nil)
    }
}

/// Everything that an import looked at.
package struct ImportObservation: Sendable {
    /// Parents before children. An item for many files has their directory as its target.
    package var items: [ImportItem] = []
    /// How many files need nothing; none of `items` is for them.
    package var unchanged = 0
    /// The databases that differ. Their files are among `items` without a comparison of their own.
    package var databases: [ImportDatabase] = []
    /// The agent directories whose whole state is imported.
    package var sessions: [ImportedSessions] = []
    /// What is on the volume and not in the source, where that is to go: topmost paths only.
    package var extras: [(target: VolumePath, found: Node)] = []
    /// Files of our own that go because there is nothing to say any more.
    package var obsolete: [(target: VolumePath, found: Node)] = []
    /// The directories above all targets.
    package var directories: [VolumePath: Node] = [:]
    /// Directories that hold a secret.
    package var privateDirectories: Set<VolumePath> = []
    package var events: [ImportEvent] = []
    package var findings: [Finding] = []

    package init() {}

    /// Whether some file differs on both sides, so that a decision needs the baseline.
    package var needsBaseline: Bool { !databases.isEmpty || items.contains { $0.sides != nil } }
}

/// The plan of an import with what its lines are made from.
package struct ImportPlan: Planned {
    package var plan = Plan()
    package var events: [ImportEvent] = []
    /// Files, links and directories that are as they should be.
    package var unchanged = 0
    /// Files of which the volume keeps its own version.
    package var kept = 0
    /// The agent directories whose whole state is imported, with what of it is written.
    package var sessions: [ImportedSessions] = []
}

/// Plans an import: what differs is placed, what makes room is displaced, everything together. An empty plan means that
/// nothing has to be written, or that something could not be read, which is an error among its findings.
package func planImport(
    _ seen: ImportObservation, baseline: Baseline, layout: Layout, stamp: ImportStamp?
) -> ImportPlan {
    var planner = ImportPlanner(
        baseline: baseline, layout: layout, directories: seen.directories,
        privateDirectories: seen.privateDirectories)
    planner.result.events = seen.events
    planner.result.unchanged = seen.unchanged
    planner.result.plan.findings = seen.findings
    // What could not be read, or looked at, would be missing: half an import is none.
    let unseen = seen.items.filter { if case .unreachable(.failed) = $0.found { true } else { false } }
    for item in unseen { planner.add(item) }
    if !unseen.isEmpty || seen.findings.contains(where: { $0.severity == .error }) {
        planner.result.plan.steps = []
        return planner.result
    }
    for database in seen.databases { planner.settle(database) }
    for item in seen.items { planner.add(item) }
    for (target, found) in seen.extras { planner.remove(extra: target, found) }
    for (target, found) in seen.obsolete { planner.remove(target, found, .quiet) }
    planner.count(seen.sessions)
    if let stamp, !planner.result.plan.isEmpty { planner.add(stamp) }
    return planner.result
}

/// The file that says when the last import was.
package struct ImportStamp: Sendable {
    package static let target = VolumePath(unchecked: ".containai-imported-at")
    package let time: Timestamp
    package let found: Node

    package init(time: Timestamp, found: Node) {
        self.time = time
        self.found = found
    }
}

private struct ImportPlanner {
    let baseline: Baseline
    let layout: Layout
    let directories: [VolumePath: Node]
    let privateDirectories: Set<VolumePath>
    var result = ImportPlan()
    private var made: Set<VolumePath> = []
    /// Targets about which nothing can be done, with everything below them.
    private var blocked: Set<VolumePath> = []
    /// Directories that make room for something else, with everything below them.
    private var replaced: Set<VolumePath> = []
    /// Directories that are made where something else stands now: nothing is below them.
    private var turned: Set<VolumePath> = []
    /// The decisions about the files of databases.
    private var databaseFates: [VolumePath: DatabaseFate] = [:]
    /// Files that are to be removed already.
    private var removed: Set<VolumePath> = []

    private enum DatabaseFate { case same, take, leave }

    init(
        baseline: Baseline, layout: Layout, directories: [VolumePath: Node], privateDirectories: Set<VolumePath>
    ) {
        self.baseline = baseline
        self.layout = layout
        self.directories = directories
        self.privateDirectories = privateDirectories
    }

    mutating func add(_ seen: ImportItem) {
        let item = turned.isEmpty || !seen.target.isAtOrBelow(turned) ? seen : seen.inEmptyDirectory
        if case .files = item.content { return add(files: item) }
        if databaseFates[item.target] == .leave { return }
        guard !item.target.isAtOrBelow(blocked), addDirectories(upTo: item.target.parent) else { return }
        if case .unreachable(let obstacle) = item.found {
            return block(item.target, obstacle.sentence, advice: obstacle.advice)
        }
        if made.contains(item.target), case .directory = item.content { return }
        switch (item.content, item.found) {
        case (.directory(let mode, _, _), .directory(let facts)):
            made.insert(item.target)
            let wanted = privateDirectories.contains(item.target) ? 0o700 : mode
            if item.authority != .volume, facts.mode != wanted {
                place(item, .mode(wanted))
            } else {
                keep(item, wanted)
            }
        case (.directory(let mode, let modified, let from), _):
            if item.authority == .volume, !item.found.isMissing { return mismatch(item) }
            if !item.found.isMissing {
                turned.insert(item.target)
                noteReplacement(item)
            }
            made.insert(item.target)
            let wanted = privateDirectories.contains(item.target) ? 0o700 : mode
            place(item, .directory(mode: wanted, modified: modified, from: from))
        case (.link(let text, _), .symlink(let found)) where text == found: result.unchanged += 1
        case (.copy(_, let facts, let mode), .file(let found)):
            file(item, found, size: facts.size, mode: mode)
        case (.text(let bytes, let mode), .file(let found)):
            file(item, found, size: Int64(bytes.count), mode: mode)
        case (_, .missing): place(item, item.content)
        case (_, .symlink), (_, .directory), (_, .special), (_, .file):
            if item.authority == .volume { return mismatch(item) }
            replaced.insert(item.target)
            noteReplacement(item)
            place(item, item.content)
        case (_, .unreachable): return
        }
    }

    /// Many files where nothing stands.
    private mutating func add(files item: ImportItem) {
        guard !item.target.isAtOrBelow(blocked), addDirectories(upTo: item.target) else { return }
        place(item, item.content)
    }

    /// A file stands on both sides.
    private mutating func file(_ item: ImportItem, _ found: FileFacts, size: Int64, mode: UInt16) {
        if databaseFates[item.target] == .take { return place(item, item.content) }
        guard let sides = item.sides else { return keepMode(item, found, mode) }
        switch decideImport(
            sides, target: item.target, stored: found, authority: item.authority, baseline: baseline)
        {
        case .same: keepMode(item, found, mode)
        case .take: place(item, item.content, exclusivity: sides.continuation == .live ? .target : .none)
        case .merge(let bytes):
            result.plan.findings.append(
                Finding(
                    .note, at: layout.text(item.target),
                    "changed here and in the source; the keys are merged, the version from here is kept displaced"))
            place(
                item, .text(bytes, mode: mode),
                origin: SourceVersion(digest: sides.source.digest, document: sides.source.document))
        case .keep(let reason):
            result.kept += 1
            noteKept(item, reason)
            if item.isSecret { keepMode(item, found, found.mode & mode, isCounted: false) }
        }
    }

    /// Decides about all files of a database, and removes those of the volume that belong to another version of it.
    mutating func settle(_ database: ImportDatabase) {
        var fate = DatabaseFate.leave
        switch decideImport(database, baseline: baseline) {
        case .same: fate = .same
        case .take(let others):
            fate = .take
            for pair in others {
                remove(VolumePath(unchecked: pair.path), pair.stored, .shown, exclusivity: .target)
            }
        case .keep(let reason):
            result.kept += 1
            noteKept(database.target, database.origin, reason)
        case .openInSource(let user):
            result.kept += 1
            result.plan.findings.append(
                Finding(
                    .warning, at: database.origin, "is a database that \(user) has open, and was not imported",
                    advice: "end that program and import again"))
        }
        for target in database.targets { databaseFates[target] = fate }
    }

    /// Counts what is written of the state of agents.
    mutating func count(_ sessions: [ImportedSessions]) {
        if sessions.isEmpty { return }
        result.sessions = sessions
        for case .place(let placement) in result.plan.steps {
            for index in sessions.indices { result.sessions[index].count(placement) }
        }
    }

    private mutating func noteKept(_ item: ImportItem, _ reason: ImportKeep) {
        noteKept(item.target, item.origin, reason)
    }

    private mutating func noteKept(_ target: VolumePath, _ origin: String, _ reason: ImportKeep) {
        let sentence: String
        switch reason {
        case .emptySource, .longerInContainer: return
        case .open(let user):
            result.plan.findings.append(
                Finding(
                    .warning, at: layout.text(target), "differs from \(origin), but \(user) has it open; it was kept",
                    advice: "end that program and import again"))
            return
        case .changedInContainer: sentence = "changed here after the last import, the source did not; it was kept"
        case .newerInContainer: sentence = "is newer than \(origin); it was kept"
        }
        result.plan.findings.append(
            Finding(
                .note, at: layout.text(target), sentence,
                advice: "to have the source's version, remove it and import again"))
    }

    /// The content stays; the mode may have to change.
    private mutating func keepMode(
        _ item: ImportItem, _ found: FileFacts, _ mode: UInt16, isCounted: Bool = true
    ) {
        // A placeholder has no say about a mode, unless it is open to others and must not be.
        let isWrong = item.authority == .volume ? item.isSecret && found.mode & ~mode != 0 : found.mode != mode
        if isWrong { return place(item, .mode(mode)) }
        if isCounted { result.unchanged += 1 }
    }

    private mutating func keep(_ item: ImportItem, _ mode: UInt16) {
        if privateDirectories.contains(item.target) || item.isSecret, let facts = item.found.facts,
            facts.mode & ~mode != 0
        {
            return place(item, .mode(facts.mode & mode))
        }
        result.unchanged += 1
    }

    private mutating func place(
        _ item: ImportItem, _ content: PlacedContent, origin: SourceVersion? = nil,
        exclusivity: Placement.Exclusivity = .none
    ) {
        if case .files = content {} else { made.insert(item.target) }
        let isDatabase = databaseFates[item.target] == .take
        result.plan.steps.append(
            .place(
                Placement(
                    item.target, found: item.found, content: content,
                    keeping: item.found.isFile && item.authority == .volume ? .quiet : .shown, origin: origin,
                    exclusivity: isDatabase ? .sourceAndTarget : exclusivity)))
    }

    private mutating func noteReplacement(_ item: ImportItem) {
        result.plan.findings.append(
            Finding(
                .warning, at: layout.text(item.target),
                "is \(item.found.word) on the volume and another thing in the source; it is kept displaced"))
    }

    private mutating func mismatch(_ item: ImportItem) {
        block(
            item.target, "is \(item.found.word), which cannot serve as what the manifest declares",
            advice: "move it away and import again")
    }

    private mutating func block(_ target: VolumePath, _ sentence: String, advice: String?) {
        guard blocked.insert(target).inserted else { return }
        result.plan.findings.append(Finding(.error, at: layout.text(target), sentence, advice: advice))
    }

    /// Plans a directory, and those above it, as far as they are missing. Returns whether they can be used.
    private mutating func addDirectories(upTo directory: VolumePath?) -> Bool {
        var missing: [VolumePath] = []
        var next = directory
        while let path = next, !path.relative.isEmpty, !made.contains(path) {
            switch directories[path] ?? .missing {
            case .directory(let facts):
                tighten(path, facts)
                next = nil
            case .missing:
                missing.append(path)
                next = path.parent
            case let node:
                block(
                    path, "is \(node.word) where a directory is expected", advice: "move it away and import again")
                return false
            }
        }
        for path in missing.reversed() {
            made.insert(path)
            let mode: UInt16 = privateDirectories.contains(path) ? 0o700 : 0o755
            result.plan.steps.append(
                .place(Placement(path, found: .missing, content: .directory(mode: mode, modified: nil, from: nil))))
        }
        return true
    }

    /// A directory that holds a secret is its owner's alone.
    private mutating func tighten(_ path: VolumePath, _ facts: FileFacts) {
        guard privateDirectories.contains(path), facts.mode & 0o077 != 0, made.insert(path).inserted else { return }
        result.plan.steps.append(
            .place(Placement(path, found: directories[path] ?? .missing, content: .mode(facts.mode & 0o700))))
    }

    /// Removes what only the volume has, but no part of a database: that is decided with the database.
    mutating func remove(extra target: VolumePath, _ found: Node) {
        if databaseFates[target] == nil { remove(target, found, .shown) }
    }

    mutating func remove(
        _ target: VolumePath, _ found: Node, _ keeping: Placement.Keeping, exclusivity: Placement.Exclusivity = .none
    ) {
        // It goes with the directory that it is in.
        if target.isAtOrBelow(replaced) || !removed.insert(target).inserted { return }
        result.plan.steps.append(
            .place(
                Placement(target, found: found, content: .nothing, keeping: keeping, exclusivity: exclusivity)))
    }

    mutating func add(_ stamp: ImportStamp) {
        switch stamp.found {
        case .missing, .file:
            result.plan.steps.append(
                .place(
                    Placement(
                        ImportStamp.target, found: stamp.found,
                        content: .text(Array("\(stamp.time)\n".utf8), mode: 0o644), keeping: .quiet)))
        default:
            result.plan.findings.append(
                Finding(
                    .warning, at: layout.text(ImportStamp.target), "is \(stamp.found.word); the time was not noted",
                    advice: "remove it"))
        }
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// Finishes what an interrupted run left under temporary names: copies in the making are removed; whatever else is there
/// is compared with what stands at its place, dropped when it is the same, and displaced when it is not. Nothing is ever
/// removed that does not exist elsewhere byte for byte. A link that the run was about to put is put.
struct Recovery {
    let machine: Machine
    let displaced: DisplacedRun

    init(_ machine: Machine, displaced: DisplacedRun) {
        self.machine = machine
        self.displaced = displaced
    }

    /// Cleans up after one step of this very run. Returns whether it could; what it could not stays for the next run.
    func tidyUp(after step: Step, run: RunID, number: Int, _ findings: inout [Finding]) -> Bool {
        do {
            try recover(RecoverableStep(step, number: number), of: run)
            try restoreModes(of: run)
            return true
        } catch {
            let place = step.places.first.map { machine.layout.text($0) } ?? "\(run)"
            findings.append(
                Finding(
                    .warning, at: place, "left unfinished: \(error.sentence)", advice: "the next run finishes it"))
            return false
        }
    }

    /// Gives directories that a run had to open for writing the modes they had.
    func restoreModes(of run: RunID) throws {
        for (path, mode) in try Journal(volume: machine.volume).modes(of: run) {
            let (parent, name) = try machine.volume.parent(of: path.relative)
            guard let status = try parent.status(of: name), status.kind == .directory, status.mode != mode,
                status.mode | 0o300 == mode | 0o300  // otherwise somebody else changed it meanwhile
            else { continue }
            try parent.openDirectory(name).descriptor.keepMode(mode, parent.label.appending(name))
        }
    }

    /// Finishes one step of a run, as far as it was begun.
    func recover(_ step: RecoverableStep, of run: RunID) throws {
        for place in step.places {
            try forEachTemporary(beside: place) { name, parent, temporary in
                guard temporary.run == run else { return }
                if temporary.number == step.number {
                    try recover(
                        name, in: parent, as: place.displacedPath, step.counterparts(of: place),
                        newer: NewerContent(step, place))
                } else if temporary.kind == .part, temporary.number == TemporaryName.restored {
                    try TreeEmptier.remove(name, in: parent)
                }
            }
        }
        guard let pair = step.pair else { return }
        try putMissingLink(pair)
        try settleParts(of: step, pair)
    }

    /// Does away with the parts of a single database that the run had moved, beside the link that it had put: they are on
    /// the volume, or went into the database there since. Parts with other content are displaced, never put beside another
    /// version of the database.
    private func settleParts(of step: RecoverableStep, _ pair: RecoveryPair) throws {
        let reader = NodeReader(machine.volume)
        let link = NodeReader(machine.home).node(at: pair.live.relative)
        guard link == .symlink(text: machine.layout.linkText(to: pair.target)) else { return }
        for part in DatabaseCompanion.allCases {
            let live = pair.live.appending(part)
            guard step.places.contains(.home(live)) else { continue }
            let (parent, name) = try machine.home.parent(of: live.relative)
            guard Node(name, in: parent).isFile else { continue }
            if try holdsSame(name, parent, reader, pair.target.appending(part).relative) {
                try parent.unlink(name)
            } else {
                try displaced.take(name, in: parent, as: Place.home(live).displacedPath)
            }
            try parent.sync()
        }
    }

    /// Finishes a run of which nothing is known but its name, beside every place that the manifests name.
    ///
    /// Each directory is read once: the agent's manifests may name as many places as it likes.
    func recover(_ run: RunID, _ pairs: [RecoveryPair], _ places: [Place]) throws {
        func parent(_ path: FilePath) -> PathKey { PathKey(path.removingLastComponent()) }
        let inHome = Dictionary(grouping: pairs) { parent($0.live.relative) }
        let onVolume = Dictionary(grouping: pairs) { parent($0.target.relative) }
        var seen: (home: Set<PathKey>, volume: Set<PathKey>) = ([], [])
        for place in places {
            let directory = parent(machine.tree(of: place).path)
            let candidates: [RecoveryPair]
            switch place {
            case .home:
                guard seen.home.insert(directory).inserted else { continue }
                candidates = inHome[directory] ?? []
            case .volume:
                guard seen.volume.insert(directory).inserted else { continue }
                candidates = onVolume[directory] ?? []
            }
            try forEachTemporary(beside: place) { name, parent, temporary in
                guard temporary.run == run else { return }
                let path = place.displacedPath.removingLastComponent().appending(name)
                try recover(name, in: parent, as: path, candidates.flatMap { [.volume($0.target), .home($0.live)] })
            }
        }
    }

    private func forEachTemporary(
        beside place: Place,
        _ body: (FilePath.Component, Directory, (run: RunID, number: Int, kind: TemporaryName.Kind)) throws -> Void
    ) throws {
        let (tree, path) = machine.tree(of: place)
        let parent: Directory
        do {
            parent = try tree.directory(path.removingLastComponent())
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return
        }
        var hasFound = false
        for name in try parent.names() {
            guard let temporary = TemporaryName.parse(name) else { continue }
            hasFound = true
            try body(name, parent, temporary)
        }
        // Before the journal goes: a temporary name that came back after a loss of power would be known to no run.
        if hasFound { try parent.sync() }
    }

    /// Drops what stands at one of the counterparts too, and displaces the rest. What came from the home and is newer than
    /// what stands at its place on the volume is stored there, where `newer` names that place.
    private func recover(
        _ name: FilePath.Component, in parent: Directory, as displacedPath: FilePath, _ counterparts: [Place],
        newer: NewerContent? = nil
    ) throws {
        if TemporaryName.parse(name)?.kind == .part { return try TreeEmptier.remove(name, in: parent) }
        if case .symlink(let text) = Node(name, in: parent), counterparts.contains(where: { isLink(text, to: $0) }) {
            return try parent.unlink(name)  // our own link, not yet in place
        }
        let readers = (home: NodeReader(machine.home), volume: NodeReader(machine.volume))
        try TreeEmptier { below, name, directory, status in
            let isStored = try counterparts.contains { place in
                let (_, path) = machine.tree(of: place)
                let reader = if case .home = place { readers.home } else { readers.volume }
                return try holdsSame(name, directory, reader, below.isEmpty ? path : path.appending(below.components))
            }
            if isStored { return try directory.unlink(name) }
            if let newer, try store(newer, name, directory, status, below) { return }
            try displaced.take(
                name, in: directory,
                as: below.isEmpty ? displacedPath : displacedPath.appending(below.components))
        }.empty(name, in: parent)
    }

    private func isLink(_ text: FilePath, to place: Place) -> Bool {
        if case .volume(let target) = place { text == machine.layout.linkText(to: target) } else { false }
    }

    /// Whether the same content stands at `path`, or there is no content.
    private func holdsSame(
        _ name: FilePath.Component, _ directory: Directory, _ reader: NodeReader, _ path: FilePath
    ) throws -> Bool {
        switch (Node(name, in: directory), reader.node(at: path)) {
        case (.file(let facts), _) where facts.size == 0: return true
        case (.file(let here), .file(let there)):
            guard here.size == there.size, let parent = reader.openParent(of: path), let other = path.lastComponent
            else { return false }
            return try contentSample(name, in: directory).digest == contentSample(other, in: parent).digest
        case (.symlink(let here), .symlink(let there)): return here == there
        case (.special, _): return true  // holds no bytes
        default: return false
        }
    }

    /// Puts the link when nothing stands in its place although its target is there: the run had emptied the place.
    private func putMissingLink(_ pair: RecoveryPair) throws {
        guard NodeReader(machine.home).node(at: pair.live.relative).isMissing,
            !NodeReader(machine.volume).node(at: pair.target.relative).isMissing
        else { return }
        do {
            let (parent, name) = try machine.home.parent(of: pair.live.relative)
            try parent.makeLink(name, to: machine.layout.linkText(to: pair.target))
            try parent.sync()
        } catch let error as SystemCallError where [.noSuchFileOrDirectory, .fileExists].contains(error.errno) {
            return  // its directory is gone, or somebody was faster
        } catch let error as SystemCallError where error.isWithoutSymlinks {
            return  // the next plan reports it: nothing is left that this run could finish
        }
    }
}

/// A live path and the target it moves to.
struct RecoveryPair: Sendable {
    let live: HomePath
    let target: VolumePath
}

/// What has to be known of a step to finish it: from the step itself or from a journal.
struct RecoverableStep {
    let number: Int
    let places: [Place]
    let pair: RecoveryPair?

    init(number: Int, places: [Place], pair: RecoveryPair?) {
        self.number = number
        self.places = places
        self.pair = pair
    }

    init(_ step: Step, number: Int) { self.init(number: number, places: step.places, pair: step.recoveryPair) }

    /// Where the same content may stand as under a temporary name beside a place.
    func counterparts(of place: Place) -> [Place] {
        if let pair { return [.volume(pair.target), .home(pair.live)] }
        return places.contains(place) ? places : [place]
    }
}

extension Step {
    /// Which link to which target this step puts in place of something.
    var recoveryPair: RecoveryPair? {
        switch self {
        case .adopt(let adoption): RecoveryPair(live: adoption.live, target: adoption.target)
        // A link that was to be put where nothing stood leaves nothing to finish: the next plan puts it.
        case .putLink(_, _, let replacing, _) where replacing.isMissing: nil
        case .putLink(let link, let target, _, _), .setAside(let link, let target, _, _):
            RecoveryPair(live: link, target: target)
        default: nil
        }
    }
}

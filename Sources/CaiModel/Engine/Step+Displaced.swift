package import SystemPackage

extension Step {
    /// What would have to make room if nothing changes meanwhile: paths below the run's directory in the displaced store,
    /// as `Outcome.displaced` has them after a real run.
    package var expectedDisplaced: [FilePath] {
        switch self {
        case .makeDirectory, .makeFile, .fillEmpty, .setMode, .removeLink, .linkOnVolume: []
        case .adopt(let adoption): adoption.expectedDisplaced
        case .storeOpen(let save): save.expectedDisplaced
        case .putLink(let link, _, let replacing, _): replacing.isMissing ? [] : [Place.home(link).displacedPath]
        case .setAside(let link, _, _, let parts):
            (parts.map(link.appending) + [link]).map { Place.home($0).displacedPath }
        case .write(let place, _, _, let replacing, let isOurs):
            isOurs || !replacing.isWorthKeeping ? [] : [place.displacedPath]
        case .restore(_, _, let place, let found): found.isWorthKeeping ? [place.displacedPath] : []
        case .move(let from, _, _): [Place.volume(from).displacedPath]
        case .place(let placement): placement.displaces ? [Place.volume(placement.target).displacedPath] : []
        }
    }
}

extension Adoption {
    /// The files and symlinks that lose: first those of the volume, then those of the home.
    fileprivate var expectedDisplaced: [FilePath] {
        let stored = items.filter { $0.verdict.displacesStored && $0.stored.isWorthKeeping }
        let lost = items.filter { $0.verdict.displacesLive && !$0.live.isDirectory && $0.live.isWorthKeeping }
        return stored.map { Place.volume(target(below: $0.path)).displacedPath }
            + lost.map { Place.home(live(below: $0.path)).displacedPath }
    }

    /// The places of the items whose two sides differ, as findings name them.
    package var conflictPlaces: Set<String> {
        Set(
            items.filter { $0.verdict.displacesStored || $0.verdict.displacesLive }.map {
                live(below: $0.path).inHome
            })
    }
}

extension OpenSave {
    fileprivate var expectedDisplaced: [FilePath] {
        switch verdict {
        case .takeOver where stored.isWorthKeeping: [Place.volume(target).displacedPath]
        case .keep: [Place.home(live).displacedPath]
        default: []
        }
    }
}

extension Verdict {
    /// Whether what stands on the volume has to make room.
    fileprivate var displacesStored: Bool {
        switch self {
        case .takeOver, .merge, .remove: true
        case .take, .same, .keep, .enter: false
        }
    }

    /// Whether the live side is displaced.
    fileprivate var displacesLive: Bool {
        switch self {
        case .keep, .merge: true
        case .take, .same, .takeOver, .remove, .enter: false
        }
    }
}

extension Node {
    /// Whether it holds anything that has to be kept: an empty file, a FIFO or a socket does not.
    fileprivate var isWorthKeeping: Bool {
        switch self {
        case .file(let facts): facts.size > 0
        case .directory, .symlink: true
        case .missing, .special, .unreachable: false
        }
    }
}

extension Layout {
    /// The original path of something displaced (`home/…`, `volume/…`, numbered for repeats).
    package func text(displaced path: FilePath) -> String {
        let below = path.components.dropFirst()
        let base = path.components.first?.string.hasPrefix("home") ?? false ? home : volume
        return base.appending(below).printable
    }

    /// Where something that a run displaced is kept.
    package func text(kept path: FilePath, by run: RunID?) -> String {
        volume.appending(".containai/displaced").appending(run?.text ?? "").appending(path.components).printable
    }
}

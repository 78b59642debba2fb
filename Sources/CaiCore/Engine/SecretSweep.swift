import CaiModel
import CaiPlatform
import SystemPackage

/// Removes secrets from the displaced store an hour after they were displaced, and notes for each run which ones.
///
/// `.containai/displaced/swept` holds the time of the last sweep, so that a run is read once after its time is over.
struct SecretSweep {
    static let stamp: FilePath.Component = "swept"
    /// The list of removed secrets in the directory of a run.
    static let list: FilePath.Component = "expired-secrets"

    private let store: DisplacedStore
    private let places: SecretPlaces
    private let now: Int64

    init(_ volume: Tree, _ places: SecretPlaces, now: Int64 = WallClock.seconds) {
        store = DisplacedStore(volume)
        self.places = places
        self.now = now
    }

    /// True if a run may have a secret, now or later.
    func hasOpenRuns() throws -> Bool {
        let swept = sweptAt()
        return try store.runs().contains { isOpen($0, swept: swept) }
    }

    /// True if a run may have a secret whose time is over.
    func isDue() throws -> Bool { try !dueRuns().isEmpty }

    /// Removes the secrets whose time is over. Returns their number. The caller holds the lock of the volume.
    func run() throws -> Int {
        let runs = try dueRuns()
        if runs.isEmpty { return 0 }
        var count = 0
        for run in runs {
            let due = try secrets(of: run).filter { $0.expiry <= now }.map(\.path)
            if due.isEmpty { continue }
            try remove(due, of: run)
            count += due.count
        }
        let directory = try store.volume.directory(DisplacedStore.directory)
        try StateDirectory(volume: store.volume).replace(Self.stamp, in: directory, with: Array("\(now)\n".utf8))
        return count
    }

    /// The number of secrets whose time is over.
    func dueCount() throws -> Int {
        try dueRuns().reduce(0) { try $0 + secrets(of: $1).count { $0.expiry <= now } }
    }

    /// The time at which the next secret expires; nil if no run has one.
    func next() throws -> Int64? {
        let swept = sweptAt()
        var next: Int64?
        for run in try store.runs() where isOpen(run, swept: swept) {
            // The first that can expire before what is known already.
            guard let first = SecretExpiry.first(of: run, now: now), first < next ?? .max else { continue }
            if let expiry = try secrets(of: run).map(\.expiry).min() { next = min(next ?? .max, expiry) }
        }
        return next
    }

    // MARK: runs

    private func dueRuns() throws -> [RunID] {
        let swept = sweptAt()
        return try store.runs().filter { run in
            isOpen(run, swept: swept) && (SecretExpiry.first(of: run, now: now) ?? .max) <= now
        }
    }

    /// True unless a sweep has read the run after its last secret expired.
    private func isOpen(_ run: RunID, swept: Int64) -> Bool {
        (SecretExpiry.last(of: run, now: now) ?? .min) > swept
    }

    /// The time of the last sweep; one that lies in the future does not count.
    private func sweptAt() -> Int64 {
        guard let directory = try? store.volume.directory(DisplacedStore.directory),  // no store, no sweep
            let bytes = try? directory.openFile(Self.stamp).readAll(limit: 64, directory.label),  // no sweep yet
            let time = Int64(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber }), time <= now
        else { return .min }
        return time
    }

    // MARK: secrets

    private struct Secret {
        let path: FilePath
        let expiry: Int64
    }

    private func secrets(of run: RunID) throws -> [Secret] {
        var result: [Secret] = []
        func visit(_ directory: Directory, _ path: FilePath) throws {
            for name in try directory.names() {
                if path.isEmpty, name == Self.list || name == DisplacedStore.additions { continue }
                let below = path.appending(name)
                guard let status = try directory.status(of: name) else { continue }
                if status.kind == .directory {
                    try visit(directory.openDirectory(name), below)
                } else if status.kind == .regular, places.isSecret(places.original(ofDisplaced: below)) {
                    let changed = status.changed / 1_000_000_000
                    result.append(
                        Secret(path: below, expiry: SecretExpiry.time(of: run, changed: changed, now: now)))
                }
            }
        }
        try visit(store.open(run).root, FilePath())
        return result
    }

    /// Notes the paths first: a kill in between leaves secrets that the next sweep removes.
    private func remove(_ paths: [FilePath], of run: RunID) throws {
        let tree = try store.open(run)
        let known = try store.expiredSecrets(of: run)
        let text = ExpiredSecrets.text(known.union(paths))
        try StateDirectory(volume: store.volume).replace(Self.list, in: tree.root, with: Array(text.utf8))
        for path in paths {
            let (directory, name) = try tree.parent(of: path)
            try directory.whileUnlocked { try directory.unlink(name) }
            try directory.sync()
            try removeEmptyDirectories(above: path, in: tree)
        }
    }

    /// An empty directory would come back as content of the run.
    private func removeEmptyDirectories(above path: FilePath, in tree: Tree) throws {
        var next = path.removingLastComponent()
        while !next.isEmpty, try tree.directory(next).names().isEmpty {
            let (parent, name) = try tree.parent(of: next)
            try parent.whileUnlocked { try parent.removeDirectory(name) }
            next = next.removingLastComponent()
        }
    }
}

extension DisplacedStore {
    /// The paths of the secrets that were removed from a run by their age.
    func expiredSecrets(of run: RunID) throws -> Set<FilePath> {
        let root = try open(run).root
        guard Node(SecretSweep.list, in: root).isFile else { return [] }
        let bytes = try root.openFile(SecretSweep.list).readAll(limit: 64 << 20, root.label)
        return ExpiredSecrets.paths(in: String(decoding: bytes, as: UTF8.self))
    }
}

/// Removes displaced secrets by their age, outside of a run that changes something.
struct SecretExpiryJob {
    private let machine: Machine
    private let places: SecretPlaces
    private let lockTimeout: Duration

    init(_ machine: Machine, places: SecretPlaces, lockTimeout: Duration) {
        self.machine = machine
        self.places = places
        self.lockTimeout = lockTimeout
    }

    /// Removes the secrets whose time is over, or only counts them. Takes the lock only if there may be one. Throws
    /// `VolumeLock.Held` and `SystemCallError`. To be called as the owner.
    func run(isPreview: Bool) throws -> Int {
        let sweep = SecretSweep(machine.volume, places)
        if isPreview { return try sweep.dueCount() }
        guard try sweep.isDue() else { return 0 }
        return try VolumeLock.with(machine.volume, timeout: lockTimeout, command: "expiry") { note in
            try? note()  // for those who wait: the lock holds without it
            return try SecretSweep(machine.volume, places).run()
        }
    }

    /// Removes the secrets whose time is over. Returns the seconds until the next one expires; nil if there is none. All of it
    /// under the lock, because a run that is still at work may displace more. Throws as `run` does.
    func runAndPlan() throws -> Int64? {
        guard try SecretSweep(machine.volume, places).hasOpenRuns() else { return nil }
        return try VolumeLock.with(machine.volume, timeout: lockTimeout, command: "expiry") { note in
            let now = WallClock.seconds
            let sweep = SecretSweep(machine.volume, places, now: now)
            if try sweep.isDue() {
                try? note()  // for those who wait: the lock holds without it
                _ = try sweep.run()
            }
            return try sweep.next().map { max(0, $0 - now) }
        }
    }
}

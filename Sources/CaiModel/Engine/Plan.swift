package import SystemPackage

/// A path in one of the two trees that `cai` works in.
package enum Place: Hashable, Sendable {
    case home(HomePath)
    case volume(VolumePath)

    /// `home/…` or `volume/…`: where a copy of it stands in the displaced store.
    package var displacedPath: FilePath {
        switch self {
        case .home(let path): FilePath("home").appending(path.relative.components)
        case .volume(let path): FilePath("volume").appending(path.relative.components)
        }
    }
}

/// Moves a live file or directory onto the volume and puts a link in its place.
package struct Adoption: Sendable, Equatable {
    package let live: HomePath
    package let target: VolumePath
    /// Parents before children; the first has the empty path.
    package let items: [MovingItem]
    package let secrecy: TreeSecrecy
    /// True if no process may have any file of the tree open, as for agent directories.
    package let isExclusive: Bool

    package init(
        live: HomePath, target: VolumePath, items: [MovingItem], secrecy: TreeSecrecy, isExclusive: Bool = false
    ) {
        self.live = live
        self.target = target
        self.items = items
        self.secrecy = secrecy
        self.isExclusive = isExclusive
    }

    /// How many files and symlinks move or are found equal.
    package var fileCount: Int { items.filter { !$0.live.isDirectory }.count }
    package var byteCount: Int64 { items.reduce(0) { $0 + ($1.live.isFile ? $1.live.facts?.size ?? 0 : 0) } }
    package var isDirectory: Bool { items.first?.live.isDirectory ?? false }

    /// Where something below the live tree is, and where it goes; the empty path is the whole, and the path of a part of a
    /// single database is its ending.
    package func live(below path: FilePath) -> HomePath { live.below(path, isTree: isDirectory) }
    package func target(below path: FilePath) -> VolumePath { target.below(path, isTree: isDirectory) }
}

extension Adoption {
    /// The places of the whole, and after them those of the parts of a single database.
    fileprivate var places: [Place] {
        let parts = isDirectory ? [] : items.dropFirst().map(\.path)
        return [.home(live), .volume(target)]
            + parts.flatMap { [.home(live(below: $0)), .volume(target(below: $0))] as [Place] }
    }
}

extension ConfinedPath {
    /// The place of an item of a tree, or of a part of a single database, whose path is its ending.
    func below(_ path: FilePath, isTree: Bool) -> Self {
        if path.isEmpty { return self }
        if isTree { return appending(path) }
        return DatabaseCompanion(rawValue: path.string).map(appending) ?? self
    }
}

/// One change. Each states what it expects to find; the applier refuses it when that no longer holds.
package enum Step: Sendable, Equatable {
    /// Makes a directory on the volume that is missing.
    case makeDirectory(VolumePath, mode: UInt16)
    /// Makes a placeholder file that is missing.
    case makeFile(VolumePath, content: String, mode: UInt16)
    /// Gives an empty file its placeholder content.
    case fillEmpty(VolumePath, content: String, mode: UInt16)
    /// Takes permissions away that a secret must not have, or restores declared ones.
    case setMode(VolumePath, from: UInt16, to: UInt16)
    case adopt(Adoption)
    /// Stores what was written to a file after it was adopted, by somebody who had it open.
    case storeOpen(OpenSave)
    /// Puts a symlink to the target where nothing, or another symlink, stands. `privateParent`: directories made for it
    /// are 0700.
    case putLink(HomePath, target: VolumePath, replacing: Node, privateParent: Bool)
    /// Removes a link of ours with this text: the agent reaches its directory without one.
    case removeLink(HomePath, text: FilePath)
    /// Puts a symlink on the volume where nothing stands.
    case linkOnVolume(VolumePath, text: FilePath)
    /// Moves what stands there, whatever it is, to the displaced store, with the parts of a database, and puts the link.
    case setAside(HomePath, target: VolumePath, found: Node, parts: [DatabaseCompanion])
    /// Writes a generated file whose content differs; what stood there is displaced unless `isOurs`.
    case write(Place, content: String, mode: UInt16, replacing: Node, isOurs: Bool)
    /// Copies a file, symlink or directory of a displaced run (`home/…`, `volume/…`) to a place; what stands there is
    /// displaced in turn.
    case restore(FilePath, run: RunID, to: Place, found: Node)
    /// Renames a file of the volume to where it belongs now; nothing, an empty file or the same content stands there.
    case move(VolumePath, to: VolumePath, mode: UInt16)
    /// Changes one path of the volume, together with all other such steps of the plan.
    case place(Placement)
}

extension Step {
    /// Whether user data moves or temporary names are made: a run with such a step is journaled.
    package var isJournaled: Bool {
        switch self {
        case .makeDirectory, .setMode, .removeLink, .linkOnVolume: false
        case .makeFile(_, let content, _): !content.isEmpty
        case .putLink(_, _, let replacing, _): !replacing.isMissing
        case .fillEmpty, .adopt, .storeOpen, .setAside, .write, .restore, .move: true
        case .place: false  // such a plan has a journal of its own kind
        }
    }

    /// The directories in which this step makes temporary names, for whoever cleans up after an interrupted run.
    package var places: [Place] {
        switch self {
        case .makeDirectory(let path, _), .makeFile(let path, _, _), .fillEmpty(let path, _, _),
            .setMode(let path, _, _):
            [.volume(path)]
        case .adopt(let adoption): adoption.places
        case .storeOpen(let save): [.volume(save.target)]
        case .removeLink(let link, _): [.home(link)]
        case .linkOnVolume(let path, _): [.volume(path)]
        case .putLink(let link, let target, _, _), .setAside(let link, let target, _, _):
            [.home(link), .volume(target)]
        case .write(let place, _, _, _, _), .restore(_, _, let place, _): [place]
        case .move(let from, let to, _): [.volume(from), .volume(to)]
        case .place(let placement): [.volume(placement.target)]
        }
    }
}

extension Step {
    /// The places that the step writes to. A step that only puts a link leaves the target alone.
    package var writtenPlaces: [Place] {
        switch self {
        case .putLink(let link, _, let replacing, _) where replacing.isMissing: [.home(link)]
        default: places
        }
    }

    /// The bytes that the step has to write, if it writes many.
    package var neededBytes: UInt64? {
        switch self {
        case .adopt(let adoption): UInt64(max(0, adoption.byteCount))
        default: nil
        }
    }
}

/// Ordered changes and what was noticed while they were decided. No step means all is well.
package struct Plan: Sendable {
    package var steps: [Step]
    package var findings: [Finding]
    package init(steps: [Step] = [], findings: [Finding] = []) {
        self.steps = steps
        self.findings = findings
    }
    package var isEmpty: Bool { steps.isEmpty }
}

/// Names one run: `20261121T070000Z-sync`. No two runs of a volume have the same time, so sorting by text sorts by time.
package struct RunID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    /// Takes a name from the displaced store or a command line; nil for anything that no run was ever called.
    package init?(_ text: String) {
        let allowed = text.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x41 && $0 <= 0x5A) || $0 == 0x2D
        }
        guard allowed, text.utf8.count >= 18, text.utf8.count <= 80, text.utf8.first != 0x2D else { return nil }
        self.text = text
    }

    /// Names a new run. `command` consists of lower-case letters and dashes.
    package init(at time: Timestamp, command: String) { text = time.compact + "-" + command }

    /// The time part, which orders runs.
    package var time: Substring { text.prefix(16) }
    /// The command of the run.
    package var command: String { text.dropFirst(17).split(separator: "-").first.map(String.init) ?? "" }
    /// True for the run of a guard, which takes what is displaced within an hour.
    package var isAutomatic: Bool { command == "guard" }
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
    package var description: String { text }
}

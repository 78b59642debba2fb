import CaiModel
import CaiPlatform
import SystemPackage

/// Says of steps that are only shown whether they could be carried out: by the rights on the directories that they write to,
/// and by what is mounted at their places.
struct StepCheck {
    private let machine: Machine
    private let home: NodeReader
    private let volume: NodeReader
    /// The obstacles to writing to the directories that were asked about.
    private var known: [Place: SystemCallError?] = [:]

    /// False if an earlier step of a boot repairs owners first.
    private let asksOwners: Bool

    /// `asksOwners`: a directory of another user is an obstacle.
    init(_ machine: Machine, asksOwners: Bool) {
        self.machine = machine
        self.asksOwners = asksOwners
        home = NodeReader(machine.home)
        volume = NodeReader(machine.volume)
    }

    /// The error that the step would meet; nil if nothing speaks against it.
    mutating func obstacle(to step: Step) -> SystemCallError? {
        for place in step.writtenPlaces {
            if let mounted = mounted(place, step) { return mounted }
            if let refused = refused(place, step) { return refused }
        }
        return nil
    }

    private func mounted(_ place: Place, _ step: Step) -> SystemCallError? {
        guard step.exchanges else { return nil }
        let (tree, path) = machine.tree(of: place)
        let reader = tree === machine.home ? home : volume
        guard let parent = reader.openParent(of: path), let name = path.lastComponent, parent.isMountPoint(name),
            Node(name, in: parent).isFile
        else { return nil }
        return SystemCallError(
            "rename to \(parent.label.appending(name).printable)", parent.label.printable, .resourceBusy)
    }

    private mutating func refused(_ place: Place, _ step: Step) -> SystemCallError? {
        let (tree, path) = machine.tree(of: place)
        let above = path.removingLastComponent()
        let key: Place =
            tree === machine.home
            ? .home(HomePath(unchecked: above)) : .volume(VolumePath(unchecked: above))
        if let found = known[key] { return found }
        let directory = tree.nearestDirectory(above)
        let refusal = directory.refusalOfChanges.flatMap { asksOwners || $0 == .readOnlyFileSystem ? $0 : nil }
        let result = refusal.map { SystemCallError("write", directory.label.printable, $0) }
        known[key] = result
        return result
    }
}

extension Step {
    /// True if something else takes the place of what stands at one of the places.
    fileprivate var exchanges: Bool {
        switch self {
        case .fillEmpty, .adopt, .setAside, .write, .restore, .move, .storeOpen: true
        case .putLink(_, _, let replacing, _): !replacing.isMissing
        case .makeDirectory, .makeFile, .setMode, .removeLink, .linkOnVolume, .place: false
        }
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// The directories of OpenCode's user that outlive the container, where they lie in its home: data, configuration, state,
/// cache, keys and workspace (predecessors 2.2, steps 13 and 14, and 2.3).
///
/// Each is walked by descriptors, without following links or entering what is mounted inside, and only wrong entries are
/// given (`OwnershipPolicy`); in the workspace that is only what root or nobody left, because other users work there too.
/// The directories above them, which an engine makes for its mounts as root's, are given as well. Whatever is not as it
/// should be is a finding. It is to be called with root's ids.
struct OpencodeDirectories {
    /// Made when they are missing, with their modes.
    private static let needed: [(path: FilePath, mode: UInt16)] = [(".local/share/opencode", 0o755), (".ssh", 0o700)]
    private static let keys: FilePath = ".ssh"

    private let workplace: Workplace
    private let machine: Machine
    private let paths: [FilePath]
    private let isPreview: Bool
    private var work = StepWork()

    /// Nil where it is not the preset's user that works, that user is root, or has no home.
    init?(_ workplace: Workplace, isPreview: Bool) throws {
        let settings = workplace.settings
        let home = settings.path(.home)
        guard settings.text(.preset) == Preset.opencode.rawValue, workplace.owner.uid != 0,
            workplace.root.existsInRoot(home)
        else { return nil }
        self.workplace = workplace
        self.isPreview = isPreview
        let tree = Tree(root: try workplace.root.openInRoot(home))
        machine = Machine(
            layout: Layout(home: home, volume: home), owner: workplace.owner, root: workplace.root, home: tree,
            volume: tree)
        paths = settings.list(.persistencePaths)
            .map { FilePath(Preset.home(of: Preset.opencode.rawValue, movedTo: home.string, $0)) }
            .filter { $0 != home && $0.starts(with: home) && $0 != settings.path(.volume) }
            .map { FilePath(root: nil, $0.components.dropFirst(home.components.count)) }
    }

    /// Repairs, or in a preview only looks.
    mutating func run() -> StepWork {
        let policy = OwnershipPolicy(uid: workplace.owner.uid, gid: workplace.owner.gid)
            .withUnprotectedLinks(!ProtectedLinks.areOn)
        if Identity.isRoot {
            var above = OwnershipReport(.walked, isPreview: isPreview)
            HomeDirectories(machine, above: paths, policy: policy).give(&above)
            take(above, above.homeDirectories.map { "give \(place($0).printable) to its user" })
        }
        for (path, mode) in Self.needed where paths.contains(path) { make(path, mode) }
        let workspace = workplace.settings.path(.workspace)
        for path in paths {
            repair(path, place(path) == workspace ? policy.sharing : policy)
        }
        if paths.contains(Self.needed[0].path) { checkWriting(Self.needed[0].path) }
        work.isSkipped = work.changes == 0
        return work
    }

    private func place(_ path: FilePath) -> FilePath { machine.layout.home.appending(path.components) }

    private mutating func take(_ report: OwnershipReport, _ actions: [String]) {
        work.findings += report.findings
        work.changes += report.changes
        work.actions += actions
    }

    private mutating func make(_ path: FilePath, _ mode: UInt16) {
        do {
            guard try machine.home.status(path) == nil else { return }
            work.changes += 1
            work.actions.append("make \(place(path).printable)")
            if isPreview { return }
            try workplace.asOwner {
                let (parent, name) = try machine.home.makeParent(of: path, mode: 0o755)
                _ = try parent.makeOrOpenDirectory(name, mode: mode)
            }
        } catch {
            note(path, error, "cannot be made")
        }
    }

    private mutating func repair(_ path: FilePath, _ policy: OwnershipPolicy) {
        do {
            let directory = try machine.home.directory(path)
            if Identity.isRoot {
                var walk = OwnershipWalk(policy: policy, label: place(path), isPreview: isPreview)
                walk.run(directory, machineRoot: machine.root)
                var report = walk.report
                report.finish(at: place(path))
                let count = "\(report.given) \(report.given == 1 ? "entry" : "entries")"
                take(report, report.given == 0 ? [] : ["give \(count) of \(place(path).printable) to its user"])
            }
            if path == Self.keys { try closeKeys(directory) }
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return  // nobody has used it yet
        } catch {
            note(path, error, "cannot be looked at")
        }
    }

    /// Programs refuse keys that others could change.
    private mutating func closeKeys(_ directory: Directory) throws {
        let status = try directory.status()
        guard status.mode & 0o077 != 0, status.uid == workplace.owner.uid || isPreview else { return }
        work.changes += 1
        work.actions.append("close \(place(Self.keys).printable) to others")
        if isPreview { return }
        try workplace.asOwner { try directory.descriptor.setMode(status.mode & 0o7700, directory.label) }
    }

    private mutating func checkWriting(_ path: FilePath) {
        if isPreview { return }
        do {
            try workplace.asOwner { try machine.home.directory(path).checkWriting() }
        } catch {
            work.findings.append(
                Finding(
                    .error, at: place(path).printable,
                    "is not writable by user '\(workplace.settings.text(.user))': \(error.sentence)",
                    advice: Identity.isRootProcess
                        ? (error as? SystemCallError)?.advice ?? "mount a volume that is writable"
                        : "start the container as root (on Railway: RAILWAY_RUN_UID=0), or mount a volume that is writable"
                ))
        }
    }

    private mutating func note(_ path: FilePath, _ error: any Error, _ what: String) {
        let sentence =
            (error as? BlockedPath).map { "\($0.ancestor.printable) is no directory, and a link is not followed" }
            ?? "\(what): \(error.sentence)"
        work.findings.append(
            Finding(
                .warning, at: place(path).printable, sentence, advice: (error as? SystemCallError)?.advice))
    }
}

package import CaiModel
import CaiPlatform
import SystemPackage

/// Gives what is wrongly owned on the volume, and the directories of the home that links are made in, to the owner.
///
/// The volume is walked once, by descriptors, symlinks not followed and mounts not entered; only entries that are wrong are
/// touched, each through a descriptor whose own facts were judged (`OwnershipPolicy`). A stamp on the volume spares the
/// walk while nothing changed; what it cannot see is a wrong entry that root made further down than it looks, in a
/// directory whose surroundings did not change. `run` is to be called with root's ids, not from within `asOwner`;
/// `stamp` at the end of a boot, when the other steps have made what they make.
package struct OwnershipRepair {
    private let machine: Machine
    private let entries: [Entry]
    private let policy: OwnershipPolicy

    /// `entries` are all entries of the manifest; `hasProtectedLinks` is false where every user may make hard links to files
    /// of others.
    package init(_ machine: Machine, entries: [Entry], hasProtectedLinks: Bool = ProtectedLinks.areOn) {
        self.machine = machine
        self.entries = entries
        policy = OwnershipPolicy(uid: machine.owner.uid, gid: machine.owner.gid)
            .withUnprotectedLinks(!hasProtectedLinks)
    }

    /// Repairs, or in a preview only looks. It never throws: what cannot be given is a finding.
    package func run(isPreview: Bool) -> OwnershipReport {
        guard machine.owner.uid != 0 else { return OwnershipReport(.unnecessary, isPreview: isPreview) }
        let survey = OwnershipSurvey(machine, entries: entries, policy: policy)
        guard Identity.isRoot else { return unprivileged(survey, isPreview: isPreview) }
        var report: OwnershipReport
        if survey.isRight, let stamp = stampFile.read(), stamp == OwnershipStamp(policy, survey) {
            report = OwnershipReport(.settled, isPreview: isPreview)
        } else {
            var walk = OwnershipWalk(policy: policy, label: machine.layout.volume, isPreview: isPreview)
            walk.run(machine.volume.root, machineRoot: machine.root)
            report = walk.report
        }
        HomeDirectories(machine, entries: entries, policy: policy).give(&report)
        report.finish(at: machine.layout.volume)
        return report
    }

    /// Remembers that the volume is right, so that the next run need not walk it. Nothing is written when something wrong
    /// remains, after a preview, or when the stamp says so already.
    ///
    /// `options` says how long to wait for the volume's lock.
    package func stamp(_ report: OwnershipReport, _ options: RunOptions) -> [Finding] {
        guard Identity.isRoot, !report.isPreview, !report.isIncomplete, [.walked, .settled].contains(report.extent)
        else {
            return []
        }
        do {
            try asOwner { try stampFile.makeDirectory() }  // first, because it changes the root of the volume
            let survey = OwnershipSurvey(machine, entries: entries, policy: policy)
            let stamp = OwnershipStamp(policy, survey)
            guard survey.isRight, stampFile.read() != stamp else { return [] }
            try asOwner {
                try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { _ in
                    try stampFile.write(stamp)
                }
            }
            return []
        } catch {
            return [
                Finding(
                    .warning, at: machine.layout.volume.appending(StateDirectory.path.components).printable,
                    "the ownership stamp cannot be written: \((error as? SystemCallError)?.plainSentence ?? error.sentence)",
                    advice: (error as? SystemCallError)?.advice
                        ?? "nothing to do but wait: every boot looks at the whole volume")
            ]
        }
    }

    private var stampFile: OwnershipStampFile { OwnershipStampFile(volume: machine.volume) }

    private func asOwner<Result>(_ body: () throws -> Result) throws -> Result {
        try Identity.with(uid: policy.uid, gid: policy.gid, body)
    }

    /// One warning for everything that was seen and cannot be changed.
    private func unprivileged(_ survey: OwnershipSurvey, isPreview: Bool) -> OwnershipReport {
        var report = OwnershipReport(.unprivileged, isPreview: isPreview)
        let home = HomeDirectories(machine, entries: entries, policy: policy).wrong()
        let wrong = survey.wrong.map { machine.layout.volume.appending($0.components) } + home
        guard let first = wrong.first else { return report }
        report.isIncomplete = true
        report.add(
            Finding(
                .warning, at: first.printable,
                wrong.count == 1
                    ? "belongs to somebody else" : "belongs to somebody else, as \(wrong.count - 1) more entries do",
                advice: "run cai init once as root, for example: docker exec -u root CONTAINER cai init"),
            kind: "belongs to somebody else")
        return report
    }
}

/// The directories of the home that links are made in, or that others lie in.
struct HomeDirectories {
    private let machine: Machine
    private let policy: OwnershipPolicy
    /// Parents first; the empty path is the home.
    private let paths: [FilePath]

    /// Those that links are made in.
    init(_ machine: Machine, entries: [Entry], policy: OwnershipPolicy) {
        self.init(machine, above: entries.filter(\.hasLink).map { $0.link?.relative ?? "unnamed" }, policy: policy)
    }

    /// Those that lie above these paths in the home.
    init(_ machine: Machine, above paths: [FilePath], policy: OwnershipPolicy) {
        self.machine = machine
        self.policy = policy
        var result: Set<FilePath> = []
        for path in paths {
            var path = path.removingLastComponent()
            while result.insert(path).inserted, !path.isEmpty { path.removeLastComponent() }
        }
        self.paths = result.sorted { $0.components.count < $1.components.count }
    }

    /// Gives those that an image build left to root, parents first.
    func give(_ report: inout OwnershipReport) {
        visit { path, directory, decision in
            let place = machine.layout.home.appending(path.components)
            switch decision {
            case .keep: break
            case .report(let doubt):
                report.isIncomplete = true
                report.add(
                    Finding(
                        .warning, at: place.printable, doubt.sentence,
                        advice: "chown \(policy.uid):\(policy.gid) \(shellQuoted(place.printable))"),
                    kind: doubt.sentence)
            case .give:
                do {
                    if !report.isPreview {
                        try directory.descriptor.setOwnerOfEntry(uid: policy.uid, gid: policy.gid, directory.label)
                    }
                    report.homeDirectories.append(path)
                } catch {
                    report.isIncomplete = true
                    report.add(
                        Finding(
                            .warning, at: place.printable, "cannot be given to the agent: \(error.sentence)",
                            advice: (error as? SystemCallError)?.advice),
                        kind: "cannot be given to the agent")
                }
            }
        }
    }

    /// The absolute paths of those that are wrong.
    func wrong() -> [FilePath] {
        var result: [FilePath] = []
        visit { path, _, decision in
            if decision != .keep { result.append(machine.layout.home.appending(path.components)) }
        }
        return result
    }

    /// Calls `body` with every such directory that exists, lies on the home's own mount and is not the root of the machine.
    private func visit(_ body: (FilePath, Directory, OwnershipDecision) -> Void) {
        // What cannot be looked at is not repaired.
        guard let boundary = try? Boundary(machine.home.root), let top = try? machine.root.status() else { return }
        for path in paths {
            // A directory that is missing or cannot be reached without following a link is the business of the link repair.
            guard let directory = try? machine.home.directory(path), let status = try? directory.status(),
                boundary.contains(directory.descriptor, status), !status.isSameFile(as: top)
            else { continue }
            // One that cannot be read holds something.
            let isEmpty = (try? directory.names().isEmpty) ?? false
            body(path, directory, policy.decide(homeDirectory: OwnedEntry(status), isEmpty: isEmpty))
        }
    }
}

/// One file system tree without what is mounted in it.
struct Boundary {
    private let device: UInt64
    private let mount: UInt64?

    init(_ directory: Directory) throws(SystemCallError) {
        device = try directory.status().device
        mount = Mounts.id(of: directory.descriptor)
    }

    /// Whether an open entry lies on the same mount. Where the kernel tells mounts apart the device says nothing more: on
    /// an overlay files have devices of their own.
    func contains(_ descriptor: borrowing Descriptor, _ status: FileStatus) -> Bool {
        guard let mount, let other = Mounts.id(of: descriptor) else { return status.device == device }
        return mount == other
    }

    /// Whether a directory that is not open may lie on the same mount.
    func mayContain(_ status: FileStatus) -> Bool { status.kind != .directory || status.device == device }
}

extension OwnedEntry {
    /// What ownership is decided from, of what the file system tells.
    init(_ status: FileStatus) {
        let kind: Kind =
            switch status.kind {
            case .regular: .regular
            case .directory: .directory
            case .symlink: .symlink
            case .fifo, .socket: .endpoint
            case .blockDevice, .characterDevice: .device
            }
        self.init(kind: kind, uid: status.uid, gid: status.gid, linkCount: status.linkCount, mode: status.mode)
    }
}

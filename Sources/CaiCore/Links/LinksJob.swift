package import CaiModel
import CaiPlatform
import SystemPackage

/// Checks and repairs the links of a machine.
package struct LinksJob {
    let machine: Machine
    let entries: [Entry]

    package init(_ machine: Machine, entries: [Entry]) {
        self.machine = machine
        self.entries = entries
    }

    /// Plans, and unless it is a preview applies, the repair of all links.
    package func run(_ options: RunOptions, policy: LinkPolicy) throws -> RunReport<LinkPlan> {
        let report = try Engine(machine, entries: entries, options: options).run { source in
            let seen = Observer(machine).observe(entries, depth: .links)
            return planLinks(
                seen, baseline: source.baseline(for: seen), layout: machine.layout, policy: policy)
        }
        return report
    }

    /// Writes `.containai-links-checked-at` after a repair without problems, when it is missing, when an import came
    /// after it, or when the repair changed something. Otherwise a second repair writes nothing.
    ///
    /// `options` says how long to wait for the volume's lock, which others may hold; throws `VolumeLock.Held`.
    package func stamp(_ report: RunReport<LinkPlan>, _ options: RunOptions) throws {
        guard report.problems.isEmpty, report.detail.links.allSatisfy({ $0.obstacle?.severity != .error }) else {
            return
        }
        let stamps = TimestampFile(machine.volume)
        let checked = stamps.read(.linksChecked)
        let imported = stamps.read(.imported)
        let isFresh = checked != nil && (imported.map { $0 <= checked ?? $0 } ?? true)
        if isFresh, report.outcomes.allSatisfy({ $0.result == .planned }) { return }
        try VolumeLock.with(machine.volume, timeout: options.lockTimeout, command: options.command) { _ in
            try stamps.write(.linksChecked, Timestamp(secondsSinceEpoch: WallClock.seconds))
        }
    }
}

/// The two files of the volume that hold one line with a UTC time.
struct TimestampFile {
    enum Name: String {
        case linksChecked = ".containai-links-checked-at"
        case imported = ".containai-imported-at"
    }

    let volume: Tree
    init(_ volume: Tree) { self.volume = volume }

    /// The time in a file; nil when there is none that can be read.
    func read(_ name: Name) -> Timestamp? {
        guard let component = FilePath.Component(name.rawValue),
            let file = try? volume.root.openFile(component),  // missing or unreadable: as if never written
            let bytes = try? file.readAll(limit: 256, volume.root.label)
        else { return nil }
        return Timestamp(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" && $0 != "\r\n" })
    }

    /// Replaces a file, atomically. The caller holds the lock of the volume.
    func write(_ name: Name, _ time: Timestamp) throws {
        guard let component = FilePath.Component(name.rawValue) else { return }
        try StateDirectory(volume: volume).replace(
            component, in: volume.root, with: Array("\(time)\n".utf8), mode: 0o644)
    }
}

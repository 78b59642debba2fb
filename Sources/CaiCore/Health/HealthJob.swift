package import CaiModel
import CaiPlatform
import SystemPackage

/// Looks whether a container is well; it changes nothing.
package struct HealthJob {
    private let workplace: Workplace
    private let environment: [String: String]
    private let open: () throws -> (machine: Machine, entries: [Entry])

    /// `open` opens the trees and reads the manifests.
    package init(
        _ workplace: Workplace, environment: [String: String],
        open: @escaping () throws -> (machine: Machine, entries: [Entry])
    ) {
        self.workplace = workplace
        self.environment = environment
        self.open = open
    }

    /// Looks at everything. It never throws: what cannot be looked at is a check that failed.
    package func run() -> HealthReport {
        let isWithoutVolume = (try? workplace.volumeState()) == .unused  // what cannot be looked at fails below
        return HealthReport(
            HealthCheck.Name.allCases.map { name in
                if isWithoutVolume, name != .boot {
                    return HealthCheck(name, .ok, "nothing is kept on \(workplace.settings.path(.volume).printable)")
                }
                do {
                    switch name {
                    case .boot: return try boot()
                    case .links: return try links()
                    case .volume: return try volume()
                    }
                } catch MachineProblem.volumeMissing(let path) {
                    return HealthCheck(
                        name, .failed, "\(path.printable): the volume is not there",
                        advice: "docker run -v containai-data:\(path.printable) …")
                } catch MachineProblem.homeMissing(let path) {
                    return HealthCheck(name, .failed, "\(path.printable): the home directory is not there")
                } catch {
                    return HealthCheck(name, .failed, error.sentence)
                }
            })
    }

    private func boot() throws -> HealthCheck {
        let record = BootRecord(workplace, environment: environment)
        return HealthCheck(boot: try record.read(), canBeKept: record.canBeKept)
    }

    /// What a boot would mend: a link that leads elsewhere because the user made it so is the user's.
    private func links() throws -> HealthCheck {
        let (machine, entries) = try open()
        let options = RunOptions(
            command: "health", isPreview: true, lockTimeout: workplace.settings.duration(.lockTimeout),
            retention: workplace.settings.retention)
        let report = try workplace.asOwner {
            try LinksJob(machine, entries: entries).run(options, policy: .respectStrangers)
        }
        return HealthCheck(links: report.detail)
    }

    /// Writes to a nameless file, which nobody sees, and which is gone at once.
    private func volume() throws -> HealthCheck {
        let path = workplace.settings.path(.volume)
        let volume = try workplace.machine().volume
        try workplace.asOwner { try volume.root.checkWriting() }
        return HealthCheck(.volume, .ok, "\(path.printable) can be written")
    }
}

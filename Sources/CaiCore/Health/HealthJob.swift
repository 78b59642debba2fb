package import CaiModel
import CaiPlatform
import SystemPackage

/// Looks whether a container is well; it changes nothing.
package struct HealthJob {
    private let workplace: Workplace
    private let environment: [String: String]
    private let answers: (Int) -> Bool
    private let open: () throws -> (machine: Machine, entries: [Entry], directories: [PlacedDirectory])

    /// `open` opens the trees and reads the manifests; `answers` tells whether a page comes from a port of this machine.
    package init(
        _ workplace: Workplace, environment: [String: String], answers: @escaping (Int) -> Bool,
        open: @escaping () throws -> (machine: Machine, entries: [Entry], directories: [PlacedDirectory])
    ) {
        self.workplace = workplace
        self.environment = environment
        self.answers = answers
        self.open = open
    }

    /// Looks at everything. It never throws: what cannot be looked at is a check that failed.
    package func run() -> HealthReport {
        let isWithoutVolume = (try? workplace.volumeState()) == .unused  // what cannot be looked at fails below
        let checks = HealthCheck.Name.allCases.compactMap { name -> HealthCheck? in
            if isWithoutVolume, [.agents, .links, .volume].contains(name) {
                return HealthCheck(name, .ok, "nothing is kept on \(workplace.settings.path(.volume).printable)")
            }
            do {
                switch name {
                case .boot: return try boot()
                case .agents: return try agents()
                case .links: return try links()
                case .volume: return try volume()
                case .services: return try services()
                case .opencode: return opencode()
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
        }
        // A record that cannot be read is a check that failed already.
        let states = try? BootRecord(workplace, environment: environment).readServices()
        return HealthReport(checks, services: states?.services ?? [])
    }

    private func services() throws -> HealthCheck? {
        let record = BootRecord(workplace, environment: environment)
        return HealthCheck(
            services: try record.readServices(), declared: workplace.settings.services, canBeKept: record.canBeKept)
    }

    /// What the predecessor's image looked at (predecessors 2.7): the broker, its socket, and the page.
    private func opencode() -> HealthCheck? {
        guard workplace.settings.text(.preset) == Preset.opencode.rawValue else { return nil }
        let port = ["OPENCODE_PORT", "PORT"].lazy.compactMap { environment[$0].flatMap { Int($0) } }.first ?? 3000
        // What cannot be looked at is no socket that anybody can use.
        let socket = try? workplace.root.openInRoot("/run/opencode").status(of: "auth.sock")
        return HealthCheck(
            opencode: OpencodeSight(
                hasBroker: ProcessTree.isRunning("opencode-broker"), hasSocket: socket?.kind == .socket,
                answersOn: answers(port), port: port))
    }

    private func boot() throws -> HealthCheck {
        let record = BootRecord(workplace, environment: environment)
        return HealthCheck(boot: try record.read(), canBeKept: record.canBeKept)
    }

    /// The agents whose state is kept, and those whose state is not.
    private func agents() throws -> HealthCheck? {
        let (machine, _, directories) = try open()
        let workspace = workplace.settings.path(.workspace)
        let (states, hints) = try workplace.asOwner {
            let job = AgentStatusJob(machine, directories: directories)
            return (job.summaries(), job.hints(workspace: workspace))
        }
        return HealthCheck(agents: states, hints: hints)
    }

    /// What a boot would mend: a link that leads elsewhere because the user made it so is the user's.
    private func links() throws -> HealthCheck {
        let (machine, entries, _) = try open()
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

package import CaiModel
import CaiPlatform
import Synchronization
import SystemPackage

/// The jobs of the agent service, on the settings that hold at the moment. They block, and change the identity of the thread
/// they run on for a while: one at a time, on a thread of their own.
package final class AgentWork: Sendable {
    private let manifests: ManifestLoader
    private let environment: [String: String]
    private let answers: @Sendable (Int) -> Bool
    private let find: @Sendable () throws -> Workplace
    private let current: Mutex<Workplace>

    /// `find` reads the settings again; `answers` is that of `HealthJob`.
    package init(
        _ workplace: Workplace, manifests: ManifestLoader, environment: [String: String],
        answers: @escaping @Sendable (Int) -> Bool, find: @escaping @Sendable () throws -> Workplace
    ) {
        current = Mutex(workplace)
        self.manifests = manifests
        self.environment = environment
        self.answers = answers
        self.find = find
    }

    private var workplace: Workplace { current.withLock { $0 } }

    /// What `cai health` looks at.
    package func health() -> HealthReport {
        let workplace = workplace
        return HealthJob(workplace, environment: environment, answers: answers) {
            let machine = try workplace.machine()
            let specifications = workplace.settings.list(.linkSpecifications).map { FilePath($0) }
            let directory = workplace.settings.path(.imageManifests)
            let entries = try workplace.asOwner {
                let known = self.manifests.load(machine, imageDirectory: directory).manifest.entries
                return known + LinkSources(machine).entries(specifications, besides: known).entries
            }
            return (machine, entries)
        }.run()
    }

    /// Reads the settings again, of which those hold that can be used, and does what `cai init --repair` does. It never
    /// throws: what does not work is a finding.
    package func reload() -> AgentReload {
        var findings: [Finding] = []
        do {
            let found = try find()
            current.withLock { $0 = found }
        } catch {
            findings.append(Finding(unreadable: error, at: workplace.rootPath.printable))
        }
        let workplace = workplace
        let request = InitRequest(
            isPreview: false, strict: [], force: false, environment: environment, steps: BootStepName.repair
        ) { _, _ in }
        let (report, _) = InitJob(workplace, manifests: manifests, request: request).run()
        let changes = report.steps.reduce(0) { $0 + $1.changes }
        return AgentReload(
            peers: workplace.peers, findings: findings + report.steps.flatMap(\.findings),
            summary: "the repair was \(report.status.rawValue), \(changes) change\(changes == 1 ? "" : "s")")
    }
}

extension Workplace {
    /// Who may use the agent socket.
    package var peers: PeerPolicy { PeerPolicy(owner: owner.uid, service: Identity.uid, settings: settings) }
}

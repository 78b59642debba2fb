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

    /// The settings that hold at the moment.
    package var workplace: Workplace { current.withLock { $0 } }

    /// What `cai health` looks at.
    package func health() -> HealthReport {
        let workplace = workplace
        return HealthJob(workplace, environment: environment, answers: answers) {
            let machine = try workplace.machine()
            let found = try workplace.asOwner {
                MachineManifests(self.manifests, machine, workplace.settings, environment: self.environment)
            }
            return (machine, found.entries, found.directories)
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
        if let problem = workplace.tokenProblem { findings.append(problem) }
        let changes = report.steps.reduce(0) { $0 + $1.changes }
        return AgentReload(
            peers: workplace.peers, findings: findings + report.steps.flatMap(\.findings),
            summary: "the repair was \(report.status.rawValue), \(changes) change\(changes == 1 ? "" : "s")")
    }
}

extension AgentWork {
    /// What the service is and works on.
    package func status(
        version: String, commit: String, start: Timestamp, guardsLinks: Bool
    ) -> ServiceStatus {
        let workplace = workplace
        let now = WallClock.seconds
        let volume = try? workplace.root.openInRoot(workplace.settings.path(.volume))  // then it is told as absent
        let stamps = try? workplace.asOwner {
            [".containai-imported-at", ".containai-links-checked-at"].map { volume?.firstLine(of: $0) }
        }
        return ServiceStatus(
            version: version, commit: commit, pid: ProcessFacts.id, started: start.description,
            uptime: max(0, now - start.secondsSinceEpoch),
            volumeState: (try? workplace.volumeState()).map { "\($0)" } ?? "unknown",
            volume: workplace.settings.text(.volume), ownerUID: workplace.owner.uid, guardsLinks: guardsLinks,
            lastImport: stamps?[0], linksChecked: stamps?[1],
            // One that cannot be read tells nothing.
            boot: try? BootRecord(workplace, environment: environment).read()?.status.rawValue)
    }
}

extension Directory {
    /// The first line of a small file; nil where there is none.
    fileprivate func firstLine(of name: FilePath.Component) -> String? {
        guard let file = try? openFile(name), let bytes = try? file.readAll(limit: 4096, label) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}

extension Workplace {
    /// Who may use the agent socket. A token file that cannot be used is a finding of `tokenProblem`.
    package var peers: PeerPolicy {
        PeerPolicy(owner: owner.uid, service: Identity.uid, settings: settings, token: (try? token()) ?? .unknown)
    }

    /// What is wrong with the token file; nil when nothing is.
    package var tokenProblem: Finding? {
        do {
            guard case .unknown = try token() else { return readableToken }
            return Finding(
                .error, at: settings.text(.socketToken), "holds no token, so nobody may use the agent socket",
                advice: "put one line of at least 16 characters there")
        } catch {
            return Finding(unreadable: error, at: settings.text(.socketToken))
        }
    }

    /// A token that other users can read keeps none of them from the socket.
    private var readableToken: Finding? {
        let path = settings.text(.socketToken)
        guard !path.isEmpty, let file = try? root.openFileInRoot(FilePath(path)),
            let status = try? file.status(FilePath(path)), status.mode & 0o004 != 0  // unreadable: said above
        else { return nil }
        return Finding(
            .warning, at: FilePath(path).printable,
            "has mode \(String(status.mode & 0o777, radix: 8)): every user of the container can read the token",
            advice: "chmod 0600 \(shellQuoted(FilePath(path).printable))")
    }

    /// The first line of the token file, which the operator named.
    private func token() throws -> PeerPolicy.Token {
        let path = settings.text(.socketToken)
        if path.isEmpty { return .none }
        let bytes = try root.openFileInRoot(FilePath(path)).readAll(limit: 4096, FilePath(path))
        let line = Array(bytes.prefix { $0 != 0x0A && $0 != 0x0D })
        return line.count >= 16 ? .required(line) : .unknown
    }
}

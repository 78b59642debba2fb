package import CaiModel
package import CaiPlatform
package import SystemPackage

/// The persistence check: looks at paths once, links followed inside one root, and judges each. It changes nothing,
/// asks no network, and a file system that does not answer is not asked where the mount table tells enough.
package struct PersistenceCheck: Sendable {
    private let paths: [PersistentPath]
    private let root: FilePath
    private let environment: [String: String]

    /// What to look at: `root` is the directory that stands for `/`, `environment` the variables of
    /// `HostingPlatform.variables`.
    package init(_ paths: [PersistentPath], below root: FilePath = "/", environment: [String: String]) {
        self.paths = paths
        self.root = root
        self.environment = environment
    }

    /// The variables of this process that the check looks at.
    package static var environmentOfThisProcess: [String: String] {
        Dictionary(
            HostingPlatform.variables.compactMap { name in environmentValue(name).map { (name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Looks and judges. Throws only when the root directory cannot be opened; a path that cannot be looked at gets a
    /// verdict that says so, and without /proc what cannot be told is unknown.
    package func run() throws(SystemCallError) -> PersistenceReport {
        let lookup = try RootedLookup(root: root)
        var findings: [Finding] = []
        let table: MountTable
        do {
            table = MountTable(parsing: try Mounts.table())
        } catch {
            table = MountTable()
            findings.append(
                Finding(
                    .warning, at: "/proc/self/mountinfo", "The mounts cannot be read: \(error).", advice: "Mount /proc."
                ))
        }
        let surroundings = MountSurroundings(
            table: table, rootMountID: lookup.mountID, root: root,
            isKubernetesEnvironment: environment["KUBERNETES_SERVICE_HOST", default: ""].isEmpty == false)
        let classifier = MountClassifier(surroundings)
        let verdicts = paths.map { path in
            let sighting = sight(path.path, lookup, table)
            return PersistenceVerdict(path, sighting: sighting, classification: classifier.classify(sighting))
        }
        return PersistenceReport(
            verdicts: verdicts, platform: HostingPlatform(environment: environment),
            container: ContainerDecision(ContainerFacts(ContainerEvidence.gather())),
            findings: findings + table.findings)
    }

    private func sight(_ path: FilePath, _ lookup: RootedLookup, _ table: MountTable) -> PathSighting {
        do {
            let found = try lookup.find(path)
            let resolved = root.appending(found.resolved.components)
            let id = Mounts.id(of: found.descriptor)
            let isTold = id.map { table.mount(id: $0) != nil } ?? (table.mount(holding: resolved) != nil)
            let facts = isTold ? (magic: nil, isReadOnly: nil) : Mounts.fileSystem(of: found.descriptor)
            let presence: PathSighting.Presence =
                !found.missing.isEmpty ? .missing : found.isDirectory ? .directory : .other
            return PathSighting(
                presence: presence, resolved: resolved, mountID: id, isMountPoint: found.isMountPoint,
                magic: facts.magic, isReadOnly: facts.isReadOnly)
        } catch {
            return PathSighting(
                presence: .unreadable("\(error.errno)"), resolved: root.appending(path.components), mountID: nil)
        }
    }
}

extension ContainerFacts {
    /// The facts that the decision needs, of what the machine shows.
    package init(_ evidence: ContainerEvidence) {
        self.init(
            pidNamespace: evidence.pidNamespace, userNamespace: evidence.userNamespace,
            controlGroups: evidence.controlGroups, hasContainerEnv: evidence.hasContainerEnv,
            hasDockerEnv: evidence.hasDockerEnv, containerVariable: evidence.containerVariable)
    }
}

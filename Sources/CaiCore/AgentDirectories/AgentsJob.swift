package import CaiModel
import CaiPlatform
package import SystemPackage

/// Prepares the agent directories on the volume and the local parts in the container: the boot step `agents`.
///
/// First existing content is converted, all together and undoable; then missing directories and links are made. The links in
/// the home are put by the step `links`, which also moves real directories to the volume.
package struct AgentsJob {
    private let machine: Machine
    private let entries: [Entry]
    private let directories: [PlacedDirectory]
    private let localDirectory: FilePath

    /// `entries` are all entries as they hold on the machine, `directories` the agent directories in their places.
    package init(_ machine: Machine, entries: [Entry], directories: [PlacedDirectory], localDirectory: FilePath) {
        self.machine = machine
        self.entries = entries
        self.directories = directories
        self.localDirectory = localDirectory
    }

    /// The reports of the parts of the job.
    struct Result {
        let local: LocalParts.Work
        let migration: RunReport<Plan>
        let targets: RunReport<Plan>
    }

    /// Carries it out, or only plans it. To be called as the owner. Throws `VolumeLock.Held` and `SystemCallError`.
    func run(_ options: RunOptions) throws -> Result {
        let local = LocalParts(machine, path: localDirectory).prepare(directories, isPreview: options.isPreview)
        let layout = machine.layout
        let seen = observe(local)
        let source = SourceTree(root: machine.volume.root, names: [layout.volume])
        let migration = try run(planAgentMigration(seen, layout: layout), options, source) {
            planAgentMigration(observe(local), layout: layout)
        }
        let targets = try run(planAgentTargets(seen, layout: layout), options, nil) {
            let now = observe(local)
            // The next start has to know that something is left to convert. A preview has converted nothing yet.
            let isMigrated =
                options.isPreview || now.isComplete && planAgentMigration(now, layout: layout).steps.isEmpty
            return planAgentTargets(now, layout: layout, isMigrated: isMigrated)
        }
        return Result(local: local, migration: migration, targets: targets)
    }

    /// Runs a plan that is made again under the lock. An empty one, which almost every start has, costs nothing more.
    private func run(
        _ first: Plan, _ options: RunOptions, _ source: SourceTree?, _ plan: () -> Plan
    ) throws -> RunReport<Plan> {
        if first.isEmpty {
            return RunReport(
                detail: first, outcomes: [], findings: first.findings, run: nil, isPreview: options.isPreview)
        }
        return try Engine(machine, entries: entries, options: options, source: source).run { _ in plan() }
    }

    private func observe(_ local: LocalParts.Work) -> AgentVolumeObservation {
        AgentVolumeObserver(machine, localDirectory: localDirectory)
            .observe(directories, entries: entries, hasLocal: local.isUsable)
    }

    /// Removes the links of directories that their agents reach by a variable. To be called as the owner.
    func removeUnwantedLinks(_ options: RunOptions) throws -> RunReport<Plan> {
        let isUnneeded = !directories.contains { $0.placement == .variable }
        if isUnneeded {
            return RunReport(detail: Plan(), outcomes: [], findings: [], run: nil, isPreview: options.isPreview)
        }
        return try Engine(machine, entries: entries, options: options).run { _ in
            let reader = NodeReader(machine.home)
            var plan = Plan()
            for directory in directories where directory.placement == .variable {
                guard directory.declaration.variable != nil, let path = directory.homePath else { continue }
                let text = machine.layout.linkText(to: directory.declaration.target)
                guard case .symlink(text) = reader.node(atLink: path.relative) else { continue }
                plan.steps.append(.removeLink(path, text: text))
            }
            return plan
        }
    }
}

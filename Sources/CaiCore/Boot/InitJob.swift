package import CaiModel
import CaiPlatform
import SystemPackage

/// What a boot is asked to do.
package struct InitRequest {
    package let isPreview: Bool
    /// Steps whose failure fails the boot.
    package let strict: Set<BootStepName>
    /// Leave out the check that this is a container with a volume.
    package let force: Bool
    package let environment: [String: String]
    /// Gets each line that a hook prints, with the hook's name.
    package let log: (String, String) -> Void
    /// The steps to run.
    package let steps: [BootStepName]

    package init(
        isPreview: Bool, strict: Set<BootStepName>, force: Bool, environment: [String: String],
        steps: [BootStepName] = BootStepName.allCases,
        log: @escaping (String, String) -> Void
    ) {
        self.isPreview = isPreview
        self.strict = strict
        self.force = force
        self.environment = environment
        self.steps = steps
        self.log = log
    }
}

/// The first part of every start (design, "Boot"): named steps in a fixed order, each timed and isolated. Whatever a step
/// throws or finds, the others are tried; only what the operator declared essential fails the boot.
package struct InitJob {
    let workplace: Workplace
    let manifests: ManifestLoader
    let request: InitRequest

    package init(_ workplace: Workplace, manifests: ManifestLoader, request: InitRequest) {
        self.workplace = workplace
        self.manifests = manifests
        self.request = request
    }

    /// What is there behind the steps besides their report.
    package struct Rest: Sendable {
        /// What the environment of a workload gets.
        package let variables: [EnvironmentFile.Assignment]
        /// The variables that name agent directories on the volume.
        package let agentVariables: [(name: String, value: String)]
        /// The code of the first login that the report's lines show.
        let code: BootstrapAnswer?
    }

    /// Runs the steps. Never throws: what goes wrong is in the report.
    package func run() -> (report: BootReport, rest: Rest) {
        let start = ContinuousClock.now
        let started = Timestamp(secondsSinceEpoch: WallClock.seconds)
        var boot = Boot(self)
        let steps = request.steps.map { name in
            let begin = ContinuousClock.now
            var work = boot.carryOut(name)
            if name == request.steps.last { work.findings += boot.finish() }
            return BootStep(
                name: name.rawValue, outcome: work.outcome, duration: ContinuousClock.now - begin,
                findings: work.findings, changes: work.changes, lines: work.lines,
                actions: work.actions, code: work.code)
        }
        let report = BootReport(
            started: started, duration: ContinuousClock.now - start, steps: steps,
            essential: Set(request.strict.map(\.rawValue)), isPreview: request.isPreview,
            isRefused: boot.isRefused)
        return (report, Rest(variables: boot.variables, agentVariables: boot.agentVariables, code: boot.code))
    }

    /// Notes that the lines of the report were written to the log. Returns what kept it from being noted.
    package func wasShown(_ rest: Rest) -> Finding? {
        rest.code.flatMap { BootstrapJob(workplace, mode: .own).wasShown($0) }
    }

    /// Keeps the report for `cai status`; a preview leaves no trace. Returns what kept it from being written.
    package func record(_ report: BootReport) -> Finding? {
        guard !report.isPreview else { return nil }
        return BootRecord(workplace, environment: request.environment).write(report)
    }
}

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
    /// The time of the whole boot, of which each step gets a share; nil if it has no limit.
    package let time: Duration?
    /// Hears of each step before it is done.
    package let begin: (BootStepName) -> Void

    package init(
        isPreview: Bool, strict: Set<BootStepName>, force: Bool, environment: [String: String],
        steps: [BootStepName] = BootStepName.allCases, time: Duration? = nil,
        begin: @escaping (BootStepName) -> Void = { _ in }, log: @escaping (String, String) -> Void
    ) {
        self.isPreview = isPreview
        self.strict = strict
        self.force = force
        self.environment = environment
        self.steps = steps
        self.time = time
        self.begin = begin
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
        // Reading the manifests is part of the first step.
        var boot = WorkBudget.with(share(of: .journal, after: .zero)) { Boot(self) }.result
        let steps = request.steps.map { name in
            let begin = ContinuousClock.now
            request.begin(name)
            var (work, isUsedUp) = WorkBudget.with(share(of: name, after: begin - start)) { boot.carryOut(name) }
            if isUsedUp || work.findings.contains(where: \.isLate) { work.findings = late(work.findings, in: name) }
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

    /// The time that a step has for content of users: half of what is left of two fifths of the boot, at least a second. Users
    /// and hooks, which come last, have the rest, and limits of their own.
    private func share(of name: BootStepName, after elapsed: Duration) -> Duration? {
        guard let time = request.time, ![.users, .bootstrap, .hooks].contains(name) else { return nil }
        return max((time * 2 / 5 - elapsed) / 2, .seconds(1))
    }

    /// One finding that names the step, and the first few of what it left.
    private func late(_ findings: [Finding], in name: BootStepName) -> [Finding] {
        let left = findings.filter(\.isLate)
        return findings.filter { !$0.isLate } + left.prefix(3)
            + [
                Finding(
                    .warning, at: "cai init",
                    "the step \(name.rawValue) has used up its time; what it left is tried again at the next start",
                    advice: "run cai init by hand, which has no limit; du -a --apparent-size shows what is large")
            ]
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

extension Finding {
    /// True if it is about something that a step had no time for.
    fileprivate var isLate: Bool { sentence.contains(WorkBudget.reason) }
}

import Synchronization

/// All faults of one scenario, shared between jobs.
final class Campaign: Sendable {
    let scenario: Scenario
    private let report: Report
    private let onlyFault: Fault?

    private struct State {
        var faults: [Fault]?
        var next = 0
        var isRehearsed = false
        /// Of each group of faults: how many were tried, how many are still to come, how many failed, how many killed.
        var tallies: [String: (done: Int, total: Int, failed: Int, killed: Int)] = [:]
    }
    private let state = Mutex(State())

    init(_ scenario: Scenario, _ report: Report, fault: Fault?) {
        self.scenario = scenario
        self.report = report
        onlyFault = fault
    }

    /// Takes faults until none is left.
    func work(in world: World, isThorough: Bool) throws {
        let trial = try Trial(scenario, world)
        let problems = try trial.rehearse()
        let faults = onlyFault.map { [$0] } ?? FaultSelection(calls: trial.calls, isThorough: isThorough).faults
        begin(faults.filter { scenario.ground != .one || !$0.needsOwnVolume }, problems)
        while let fault = takeNext() {
            let problems = try trial.attempt(fault)
            finish(fault, problems, wasKilled: trial.wasKilled)
        }
    }

    private func begin(_ faults: [Fault], _ problems: [String]) {
        let isFirst = state.withLock { state in
            defer { state.isRehearsed = true }
            guard !state.isRehearsed else { return false }
            state.faults = faults
            for fault in faults { state.tallies[fault.group, default: (0, 0, 0, 0)].total += 1 }
            return true
        }
        guard isFirst else { return }
        report.tried(problems.isEmpty, "\(scenario.title): undisturbed", problems, reproduce: scenario.title)
        if problems.isEmpty { report.say("ok - \(scenario.title): undisturbed, twice") }
    }

    private func takeNext() -> Fault? {
        state.withLock { state in
            guard let faults = state.faults, state.next < faults.count else { return nil }
            defer { state.next += 1 }
            return faults[state.next]
        }
    }

    private func finish(_ fault: Fault, _ problems: [String], wasKilled: Bool) {
        let command = scenario.command.joined(separator: " ")
        report.tried(
            problems.isEmpty, "\(scenario.title): \(fault)", problems, reproduce: "\(scenario.title)@\(fault)",
            strace: fault.injection.map { "strace -f -e inject=\($0.expression) cai \(command)" })
        let tally = state.withLock { state in
            var tally = state.tallies[fault.group] ?? (0, 0, 0, 0)
            tally.done += 1
            if !problems.isEmpty { tally.failed += 1 }
            if wasKilled { tally.killed += 1 }
            state.tallies[fault.group] = tally
            return tally
        }
        guard tally.done == tally.total else { return }
        if case .kill = fault, tally.killed == 0 {
            return report.failed("\(scenario.title): \(fault.group): nothing was killed")
        }
        guard tally.failed == 0 else { return }
        report.say("ok - \(scenario.title): \(fault.group) (\(tally.total))")
    }
}

extension Fault {
    /// Whether it changes how the volume is mounted.
    var needsOwnVolume: Bool {
        switch self {
        case .fullVolume, .readOnlyVolume: true
        default: false
        }
    }
}

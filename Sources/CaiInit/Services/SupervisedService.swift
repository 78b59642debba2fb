import CaiPlatform

/// What there is to tell of a service.
package struct ServiceState: Hashable, Sendable {
    package enum Phase: String, Sendable {
        case waiting, starting, running, pausing, stopping, ended, failed
    }

    package let name: String
    package let phase: Phase
    /// Whether it has said that it does its work, where it was to say so.
    package let isReady: Bool
    package let isEssential: Bool
    /// How often it was started again.
    package let restarts: Int
    /// With which code it ended last.
    package let code: Int32?
}

/// The life of one service, as the supervisor sees it.
struct SupervisedService: Sendable {
    typealias Action = Supervisor.Action

    private(set) var plan: ServicePlan
    private(set) var phase = ServiceState.Phase.waiting
    /// Failures since it was healthy for a minute: how long the next pause is.
    var failures = 0
    private var restarts = 0
    private var code: Int32?
    /// Whether those that wait for it need not any more: it was ready once, or took too long, or will never be.
    private(set) var hasSettled = false
    private var isOverdue = false
    private var isReadyWatched = false
    /// The pause before the next look whether it is ready.
    private var probePause = firstProbePause
    /// What it is to be when it has ended.
    private var next: ServicePlan?
    /// Whether it is no service any more when it has ended.
    private(set) var isRemoved = false

    init(_ plan: ServicePlan) { self.plan = plan }

    private var name: String { plan.name }
    var isStarting: Bool { phase == .starting }
    var hasProcess: Bool { [.starting, .running, .stopping].contains(phase) }

    /// Whether the command waits for it: for those that tell when they do their work, and for essential ones to be started.
    /// Nothing waits for the agent service.
    var isAwaited: Bool { (plan.readiness != .none || plan.isEssential) && !plan.isAgentService }

    /// The code with which it ends the container.
    var essentialFailure: Int32? { plan.isEssential && phase == .failed ? max(code ?? 1, 1) : nil }

    var told: ServiceState {
        ServiceState(
            name: name, phase: phase, isReady: phase == .running, isEssential: plan.isEssential, restarts: restarts,
            code: code)
    }

    // MARK: Starting

    mutating func begin() -> [Action] {
        guard !plan.command.isEmpty else {
            code = unusableCode
            phase = .failed
            hasSettled = true
            return [.tell(name, .unusable)]
        }
        phase = .starting
        probePause = firstProbePause
        guard plan.readiness != .none, !hasSettled, !isReadyWatched else { return [.start(plan)] }
        isReadyWatched = true
        return [.watch(name, .ready, .milliseconds(plan.readyTime)), .start(plan)]
    }

    mutating func started() -> [Action] {
        guard phase == .starting else { return [] }
        let health: [Action] = failures > 0 ? [.watch(name, .health, healthTime)] : []
        switch plan.readiness {
        case .none:
            phase = .running
            hasSettled = true
            return health
        case .notify, .descriptor: return health
        case .socket, .command: return health + [.watch(name, .probeEnd, .seconds(10)), .probe(plan)]
        }
    }

    mutating func becameReady() -> [Action] {
        guard phase == .starting else { return [] }
        phase = .running
        hasSettled = true
        // It works, and restarting it is its own business: see `ServicePlan.agentService`.
        if plan.isAgentService { failures = 0 }
        return [.forget(name, .ready), .forget(name, .probe), .forget(name, .probeEnd)]
    }

    mutating func probeFailed() -> [Action] {
        guard phase == .starting else { return [] }
        let pause = isOverdue ? overdueProbePause : probePause
        probePause = min(probePause * 2, longestProbePause)
        return [.forget(name, .probeEnd), .watch(name, .probe, pause)]
    }

    mutating func overdue(isFatal: Bool) -> [Action] {
        isOverdue = true
        hasSettled = true
        if plan.isAgentService { return [] }
        return [.tell(name, .notReady(after: .milliseconds(plan.readyTime), isFatal: isFatal))]
    }

    // MARK: Ending

    /// It has ended, or could not be started.
    mutating func ended(_ code: Int32, canRestart: Bool) -> [Action] {
        self.code = code
        let wasStopping = phase == .stopping
        let forgotten: [Action] = [.health, .probe, .probeEnd, .stop].map { .forget(name, $0) } + [.endProbe(name)]
        if wasStopping, let next, canRestart {
            self = SupervisedService(next)
            return forgotten + [.forget(name, .ready)]
        }
        let isFailure = plan.isFailure(code)
        let wantsRestart = plan.restart == .always || (plan.restart == .onFailure && isFailure)
        if wasStopping || !canRestart {
            return forgotten + settle(as: .ended)
        }
        if wantsRestart, plan.restartLimit.map({ failures < $0 }) ?? true { return forgotten + pause(code) }
        if wantsRestart {
            return forgotten + settle(as: .failed) + [.tell(name, .gaveUp(code: code, restarts: failures))]
        }
        let notice: Supervisor.Notice = isFailure ? .gaveUp(code: code, restarts: 0) : .finished(code: code)
        return forgotten + settle(as: isFailure ? .failed : .ended) + [.tell(name, notice)]
    }

    private mutating func pause(_ code: Int32) -> [Action] {
        phase = .pausing
        // 2^30 milliseconds are longer than the longest pause there can be, and 2^30 days fit.
        let pause = Duration.milliseconds(min(plan.pause << min(failures, 30), plan.longestPause))
        failures += 1
        restarts += 1
        return [.tell(name, .ended(code: code, restartsAfter: pause)), .watch(name, .restart, pause)]
    }

    private mutating func settle(as phase: ServiceState.Phase) -> [Action] {
        self.phase = phase
        hasSettled = true
        return [.forget(name, .ready)]
    }

    /// Whoever has no process is not started any more.
    mutating func giveUpWaiting() -> [Action] {
        guard phase == .waiting || phase == .pausing else { return [] }
        return settle(as: .ended) + [.forget(name, .restart)]
    }

    mutating func stop() -> [Action] {
        guard phase == .starting || phase == .running else { return [] }
        phase = .stopping
        let ask: Action = plan.stopCommand.isEmpty ? .ask(plan) : .runStopCommand(plan)
        return [.forget(name, .ready), .endProbe(name), .watch(name, .stop, .milliseconds(plan.stopTime)), ask]
    }

    // MARK: Other declarations

    mutating func redeclare(_ plan: ServicePlan) -> [Action] {
        isRemoved = false
        if hasProcess {
            guard plan != self.plan || phase == .stopping else { return [] }
            next = plan
            return stop()
        }
        guard plan != self.plan || phase == .failed || phase == .pausing else { return [] }
        self = SupervisedService(plan)
        return [.forget(name, .ready), .forget(name, .restart)]
    }

    mutating func remove() -> [Action] {
        isRemoved = true
        next = nil
        return hasProcess ? stop() : [.forget(name, .ready), .forget(name, .restart)]
    }
}

private let healthTime = Duration.seconds(60)
private let firstProbePause = Duration.milliseconds(20)
private let longestProbePause = Duration.seconds(1)
/// Between looks at one that was not ready in time.
private let overdueProbePause = Duration.seconds(10)
/// What stands for a declaration that cannot be used (sysexits.h, EX_CONFIG).
private let unusableCode: Int32 = 78

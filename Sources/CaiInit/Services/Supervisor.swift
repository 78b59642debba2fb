package import CaiPlatform

/// The lives of all services, from the end of the boot to the end of the container: events go in, actions come out.
///
/// Like `Lifecycle` it knows no clock, no process and no descriptor. Services stand in the order in which they are started,
/// each behind those that it comes after; they are stopped in the reverse order, one after the other.
package struct Supervisor: Sendable {
    /// A time that may run out for a service.
    package enum Timer: Hashable, Sendable, CaseIterable {
        /// The pause before a restart.
        case restart
        /// For it to get ready.
        case ready
        /// Of health, after which earlier failures are forgotten.
        case health
        /// Between two looks whether it is ready.
        case probe
        /// For one such look.
        case probeEnd
        /// Between asking and killing.
        case stop
    }

    /// What happened.
    package enum Event: Hashable, Sendable {
        /// The boot is over.
        case begin
        case started(String)
        /// It could not be started; the exit code stands for the reason.
        case startFailed(String, code: Int32)
        case ended(String, code: Int32)
        /// It has said that it does its work.
        case ready(String)
        /// Somebody has looked.
        case probed(String, isReady: Bool)
        case stopCommandEnded(String)
        case elapsed(String, Timer)
        /// The end of the container has begun: whoever ends now is not started again.
        case close
        /// All of them are to end.
        case stop
        /// Other services were declared.
        case reload([ServicePlan])
    }

    /// What is to be done.
    package enum Action: Hashable, Sendable {
        case start(ServicePlan)
        case probe(ServicePlan)
        case endProbe(String)
        case runStopCommand(ServicePlan)
        /// To send it its signal.
        case ask(ServicePlan)
        /// To end it and all below it, at once.
        case kill(String)
        case watch(String, Timer, Duration)
        case forget(String, Timer)
        case tell(String, Notice)
        /// Nobody waits for a service any more: the command may be started.
        case settled
        /// An essential service has failed; the exit code stands for it.
        case fail(code: Int32)
        /// All of them have ended.
        case stopped
    }

    /// Something that people should read in the log.
    package enum Notice: Hashable, Sendable {
        case ended(code: Int32, restartsAfter: Duration)
        case finished(code: Int32)
        case gaveUp(code: Int32, restarts: Int)
        case unusable
        case notReady(after: Duration, isFatal: Bool)
        case stopTimedOut
    }

    private(set) var services: [SupervisedService] = []
    private let isStrict: Bool
    private var hasBegun = false
    private var isClosed = false
    private var isStopping = false
    private var isSettled = false
    private var hasFailed = false

    /// The services of a boot. `isStrict` makes a service that is not ready in time a failure, as `essential` does.
    package init(_ plans: [ServicePlan], isStrict: Bool) {
        self.isStrict = isStrict
        services = plans.map { SupervisedService($0) }
    }

    /// What there is to tell of each service.
    package var states: [ServiceState] { services.map(\.told) }

    /// Takes an event in. Returns what is to be done, in this order.
    package mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .begin:
            hasBegun = true
            return advance()
        case .close:
            isClosed = true
            return giveUpWaiting()
        case .stop:
            isClosed = true
            isStopping = true
            return giveUpWaiting() + stopNext()
        case .reload(let plans): return hasBegun && !isClosed ? reload(plans) : []
        case .started(let name): return change(name) { $0.started() }
        case .startFailed(let name, let code), .ended(let name, let code): return ended(name, code)
        case .ready(let name), .probed(let name, true): return change(name) { $0.becameReady() }
        case .probed(let name, false): return change(name) { $0.probeFailed() }
        case .stopCommandEnded(let name): return change(name) { $0.phase == .stopping ? [.ask($0.plan)] : [] }
        case .elapsed(let name, let timer): return elapsed(name, timer)
        }
    }

    // MARK: What happens to one of them

    private mutating func change(_ name: String, _ body: (inout SupervisedService) -> [Action]) -> [Action] {
        guard let index = services.firstIndex(where: { $0.plan.name == name }) else { return [] }
        return body(&services[index]) + advance()
    }

    private mutating func elapsed(_ name: String, _ timer: Timer) -> [Action] {
        let isStrict = isStrict
        return change(name) { service in
            switch timer {
            case .restart where service.phase == .pausing: return service.begin()
            case .ready where service.isStarting || service.phase == .pausing:
                let isFatal = service.isAwaited && (service.plan.isEssential || isStrict)
                return service.overdue(isFatal: isFatal) + (isFatal ? [.fail(code: timeoutCode)] : [])
            case .health:
                service.failures = 0
                return []
            case .probe where service.isStarting: return [.watch(name, .probeEnd, longestProbe), .probe(service.plan)]
            case .probeEnd: return [.endProbe(name)]
            case .stop where service.phase == .stopping: return [.tell(name, .stopTimedOut), .kill(name)]
            default: return []
            }
        }
    }

    private mutating func ended(_ name: String, _ code: Int32) -> [Action] {
        guard let index = services.firstIndex(where: { $0.plan.name == name }) else { return [] }
        var actions = services[index].ended(code, canRestart: !isClosed)
        if services[index].isRemoved { services.remove(at: index) }
        actions += advance()
        return isStopping ? actions + stopNext() : actions
    }

    // MARK: What follows for the others

    /// Starts whoever has waited long enough, and tells when nobody waits any more or an essential service has failed.
    private mutating func advance() -> [Action] {
        guard hasBegun, !isClosed else { return [] }
        var actions: [Action] = []
        for index in services.indices where services[index].phase == .waiting && isDue(services[index]) {
            actions += services[index].begin()
        }
        if !hasFailed, let code = services.lazy.compactMap(\.essentialFailure).first {
            hasFailed = true
            return actions + [.fail(code: code)]
        }
        if !isSettled, services.allSatisfy({ !$0.isAwaited || $0.hasSettled }) {
            isSettled = true
            actions.append(.settled)
        }
        return actions
    }

    private func isDue(_ service: SupervisedService) -> Bool {
        service.plan.after.allSatisfy { name in services.first { $0.plan.name == name }?.hasSettled ?? true }
    }

    private mutating func giveUpWaiting() -> [Action] {
        var actions: [Action] = []
        for index in services.indices { actions += services[index].giveUpWaiting() }
        return actions
    }

    private mutating func stopNext() -> [Action] {
        if services.contains(where: { $0.phase == .stopping }) { return [] }
        guard let index = services.lastIndex(where: \.hasProcess) else { return [.stopped] }
        return services[index].stop()
    }

    // MARK: Other declarations

    /// New services are started, those that are gone are stopped, those that changed are started anew, and those that were
    /// given up are tried again; the others notice nothing.
    private mutating func reload(_ plans: [ServicePlan]) -> [Action] {
        var actions: [Action] = []
        var old = services
        services = plans.map { plan in
            guard let index = old.firstIndex(where: { $0.plan.name == plan.name }) else {
                return SupervisedService(plan)
            }
            var service = old.remove(at: index)
            actions += service.redeclare(plan)
            return service
        }
        for var service in old {
            actions += service.remove()
            if service.hasProcess { services.append(service) }
        }
        return actions + advance()
    }
}

/// What timeout(1) says of a command that took too long.
private let timeoutCode: Int32 = 124
/// The most time that one look whether a service is ready has.
private let longestProbe = Duration.seconds(10)

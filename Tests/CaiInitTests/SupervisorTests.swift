import CaiInit
import CaiPlatform
import Testing

private typealias Event = Supervisor.Event
private typealias Action = Supervisor.Action

private func service(_ name: String, _ change: (inout ServicePlan) -> Void = { _ in }) -> ServicePlan {
    var plan = ServicePlan(named: name)
    plan.command = ["/bin/\(name)"]
    change(&plan)
    return plan
}

/// Actions in few words.
private func words(_ action: Action) -> String? {
    switch action {
    case .start(let plan): "start \(plan.name)"
    case .probe(let plan): "probe \(plan.name)"
    case .runStopCommand(let plan): "stop command \(plan.name)"
    case .ask(let plan): "ask \(plan.name)"
    case .kill(let name): "kill \(name)"
    case .watch(let name, .restart, let time): "restart \(name) in \(time)"
    case .watch(let name, .probe, let time): "probe \(name) in \(time)"
    case .settled: "settled"
    case .fail(let code): "fail \(code)"
    case .stopped: "stopped"
    case .watch, .forget, .endProbe, .tell: nil
    }
}

/// Supervises services that are started as soon as they are to be.
private struct Supervision {
    private var supervisor: Supervisor
    /// Services that cannot be started.
    var broken: Set<String> = []

    init(_ services: ServicePlan..., isStrict: Bool = false) {
        supervisor = Supervisor(services, isStrict: isStrict)
    }

    /// Takes events in one after the other. Returns what the last one leads to.
    mutating func after(_ events: Event...) -> [String] {
        var result: [String] = []
        for event in events {
            var waiting = [event]
            result = []
            while !waiting.isEmpty {
                for action in supervisor.handle(waiting.removeFirst()) {
                    if let words = words(action) { result.append(words) }
                    if case .start(let plan) = action {
                        waiting.append(
                            broken.contains(plan.name) ? .startFailed(plan.name, code: 127) : .started(plan.name))
                    }
                }
            }
        }
        return result
    }

    func state(_ name: String) -> ServiceState? { supervisor.states.first { $0.name == name } }
}

@Suite struct `The supervisor, the start of services` {
    @Test func `follows after and readiness, and the command waits for those that tell when they are ready`() {
        var all = Supervision(
            service("a") { $0.readiness = .notify }, service("b") { $0.after = ["a"] },
            service("c") {
                $0.after = ["b"]
                $0.readiness = .descriptor
            }, service("d"))
        #expect(all.after(.begin) == ["start a", "start d"])
        #expect(all.after(.ready("a")) == ["start b", "start c"])
        #expect(all.after(.ready("c")) == ["settled"])
        #expect(all.state("b")?.isReady == true && all.state("d")?.phase == .running)
    }

    @Test func `has no order among equals, and nobody waits for nothing`() {
        var none = Supervision()
        #expect(none.after(.begin) == ["settled"])
        var two = Supervision(service("a"), service("b"))
        #expect(two.after(.begin) == ["start a", "start b", "settled"])
    }

    @Test func `never waits for the agent service`() {
        var agent = Supervision(.agentService)
        #expect(agent.after(.begin) == ["start agent", "settled"])
        #expect(agent.after(.elapsed("agent", .ready)) == [])
        #expect(agent.after(.ended("agent", code: 1)) == ["restart agent in 0.1 seconds"])
    }

    @Test func `goes on when one is not ready in time, unless it is essential or everything is strict`() {
        let slow = service("a") { $0.readiness = .notify }
        var lenient = Supervision(slow, service("b") { $0.after = ["a"] })
        #expect(lenient.after(.begin) == ["start a"])
        #expect(lenient.after(.elapsed("a", .ready)) == ["start b", "settled"])
        #expect(lenient.after(.ready("a")) == [])
        #expect(lenient.state("a")?.isReady == true)
        var strict = Supervision(slow, isStrict: true)
        #expect(strict.after(.begin, .elapsed("a", .ready)) == ["fail 124", "settled"])
        var essential = Supervision(service("a") { ($0.readiness, $0.isEssential) = (.notify, true) })
        #expect(essential.after(.begin, .elapsed("a", .ready)) == ["fail 124", "settled"])
    }

    @Test func `waits for one that crashes meanwhile until its time is over or it is given up`() {
        var all = Supervision(service("a") { ($0.readiness, $0.restartLimit) = (.notify, 1) })
        #expect(all.after(.begin) == ["start a"])
        #expect(all.after(.ended("a", code: 1)) == ["restart a in 0.1 seconds"])
        #expect(all.after(.elapsed("a", .restart)) == ["start a"])
        #expect(all.after(.ended("a", code: 1)) == ["settled"])
        #expect(all.state("a")?.phase == .failed && all.state("a")?.restarts == 1)
    }

    @Test func `looks again and again whether one is ready, with growing pauses`() {
        var all = Supervision(service("a") { $0.readiness = .socket("/run/a") })
        #expect(all.after(.begin) == ["start a", "probe a"])
        for pause in ["0.02", "0.04", "0.08", "0.16", "0.32", "0.64", "1.0", "1.0"] {
            #expect(all.after(.probed("a", isReady: false)) == ["probe a in \(pause) seconds"])
            #expect(all.after(.elapsed("a", .probe)) == ["probe a"])
        }
        #expect(all.after(.elapsed("a", .ready)) == ["settled"])
        #expect(all.after(.probed("a", isReady: false)) == ["probe a in 10.0 seconds"])
        #expect(all.after(.elapsed("a", .probe)) == ["probe a"])
        #expect(all.after(.probed("a", isReady: true)) == [])
        #expect(all.after(.probed("a", isReady: false), .elapsed("a", .probe)) == [])
    }

    @Test func `leaves out what cannot be run as declared, which is fatal for an essential one only`() {
        var all = Supervision(service("a") { $0.command = [] }, service("b") { $0.after = ["a"] })
        #expect(all.after(.begin) == ["start b", "settled"])
        #expect(all.state("a")?.phase == .failed)
        var essential = Supervision(service("a") { ($0.command, $0.isEssential) = ([], true) })
        #expect(essential.after(.begin) == ["fail 78"])
    }

    @Test func `waits for essential ones to be started`() {
        var all = Supervision(service("a") { ($0.isEssential, $0.restartLimit) = (true, 0) })
        all.broken = ["a"]
        #expect(all.after(.begin) == ["start a", "fail 127"])
    }
}

@Suite struct `The supervisor, restarts` {
    @Test(arguments: [
        (ServicePlan.Restart.always, Int32(0), true), (.always, 1, true), (.onFailure, 0, false), (.onFailure, 1, true),
        (.onFailure, 143, false), (.no, 0, false), (.no, 1, false),
    ])
    func `happen as declared`(restart: ServicePlan.Restart, code: Int32, isRestarted: Bool) {
        var all = Supervision(service("a") { ($0.restart, $0.successCodes) = (restart, [143]) })
        #expect(all.after(.begin, .ended("a", code: code)) == (isRestarted ? ["restart a in 0.1 seconds"] : []))
        let isFailure = code == 1
        #expect(all.state("a")?.phase == (isRestarted ? .pausing : isFailure ? .failed : .ended))
        #expect(all.state("a")?.code == code)
    }

    @Test func `come after pauses that double up to a minute, and begin anew after a minute of health`() {
        var all = Supervision(service("a"))
        _ = all.after(.begin)
        for pause in ["0.1", "0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "12.8", "25.6", "51.2", "60.0", "60.0"] {
            #expect(all.after(.ended("a", code: 1)) == ["restart a in \(pause) seconds"])
            #expect(all.after(.elapsed("a", .restart)) == ["start a"])
        }
        #expect(all.after(.elapsed("a", .health), .ended("a", code: 1)) == ["restart a in 0.1 seconds"])
        #expect(all.state("a")?.restarts == 13)
    }

    @Test func `do not overflow`() {
        var all = Supervision(service("a") { ($0.pause, $0.longestPause) = (86_400_000, 86_400_000) })
        _ = all.after(.begin)
        for _ in 0..<100 {
            #expect(all.after(.ended("a", code: 1)) == ["restart a in 86400.0 seconds"])
            _ = all.after(.elapsed("a", .restart))
        }
    }

    @Test func `end after max_restarts, with the container for an essential service`() {
        for isEssential in [false, true] {
            var all = Supervision(service("a") { ($0.restartLimit, $0.isEssential) = (2, isEssential) })
            _ = all.after(.begin)
            for _ in 0..<2 { _ = all.after(.ended("a", code: 9), .elapsed("a", .restart)) }
            #expect(all.after(.ended("a", code: 9)) == (isEssential ? ["fail 9"] : []))
            #expect(all.state("a")?.phase == .failed)
        }
    }

    @Test func `of an essential service that may not be restarted are the end, unless it has done its work`() {
        var failing = Supervision(service("a") { ($0.restart, $0.isEssential) = (.no, true) })
        #expect(failing.after(.begin, .ended("a", code: 3)) == ["fail 3"])
        var done = Supervision(service("a") { ($0.restart, $0.isEssential) = (.no, true) })
        #expect(done.after(.begin, .ended("a", code: 0)) == [])
        var zero = Supervision(service("a") { ($0.restartLimit, $0.isEssential) = (0, true) })
        #expect(zero.after(.begin, .ended("a", code: 0)) == ["fail 1"])
    }

    @Test func `come soon for the agent service whenever it has worked`() {
        var agent = Supervision(.agentService)
        _ = agent.after(.begin)
        for _ in 0..<5 {
            #expect(agent.after(.ready("agent"), .ended("agent", code: 137)) == ["restart agent in 0.1 seconds"])
            _ = agent.after(.elapsed("agent", .restart))
        }
        #expect(agent.after(.ended("agent", code: 1)) == ["restart agent in 0.2 seconds"])
    }
}

@Suite struct `The supervisor, the end of services` {
    @Test func `comes in the reverse order of their start, one after the other, the agent service last`() {
        var all = Supervision(
            .agentService, service("a"), service("b") { $0.stopCommand = ["/bin/stop"] }, service("c"))
        _ = all.after(.begin)
        #expect(all.after(.close) == [])
        #expect(all.after(.stop) == ["ask c"])
        #expect(all.after(.ended("c", code: 0)) == ["stop command b"])
        #expect(all.after(.stopCommandEnded("b")) == ["ask b"])
        #expect(all.after(.ended("b", code: 143)) == ["ask a"])
        #expect(all.after(.elapsed("a", .stop)) == ["kill a"])
        #expect(all.after(.ended("a", code: 137)) == ["ask agent"])
        #expect(all.after(.ended("agent", code: 0)) == ["stopped"])
    }

    @Test func `is at once where none runs`() {
        var none = Supervision()
        #expect(none.after(.stop) == ["stopped"])
        var waiting = Supervision(service("a"))
        waiting.broken = ["a"]
        #expect(waiting.after(.begin) == ["start a", "settled", "restart a in 0.1 seconds"])
        #expect(waiting.after(.stop) == ["stopped"])
        #expect(waiting.after(.elapsed("a", .restart)) == [])
    }

    @Test func `is not followed by a restart, from the moment on that it has begun`() {
        var all = Supervision(service("a"), service("b"))
        #expect(all.after(.begin, .close, .ended("a", code: 1)) == [])
        #expect(all.after(.stop) == ["ask b"])
        #expect(all.after(.ended("b", code: 1)) == ["stopped"])
    }

    @Test func `skips what ends by itself meanwhile`() {
        var all = Supervision(service("a"), service("b"), service("c"))
        #expect(all.after(.begin, .stop) == ["ask c"])
        #expect(all.after(.ended("b", code: 0)) == [])
        #expect(all.after(.ended("c", code: 0)) == ["ask a"])
    }
}

@Suite struct `The supervisor, other declarations` {
    @Test func `start new services, stop those that are gone, and start changed ones anew`() {
        let (a, b) = (service("a"), service("b"))
        var all = Supervision(a, b)
        _ = all.after(.begin)
        #expect(all.after(.reload([a, b])) == [])
        let changed = service("b") { $0.command = ["/bin/other"] }
        #expect(all.after(.reload([changed, service("c")])) == ["ask b", "ask a", "start c"])
        #expect(all.after(.ended("a", code: 0)) == [])
        #expect(all.state("a") == nil)
        #expect(all.after(.ended("b", code: 0)) == ["start b"])
        #expect(all.after(.stop) == ["ask c"])
    }

    @Test func `try again what was given up`() {
        let a = service("a") { $0.restartLimit = 0 }
        var all = Supervision(a)
        #expect(all.after(.begin, .ended("a", code: 1)) == [])
        #expect(all.after(.reload([a])) == ["start a"])
    }

    @Test func `are of no interest at the end`() {
        var all = Supervision(service("a"))
        #expect(all.after(.begin, .close, .reload([service("b")])) == [])
    }
}

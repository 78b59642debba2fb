import CaiInit
import Testing

private typealias Event = Lifecycle.Event
private typealias Action = Lifecycle.Action

/// A life of which only what is done matters: times to watch are left out, and services too where there are none.
private struct Life {
    var hasServices = false
    private var lifecycle = Lifecycle(bootTime: .seconds(60), graceTime: .seconds(10))

    /// Takes events in one after the other. Returns what the last one leads to.
    mutating func after(_ events: Event...) -> [Action] {
        var actions: [Action] = []
        for event in events { actions = handle(event) }
        return actions.filter { action in
            switch action {
            case .watch, .forget, .tell: false
            case .closeServices: hasServices
            default: true
            }
        }
    }

    /// Where there are no services, whoever cares for them says so at once.
    private mutating func handle(_ event: Event) -> [Action] {
        lifecycle.handle(event).flatMap { action -> [Action] in
            switch action {
            case .startServices where !hasServices: lifecycle.handle(.servicesSettled)
            case .stopServices where !hasServices: lifecycle.handle(.servicesStopped)
            default: [action]
            }
        }
    }

    /// One whose command runs.
    static func running(hasServices: Bool = false) -> Life {
        var life = Life()
        _ = life.after(.ready, .bootEnded(.done, isStrict: false), .commandStarted)
        life.hasServices = hasServices
        return life
    }
}

private func ended(_ code: Int32, isStrict: Bool = false) -> Event {
    .bootEnded(.crashed(code: code), isStrict: isStrict)
}

@Suite struct `The life of an entrypoint` {
    @Test func `begins with the boot, then the command`() {
        var life = Life()
        #expect(life.after(.ready) == [.start(.boot)])
        #expect(life.after(.bootEnded(.done, isStrict: true)) == [.launch])
        #expect(life.after(.commandStarted) == [.tellReady])
    }

    @Test func `goes on after a boot that crashed, unless told otherwise`() {
        var life = Life()
        #expect(life.after(.ready, ended(139)) == [.launch])
        life = Life()
        #expect(life.after(.ready, ended(139, isStrict: true)) == [.askRest])
        #expect(life.after(.alone) == [.exit(code: 139)])
        life = Life()
        #expect(life.after(.ready, ended(0, isStrict: true), .alone) == [.exit(code: 1)])
    }

    @Test func `ends with the code of the step that failed`() {
        var life = Life()
        let failed = Event.bootEnded(.failed(code: 3), isStrict: true)
        #expect(life.after(.ready, failed) == [.askRest])
        #expect(life.after(.alone) == [.exit(code: 3)])
    }

    @Test func `asks an overdue boot to end, ends it, and goes on`() {
        var life = Life()
        #expect(life.after(.ready, .elapsed(.boot)) == [.stop(.boot)])
        #expect(life.after(.elapsed(.bootEnd)) == [.kill(.boot)])
        #expect(life.after(ended(137)) == [.kill(.boot), .launch])
        life = Life()
        #expect(life.after(.ready, .elapsed(.boot), ended(143, isStrict: true)) == [.kill(.boot), .askRest])
        #expect(life.after(.alone) == [.exit(code: 124)])
    }

    @Test(arguments: [(Signal.terminate, Int32(143)), (.interrupt, 130), (.quit, 131)])
    func `ends with 128 and the signal that comes while it boots`(signal: Signal, code: Int32) {
        var life = Life()
        #expect(life.after(.ready, .signal(signal)) == [.askRest])
        #expect(life.after(ended(143)) == [])
        #expect(life.after(.alone) == [.exit(code: code)])
    }

    @Test func `leaves every other signal to the command while it boots`() {
        var life = Life()
        #expect(life.after(.ready) == [.start(.boot)])
        let lifecycle = Lifecycle(bootTime: .seconds(1), graceTime: .seconds(1))
        #expect(lifecycle.awaited == [.child, .terminate, .interrupt, .quit])
    }

    @Test func `ends with the reason for which the command was not started`() {
        var life = Life()
        #expect(life.after(.ready, .bootEnded(.done, isStrict: false), .commandFailed(code: 127)) == [.askRest])
        #expect(life.after(.alone) == [.exit(code: 127)])
    }

    @Test func `repairs on SIGHUP, and once more for what came meanwhile`() {
        var life = Life.running()
        #expect(life.after(.signal(.hangUp)) == [.start(.repair)])
        #expect(life.after(.signal(.hangUp)) == [])
        #expect(life.after(.signal(.hangUp)) == [])
        #expect(life.after(.repairEnded) == [.start(.repair)])
        #expect(life.after(.repairEnded) == [])
    }

    @Test func `ends a repair that takes longer than a boot may`() {
        var life = Life.running()
        #expect(life.after(.signal(.hangUp), .elapsed(.repair)) == [.kill(.repair)])
        #expect(life.after(.repairEnded) == [])
        #expect(life.after(.signal(.hangUp)) == [.start(.repair)])
    }

    @Test func `forwards what is not for the entrypoint itself`() {
        var life = Life.running()
        #expect(life.after(.signal(.quit)) == [.forward])
        #expect(life.after(.alone) == [], "a command that is not reaped yet is a child")
    }

    @Test(arguments: [Signal.terminate, .interrupt])
    func `is asked to stop: hooks, then the command, then what is left`(signal: Signal) {
        var life = Life.running()
        #expect(life.after(.signal(signal)) == [.tellStopping, .start(.shutdownHooks)])
        #expect(life.after(.signal(signal)) == [])
        #expect(life.after(.signal(.quit)) == [.forward])
        #expect(life.after(.hooksEnded) == [.askCommand])
        #expect(life.after(.signal(signal)) == [])
        #expect(life.after(.commandEnded(code: 5)) == [.askRest])
        #expect(life.after(.alone) == [.start(.adoption)])
        #expect(life.after(.adoptionEnded) == [.exit(code: 5)])
    }

    @Test func `runs the hooks when the command ends by itself, before or after they are through`() {
        var life = Life.running()
        #expect(life.after(.commandEnded(code: 4)) == [.tellStopping, .start(.shutdownHooks)])
        #expect(life.after(.signal(.quit)) == [], "there is no command to forward to")
        #expect(life.after(.hooksEnded) == [.askRest])
        #expect(life.after(.alone, .adoptionEnded) == [.exit(code: 4)])
        life = Life.running()
        #expect(life.after(.signal(.terminate), .commandEnded(code: 6)) == [])
        #expect(life.after(.hooksEnded) == [.askRest])
        #expect(life.after(.alone, .adoptionEnded) == [.exit(code: 6)])
    }

    @Test func `ends hooks that take too long, and goes on`() {
        var life = Life.running()
        #expect(life.after(.signal(.terminate), .elapsed(.shutdownHooks)) == [.kill(.shutdownHooks)])
        #expect(life.after(.hooksEnded) == [.askCommand])
    }

    @Test func `kills what is left when the grace time is over, whatever it is`() {
        var life = Life.running()
        #expect(life.after(.signal(.terminate), .hooksEnded, .elapsed(.grace)) == [.killEverything])
        #expect(life.after(.commandEnded(code: 137)) == [.killEverything])
        #expect(life.after(.alone, .adoptionEnded) == [.exit(code: 137)])
        life = Life.running()
        #expect(life.after(.commandEnded(code: 2), .hooksEnded, .elapsed(.grace)) == [.killEverything])
        #expect(life.after(.elapsed(.dying)) == [.exit(code: 2)])
        life = Life.running()
        #expect(life.after(.signal(.terminate), .elapsed(.grace)) == [.killEverything])
        #expect(life.after(.hooksEnded) == [])
        #expect(life.after(.commandEnded(code: 137), .alone, .elapsed(.dying)) == [.exit(code: 137)])
    }
}

@Suite struct `The life of an entrypoint with services` {
    private var booted: Life {
        var life = Life()
        life.hasServices = true
        _ = life.after(.ready)
        return life
    }

    @Test func `starts them before the command, which waits until nobody waits for them`() {
        var life = booted
        #expect(life.after(.bootEnded(.done, isStrict: false)) == [.startServices])
        #expect(life.after(.servicesSettled) == [.launch])
        #expect(life.after(.commandStarted) == [.tellReady])
    }

    @Test func `starts no command when an essential one fails before, and ends with its code`() {
        var life = booted
        #expect(life.after(.bootEnded(.done, isStrict: false), .servicesFailed(code: 9)) == [.stopServices])
        #expect(life.after(.servicesSettled) == [])
        #expect(life.after(.servicesStopped) == [.askRest])
        #expect(life.after(.alone) == [.exit(code: 9)])
    }

    @Test func `can be stopped while they start`() {
        var life = booted
        #expect(life.after(.bootEnded(.done, isStrict: false), .signal(.terminate)) == [.stopServices])
        #expect(life.after(.servicesStopped, .alone) == [.exit(code: 143)])
    }

    @Test func `ends in order: hooks, the command, the services, what is left`() {
        var life = Life.running(hasServices: true)
        #expect(life.after(.signal(.terminate)) == [.tellStopping, .closeServices, .start(.shutdownHooks)])
        #expect(life.after(.hooksEnded) == [.askCommand])
        #expect(life.after(.commandEnded(code: 5)) == [.stopServices])
        #expect(life.after(.signal(.quit)) == [])
        #expect(life.after(.servicesStopped) == [.askRest])
        #expect(life.after(.alone, .adoptionEnded) == [.exit(code: 5)])
    }

    @Test func `ends when an essential one fails, with its code, whatever the command says`() {
        var life = Life.running(hasServices: true)
        #expect(life.after(.servicesFailed(code: 7)) == [.tellStopping, .closeServices, .start(.shutdownHooks)])
        #expect(life.after(.servicesFailed(code: 8)) == [])
        #expect(life.after(.hooksEnded) == [.askCommand])
        #expect(life.after(.commandEnded(code: 0)) == [.stopServices])
        #expect(life.after(.servicesStopped, .alone, .adoptionEnded) == [.exit(code: 7)])
    }

    @Test func `kills those that are still there when the grace time is over`() {
        var life = Life.running(hasServices: true)
        #expect(life.after(.commandEnded(code: 2), .hooksEnded) == [.stopServices])
        #expect(life.after(.elapsed(.grace)) == [.killEverything])
        #expect(life.after(.alone, .adoptionEnded) == [.exit(code: 2)])
    }
}

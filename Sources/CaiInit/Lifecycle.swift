/// The life of an entrypoint, from boot to exit code: events go in, actions come out.
///
/// It knows no clock, no process and no descriptor; whoever carries the actions out tells what came of them. Times are
/// handed out as limits to watch and come back as events.
package struct Lifecycle: Sendable {
    /// A process of the entrypoint's own, beside the command.
    package enum Helper: Hashable, Sendable, CaseIterable {
        case boot
        /// Reads settings and manifests again and mends the links.
        case repair
        case shutdownHooks
        /// Moves to the volume what was saved over links at the end.
        case adoption
    }

    /// A time that may run out.
    package enum Limit: Hashable, Sendable {
        case boot
        /// Between asking an overdue boot to end and ending it.
        case bootEnd
        case repair
        case shutdownHooks
        /// The end as a whole.
        case grace
        /// For killed processes to be gone.
        case dying
    }

    /// How a boot ended.
    package enum BootEnding: Hashable, Sendable {
        /// It came to its end; whatever it found, the command may be started.
        case done
        /// A step that the operator declared essential failed; the exit code stands for it.
        case failed(code: Int32)
        /// It ended before its end, with this exit code.
        case crashed(code: Int32)
    }

    /// What happened.
    package enum Event: Hashable, Sendable {
        /// The entrypoint is ready to work.
        case ready
        /// `isStrict`: whether a boot that does not come to its end is fatal.
        case bootEnded(BootEnding, isStrict: Bool)
        case repairEnded
        /// Nobody waits for a service any more.
        case servicesSettled
        /// An essential service has failed; the exit code stands for it.
        case servicesFailed(code: Int32)
        case servicesStopped
        case hooksEnded
        case adoptionEnded
        case commandStarted
        /// It could not be started; the exit code stands for the reason.
        case commandFailed(code: Int32)
        case commandEnded(code: Int32)
        case signal(Signal)
        case elapsed(Limit)
        /// There is no child any more.
        case alone
    }

    /// What is to be done.
    package enum Action: Hashable, Sendable {
        case start(Helper)
        /// To end a helper and all below it, at once.
        case kill(Helper)
        /// To ask a helper and all below it to end.
        case stop(Helper)
        case startServices
        /// No service is to be started again.
        case closeServices
        /// To end them, one after the other.
        case stopServices
        /// To start the command, or to let systemd take over.
        case launch
        /// To pass the signal on that the event brought.
        case forward
        case askCommand
        /// To ask everything to end that is left.
        case askRest
        case killEverything
        case watch(Limit, Duration)
        case forget(Limit)
        case tellReady, tellStopping
        case tell(Notice)
        case exit(code: Int32)
    }

    /// Something that people should read in the log.
    package enum Notice: Hashable, Sendable {
        case bootFailed
        /// `isFatal`: whether the command is not started for it.
        case bootCrashed(code: Int32, isFatal: Bool)
        case bootTimedOut(isFatal: Bool)
        case repairTimedOut
        case hooksTimedOut
        case outOfTime
    }

    private enum Phase: Hashable {
        /// `isOverdue`: its time was over and it was asked to end.
        case booting(isOverdue: Bool)
        /// The services are started that the command waits for.
        case preparing
        case launching
        case running
        /// The shutdown hooks run; the code is the command's, if that has ended.
        case hooks(code: Int32?)
        /// The command was asked to end.
        case stopping
        /// The command has ended, or there never was one, and the services are asked to end.
        case stoppingServices(code: Int32)
        /// The services have ended as well, and what is left was asked to end.
        case ending(code: Int32)
        /// Everybody has ended, and what they saved over links at the end is adopted.
        case adopting(code: Int32)
        /// What is left was killed.
        case dying(code: Int32)
    }

    private let bootTime: Duration
    private let graceTime: Duration
    private var phase = Phase.booting(isOverdue: false)
    private var isRepairing = false
    private var isRepairDue = false
    private var isOutOfTime = false
    /// Whether the command was started, and so may have saved something.
    private var hasStarted = false
    /// The exit code of an essential service that has failed, whatever the command says.
    private var verdict: Int32?

    /// The life with these times for the boot, and for the end as a whole.
    package init(bootTime: Duration, graceTime: Duration) {
        self.bootTime = bootTime
        self.graceTime = graceTime
    }

    /// The signals that are to be taken now; the others wait for the command. Nil for all.
    package var awaited: [Signal]? {
        switch phase {
        case .booting, .preparing, .launching: [.child, .terminate, .interrupt, .quit]
        default: nil
        }
    }

    /// Takes an event in. Returns what is to be done, in this order.
    package mutating func handle(_ event: Event) -> [Action] {
        switch phase {
        case .booting(let isOverdue): boot(event, isOverdue)
        case .preparing: prepare(event)
        case .launching: launch(event)
        case .running: run(event)
        case .hooks(let code): runHooks(event, code)
        case .stopping: stop(event)
        case .stoppingServices(let code): stopServices(event, code)
        case .ending(let code): end(event, code)
        case .adopting(let code): adopt(event, code)
        case .dying(let code): die(event, code)
        }
    }
}

// MARK: Before the command

extension Lifecycle {
    private mutating func boot(_ event: Event, _ isOverdue: Bool) -> [Action] {
        switch event {
        case .ready: return [.watch(.boot, bootTime), .start(.boot)]
        case .elapsed(.boot):
            phase = .booting(isOverdue: true)
            return [.stop(.boot), .watch(.bootEnd, stopTime)]
        case .elapsed(.bootEnd): return [.kill(.boot)]
        case .bootEnded(let ending, let isStrict):
            return [.forget(.boot), .forget(.bootEnd)] + bootEnded(ending, isStrict, isOverdue)
        case .signal(let signal): return finish(128 + signal.number)
        default: return []
        }
    }

    private mutating func bootEnded(_ ending: BootEnding, _ isStrict: Bool, _ isOverdue: Bool) -> [Action] {
        if isOverdue {
            // What it was waiting for may be there still.
            let told: [Action] = [.kill(.boot), .tell(.bootTimedOut(isFatal: isStrict))]
            return told + (isStrict ? finish(timeoutCode) : begin())
        }
        switch ending {
        case .done: return begin()
        case .failed(let code): return [.tell(.bootFailed)] + finish(code)
        case .crashed(let code):
            return [.tell(.bootCrashed(code: code, isFatal: isStrict))] + (isStrict ? finish(max(code, 1)) : begin())
        }
    }

    private mutating func begin() -> [Action] {
        phase = .preparing
        return [.startServices]
    }

    private mutating func prepare(_ event: Event) -> [Action] {
        switch event {
        case .servicesSettled:
            phase = .launching
            return [.launch]
        case .servicesFailed(let code): return finish(code)
        case .signal(let signal): return finish(128 + signal.number)
        default: return []
        }
    }

    private mutating func launch(_ event: Event) -> [Action] {
        switch event {
        case .commandStarted:
            phase = .running
            hasStarted = true
            return [.tellReady]
        case .commandFailed(let code): return finish(code)
        default: return []
        }
    }
}

// MARK: Beside the command

extension Lifecycle {
    private mutating func run(_ event: Event) -> [Action] {
        switch event {
        case .signal(.hangUp): return repair()
        case .elapsed(.repair): return [.tell(.repairTimedOut), .kill(.repair)]
        case .repairEnded:
            isRepairing = false
            return [.forget(.repair)] + (isRepairDue ? repair() : [])
        case .signal(.terminate), .signal(.interrupt): return shutDown(nil)
        case .signal: return [.forward]
        case .commandEnded(let code): return shutDown(code)
        case .servicesFailed(let code):
            verdict = code
            return shutDown(nil)
        default: return []
        }
    }

    /// Starts a repair, or remembers to when one is running: it may have looked already at what has changed since.
    private mutating func repair() -> [Action] {
        isRepairDue = isRepairing
        if isRepairing { return [] }
        isRepairing = true
        return [.watch(.repair, bootTime), .start(.repair)]
    }
}

// MARK: The end

extension Lifecycle {
    /// The order of the end: hooks, the command, the services, what is left.
    private mutating func shutDown(_ code: Int32?) -> [Action] {
        phase = .hooks(code: code)
        return [
            .tellStopping, .closeServices, .watch(.grace, graceTime), .watch(.shutdownHooks, graceTime / 2),
            .start(.shutdownHooks),
        ]
    }

    private mutating func runHooks(_ event: Event, _ code: Int32?) -> [Action] {
        switch event {
        case .commandEnded(let code): phase = .hooks(code: code)
        case .elapsed(.shutdownHooks): return [.tell(.hooksTimedOut), .kill(.shutdownHooks)]
        case .elapsed(.grace): return outOfTime()
        case .signal(let signal) where code == nil: return forwarding(signal)
        case .hooksEnded:
            if let code { return [.forget(.shutdownHooks)] + commandEnded(code) }
            phase = .stopping
            return [.forget(.shutdownHooks)] + (isOutOfTime ? [] : [.askCommand])
        default: break
        }
        return []
    }

    private mutating func stop(_ event: Event) -> [Action] {
        switch event {
        case .commandEnded(let code): return commandEnded(code)
        case .elapsed(.grace): return outOfTime()
        case .signal(let signal): return forwarding(signal)
        default: return []
        }
    }

    /// Whoever asks a second time to stop, or to look again, has been heard.
    private func forwarding(_ signal: Signal) -> [Action] {
        [.terminate, .interrupt, .hangUp].contains(signal) ? [] : [.forward]
    }

    private mutating func outOfTime() -> [Action] {
        isOutOfTime = true
        return [.tell(.outOfTime), .killEverything]
    }

    private mutating func commandEnded(_ code: Int32) -> [Action] {
        let code = verdict ?? code
        if isOutOfTime { return die(code) }
        phase = .stoppingServices(code: code)
        return [.stopServices]
    }

    private mutating func stopServices(_ event: Event, _ code: Int32) -> [Action] {
        switch event {
        case .servicesStopped:
            phase = .ending(code: code)
            return [.askRest]
        case .elapsed(.grace): return [.tell(.outOfTime)] + die(code)
        default: return []
        }
    }

    /// Ends with a code of the entrypoint's own.
    private mutating func finish(_ code: Int32) -> [Action] {
        phase = .stoppingServices(code: code)
        return [.watch(.grace, graceTime), .stopServices]
    }

    private mutating func end(_ event: Event, _ code: Int32) -> [Action] {
        switch event {
        case .alone: return alone(code)
        case .elapsed(.grace): return [.tell(.outOfTime)] + die(code)
        default: return []
        }
    }

    private mutating func alone(_ code: Int32) -> [Action] {
        guard hasStarted else { return [.exit(code: code)] }
        phase = .adopting(code: code)
        return [.start(.adoption)]
    }

    /// A program that saves when it is told to end often does it by a new file over a link, which would be gone with the
    /// container: the one repair that nobody can race with moves it to the volume.
    private func adopt(_ event: Event, _ code: Int32) -> [Action] {
        switch event {
        case .adoptionEnded, .elapsed(.grace), .elapsed(.dying): [.exit(code: code)]
        default: []
        }
    }

    private mutating func die(_ code: Int32) -> [Action] {
        phase = .dying(code: code)
        return [.killEverything, .watch(.dying, dyingTime)]
    }

    private mutating func die(_ event: Event, _ code: Int32) -> [Action] {
        switch event {
        case .alone: alone(code)
        case .elapsed(.dying): [.exit(code: code)]
        default: []
        }
    }
}

/// Between asking an overdue boot to end and ending it.
private let stopTime = Duration.seconds(2)
/// How long killed processes are waited for: one that hangs in the kernel dies never.
private let dyingTime = Duration.seconds(1)
/// What timeout(1) says of a command that took too long.
private let timeoutCode: Int32 = 124

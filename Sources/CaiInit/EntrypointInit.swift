import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// Carries out what the life of an entrypoint asks for, and tells it what happens.
///
/// It runs in one thread and wakes up for signals and deadlines only. What is heavy is done by this program started again,
/// as a child that may crash.
struct EntrypointInit: ~Copyable {
    private let arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>
    private let options: RunOptions
    private var log: RunLog
    private let listeners: Listeners
    private let program = OwnProgram.paths()
    private let ignoresChildEnds = Reaper.prepare()

    private var lifecycle: Lifecycle
    private var waiting: [Lifecycle.Event] = []
    private var deadlines: [Lifecycle.Limit: ContinuousClock.Instant] = [:]
    private var helpers: [Lifecycle.Helper: pid_t] = [:]
    /// What was asked to end with a helper: it may outlive it.
    private var stopped: [ProcessIdentity] = []
    private var command: pid_t?
    private var hadTerminal = false
    private var streams = StandardStreams(for: nil)
    private var quiet = QuietTerminal()
    /// The destination of lines while the command has the terminal.
    private var target = RelayTarget.standardError
    /// The exit code of an essential service that failed while the command had the terminal.
    private var unseenFailure: CInt?
    private var jobControl: JobControl?
    private var plan = LaunchPlan()
    private var services: ServiceKeeper
    private var watch = SignalWatch()
    private var planFile = PlanFile()
    private var bootStart = ContinuousClock.now
    /// Where shutdown hooks may lie; nil while nobody has said.
    private var hookDirectories: [FilePath]?
    /// Whether the boot came to its end with a volume and a home.
    private var isPrepared = false
    /// The signal that is being handled.
    private var incoming: IncomingSignal?
    private var code: CInt?

    init(_ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>, _ options: RunOptions, _ log: RunLog) {
        self.arguments = arguments
        self.options = options
        self.log = log
        listeners = Listeners(
            readyDescriptor: options.boot.readyDescriptor, keepsSocket: options.boot.isForSystemd)
        services = ServiceKeeper(log, program: program)
        lifecycle = Lifecycle(bootTime: options.boot.timeout, graceTime: options.requestedGrace ?? .seconds(10))
    }

    /// Works until everything has ended. Returns the exit code.
    mutating func run(first signal: Signal?) -> CInt {
        take(.ready)
        if let signal { take(.signal(signal)) }
        while true {
            // After every signal, not only SIGCHLD: a storm of others would keep that waiting for ever.
            let hasChildren = reap()
            elapse()
            // The end of the last child may have started another one, such as a relay.
            if !hasChildren, !Reaper.hasChildren { take(.alone) }
            if let code { return code }
            if let incoming = next() { handle(incoming) }
        }
    }

    /// Waits for whatever comes first. Returns the next signal, if there is one.
    private mutating func next() -> IncomingSignal? {
        let deadline = [deadlines.values.min(), services.deadline].compactMap { $0 }.min()
        tidy(before: deadline)
        let ears = services.ears
        if ears.isEmpty { return SignalQueue.next(lifecycle.awaited, before: deadline) }
        let heard = SignalQueue.wait(for: lifecycle.awaited, or: ears, before: deadline, with: &watch)
        services.hear(heard).forEach { take($0) }
        return SignalQueue.next(lifecycle.awaited, before: .now)
    }

    /// Gives back the memory that the work with services took, when there is time until the next.
    private mutating func tidy(before deadline: ContinuousClock.Instant?) {
        guard services.hasStirred, command != nil, deadline.map({ $0 - .now > shortRest }) ?? true else { return }
        services.hasStirred = false
        cai_release_program_memory()
    }

    private mutating func take(_ event: Lifecycle.Event) {
        waiting.append(event)
        while !waiting.isEmpty {
            let event = waiting.removeFirst()
            if quiet.isQuiet, case .servicesFailed(let code) = event { unseenFailure = code }
            for action in lifecycle.handle(event) { perform(action) }
        }
    }

    // MARK: What happens

    private mutating func handle(_ incoming: IncomingSignal) {
        guard incoming.signal.isForwarded(from: incoming.origin) else { return }
        if incoming.signal == .continue { jobControl?.resume() }
        self.incoming = incoming
        take(.signal(incoming.signal))
        self.incoming = nil
    }

    private mutating func elapse() {
        let now = ContinuousClock.now
        for (limit, deadline) in deadlines where now >= deadline {
            deadlines[limit] = nil
            take(.elapsed(limit))
        }
        services.elapse(now).forEach { take($0) }
    }

    /// Hears of children. Returns whether there are any left.
    private mutating func reap() -> Bool {
        var heard: [(child: pid_t, news: ChildNews)] = []
        let hasChildren = Reaper.reap { heard.append(($0, $1)) }
        for (child, news) in heard {
            switch news {
            case .ended(let code) where child == command: commandEnded(code)
            case .stopped(let signal) where child == command: jobControl?.commandStopped(signal)
            case .ended(let code):
                if helperEnded(child, code) { break }
                if let events = services.ended(child, code) {
                    events.forEach { take($0) }
                } else {
                    tellOrphan(child, code)
                }
            case .stopped: break
            }
        }
        return hasChildren
    }

    private mutating func commandEnded(_ code: CInt) {
        guard let process = command else { return }
        takeBackStreams()
        log.info("process \(process) ended with \(code)")
        if hadTerminal { Terminal.takeBack(from: process) }
        command = nil
        take(.commandEnded(code: code))
    }

    /// Takes standard input, output and error back once the command has ended. Services keep printing to the log.
    private mutating func takeBackStreams() {
        quiet.end()
        streams.takeBack()
        if let failure = unseenFailure {
            let place = target.place.map { ": see \($0)" } ?? ""
            log.error("an essential service failed with code \(failure)\(place)")
        }
        unseenFailure = nil
    }

    /// Returns whether it was a helper.
    private mutating func helperEnded(_ child: pid_t, _ code: CInt) -> Bool {
        guard let helper = helpers.first(where: { $0.value == child })?.key else { return false }
        helpers[helper] = nil
        take(event(helper, endedWith: code))
        return true
    }

    private mutating func event(_ helper: Lifecycle.Helper, endedWith code: CInt) -> Lifecycle.Event {
        switch helper {
        case .boot: return bootEnded(code)
        case .repair:
            reload(planFile.read())
            let sentence = "the repair ended with \(code)"
            if code == 0 { log.info(sentence) } else { log.warning(sentence) }
            return .repairEnded
        case .shutdownHooks: return .hooksEnded
        case .adoption: return .adoptionEnded
        }
    }

    private func tellOrphan(_ child: pid_t, _ code: CInt) {
        let sentence = "reaped process \(child), an orphan that ended with \(code)"
        if options.warnsOnReap { log.warning(sentence) } else { log.debug(sentence) }
    }

    // MARK: What is done

    private mutating func perform(_ action: Lifecycle.Action) {
        switch action {
        case .start(let helper): start(helper)
        case .stop(let helper): signalTree(of: helper, .terminate)
        case .kill(let helper): signalTree(of: helper, .kill)
        case .startServices: waiting += startServices()
        case .closeServices: waiting += services.close()
        case .stopServices: waiting += services.stop()
        case .launch: launch()
        case .forward: if let incoming { send(incoming.signal, incoming) }
        case .askCommand: send(.terminate, nil)
        case .askRest:
            services.closeOutput()
            Remainder(groups: groups).terminate()
        case .killEverything:
            Remainder(groups: groups).kill()
            if let command { kill(command, SIGKILL) }
        case .watch(let limit, let time): deadlines[limit] = .now + time
        case .forget(let limit): deadlines[limit] = nil
        case .tellReady: listeners.tellReady()
        case .tellStopping: listeners.tellStopping()
        case .tell(let notice): tell(notice)
        case .exit(let code):
            if hadTerminal, let command { Terminal.takeBack(from: command) }
            self.code = options.code(for: code)
        }
    }

    private var groups: [pid_t] { helpers.values + (command.map { [$0] } ?? []) + services.groups }

    private func send(_ signal: Signal, _ incoming: IncomingSignal?) {
        guard let command, let outgoing = options.rewriting(signal) else { return }
        if SignalQueue.send(outgoing, to: command, isGroup: options.signalsGroup, as: incoming) {
            log.info("sent \(outgoing) to process \(command)")
        }
    }

    /// Sends a signal to a helper and to all that it has started, also what is only left of that.
    private mutating func signalTree(of helper: Lifecycle.Helper, _ signal: Signal) {
        guard let process = helpers[helper] else {
            stopped.forEach { ProcessTree.signal($0, signal.number) }
            return
        }
        stopped += ProcessTree.descendants(of: process) ?? []
        kill(-process, signal.number)
        stopped.forEach { ProcessTree.signal($0, signal.number) }
        // One that is stopped takes the signal only when it is continued.
        guard signal != .kill else { return }
        kill(-process, SIGCONT)
        stopped.forEach { ProcessTree.signal($0, SIGCONT) }
    }

    private func tell(_ notice: Lifecycle.Notice) {
        let time = "\(ContinuousClock.now - bootStart)" + (plan.lastStep.map { " in its step \($0)" } ?? "")
        switch notice {
        case .bootFailed:
            guard let failure = plan.failure else { return }
            log.error("boot step \(failure.step) failed with code \(failure.code) after \(failure.duration)")
        case .bootCrashed(let code, true): log.error("the boot ended with code \(code) after \(time)")
        case .bootCrashed(let code, false):
            log.warning("the boot ended with code \(code) after \(time); the command is started nevertheless")
        case .bootTimedOut(true): log.error("the boot was ended with code 124 after \(time)")
        case .bootTimedOut(false):
            log.warning("the boot was ended after \(time); the command is started nevertheless")
        case .repairTimedOut: log.warning("the repair took too long and was ended")
        case .hooksTimedOut: log.warning("the shutdown hooks took too long and were ended")
        case .outOfTime: log.info("the grace time is over, killing what is left")
        }
    }
}

// MARK: Helpers

extension EntrypointInit {
    private mutating func start(_ helper: Lifecycle.Helper) {
        var words = ["cai"]
        switch helper {
        case .boot:
            bootStart = .now
            words += ["init"] + planFile.open(log) + bootTime
            if let strict = options.boot.strict { words += ["--strict", strict] }
        case .repair:
            words += ["init", "--repair", "--quiet"] + planFile.open(log) + bootTime
        case .shutdownHooks:
            guard mayHaveHooks else { return waiting.append(.hooksEnded) }
            words += ["hooks", "run", "shutdown"]
        case .adoption:
            // A boot that found no trees to work on has said so; once is enough.
            guard isPrepared else { return waiting.append(.adoptionEnded) }
            words += ["init", "--repair", "--quiet"]
        }
        let arguments = CStrings(words.map { Array($0.utf8) })
        do {
            // Standard output is the command's; a helper has nothing to print there.
            helpers[helper] = try Command(
                arguments.pointers, credentials: nil, user: "", directories: [], ignoresChildEnds: false,
                program: program, places: quiet.isQuiet ? [cai_placement(from: 2, to: 1)] : []
            ).start(terminal: nil)
        } catch {
            log.error(error.description)
            waiting.append(event(helper, endedWith: error.code))
        }
    }

    /// The time of a boot in whole seconds, for its steps to share.
    private var bootTime: [String] { ["--boot-time", "\(max(Int(options.boot.timeout / .seconds(1)), 1))"] }

    /// Takes a variable out of the environment, and its value out of what /proc/1/environ shows.
    private func withhold(_ name: String) {
        guard let value = getenv(name) else { return }
        memset(value, 0, strlen(value))
        unsetenv(name)
    }

    /// Whether there is anything to look through: the search itself takes longer than everything else at the end.
    private var mayHaveHooks: Bool {
        hookDirectories?.contains { access($0.string, F_OK) == 0 || errno != ENOENT } ?? true
    }

    private mutating func bootEnded(_ code: CInt) -> Lifecycle.Event {
        plan = planFile.read()
        hookDirectories = plan.shutdownHookDirectories
        for name in plan.withheldVariables { withhold(name) }
        isPrepared = code == 0
        let isStrict = isStrict
        if let failure = plan.failure { return .bootEnded(.failed(code: failure.code), isStrict: isStrict) }
        let isDone = plan.isComplete || (!planFile.hasPlace && code == 0)
        return .bootEnded(isDone ? .done : .crashed(code: code), isStrict: isStrict)
    }
}

// MARK: Services

extension EntrypointInit {
    /// Whether the operator declared anything essential.
    private var isStrict: Bool { options.boot.strict != nil || plan.isStrict }

    private mutating func startServices() -> [Lifecycle.Event] {
        // Under systemd they are units.
        if options.boot.isForSystemd { return [.servicesSettled] }
        return services.begin(plan, isStrict: isStrict, withAgent: hasAgent(plan))
    }

    /// Takes over what a repair has read; one that broke off has nothing to say.
    private mutating func reload(_ plan: LaunchPlan) {
        guard plan.isComplete else { return }
        hookDirectories = plan.shutdownHookDirectories
        waiting += services.reload(plan, withAgent: hasAgent(plan))
    }

    private func hasAgent(_ plan: LaunchPlan) -> Bool {
        options.boot.hasAgentService && (plan.hasAgentService ?? AgentSwitch.isOn(getenv("CAI_AGENT_SERVICE")))
    }
}

/// Whether the agent service is wanted, where a boot did not get as far as reading the settings.
enum AgentSwitch {
    static func isOn(_ variable: UnsafePointer<CChar>?) -> Bool {
        variable.map { !["0", "false", "no", "off"].contains(String(cString: $0).lowercased()) } ?? true
    }
}

// MARK: The command

extension EntrypointInit {
    private mutating func launch() {
        do throws(CommandFailure) {
            if options.boot.isForSystemd { throw takeOver() }
            let identity = try WorkloadIdentity(options, plan)
            let writer = leaveTerminal()
            streams = StandardStreams(for: identity.credentials)
            let reports = log
            let started = try Terminal.start(
                Command(
                    arguments, credentials: identity.credentials, user: identity.user,
                    directories: identity.directories, variables: identity.variables,
                    ignoresChildEnds: ignoresChildEnds),
                leftOut: { reports.leftOut($0) })
            if let writer { quiet.begin(writingTo: writer) }
            log.mayWait = false
            services.commandStarted()
            log.info("started process \(started.process)")
            command = started.process
            hadTerminal = started.hasTerminal
            jobControl = JobControl(command: started.process)
            plan = LaunchPlan()
            // Who waits hears of it before its descriptor is closed.
            for action in lifecycle.handle(.commandStarted) { perform(action) }
            InitWork.letGo(keeping: services.descriptors + quiet.descriptors + [watch.descriptor])
        } catch {
            services.returnToTerminal()
            streams.takeBack()
            log.error(error.description)
            waiting.append(.commandFailed(code: error.code))
        }
    }

    /// Moves lines of services to a log if standard error is a terminal, which the command is about to get. Returns the end
    /// of a pipe for the lines of this process and its helpers.
    private mutating func leaveTerminal() -> CInt? {
        guard QuietTerminal.isNeeded else { return nil }
        let (target, writer) = services.leaveTerminal()
        self.target = target
        if target == .none {
            log.warning(
                "no log can be written in \(plan.stateDirectories.first?.string ?? "/run/containai"): lines of services are"
                    + " dropped while the command has the terminal")
        }
        return writer
    }

    /// Becomes systemd. Returns only when it cannot, with the reason.
    private func takeOver() -> CommandFailure {
        // By this systemd knows that it is in a container (systemd.io/CONTAINER_INTERFACE).
        setenv("container", access("/run/.containerenv", F_OK) == 0 ? "podman" : "docker", 0)
        log.info("systemd takes over")
        SignalQueue.giveBack()
        let words = CStrings([Array(systemd.utf8)])
        execve(systemd, words.pointers, Glibc.environ)
        let problem = errno
        SignalQueue.take()
        return CommandFailure(.execute, systemd, .init(rawValue: problem))
    }
}

private let systemd = "/sbin/init"
/// Less than this is no rest.
private let shortRest = Duration.milliseconds(50)

import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// Carries out what the lives of the services ask for, and tells the supervisor what happens to them.
struct ServiceKeeper: ~Copyable {
    private struct Watched: Hashable {
        let service: String
        let timer: Supervisor.Timer
    }

    /// A process that was started for a service.
    private enum Role: Hashable {
        case service(String)
        case probe(String)
        case stopCommand(String)
    }

    private var log: RunLog
    private let program: [[UInt8]]
    private var supervisor = Supervisor([], isStrict: false)
    private var plan = LaunchPlan()
    private var processes: [Role: pid_t] = [:]
    private var deadlines: [Watched: ContinuousClock.Instant] = [:]
    private var channels: [String: ReadyChannel] = [:]
    private var output = ServiceOutput()
    /// True while standard error is the terminal of the command, and afterwards.
    private var isBesideTerminal = false
    private var record = ServiceRecord(in: [])
    private var recorded: [ServiceState] = []
    private var waiting: [Supervisor.Event] = []
    private var told: [Lifecycle.Event] = []
    /// Whether anything has happened since somebody has looked.
    var hasStirred = false

    init(_ log: RunLog, program: [[UInt8]]) {
        self.log = log
        self.program = program
    }

    // MARK: What the entrypoint says

    /// The boot is over: services are started. `command` says that the agent service was switched off.
    mutating func begin(_ plan: LaunchPlan, isStrict: Bool, withAgent: Bool) -> [Lifecycle.Event] {
        self.plan = plan
        record = ServiceRecord(in: plan.stateDirectories)
        let services = (withAgent ? [.agentService] : []) + plan.services
        supervisor = Supervisor(services, isStrict: isStrict)
        provideOutput(services)
        return take(.begin)
    }

    /// The settings were read again; the variables of `.env` were not.
    mutating func reload(_ plan: LaunchPlan, withAgent: Bool) -> [Lifecycle.Event] {
        let variables = self.plan.variables
        self.plan = plan
        self.plan.variables = variables
        let services = (withAgent ? [.agentService] : []) + plan.services
        record = ServiceRecord(in: plan.stateDirectories)
        // Those that are gone print until they have ended.
        provideOutput(services + supervisor.states.map { ServicePlan(named: $0.name) })
        // It reads them as well, once it knows what the signal means.
        let agent = ServicePlan.agentService.name
        if let process = processes[.service(agent)],
            supervisor.states.contains(where: { $0.name == agent && $0.isReady })
        {
            kill(process, SIGHUP)
        }
        return take(.reload(services))
    }

    /// Moves lines of services to a log: the command is about to start on the terminal that standard error is. Returns the
    /// target, and the end of a pipe for other lines.
    mutating func leaveTerminal() -> (target: RelayTarget, writer: CInt?) {
        isBesideTerminal = true
        let target = target
        return (target, output.leaveStandardError(for: target))
    }

    /// Moves lines of services back to the terminal: the command could not be started.
    mutating func returnToTerminal() {
        isBesideTerminal = false
        output.returnToStandardError()
    }

    /// Notes that the command runs: from now on this process waits for no reader of an error.
    mutating func commandStarted() {
        log.mayWait = false
        if isBesideTerminal { output.startRelay(program, log) }
    }

    private var target: RelayTarget {
        isBesideTerminal ? .besideTerminal(plan.stateDirectories) : .standardError
    }

    /// The end has begun.
    mutating func close() -> [Lifecycle.Event] { take(.close) }

    /// The services are to end. Tells `servicesStopped`, at once where there are none.
    mutating func stop() -> [Lifecycle.Event] { take(.stop) }

    /// Nobody is to print any more.
    mutating func closeOutput() { output.close(program, log) }

    // MARK: What is waited for

    /// When something is due.
    var deadline: ContinuousClock.Instant? {
        [deadlines.values.min(), output.restart].compactMap { $0 }.min()
    }

    /// Descriptors on which services say something.
    var ears: [CInt] { channels.values.map(\.descriptor) }

    /// Everything that must stay open.
    var descriptors: [CInt] { output.descriptors + channels.values.flatMap(\.descriptors) }

    /// Process groups that were started.
    var groups: [pid_t] { processes.values + output.relays }

    /// Takes what is due.
    mutating func elapse(_ now: ContinuousClock.Instant) -> [Lifecycle.Event] {
        output.elapse(now, program, log)
        var events: [Lifecycle.Event] = []
        for (watched, deadline) in deadlines where now >= deadline {
            guard deadlines.removeValue(forKey: watched) != nil else { continue }
            events += take(.elapsed(watched.service, watched.timer))
        }
        return events
    }

    /// Hears what services say on these descriptors.
    mutating func hear(_ descriptors: [CInt]) -> [Lifecycle.Event] {
        var events: [Lifecycle.Event] = []
        for (service, channel) in channels where descriptors.contains(channel.descriptor) {
            guard let process = processes[.service(service)] else { continue }
            for word in channel.hear(from: process) {
                switch word {
                case .ready: events += take(.ready(service))
                case .over: channels[service] = nil
                case .status(let text): log.info("service \(service): \(printable(Array(text.utf8)))")
                }
            }
        }
        return events
    }

    /// A child has ended. Returns nil when it was none of the services'.
    mutating func ended(_ child: pid_t, _ code: CInt) -> [Lifecycle.Event]? {
        if output.relays.contains(child) {
            output.relayEnded(child, code, program, log)
            return []
        }
        guard let role = processes.first(where: { $0.value == child })?.key else { return nil }
        processes[role] = nil
        switch role {
        case .service(let name):
            log.info("service \(name): process \(child) ended with \(code)")
            // What it has left in its session would be in the way of the next one.
            for signal in [SIGTERM, SIGCONT] { kill(-child, signal) }
            output.ended(name)
            channels[name] = nil
            return take(.ended(name, code: code))
        case .probe(let name): return take(.probed(name, isReady: code == 0))
        case .stopCommand(let name): return take(.stopCommandEnded(name))
        }
    }
}

// MARK: What is done

extension ServiceKeeper {
    private mutating func take(_ event: Supervisor.Event) -> [Lifecycle.Event] {
        hasStirred = true
        waiting.append(event)
        while !waiting.isEmpty {
            for action in supervisor.handle(waiting.removeFirst()) { perform(action) }
        }
        write()
        defer { told = [] }
        return told
    }

    private mutating func perform(_ action: Supervisor.Action) {
        switch action {
        case .start(let service): start(service)
        case .probe(let service): probe(service)
        case .endProbe(let name): if let process = processes[.probe(name)] { kill(-process, SIGKILL) }
        case .runStopCommand(let service): runStopCommand(service)
        case .ask(let service):
            if let process = processes[.service(service.name)] {
                kill(process, service.stopSignal)
                kill(process, SIGCONT)
            }
        case .kill(let name):
            for role in [Role.service(name), .stopCommand(name)] { if let process = processes[role] { end(process) } }
        case .watch(let name, let timer, let time): deadlines[Watched(service: name, timer: timer)] = .now + time
        case .forget(let name, let timer): deadlines[Watched(service: name, timer: timer)] = nil
        case .tell(let name, let notice): tell(name, notice)
        case .settled: told.append(.servicesSettled)
        case .fail(let code): told.append(.servicesFailed(code: code))
        case .stopped: told.append(.servicesStopped)
        }
    }

    private func end(_ process: pid_t) {
        let below = ProcessTree.descendants(of: process) ?? []
        kill(-process, SIGKILL)
        below.forEach { ProcessTree.signal($0, SIGKILL) }
    }

    private mutating func start(_ service: ServicePlan) {
        let channel = ReadyChannel(service.readiness)
        do throws(CommandFailure) {
            let words = service.isAgentService ? program : nil
            processes[.service(service.name)] = try run(service.command, of: service, channel, program: words)
            channel?.started()

            channels[service.name] = channel
            waiting.append(.started(service.name))
        } catch {
            channel?.started()
            log.warning("service \(service.name): \(error.description)")
            waiting.append(.startFailed(service.name, code: error.code))
        }
    }

    private mutating func probe(_ service: ServicePlan) {
        switch service.readiness {
        case .socket(let path):
            waiting.append(.probed(service.name, isReady: ServicePlan.Readiness.isListenedTo(path)))
        case .command(let line):
            do throws(CommandFailure) {
                processes[.probe(service.name)] = try run(["/bin/sh", "-c", line], of: service, nil)
            } catch {
                waiting.append(.probed(service.name, isReady: false))
            }
        default: break
        }
    }

    private mutating func runStopCommand(_ service: ServicePlan) {
        do throws(CommandFailure) {
            processes[.stopCommand(service.name)] = try run(service.stopCommand, of: service, nil)
        } catch {
            log.warning("service \(service.name): \(error.description)")
            waiting.append(.stopCommandEnded(service.name))
        }
    }

    /// Starts a program for a service, as its user and with its variables.
    private mutating func run(
        _ words: [String], of service: ServicePlan, _ channel: ReadyChannel?, program: [[UInt8]]? = nil
    ) throws(CommandFailure) -> pid_t {
        let identity = try ServiceIdentity(service, plan)
        let user = identity.credentials?.uid ?? geteuid()
        var places: [cai_placement] = []
        let input = emptyInput()
        defer { input.map { _ = Glibc.close($0) } }
        if let input { places.append(cai_placement(from: input, to: 0)) }
        let shared = sharedWriters
        guard let writers = output.writers(of: service.name, ownedBy: user) ?? shared else {
            throw CommandFailure(.descriptors, service.name, .tooManyOpenFiles)
        }
        output.startRelay(self.program, log)
        places += [cai_placement(from: writers.output, to: 1), cai_placement(from: writers.errors, to: 2)]
        if let place = channel?.place { places.append(place) }
        if user != geteuid() {
            // Opening /dev/stdin or /dev/fd/3 checks the owner of the pipe.
            for place in places where place.to == 0 || place.to > 2 { fchown(place.from, user, gid_t.max) }
        }
        let arguments = CStrings(words.map { Array($0.utf8) })
        let reports = log
        return try Command(
            arguments.pointers, credentials: identity.credentials, user: identity.user,
            directories: identity.directories, variables: identity.variables + (channel?.variables ?? []),
            ignoresChildEnds: false, program: program, places: places,
            isolation: Command.Isolation(withholds: ServiceIdentity.isWithheld)
        ).start(terminal: nil, leftOut: { reports.leftOut($0, of: "service \(service.name)") })
    }

    /// Standard error of this process in place of pipes, unless it is a terminal, which is the command's.
    private var sharedWriters: (output: CInt, errors: CInt)? { QuietTerminal.isNeeded ? nil : (2, 2) }

    private mutating func provideOutput(_ services: [ServicePlan]) {
        var names: [String] = []
        for service in services where !names.contains(service.name) { names.append(service.name) }
        output.provide(for: names, plan.tellsJSON ? .json : .text, target, program, log)
    }

    private mutating func write() {
        let states = supervisor.states
        guard states != recorded else { return }
        recorded = states
        record.write(states)
    }

    private func tell(_ name: String, _ notice: Supervisor.Notice) {
        switch notice {
        case .ended(let code, let pause):
            log.warning("service \(name): ended with \(code); it is started again in \(pause)")
        case .finished(let code): log.info("service \(name): ended with \(code)")
        case .gaveUp(let code, 0): log.warning("service \(name): ended with \(code) and is not started again")
        case .gaveUp(let code, let restarts):
            log.warning("service \(name): ended with \(code) after \(restarts) restarts and is not started again")
        case .unusable:
            log.warning("service \(name): cannot be run as it was declared; cai config show tells why")
        case .notReady(let time, true): log.error("service \(name): was not ready after \(time)")
        case .notReady(let time, false):
            log.warning("service \(name): was not ready after \(time); nobody waits for it any more")
        case .stopTimedOut: log.warning("service \(name): took too long to end and is killed")
        }
    }
}

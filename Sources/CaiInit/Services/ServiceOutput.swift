import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// Where services print to: pipes that process 1 keeps, so that nothing is lost when a service or the relay is started
/// again, and the relay that reads them.
struct ServiceOutput: ~Copyable {
    private var pipes: [ServicePipes] = []
    private var control: CInt = -1
    private var format = RelayFormat.text
    private var target = RelayTarget.standardError
    private var relay: pid_t?
    /// True from `leave` until the relay has ended: it reads no more.
    private var isRelayLeaving = false
    /// A relay that still wrote when the last one was started.
    private var predecessor: pid_t?
    private var startedAt = ContinuousClock.now
    private var failures = 0
    /// When the relay is started again.
    private(set) var restart: ContinuousClock.Instant?
    private var isClosed = false

    /// Descriptors of this process that must stay open.
    var descriptors: [CInt] { pipes.flatMap(\.ends) + (control >= 0 ? [control] : []) }

    /// The ends of pipes that a service prints to, given to its user; nil where the kernel gives none.
    ///
    /// A service that runs as another user than before gets new pipes: a process that the old user has left could open the
    /// old ones and read them.
    mutating func writers(of service: String, ownedBy user: uid_t) -> (output: CInt, errors: CInt)? {
        guard !isClosed else { return nil }
        let known = pipes.firstIndex { $0.service == service }
        if known.map({ pipes[$0].owner ?? user }) != user {
            guard let new = ServicePipes(for: service) else { return nil }
            letRelayLeave()
            if let known {
                pipes[known].close()
                pipes[known] = new
            } else {
                pipes.append(new)
            }
        }
        guard let index = known ?? pipes.indices.last else { return nil }
        pipes[index].give(to: user)
        return (pipes[index].output.writer, pipes[index].errors.writer)
    }

    /// Makes sure that these services have pipes, and a relay that knows of them and of the target.
    mutating func provide(
        for services: [String], _ format: RelayFormat, _ target: RelayTarget, _ program: [[UInt8]], _ log: RunLog
    ) {
        guard !isClosed else { return }
        let gone = pipes.filter { $0.service != Relay.ownLines && !services.contains($0.service) }
        let new = services.filter { name in !pipes.contains { $0.service == name } }
        let isSame = format == self.format && target == self.target
        if gone.isEmpty, new.isEmpty, isSame, relay != nil || pipes.isEmpty { return }
        (self.format, self.target) = (format, target)
        // What was printed already is the old relay's: it takes the end of this pipe for it.
        letRelayLeave()
        gone.forEach { $0.close() }
        pipes.removeAll { pipe in gone.contains { $0.service == pipe.service } }
        for service in new {
            guard let pipe = ServicePipes(for: service) else { break }
            pipes.append(pipe)
        }
        if relay == nil { start(program, log) }
    }

    /// Ends the relay that writes to standard error, and waits for that; the next one, which starts when it is reaped or
    /// with `startRelay`, writes to the target. Returns the end of a pipe to it for lines of this process; nil where the kernel
    /// gives no pipe.
    mutating func leaveStandardError(for target: RelayTarget) -> CInt? {
        self.target = target
        if let relay {
            letRelayLeave()
            if !hasLeft(within: patienceWithRelay) {
                // It waits for a terminal that takes no output.
                kill(relay, SIGKILL)
                _ = hasLeft(within: patienceWithRelay)
            }
        }
        guard let own = ServicePipes(for: Relay.ownLines) else { return nil }
        pipes.append(own)
        return own.errors.writer
    }

    /// Lets the next relay write to standard error again: the command could not be started.
    mutating func returnToStandardError() {
        target = .standardError
        pipes.filter { $0.service == Relay.ownLines }.forEach { $0.close() }
        pipes.removeAll { $0.service == Relay.ownLines }
    }

    /// Starts the relay unless there is one.
    mutating func startRelay(_ program: [[UInt8]], _ log: RunLog) {
        if relay == nil, restart == nil, !pipes.isEmpty { start(program, log) }
    }

    /// Waits until no process reads the control pipe any more: its only reader is the relay.
    private func hasLeft(within milliseconds: CInt) -> Bool {
        var state = pollfd(fd: control, events: 0, revents: 0)
        return poll(&state, 1, milliseconds) == 1
    }

    /// A service has ended: what it printed last may have no line end.
    func ended(_ service: String) {
        guard let index = pipes.firstIndex(where: { $0.service == service }) else { return }
        say(UInt8(truncatingIfNeeded: index))
    }

    /// Every relay that has not ended.
    var relays: [pid_t] { [relay, predecessor].compactMap { $0 } }

    /// A relay has ended: there is another one at once, and later after it has ended soon.
    mutating func relayEnded(_ process: pid_t, _ code: CInt, _ program: [[UInt8]], _ log: RunLog) {
        if process == predecessor {
            predecessor = nil
            return
        }
        relay = nil
        isRelayLeaving = false
        if control >= 0 { Glibc.close(control) }
        control = -1
        guard !isClosed, !pipes.isEmpty else { return }
        if code == 0 || ContinuousClock.now - startedAt > .seconds(60) { failures = 0 }
        if code != 0 {
            failures += 1
            log.warning("the relay of the services' output ended with \(code)")
        }
        if failures < 2 { return start(program, log) }
        restart = .now + .milliseconds(min(10 << min(failures, 10), 5_000))
    }

    /// Starts the relay again when that is due.
    mutating func elapse(_ now: ContinuousClock.Instant, _ program: [[UInt8]], _ log: RunLog) {
        guard let restart, now >= restart else { return }
        self.restart = nil
        if !isClosed { start(program, log) }
    }

    /// Closes the pipes: the relay ends with the last process that prints. One that is about to leave gets a successor, which
    /// reads the rest of the pipes.
    mutating func close(_ program: [[UInt8]], _ log: RunLog) {
        if !isClosed, !pipes.isEmpty, relay == nil || isRelayLeaving {
            predecessor = relay
            relay = nil
            if control >= 0 { Glibc.close(control) }
            control = -1
            start(program, log)
        }
        isClosed = true
        restart = nil
        descriptors.forEach { _ = Glibc.close($0) }
        pipes = []
        control = -1
    }

    private mutating func letRelayLeave() {
        if relay != nil { say(Relay.leave) }
        isRelayLeaving = relay != nil
    }

    private func say(_ word: UInt8) {
        var word = word
        // What a full pipe does not take is about a line without an end only.
        if control >= 0 { _ = write(control, &word, 1) }
    }

    private mutating func start(_ program: [[UInt8]], _ log: RunLog) {
        guard let input = emptyInput() else { return }
        defer { Glibc.close(input) }
        guard let saying = OutputPipe() else { return }
        _ = fcntl(saying.writer, F_SETFL, O_NONBLOCK)
        // Standard error of this process may be a pipe to the relay: that must not keep its own input open.
        let output = target == .standardError ? 2 : input
        var places = [
            cai_placement(from: input, to: 0), cai_placement(from: output, to: 1), cai_placement(from: output, to: 2),
        ]
        places.append(cai_placement(from: saying.reader, to: Relay.control))
        for (index, pipe) in pipes.enumerated() {
            let first = Relay.control + 1 + CInt(index) * 2
            places.append(cai_placement(from: pipe.output.reader, to: first))
            places.append(cai_placement(from: pipe.errors.reader, to: first + 1))
        }
        let words = CStrings(
            (["cai", Relay.word, format.rawValue, target.word] + pipes.map(\.service)).map { Array($0.utf8) })
        startedAt = .now
        do {
            relay = try Command(
                words.pointers, credentials: nil, user: "", directories: ["/"], ignoresChildEnds: false,
                program: program, places: places,
                // SIGTERM for everything that is left may come before it ignores that.
                isolation: Command.Isolation(withholds: { _ in false }, holdsSignals: true)
            ).start(terminal: nil)
            isRelayLeaving = false
            control = saying.writer
        } catch {
            log.warning("the services' output cannot be relayed: \(error.description)")
            Glibc.close(saying.writer)
            failures += 1
            restart = .now + .milliseconds(min(100 << min(failures, 10), 60_000))
        }
        Glibc.close(saying.reader)
    }
}

/// The time for the relay to write its backlog before the command starts, in milliseconds.
private let patienceWithRelay: CInt = 1_000

/// A descriptor to read from in which there is nothing, for the caller to close; it needs no /dev. Nil where the kernel gives
/// none.
func emptyInput() -> CInt? {
    var ends: [CInt] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
    close(ends[1])
    return ends[0]
}

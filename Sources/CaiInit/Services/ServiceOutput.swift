import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// Where services print to: pipes that process 1 keeps, so that nothing is lost when a service or the relay is started
/// again, and the relay that reads them.
struct ServiceOutput: ~Copyable {
    private struct Pipe {
        let reader: CInt
        let writer: CInt

        /// Nil where there are no descriptors left.
        init?() {
            var ends: [CInt] = [-1, -1]
            guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
            (reader, writer) = (ends[0], ends[1])
            // Only the relay's end: services wait for a log that is read slowly.
            _ = fcntl(reader, F_SETFL, O_NONBLOCK)
        }

        var ends: [CInt] { [reader, writer] }
        func close() { ends.forEach { _ = Glibc.close($0) } }
    }

    private var pipes: [(service: String, output: Pipe, errors: Pipe)] = []
    private var control: CInt = -1
    private var format = RelayFormat.text
    private(set) var relay: pid_t?
    private var startedAt = ContinuousClock.now
    private var failures = 0
    /// When the relay is started again.
    private(set) var restart: ContinuousClock.Instant?
    private var isClosed = false

    /// Descriptors of this process that must stay open.
    var descriptors: [CInt] { pipes.flatMap { $0.output.ends + $0.errors.ends } + (control >= 0 ? [control] : []) }

    /// Where a service prints to: standard output and standard error; nil for where this process does.
    func writers(of service: String) -> (output: CInt, errors: CInt)? {
        pipes.first { $0.service == service }.map { ($0.output.writer, $0.errors.writer) }
    }

    /// Makes sure that these services have pipes, and a relay that knows of them.
    mutating func provide(for services: [String], _ format: RelayFormat, _ program: [[UInt8]], _ log: RunLog) {
        guard !isClosed else { return }
        let gone = pipes.filter { !services.contains($0.service) }
        let new = services.filter { name in !pipes.contains { $0.service == name } }
        if gone.isEmpty, new.isEmpty, format == self.format, relay != nil || services.isEmpty { return }
        self.format = format
        // What was printed already is the old relay's: it takes the end of this pipe for it.
        if relay != nil { say(Relay.leave) }
        for pipe in gone {
            pipe.output.close()
            pipe.errors.close()
        }
        pipes.removeAll { pipe in gone.contains { $0.service == pipe.service } }
        for service in new {
            guard let output = Pipe() else { break }
            guard let errors = Pipe() else {
                output.close()
                break
            }
            pipes.append((service, output, errors))
        }
        if relay == nil { start(program, log) }
    }

    /// A service has ended: what it printed last may have no line end.
    func ended(_ service: String) {
        guard let index = pipes.firstIndex(where: { $0.service == service }) else { return }
        say(UInt8(truncatingIfNeeded: index))
    }

    /// The relay has ended: there is another one at once, and later after it has ended soon.
    mutating func relayEnded(_ code: CInt, _ program: [[UInt8]], _ log: RunLog) {
        relay = nil
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

    /// Nobody prints any more but those that are ended next: the relay ends with the last of them.
    mutating func close() {
        isClosed = true
        restart = nil
        descriptors.forEach { _ = Glibc.close($0) }
        pipes = []
        control = -1
    }

    private func say(_ word: UInt8) {
        var word = word
        // What a full pipe does not take is about a line without an end only.
        if control >= 0 { _ = write(control, &word, 1) }
    }

    private mutating func start(_ program: [[UInt8]], _ log: RunLog) {
        guard let input = emptyInput() else { return }
        defer { Glibc.close(input) }
        guard let saying = Pipe() else { return }
        _ = fcntl(saying.writer, F_SETFL, O_NONBLOCK)
        var places = [cai_placement(from: input, to: 0), cai_placement(from: 2, to: 1)]
        places.append(cai_placement(from: saying.reader, to: Relay.control))
        for (index, pipe) in pipes.enumerated() {
            let first = Relay.control + 1 + CInt(index) * 2
            places.append(cai_placement(from: pipe.output.reader, to: first))
            places.append(cai_placement(from: pipe.errors.reader, to: first + 1))
        }
        let words = CStrings((["cai", Relay.word, format.rawValue] + pipes.map(\.service)).map { Array($0.utf8) })
        startedAt = .now
        do {
            relay = try Command(
                words.pointers, credentials: nil, user: "", directories: ["/"], ignoresChildEnds: false,
                program: program, isolation: Command.Isolation(places: places, withholds: { _ in false })
            ).start(terminal: nil)
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

/// A descriptor to read from in which there is nothing, for the caller to close; it needs no /dev. Nil where the kernel gives
/// none.
func emptyInput() -> CInt? {
    var ends: [CInt] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
    close(ends[1])
    return ends[0]
}

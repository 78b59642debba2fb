import CPlatform
import CaiPlatform
import Glibc

/// The process that takes what services print to the log of the container: this program started again as
/// `cai relay FORMAT TARGET NAME…`.
///
/// A log may be read slowly or not at all, and process 1 waits for nobody; so this one does. Descriptor 3 is what process 1
/// says to it: the number of a service that has ended, `leave`, or the end; from 4 on come standard output and standard
/// error of each service. An empty name stands for process 1 and its helpers. It makes no wake-ups while nobody prints, and
/// keeps at most a few pages that were not read.
package enum Relay {
    /// What is said to a relay that another one takes over from.
    static let leave: UInt8 = 0xFF
    static let word = "relay"
    static let control: CInt = 3
    /// The name under which the lines of process 1 and its helpers come.
    static let ownLines = ""

    /// Whether this program was started as one.
    package static var isWanted: Bool {
        let words = cai_argument_vector()
        return words[0] != nil && words[1].map { bytes($0) } == Array(word.utf8)
    }

    /// Relays until there is nothing left to relay, and ends this program.
    package static func perform() -> Never {
        // It ends when those end that it is for.
        for number in [SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT] { signal(number, SIG_IGN) }
        let words = CommandWords(cai_argument_vector()).dropFirst(2).map { String(decoding: $0, as: UTF8.self) }
        var loop = RelayLoop(
            format: words.first.flatMap(RelayFormat.init) ?? .text,
            target: RelayTarget(word: words.dropFirst().first ?? ""), services: Array(words.dropFirst(2)))
        chdir("/")
        cai_release_program_memory()
        loop.run()
        _exit(0)
    }
}

private struct RelayLoop {
    private struct Source {
        let descriptor: CInt
        let service: String
        let stream: String
        var cutter = LineCutter()
        var isOpen = true
    }

    private let format: RelayFormat
    private let sink: RelaySink
    private var sources: [Source] = []
    /// What waits to be written, in pieces that belong together.
    private var pieces: [[UInt8]] = []
    private var size = 0
    private var isControlOpen = true
    private var isLeaving = false
    /// Whether there is nobody to write to.
    private var isDeaf = false

    init(format: RelayFormat, target: RelayTarget, services: [String]) {
        self.format = format
        sink = RelaySink(target)
        for (index, service) in services.enumerated() {
            let first = Relay.control + 1 + CInt(index) * 2
            sources.append(Source(descriptor: first, service: service, stream: "stdout"))
            sources.append(Source(descriptor: first + 1, service: service, stream: "stderr"))
        }
    }

    private var isOver: Bool {
        pieces.isEmpty && (isLeaving || (!isControlOpen && sources.allSatisfy { !$0.isOpen }))
    }

    mutating func run() {
        while !isOver {
            let reads = !isLeaving && size < longestBacklog
            var states = sources.indices.map { index in
                pollfd(
                    fd: reads && sources[index].isOpen ? sources[index].descriptor : -1, events: Int16(POLLIN),
                    revents: 0)
            }
            states.append(pollfd(fd: isControlOpen ? Relay.control : -1, events: Int16(POLLIN), revents: 0))
            states.append(pollfd(fd: pieces.isEmpty ? -1 : 2, events: Int16(POLLOUT), revents: 0))
            // At the end nobody waits long for a log that is not read.
            let count = poll(&states, nfds_t(states.count), isLeaving || !isControlOpen ? lastPatience : -1)
            if count == 0, !pieces.isEmpty { return }
            guard count > 0 else { continue }
            for index in sources.indices where states[index].revents != 0 { read(index) }
            if states[sources.count].revents != 0 { listen() }
            if states[sources.count + 1].revents != 0 { write() }
        }
    }

    /// Reads once. Returns whether there may be more.
    @discardableResult private mutating func read(_ index: Int) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16384)
        let count = Glibc.read(sources[index].descriptor, &buffer, buffer.count)
        if count > 0 {
            tell(sources[index].cutter.take(buffer[..<count]), index)
            return true
        }
        if count == 0 || (errno != EAGAIN && errno != EINTR) {
            flush(index)
            sources[index].isOpen = false
        }
        return false
    }

    private mutating func listen() {
        var words = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(Relay.control, &words, words.count)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { isControlOpen = false }
        for word in words.prefix(max(count, 0)) {
            if word == Relay.leave {
                isLeaving = true
                sources.indices.forEach { flush($0) }
            } else if Int(word) * 2 + 1 < sources.count {
                for index in [Int(word) * 2, Int(word) * 2 + 1] where sources[index].isOpen {
                    // As much as a pipe holds: who took over the other end may print without a pause.
                    for _ in 0..<8 where read(index) {}
                    flush(index)
                }
            }
        }
    }

    private mutating func flush(_ index: Int) {
        if let line = sources[index].cutter.flush() { tell([line], index) }
    }

    private mutating func tell(_ lines: [LineCutter.Line], _ index: Int) {
        guard !isDeaf, !lines.isEmpty else { return }
        let (service, stream) = (sources[index].service, sources[index].stream)
        switch sink {
        case .standardError:
            let new = lines.flatMap { format.pieces($0, of: service, on: stream) }
            pieces += new
            size += new.reduce(0) { $0 + $1.count }
        case .file(let file):
            let time = WallClock.utcText
            file.write(lines.flatMap { format.pieces($0, of: service, on: stream, at: time).joined() })
        case .journal(let journal): lines.forEach { _ = journal.send(JournalEntry(of: service, $0.bytes)) }
        case .none: break
        }
    }

    /// Writes what a pipe takes at once.
    private mutating func write() {
        var bytes = pieces[0]
        var count = 1
        while count < pieces.count, bytes.count + pieces[count].count <= RelayFormat.longest {
            bytes += pieces[count]
            count += 1
        }
        let written = Glibc.write(2, bytes, bytes.count)
        if written < 0, errno == EAGAIN || errno == EINTR { return }
        if written < 0 {
            isDeaf = true
            pieces = []
            size = 0
            return
        }
        pieces.removeFirst(count)
        size -= written
        if written < bytes.count { pieces.insert(Array(bytes[written...]), at: 0) }
    }
}

/// How much waits to be written before services have to wait.
private let longestBacklog = 64 << 10
/// In milliseconds.
private let lastPatience: CInt = 500

import CaiModel
import Synchronization

/// Tells everybody who listens what happens. Who does not keep up loses events, and is told how many.
package final class EventHub: Sendable {
    /// One thing that happened: its kind, and a JSON object on one line.
    struct Event: Sendable {
        let number: UInt64
        let kind: String
        let line: String
    }

    private struct Reader {
        let continuation: AsyncStream<Event>.Continuation
        var lost = 0

        mutating func tell(_ event: Event) {
            if lost > 0 {
                let note = Event(number: event.number, kind: "lost", line: "{\"count\":\(lost)}")
                guard case .enqueued = continuation.yield(note) else {
                    lost += 1
                    return
                }
                lost = 0
            }
            if case .dropped = continuation.yield(event) { lost += 1 }
        }
    }

    private struct State {
        var readers: [UInt64: Reader] = [:]
        var next: UInt64 = 1
        var isClosed = false
        var counts: [String: Int] = [:]
    }

    /// So many may listen, and so many events wait for each of them.
    private static let mostReaders = 64
    private static let mostWaiting = 256

    private let state = Mutex(State())

    package init() {}

    /// Tells it. May be called from any thread.
    package func publish(_ kind: String, _ line: String) {
        state.withLock { state in
            state.counts[kind, default: 0] += 1
            guard !state.readers.isEmpty else { return }
            let number = state.next
            state.next += 1
            for id in state.readers.keys { state.readers[id]?.tell(Event(number: number, kind: kind, line: line)) }
        }
    }

    /// Listens. Nil when too many do, or when it is over.
    func listen() -> (id: UInt64, events: AsyncStream<Event>)? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(Self.mostWaiting))
        let id = state.withLock { state -> UInt64? in
            guard !state.isClosed, state.readers.count < Self.mostReaders else { return nil }
            let id = state.next
            state.next += 1
            state.readers[id] = Reader(continuation: continuation)
            return id
        }
        return id.map { ($0, stream) }
    }

    /// Shows one who listens that the connection lives.
    func beat(_ id: UInt64) {
        state.withLock { $0.readers[id]?.tell(Event(number: 0, kind: "", line: "")) }
    }

    /// Ends listening.
    func leave(_ id: UInt64) {
        let reader = state.withLock { $0.readers.removeValue(forKey: id) }
        reader?.continuation.finish()
    }

    /// Ends it for everybody.
    func close() {
        let readers = state.withLock { state in
            state.isClosed = true
            defer { state.readers = [:] }
            return state.readers
        }
        for reader in readers.values { reader.continuation.finish() }
    }

    var readerCount: Int { state.withLock { $0.readers.count } }
    /// How many events of each kind there were.
    var counts: [String: Int] { state.withLock { $0.counts } }
}

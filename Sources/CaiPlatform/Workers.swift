import CPlatform
import Glibc
import Synchronization

/// Work spread over a few threads, for work that waits for memory and disks more than it computes.
package enum Workers {
    /// How many threads are worth having: as many as processors this process may use, at most four.
    package static var count: Int { min(max(Int(cai_processor_count()), 1), 4) }

    /// Calls `body` once for each item, on this thread and on `threads - 1` others, and returns what it returned in the
    /// order of the items.
    ///
    /// After an error no further item is begun, and the first error is thrown once every thread has ended. A thread that
    /// the system refuses is done without. The threads have the identity of this one.
    package static func map<Item: Sendable, Output: Sendable, Failure: Error>(
        _ items: [Item], threads: Int,
        _ body: @escaping @Sendable (Item) throws(Failure) -> Output
    ) throws(Failure) -> [Output] {
        let progress = Progress(items, body)
        let others = (1..<max(min(threads, items.count), 1)).compactMap { _ in
            Thread(isElsewhere: true) { progress.work() }
        }
        progress.work()
        others.forEach { $0.join() }
        return try progress.result()
    }
}

/// Which items are taken, and what became of them.
private final class Progress<Item: Sendable, Output: Sendable, Failure: Error>: Sendable {
    private struct State {
        var next = 0
        var outputs: [Output?]
        var failure: Failure?
    }

    private let items: [Item]
    private let body: @Sendable (Item) throws(Failure) -> Output
    private let state: Mutex<State>

    init(_ items: [Item], _ body: @escaping @Sendable (Item) throws(Failure) -> Output) {
        self.items = items
        self.body = body
        state = Mutex(State(outputs: Array(repeating: nil, count: items.count)))
    }

    func work() {
        while let index = takeNext() {
            do throws(Failure) {
                let output = try body(items[index])
                state.withLock { $0.outputs[index] = output }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
    }

    private func takeNext() -> Int? {
        state.withLock {
            guard $0.failure == nil, $0.next < items.count else { return nil }
            $0.next += 1
            return $0.next - 1
        }
    }

    func result() throws(Failure) -> [Output] {
        let (outputs, failure) = state.withLock { ($0.outputs, $0.failure) }
        if let failure { throw failure }
        return outputs.compactMap(\.self)
    }
}

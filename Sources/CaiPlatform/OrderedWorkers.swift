/// Work that a few threads do beside the one that brings it, whose results come out in the order in which it was brought.
///
/// It belongs to the thread that made it. What is not taken when it goes is dropped.
package final class OrderedWorkers<Input: Sendable, Output: Sendable> {
    private let inputs: BoundedQueue<(number: Int, input: Input)>
    private let outputs: BoundedQueue<(number: Int, output: Output)>
    private let threads: [Thread]
    private let limit: Int
    /// What came out before its turn.
    private var early: [Int: Output] = [:]
    private var begun = 0
    private var taken = 0

    /// Starts the threads, as many as the system gives; nil when it gives none.
    ///
    /// Each thread calls `prepare` for what it keeps between pieces and then works with that. Where `prepare` has nothing to
    /// give, `next` ends with nil.
    package init?(threads count: Int, _ prepare: @escaping @Sendable () -> ((Input) -> Output)?) {
        let limit = 2 * count + 2
        let inputs = BoundedQueue<(number: Int, input: Input)>(capacity: limit)
        let outputs = BoundedQueue<(number: Int, output: Output)>(capacity: limit)
        threads = (0..<count).compactMap { _ in
            Thread {
                guard let work = prepare() else { return outputs.close() }
                while let (number, input) = inputs.pop() {
                    guard outputs.push((number, work(input))) else { return }
                }
            }
        }
        if threads.isEmpty { return nil }
        self.inputs = inputs
        self.outputs = outputs
        self.limit = limit
    }

    deinit {
        inputs.close(dropping: true)
        outputs.close(dropping: true)
        threads.forEach { $0.join() }
    }

    /// Whether nothing is on its way.
    package var isEmpty: Bool { begun == taken }
    /// Whether results have to be taken before more is brought.
    package var isFull: Bool { begun - taken >= limit }

    /// Brings a piece of work; not while it is full.
    package func add(_ input: Input) {
        // It is open as long as this object is.
        if inputs.push((begun, input)) { begun += 1 }
    }

    /// Waits for the result of the oldest piece; nil when there is none, or no thread could work.
    package func next() -> Output? {
        guard begun > taken else { return nil }
        while early[taken] == nil {
            guard let (number, output) = outputs.pop() else { return nil }
            early[number] = output
        }
        defer { taken += 1 }
        return early.removeValue(forKey: taken)
    }
}

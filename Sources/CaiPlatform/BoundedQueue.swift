import CPlatform
import Glibc
import Synchronization

/// A count that threads take from and wait for while it is zero (eventfd(2)).
struct Semaphore: ~Copyable, Sendable {
    private let descriptor: Descriptor

    init(_ count: Int) throws(SystemCallError) {
        descriptor = Descriptor(owning: try check("eventfd", "a semaphore") { cai_semaphore(UInt32(count)) })
    }

    /// Takes one, waiting for it.
    func wait() { move { read($0, $1, 8) } }

    /// Gives one.
    func signal() { move { write($0, $1, 8) } }

    /// The calls can only be interrupted: the count stays far below what it can hold.
    private func move(_ call: (CInt, UnsafeMutablePointer<UInt64>) -> Int) {
        var one: UInt64 = 1
        while call(descriptor.raw, &one) < 0, currentErrno == EINTR {}
    }
}

/// Items on their way from some threads to others. At most `capacity` wait; who brings more waits too.
package final class BoundedQueue<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let filled: Semaphore
    private let free: Semaphore

    /// Throws `SystemCallError` when there is no descriptor left.
    package init(capacity: Int) throws(SystemCallError) {
        filled = try Semaphore(0)
        free = try Semaphore(capacity)
    }

    /// Brings an item, waiting for room. False when the queue is closed: the item is dropped.
    package func push(_ item: Item) -> Bool {
        free.wait()
        let isTaken = state.withLock { state in
            if !state.isClosed { state.items.append(item) }
            return !state.isClosed
        }
        // The room that closing made is for everybody who waits for some.
        if isTaken { filled.signal() } else { free.signal() }
        return isTaken
    }

    /// Takes the oldest item, waiting for one. nil when the queue is closed and empty.
    package func pop() -> Item? {
        filled.wait()
        let item: Item? = state.withLock { $0.items.isEmpty ? nil : $0.items.removeFirst() }
        if item == nil { filled.signal() } else { free.signal() }
        return item
    }

    /// Ends it: nothing more can be brought; what waits is still handed out, unless `dropping`.
    package func close(dropping: Bool = false) {
        let wasOpen = state.withLock { state in
            if dropping { state.items = [] }
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard wasOpen else { return }
        filled.signal()
        free.signal()
    }
}

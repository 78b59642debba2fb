import Glibc
import Synchronization

/// A count that threads take from and wait for while it is zero (sem_overview(7)).
struct Semaphore: ~Copyable, Sendable {
    /// Where it lies: a pointer itself may not go to another thread.
    private let address: UInt

    init(_ count: Int) {
        let place = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(place, 0, UInt32(count))
        address = UInt(bitPattern: place)
    }

    deinit {
        guard let place else { return }
        sem_destroy(place)
        place.deallocate()
    }

    private var place: UnsafeMutablePointer<sem_t>? { UnsafeMutablePointer(bitPattern: address) }

    /// Takes one, waiting for it.
    func wait() {
        guard let place else { return }
        while sem_wait(place) < 0, currentErrno == EINTR {}
    }

    /// Gives one.
    func signal() {
        if let place { sem_post(place) }
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

    package init(capacity: Int) {
        filled = Semaphore(0)
        free = Semaphore(capacity)
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

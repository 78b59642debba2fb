import NIOCore
import Synchronization

/// How many may do something at once. Some others wait for a while, in the order in which they came.
///
/// Some places are for root alone, so that slow clients of other users do not keep root waiting.
final class Places: Sendable {
    /// True for what is done for root.
    @TaskLocal static var isForRoot = false

    private struct State {
        var free: Int
        var waiting: [(promise: EventLoopPromise<Bool>, isForRoot: Bool)] = []
    }

    private let reserved: Int
    private let loop: any EventLoop
    private let mostWaiting: Int
    private let patience: TimeAmount
    private let state: Mutex<State>

    init(_ count: Int, reserved: Int = 0, waiting: Int, patience: TimeAmount, loop: any EventLoop) {
        self.reserved = reserved
        self.loop = loop
        mostWaiting = waiting
        self.patience = patience
        state = Mutex(State(free: count))
    }

    /// Runs `body` with a place. Throws `APIError.busy` when none becomes free in time.
    func with<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await take()
        defer { give() }
        return try await body()
    }

    /// Takes a place; the caller gives it back.
    func take() async throws {
        let promise = loop.makePromise(of: Bool.self)
        let isForRoot = Self.isForRoot
        enum Turn { case now, later, never }
        let turn = state.withLock { state -> Turn in
            if state.free > (isForRoot ? 0 : reserved) {
                state.free -= 1
                return .now
            }
            guard state.waiting.count < mostWaiting else { return .never }
            state.waiting.append((promise, isForRoot))
            return .later
        }
        switch turn {
        case .now: promise.succeed(true)
        case .never: promise.succeed(false)
        case .later: loop.scheduleTask(in: patience) { self.giveUp(promise) }
        }
        guard try await promise.futureResult.get() else { throw APIError.busy }
    }

    /// Gives a place back: to the one that has waited longest, of those that may have it.
    func give() {
        let next = state.withLock { state -> EventLoopPromise<Bool>? in
            let isReserved = state.free < reserved
            guard let index = state.waiting.firstIndex(where: { $0.isForRoot || !isReserved }) else {
                state.free += 1
                return nil
            }
            return state.waiting.remove(at: index).promise
        }
        next?.succeed(true)
    }

    private func giveUp(_ promise: EventLoopPromise<Bool>) {
        let isWaiting = state.withLock { state in
            let index = state.waiting.firstIndex { $0.promise.futureResult === promise.futureResult }
            if let index { state.waiting.remove(at: index) }
            return index != nil
        }
        if isWaiting { promise.succeed(false) }
    }
}

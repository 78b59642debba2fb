import NIOCore
import Synchronization

/// How many may do something at once. Some others wait for a while, in the order in which they came.
final class Places: Sendable {
    private struct State {
        var free: Int
        var waiting: [EventLoopPromise<Bool>] = []
    }

    private let loop: any EventLoop
    private let mostWaiting: Int
    private let patience: TimeAmount
    private let state: Mutex<State>

    init(_ count: Int, waiting: Int, patience: TimeAmount, loop: any EventLoop) {
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
        enum Turn { case now, later, never }
        let turn = state.withLock { state -> Turn in
            if state.free > 0 {
                state.free -= 1
                return .now
            }
            guard state.waiting.count < mostWaiting else { return .never }
            state.waiting.append(promise)
            return .later
        }
        switch turn {
        case .now: promise.succeed(true)
        case .never: promise.succeed(false)
        case .later: loop.scheduleTask(in: patience) { self.giveUp(promise) }
        }
        guard try await promise.futureResult.get() else { throw APIError.busy }
    }

    /// Gives a place back: to whoever has waited longest.
    func give() {
        let next = state.withLock { state -> EventLoopPromise<Bool>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.succeed(true)
    }

    private func giveUp(_ promise: EventLoopPromise<Bool>) {
        let isWaiting = state.withLock { state in
            let index = state.waiting.firstIndex { $0.futureResult === promise.futureResult }
            if let index { state.waiting.remove(at: index) }
            return index != nil
        }
        if isWaiting { promise.succeed(false) }
    }
}

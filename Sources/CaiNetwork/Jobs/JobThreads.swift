import CaiPlatform
import NIOCore

/// Runs each job on a thread of its own: it blocks for long, and changes the identity of its thread.
struct JobThreads: Sendable {
    let loop: any EventLoop

    /// Runs `body` and waits for it without a thread. Throws what it throws, and `APIError` where no thread is to be had.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let promise = loop.makePromise(of: Value.self)
        let isStarted = Thread.start { promise.completeWith(Result { try body() }) }
        if !isStarted { promise.fail(APIError.busy) }
        return try await promise.futureResult.get()
    }
}

import NIOCore
import NIOPosix
import Synchronization

/// The one thread for work that blocks: reading and writing files, as the owner of the agent's files. Work is done in the
/// order in which it is asked for, one piece at a time.
///
/// It is a thread of its own because a job changes the identity of its thread for a while, which no other work may share.
final class Worker: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)

    init() { pool.start() }

    /// Runs `body` when everything before it is done.
    func submit(_ body: @escaping @Sendable () -> Void) {
        pool.submit { _ in body() }
    }
}

/// A look that everybody shares who asks for it before it is begun. Nobody gets one that was begun before they asked.
final class SharedLook<Value: Sendable>: Sendable {
    private let worker: Worker
    private let loop: any EventLoop
    private let take: @Sendable () -> Value
    private let waiting = Mutex<[EventLoopPromise<Value>]>([])

    init(_ worker: Worker, _ loop: any EventLoop, _ take: @escaping @Sendable () -> Value) {
        self.worker = worker
        self.loop = loop
        self.take = take
    }

    /// What is to be seen now.
    func value() async throws -> Value {
        let promise = loop.makePromise(of: Value.self)
        let isFirst = waiting.withLock {
            $0.append(promise)
            return $0.count == 1
        }
        if isFirst { worker.submit { self.look() } }
        return try await promise.futureResult.get()
    }

    private func look() {
        let asking = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        let value = take()
        asking.forEach { $0.succeed(value) }
    }
}

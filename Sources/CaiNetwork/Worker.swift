import NIOPosix

/// The one thread for work that blocks: reading and writing files, as the owner of the agent's files. Work is done in the
/// order in which it is asked for, one piece at a time.
///
/// It is a thread of its own because a job changes the identity of its thread for a while, which no other work may share.
final class Worker: Sendable {
    private let pool = NIOThreadPool(numberOfThreads: 1)

    init() { pool.start() }

    /// Runs `body` when everything before it is done. Throws `CancellationError` behind the end of the service.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async throws -> Result {
        try await pool.runIfActive { body() }
    }

    /// Waits for what is being done, and ends.
    func stop() async {
        try? await pool.shutdownGracefully()  // fails for a pool that was stopped before, and there is one end
    }
}

/// A look that everybody shares who asks for it while the one before is still being taken. Nobody gets one that was begun
/// before they asked.
actor SharedLook<Value: Sendable> {
    private let take: @Sendable () async throws -> Value
    private var current: Task<Value, any Error>?
    private var next: Task<Value, any Error>?

    init(_ take: @escaping @Sendable () async throws -> Value) { self.take = take }

    /// What is to be seen now.
    func value() async throws -> Value {
        if let next { return try await next.value }
        let before = current
        let task = Task {
            _ = await before?.result
            begin()
            return try await take()
        }
        next = task
        return try await task.value
    }

    private func begin() {
        current = next
        next = nil
    }
}

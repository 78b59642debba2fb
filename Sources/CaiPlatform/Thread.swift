import CPlatform
import Glibc

/// A thread that runs one closure (pthread_create(3)).
package struct Thread {
    private let id: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts it; nil when the system has no thread to give. It begins on another processor than this one where
    /// `isElsewhere` says that this thread goes on at the same time.
    package init?(isElsewhere: Bool = false, _ body: @escaping @Sendable () -> Void) {
        var id = pthread_t()
        let context = Unmanaged.passRetained(Body(body))
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
            if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
            return nil
        }
        let status =
            isElsewhere
            ? cai_create_thread_elsewhere(&id, run, context.toOpaque())
            : pthread_create(&id, nil, run, context.toOpaque())
        guard status == 0 else {
            context.release()
            return nil
        }
        self.id = id
    }

    /// Starts one that nobody waits for. False when the system has no thread to give.
    package static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = Thread(body) else { return false }
        pthread_detach(thread.id)
        return true
    }

    /// Waits until it has ended.
    package func join() { pthread_join(id, nil) }
}

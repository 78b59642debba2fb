import Synchronization

/// What was asked for and what is being done, counted.
final class Counters: Sendable {
    private struct State {
        var requests: [Request: Int] = [:]
        var running: [String: Int] = [:]
        var connections = 0
        var refused = 0
    }

    struct Request: Hashable, Comparable, Sendable {
        let route: String
        let status: Int
        static func < (first: Request, second: Request) -> Bool {
            (first.route, first.status) < (second.route, second.status)
        }
    }

    private let state = Mutex(State())

    func answered(_ route: String, _ status: Int) {
        state.withLock { $0.requests[Request(route: route, status: status), default: 0] += 1 }
    }
    func begin(_ job: String) { state.withLock { $0.running[job, default: 0] += 1 } }
    func end(_ job: String) { state.withLock { $0.running[job, default: 0] -= 1 } }
    func refused() { state.withLock { $0.refused += 1 } }

    /// Counts somebody who connects; false when there are `most` already.
    func connect(most: Int) -> Bool {
        state.withLock { state in
            guard state.connections < most else { return false }
            state.connections += 1
            return true
        }
    }
    func disconnect() { state.withLock { $0.connections -= 1 } }

    var requests: [Request: Int] { state.withLock { $0.requests } }
    var running: [String: Int] { state.withLock { $0.running.filter { $0.value > 0 } } }
    /// How many jobs are being worked on.
    var jobs: Int { state.withLock { $0.running.values.reduce(0, +) } }
    var connections: Int { state.withLock { $0.connections } }
    var refusedPeers: Int { state.withLock { $0.refused } }
}

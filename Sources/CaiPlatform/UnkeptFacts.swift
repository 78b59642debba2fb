import Synchronization
package import SystemPackage

/// Facts about files that a file system or a sandbox refused to keep: one example for each kind in the life of a process.
///
/// They are noted here rather than thrown, because the content is where it belongs.
package enum UnkeptFacts {
    /// The kind of a fact.
    package enum Fact: Hashable, Sendable {
        case mode(wanted: UInt16, found: UInt16)
        /// Locks that other processes see.
        case lock
    }

    /// One example.
    package struct Example: Hashable, Sendable {
        package let fact: Fact
        package let path: FilePath
    }

    private struct State {
        var noted: [Example] = []
        /// The number of those that were reported.
        var taken = 0
    }

    private static let state = Mutex(State())

    /// Notes a fact, if it is the first of its kind.
    static func note(_ fact: Fact, _ path: FilePath) {
        state.withLock { state in
            if state.noted.contains(where: { $0.fact.isSameKind(as: fact) }) { return }
            state.noted.append(Example(fact: fact, path: path))
        }
    }

    /// Returns each example once.
    package static func take() -> [Example] {
        state.withLock { state in
            defer { state.taken = state.noted.count }
            return Array(state.noted.dropFirst(state.taken))
        }
    }
}

extension UnkeptFacts.Fact {
    fileprivate func isSameKind(as other: Self) -> Bool {
        switch (self, other) {
        case (.mode, .mode), (.lock, .lock): true
        case (.mode, .lock), (.lock, .mode): false
        }
    }
}

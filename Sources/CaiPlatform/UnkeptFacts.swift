import Synchronization
package import SystemPackage

/// Facts about files that a file system or a sandbox refused to keep, until they are reported: one example for each kind.
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

    private static let noted = Mutex<[Example]>([])

    /// Notes a fact, if it is the first of its kind since the last report.
    static func note(_ fact: Fact, _ path: FilePath) {
        noted.withLock { noted in
            if noted.contains(where: { $0.fact.isSameKind(as: fact) }) { return }
            noted.append(Example(fact: fact, path: path))
        }
    }

    /// Returns what was noted, once.
    package static func take() -> [Example] {
        noted.withLock { noted in
            defer { noted = [] }
            return noted
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

import CaiPlatform
import Synchronization
import Testing

@Suite struct `A thread` {
    @Test func `that begins elsewhere may run on every processor that its maker may run on`() throws {
        let seen = Mutex<[Int]>([])
        let threads = try (0..<8).map { _ in
            try #require(Thread(isElsewhere: true) { seen.withLock { $0.append(Workers.count) } })
        }
        threads.forEach { $0.join() }
        #expect(seen.withLock { $0 } == Array(repeating: Workers.count, count: 8))
    }
}

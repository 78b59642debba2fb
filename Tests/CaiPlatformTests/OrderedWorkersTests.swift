import CaiPlatform
import Synchronization
import Testing

@Suite struct `Ordered workers` {
    @Test(arguments: [1, 2, 7])
    func `give the results in the order of the work, however long each piece takes`(_ threads: Int) throws {
        let workers = try #require(
            OrderedWorkers<Int, Int>(threads: threads) {
                { number in (0..<(number % 5) * 10_000).reduce(number) { $0 &+ $1 &- $1 } }
            })
        var results: [Int] = []
        for number in 0..<500 {
            while workers.isFull { results.append(try #require(workers.next())) }
            workers.add(number)
        }
        while !workers.isEmpty { results.append(try #require(workers.next())) }
        #expect(results == Array(0..<500))
        #expect(workers.next() == nil)
    }

    @Test func `take no more than they can hold before results are taken`() throws {
        let workers = try #require(OrderedWorkers<Int, Int>(threads: 2) { { $0 } })
        var brought = 0
        while !workers.isFull {
            workers.add(brought)
            brought += 1
        }
        #expect(brought == 6)
        #expect(workers.next() == 0 && !workers.isFull)
    }

    @Test func `prepare once for each thread`() throws {
        let prepared = Mutex(0)
        do {
            let workers = try #require(
                OrderedWorkers<Int, Int>(threads: 3) {
                    prepared.withLock { $0 += 1 }
                    return { $0 }
                })
            for number in 0..<8 { workers.add(number) }
            for number in 0..<8 { #expect(workers.next() == number) }
        }
        #expect((1...3).contains(prepared.withLock { $0 }))
    }

    @Test func `end where no thread can work`() throws {
        let workers = try #require(OrderedWorkers<Int, Int>(threads: 2) { nil })
        workers.add(1)
        #expect(workers.next() == nil)
    }

    @Test func `may go while work is on its way`() throws {
        for _ in 0..<50 {
            let workers = try #require(OrderedWorkers<Int, [Int]>(threads: 2) { { [$0] } })
            for number in 0..<6 { workers.add(number) }
            _ = workers.next()
        }
    }
}

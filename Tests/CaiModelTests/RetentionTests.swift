import CaiModel
import Testing

@Suite struct `Retention of displaced content` {
    @Test(arguments: [
        ([], 2, 100, []), ([1, 1], 2, 100, []), ([1, 1, 1], 2, 100, ["0"]), ([50, 50, 50], 9, 100, ["0"]),
        ([1, 200], 9, 100, ["0"]), ([200], 9, 100, []), ([200, 1], 9, 100, ["0"]), ([1, 1, 1], 0, 0, ["0", "1"]),
        ([1, 90, 20], 9, 100, ["0", "1"]), ([0, 0, 0], 9, 0, []), ([UInt64.max, .max], 9, .max, ["0"]),
    ])
    func `the oldest runs go until both limits hold, the newest never`(
        sizes: [UInt64], runs: Int, bytes: UInt64, dropped: [String]
    ) {
        let all = sizes.enumerated().map { Retention.Run(id: String($0.offset), bytes: $0.element) }
        #expect(Retention(runs: runs, bytes: bytes).dropped(from: all.reversed()) == dropped)
    }

    @Test func `runs that nobody asked for have a quarter of the room, and drive nothing else out`() {
        let people = (10..<20).map { Retention.Run(id: "\($0)", bytes: 10) }
        let automatic = (20..<60).map { Retention.Run(id: "\($0)", bytes: 1, isAutomatic: true) }
        let dropped = Retention(runs: 20, bytes: 1000).dropped(from: people + automatic)
        #expect(dropped == (20..<55).map(String.init))
        let large = [Retention.Run(id: "70", bytes: 900, isAutomatic: true)]
        #expect(Retention(runs: 20, bytes: 1000).dropped(from: people + large) == [])
        #expect(Retention(runs: 20, bytes: 100).dropped(from: people + large) == people.map(\.id))
    }

    @Test func `the standard is twenty runs and 256 MiB`() {
        let all = (10..<35).map { Retention.Run(id: "\($0)", bytes: 1) }
        #expect(Retention.standard.dropped(from: all) == ["10", "11", "12", "13", "14"])
        #expect(Retention.standard.bytes == 268_435_456)
    }
}

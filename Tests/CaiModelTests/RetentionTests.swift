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

    @Test func `the standard is twenty runs and 256 MiB`() {
        let all = (10..<35).map { Retention.Run(id: "\($0)", bytes: 1) }
        #expect(Retention.standard.dropped(from: all) == ["10", "11", "12", "13", "14"])
        #expect(Retention.standard.bytes == 268_435_456)
    }
}

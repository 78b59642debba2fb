import CaiTestSupport
import SystemPackage
import Testing

@Suite(.needs("python3")) struct `Many clients of cai serve` {
    @Test func `get no other answers than they should, and leave nothing behind`() throws {
        let script = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending("container/bench-serve")
        // A third of the time is for warming up.
        let run = try Command.run(
            [script.string, "--seconds", "6", "--clients", "60", "--binary", Command.binary.string], limit: 120)
        #expect(run.code == 0, "\(run)")
    }
}

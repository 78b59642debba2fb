import CaiPlatform
import CaiTestSupport
import SystemPackage
import Testing

@Suite(
    .enabled(if: World.isRoot && Files.exists("/lib/systemd/systemd-journald"), "needs root and systemd-journald"))
struct `Entries for the journal` {
    /// A journal of the test's own, in a mount namespace in which the world's `/run` is the machine's.
    private func journal(_ world: World) throws -> Running {
        let program = try Running([
            "unshare", "--mount", "--propagation", "private", "--", "sh", "-euc",
            """
            mount --bind '\(world.root)/run' /run
            mount -t tmpfs tmpfs /var/log
            echo ready
            exec /lib/systemd/systemd-journald
            """,
        ])
        #expect(try program.line() == "ready")
        while !Files.exists(world.root.appending("run/systemd/journal/socket")) {}
        return program
    }

    private func read(_ world: World, _ match: String) throws -> String {
        let base = world.root.appending("run/log/journal")
        while try !Files.exists(base) || Files.names(base).isEmpty {}
        let directory = base.appending(try #require(try Files.names(base).first).components)
        return try Command.run([peer, "read", directory.string, match]).output
    }

    @Test func `are read by libsystemd with every field as it was written`() throws {
        let world = try World(["run": [:]])
        let daemon = try journal(world)
        let socket = try #require(JournalSocket(path: world.root.appending("run/systemd/journal/socket").string))
        let large = String(repeating: "0123456789abcdef", count: 1 << 15)
        for (number, value) in ["one line", "two\nlines\n", "", "MESSAGE=no field\nPRIORITY=0\n", large].enumerated() {
            var entry = JournalEntry()
            entry.add("MESSAGE", "message \(number)")
            entry.add("PRIORITY", "4")
            entry.add(JournalEntry.fieldName("peer-uid", prefix: "CAI_"), value)
            entry.add("CAI_BYTES", [0x00, 0x0A, 0xFF])
            #expect(socket.send(entry))
            let fields = try read(world, "MESSAGE=message \(number)")
            #expect(fields.contains("CAI_PEER_UID \(value.utf8.count) \(value)\n"), "\(fields.prefix(2000))")
            #expect(fields.contains("PRIORITY 1 4\n") && fields.contains("CAI_BYTES 3 \0\n"))
        }
        withExtendedLifetime(daemon) {}
    }

    @Test func `go to standard error where the stream is not the journal's`() {
        #expect(!JournalSocket.isStandardError(nil))
        #expect(!JournalSocket.isStandardError("1:2"))
        #expect(!JournalSocket.isStandardError("nonsense"))
    }
}

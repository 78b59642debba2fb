import CaiTestSupport
import SystemPackage
import Testing

@Suite(.rootOnly) struct `Users of a machine that is no container` {
    /// A host: nothing shows that this is a container, and `/etc` is a copy of the machine's own that the test may lose.
    private static let asHost = inMountNamespace(
        """
        mount -t tmpfs -o mode=700 copy /mnt; cp -a /etc /mnt/etc; mount --bind /mnt/etc /etc
        mkdir -p /etc/containai; echo 'preset = "opencode"' > /etc/containai/agent.toml
        """)

    @Test(arguments: [
        ["users", "restore"], ["users", "persist"], ["users", "remove", "nobody-of-ours", "--force"],
        ["bootstrap", "init"], ["bootstrap", "reset", "--force"],
    ])
    func `are not touched`(_ words: [String]) throws {
        let before = try ["/etc/passwd", "/etc/group", "/etc/shadow"].map { try Files.text($0) }
        let run = try Command.run(Self.asHost + [cai] + words)
        // In a container the machine is one, and the command is right to work.
        guard run.errors.contains("inside a ContainAI container") else {
            #expect(Files.exists("/.dockerenv") || Files.exists("/run/.containerenv"), "\(run)")
            return
        }
        #expect(run.code == 1 && !run.errors.contains("--force"), "\(run)")
        #expect(try ["/etc/passwd", "/etc/group", "/etc/shadow"].map { try Files.text($0) } == before)
    }
}

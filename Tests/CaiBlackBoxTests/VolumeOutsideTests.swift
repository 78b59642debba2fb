import CaiTestSupport
import SystemPackage
import Testing

@Suite(.rootOnly) struct `The volume of a machine that is no container` {
    /// A host with a home and a volume of the right names, which the test may lose.
    private static let asHost = inMountNamespace(
        """
        mount -t tmpfs -o mode=755 home /home; mount -t tmpfs -o mode=755 mnt /mnt
        mkdir -p /home/agent /mnt/agent-data /mnt/source; echo 'set nu' > /mnt/source/.vimrc
        echo {} > /home/agent/.claude.json; chown -R 1000:1000 /home/agent /mnt
        trap 'find /home /mnt -newer /mnt/source/.vimrc -type f >&2' EXIT; "$@"; exit
        """)

    @Test(arguments: [
        ["import", "--from", "/mnt/source"], ["links", "repair"], ["sync"], ["undo"], ["secrets", "purge", "--yes"],
    ])
    func `is not changed unless somebody insists`(_ words: [String]) throws {
        let run = try Command.run(Self.asHost + [cai] + words)
        // In a container the machine is one, and the command is right to work.
        guard run.errors.contains("inside a ContainAI container") else {
            #expect(Files.exists("/.dockerenv") || Files.exists("/run/.containerenv"), "\(run)")
            return
        }
        #expect(run.code == 1 && run.errors.contains("--force"), "\(run)")
        #expect(!run.errors.contains("/mnt/agent-data/editors"), "\(run)")
        let forced = try Command.run(Self.asHost + [cai] + words + ["--force"])
        #expect(!forced.errors.contains("inside a ContainAI container"), "\(forced)")
    }

    @Test(arguments: [["import", "--from", "/mnt/source", "--dry-run"], ["links", "check"], ["undo", "--list"]])
    func `may be looked at`(_ words: [String]) throws {
        let run = try Command.run(Self.asHost + [cai] + words)
        #expect(!run.errors.contains("inside a ContainAI container"), "\(run)")
    }
}

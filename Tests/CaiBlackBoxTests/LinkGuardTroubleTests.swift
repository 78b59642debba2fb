import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.serialized, .rootOnly) struct `The link guard in trouble` {
    private let link: FilePath = "home/agent/.claude.json"
    private let target: FilePath = "mnt/agent-data/claude/claude.json"

    @Test(
        .needs("strace"),
        arguments: [
            ("inotify_init1:error=EMFILE", "fs.inotify.max_user_instances"),
            ("inotify_add_watch:error=ENOSPC", "fs.inotify.max_user_watches"),
        ])
    func `where nothing can be watched it says so, and looks in intervals`(injection: String, limit: String) throws {
        let world = try settledWorld()
        let call = String(injection.prefix { $0 != ":" })
        let guardian = try Guardian(
            world, wrapper: strace([call], inject: injection), environment: ["CAI_LINK_SCAN_SECONDS=1"])
        #expect(guardian.events.contains { $0["advice"].text?.contains("sysctl -w \(limit)=") ?? false })
        try world.save(link, document("blind", 1))
        try guardian.wait(for: "adopted", ".claude.json")
        #expect(try world.text(target) == document("blind", 1))
    }

    @Test(.needs("unshare")) func `without /proc it watches all the same`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world, wrapper: inMountNamespace("umount -l /proc"))
        #expect(guardian.count("noticed") == 0, "\(guardian.events)")
        try world.save(link, document("no-proc", 1))
        try guardian.wait(for: "adopted", ".claude.json")
        try world.save("home/agent/.gemini/settings.json", document("no-proc", 2), making: true)
        try guardian.wait(for: "adopted", ".gemini/settings.json")
    }

    @Test(.needs("unshare"))
    func `on a full volume nothing is lost, and it goes on when there is room`() throws {
        let world = try settledWorld()
        let volume = world.volume.string
        let guardian = try Guardian(
            world,
            wrapper: inMountNamespace(
                """
                cp -a \(volume) \(volume).copy
                mount -t tmpfs -o size=1m,mode=755 tmpfs \(volume)
                cp -a \(volume).copy/. \(volume)/
                chown 1000:1000 \(volume)
                """))
        // The guard's own view of the volume.
        let there = FilePath("/proc/\(guardian.program.process)/root").appending(world.path(target).components)
        let ballast = there.removingLastComponent().removingLastComponent().appending("ballast")
        try fill(ballast)
        try world.save(link, document("full", 1))
        let failure = try guardian.wait(for: "failed", "")
        #expect(failure["sentence"].text?.contains("No space left on device") ?? false, "\(failure)")
        #expect(try Files.text(world.path(link)) == document("full", 1), "the save is where it was")
        #expect(try Files.text(there) == "{}\n", "and so is what was on the volume")
        try world.save(link, document("full", 2))
        #expect(unlink(ballast.string) == 0)
        try guardian.wait(for: "adopted", ".claude.json")
        #expect(try Files.text(there) == document("full", 2))
        #expect(guardian.count("failed") <= 2, "it does not repeat itself")
    }

    @Test(.needs("unshare")) func `across file systems an old descriptor is served as well, and the last save wins`()
        throws
    {
        let world = try settledWorld()
        let guardian = try Guardian(
            world,
            wrapper: inMountNamespace("mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs \(world.volume.string)"))
        let root = FilePath("/proc/\(guardian.program.process)/root")
        let file = try world.openForWriting("home/agent/.vimrc.new")
        #expect(write(file, "one\n", 4) == 4)
        #expect(rename(world.path("home/agent/.vimrc.new").string, world.path("home/agent/.vimrc").string) == 0)
        try guardian.wait(for: "adopted", ".vimrc")
        #expect(write(file, "two\n", 4) == 4)
        try guardian.wait(for: "stored", ".vimrc")
        let vimrc = root.appending(world.path("mnt/agent-data/editors/vimrc").components)
        #expect(try Files.text(vimrc) == "one\ntwo\n")
        close(file)
        for number in 1...300 { try world.save(link, document("across", number)) }
        let there = root.appending(world.path(target).components)
        try guardian.wait(until: "the last save") { try Files.text(there) == document("across", 300) }
    }

    private func strace(_ calls: [String], inject: String) -> [String] {
        [
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(calls.joined(separator: ","))", "-e",
            "inject=\(inject)",
        ]
    }

    /// Fills a file system.
    private func fill(_ path: FilePath) throws {
        let file = open(path.string, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if file < 0 { throw FileTrouble("open", path, errno) }
        defer { close(file) }
        let page = [UInt8](repeating: 1, count: 4096)
        while write(file, page, page.count) > 0 {}
    }
}

extension World {
    /// Saves as `save` does, in a directory that it makes first.
    fileprivate func save(_ path: FilePath, _ content: String, making: Bool) throws {
        try put(path.removingLastComponent(), [:])
        try save(path, content)
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite(.rootOnly, .needs("unshare")) struct `Files of the agent` {
    /// A world with a hook, which is the last step of a boot.
    private func world() throws -> World {
        try World(["home/agent/startup.d/a.sh": script("echo the hook ran"), "mnt/agent-data/git": [:]])
    }

    /// Makes a file of 4 TiB without any content.
    private func makeSparse(_ world: World, _ path: FilePath) throws {
        try world.put(path, "")
        try #require(truncate(world.path(path).string, 4 << 40) == 0)
    }

    @Test func `that are larger than a boot has time for keep no later step from running`() throws {
        let world = try world()
        for path in ["mnt/agent-data/.gitconfig", "mnt/agent-data/git/gitconfig", "mnt/agent-data/editors/vimrc"] {
            try makeSparse(world, FilePath(path))
        }
        for path in ["home/agent/.vimrc", "home/agent/.zshrc"] { try makeSparse(world, FilePath(path)) }
        let run = try world.boot("echo", "started")
        #expect(run.code == 0 && run.output == "started\n", "\(run)")
        #expect(run.errors.contains("the hook ran"), "\(run)")
        #expect(run.errors.contains("has used up its time; what it left is tried again at the next start"), "\(run)")
        #expect(!run.errors.contains("the boot was ended"), "\(run)")
        #expect(try Files.status(world.path("home/agent/.vimrc"))?.st_size == 4 << 40, "nothing is lost")
    }

    @Test func `whose lock is held for ever keep no later step from running`() throws {
        let world = try world()
        try world.put("mnt/agent-data/.containai/lock", "")
        let file = open(world.path("mnt/agent-data/.containai/lock").string, O_RDWR | O_CLOEXEC)
        defer { close(file) }
        try #require(flock(file, LOCK_EX | LOCK_NB) == 0)
        let run = try world.boot("echo", "started")
        #expect(run.code == 0 && run.output == "started\n", "\(run)")
        #expect(run.errors.contains("the hook ran") && run.errors.contains("is held by"), "\(run)")
    }

    @Test func `are named with the step in which a boot takes too long`() throws {
        let world = try World(["home/agent/startup.d/a.sh": script("exec sleep 1000")])
        let run = try world.boot("--boot-timeout", "2s", "echo", "started")
        #expect(run.output == "started\n" && run.errors.contains(" in its step "), "\(run)")
    }
}

@Suite struct `Manifests` {
    @Test func `of more directories than are watched leave the kernel's watches to others`() throws {
        let world = try World()
        let entries = (0..<2_300).map {
            "[[entries]]\nsource = ''\ntarget = 'w/\($0)/f'\ncontainer_link = 'w/\($0)/f'\nflags = 'f'\n"
        }
        try world.put("mnt/agent-data/containai/manifests/many.toml", .file(entries.joined()))
        for number in 0..<2_300 {
            try world.put(FilePath("home/agent/w/\(number)"), [:])
            try world.put(FilePath("mnt/agent-data/w/\(number)"), [:])
        }
        let guardian = try Guardian(world)
        let descriptors = FilePath("/proc/\(guardian.program.process)/fdinfo")
        let watches = try Files.names(descriptors).reduce(0) { sum, name in
            // One may be closed meanwhile.
            let text = (try? Files.text(descriptors.appending(name.string))) ?? ""
            return sum + text.split(separator: "\n").count { $0.hasPrefix("inotify") }
        }
        #expect((2_048...4_096).contains(watches))
        try guardian.wait(until: "the guard says that there are too many") {
            let sentences = guardian.events.compactMap(\.["sentence"].text)
            return sentences.contains { $0.contains("links lie in more than 2048 directories") }
        }
        try guardian.kill()
    }
}

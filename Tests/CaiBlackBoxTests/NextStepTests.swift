import CaiTestSupport
import SystemPackage
import Testing

/// What a user is told to do is what helps.
@Suite struct `The next step` {
    @Test func `for a directory at the link of a file is to move it away, which sync cannot`() throws {
        let world = try World(["home/agent/.vimrc": ["in": "it"]])
        for arguments in [["links", "check"], ["init"]] {
            let run = try world.cai(arguments)
            let line = run.errors.split(separator: "\n").first { $0.contains("~/.vimrc: ") }
            #expect(line?.contains("(move it away and run cai links repair)") == true, "\(run)")
        }
    }

    @Test func `for an entry that no sync moves is not a sync`() throws {
        let world = try World([
            "home/agent/.own": ["in": "it"],
            "mnt/agent-data/containai/manifests/a.toml":
                "[[entries]]\nsource='.own'\ntarget='own'\ncontainer_link='.own'\nflags='f'\n",
            "mnt/agent-data/own": "a file",
        ])
        let check = try world.cai("links", "check")
        #expect(!check.errors.contains("cai sync moves it"), "\(check)")
        #expect(check.errors.contains("move it away and run cai links repair"), "\(check)")
    }

    @Test(.rootOnly) func `for a part of the home that may not be entered is its owner, not its kind`() throws {
        let world = try World()
        try world.put("home/agent/.config", Item(dictionaryLiteral: ("x", "x")).mode(0o700).owned(by: 0))
        let repair = try world.cai("links", "repair")
        #expect(
            repair.errors.contains("Permission denied (") && repair.errors.contains("belongs to uid 0"), "\(repair)")
        #expect(repair.errors.contains("chown -R 1000:1000 ") && !repair.errors.contains("as root"), "\(repair)")
        #expect(!repair.errors.contains("make its parents real directories"), "\(repair)")
    }

    @Test func `for a symlink among the directories of the volume is a directory`() throws {
        let world = try World(["home/agent/.zshrc": "live", "outside": [:]])
        try world.put("mnt/agent-data/shell", .link("/outside"))
        for arguments in [["sync"], ["links", "repair"]] {
            let run = try world.cai(arguments)
            #expect(!run.errors.contains("Type conflict") && !run.errors.contains("move one of the two"), "\(run)")
            #expect(run.errors.contains("(make its parents real directories)"), "\(run)")
        }
    }

    @Test(.rootOnly, .needs("unshare")) func `on a full volume is told once, and by a name that can be found`() throws {
        let world = try World([
            "home/agent": [".claude/skills/big.md": .file(String(repeating: "x", count: 300_000)), ".vimrc": "v"]
        ])
        let wrapper = inMountNamespace(
            "mount -t tmpfs -o size=40k,mode=755,uid=1000,gid=1000 tmpfs '\(world.volume)'")
        let boot = try world.cai("init", wrapper: wrapper)
        let lines = boot.errors.split(separator: "\n").filter { $0.contains("No space left") }
        #expect(
            !lines.isEmpty && lines.allSatisfy { $0.contains("(free some space on \(world.volume) (tmpfs)") }, "\(boot)"
        )
        #expect(!boot.errors.contains("not tried after:") && !boot.errors.contains("] step:"), "\(boot)")
        let wide = inMountNamespace(
            "mount -t tmpfs -o size=200k,mode=755,uid=1000,gid=1000 tmpfs '\(world.volume)'")
        for arguments in [["sync"], ["links", "repair"]] {
            let run = try world.cai(arguments, wrapper: wide)
            #expect(run.errors.contains("No space left on device (free some space on \(world.volume)"), "\(run)")
            #expect(!run.errors.contains("/.cai-"), "\(run)")
        }
    }

    @Test(.rootOnly, .needs("unshare")) func `on a read-only volume is told by a boot as well`() throws {
        let world = try World(["home/agent/.vimrc": "v"])
        let wrapper = inMountNamespace(
            "mount --bind '\(world.volume)' '\(world.volume)'; mount -o remount,bind,ro '\(world.volume)'")
        let boot = try world.cai("init", wrapper: wrapper)
        let lines = boot.errors.split(separator: "\n").filter { $0.contains("Read-only file system") }
        #expect(!lines.isEmpty && lines.allSatisfy { $0.contains("without :ro") }, "\(boot)")
    }

    @Test(arguments: [Item.fifo, .link("elsewhere"), ["x": "y"]])
    func `for a lock that is no file is to remove it`(_ item: Item) throws {
        let world = try World(["home/agent/.vimrc": "v"])
        try world.put("mnt/agent-data/.containai/lock", item)
        for arguments in [["sync"], ["init"]] {
            let run = try world.cai(arguments)
            #expect(run.errors.contains("lock: it is "), "\(run)")
            #expect(run.errors.contains("remove it, or put a regular file there"), "\(run)")
            #expect(!run.errors.contains("Operation not supported"), "\(run)")
        }
    }

    @Test(arguments: [Item.fifo, ["x": "y"]])
    func `for a manifest that is no file is to remove it`(_ item: Item) throws {
        let world = try World()
        try world.put("mnt/agent-data/containai/manifests/a.toml", item)
        let check = try world.cai("links", "check")
        #expect(check.errors.contains("a.toml: cannot be read: it is "), "\(check)")
        #expect(check.errors.contains("(remove it, or put a regular file there)"), "\(check)")
    }
}

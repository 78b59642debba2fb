import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// Something that is not what it should be, somewhere in home or volume.
struct Trap: Sendable, CustomTestStringConvertible {
    let title: String
    let path: FilePath
    let item: Item
    var testDescription: String { title }
}

private let outside: Item = ["secret": "root's", "dir": ["inner": "root's too"]]

private let traps: [Trap] = [
    Trap(title: "dangling link at a link", path: "home/agent/.vimrc", item: .link("nowhere")),
    Trap(title: "link to itself at a link", path: "home/agent/.vimrc", item: .link(".vimrc")),
    Trap(title: "link to itself at a directory's link", path: "home/agent/.vim", item: .link(".vim")),
    Trap(title: "link out of the home among ancestors", path: "home/agent/.claude", item: .link("/outside")),
    Trap(
        title: "relative link out of the home among ancestors", path: "home/agent/.claude", item: .link("../../outside")
    ),
    Trap(title: "looping link among ancestors", path: "home/agent/.claude", item: .link(".claude")),
    Trap(title: "file among ancestors of links", path: "home/agent/.claude", item: "a file"),
    Trap(title: "FIFO among ancestors of links", path: "home/agent/.claude", item: .fifo),
    Trap(title: "dangling link on the volume", path: "mnt/agent-data/editors/vimrc", item: .link("nowhere")),
    Trap(
        title: "link out of the volume at a target", path: "mnt/agent-data/editors/vimrc",
        item: .link("/outside/secret")),
    Trap(
        title: "link out of the volume at a directory's target", path: "mnt/agent-data/editors/vim",
        item: .link("/outside/dir")),
    Trap(title: "link out of the volume among ancestors", path: "mnt/agent-data/claude", item: .link("/outside")),
    Trap(title: "looping link on the volume", path: "mnt/agent-data/claude", item: .link("claude")),
    Trap(title: "file among ancestors of targets", path: "mnt/agent-data/claude", item: "a file"),
    Trap(title: "FIFO where a file is expected in the home", path: "home/agent/.vimrc", item: .fifo),
    Trap(title: "FIFO where a file is expected on the volume", path: "mnt/agent-data/editors/vimrc", item: .fifo),
    Trap(
        title: "FIFO where a document is expected on the volume", path: "mnt/agent-data/claude/settings.json",
        item: .fifo),
    Trap(title: "socket where a file is expected in the home", path: "home/agent/.vimrc", item: .socket),
    Trap(
        title: "socket where a directory is expected on the volume", path: "mnt/agent-data/claude/skills", item: .socket
    ),
    Trap(title: "directory where a file is expected in the home", path: "home/agent/.vimrc", item: ["in": "it"]),
    Trap(
        title: "directory where a file is expected on the volume", path: "mnt/agent-data/editors/vimrc",
        item: ["in": "it"]),
    Trap(title: "file where a directory is expected in the home", path: "home/agent/.vim", item: "text"),
    Trap(title: "file where a directory is expected on the volume", path: "mnt/agent-data/editors/vim", item: "text"),
    Trap(title: "user manifests are a link out", path: "mnt/agent-data/containai/manifests", item: .link("/outside")),
    Trap(title: "a user manifest is a FIFO", path: "mnt/agent-data/containai/manifests/a.toml", item: .fifo),
    Trap(
        title: "a user manifest is a link out", path: "mnt/agent-data/containai/manifests/a.toml",
        item: .link("/outside/secret")),
    Trap(title: "a user manifest is a directory", path: "mnt/agent-data/containai/manifests/a.toml", item: ["x": "y"]),
    Trap(
        title: "a user manifest is no text", path: "mnt/agent-data/containai/manifests/a.toml",
        item: .file(bytes: [0xFF, 0, 0xFE])),
    Trap(title: "cai's own directory is a link out", path: "mnt/agent-data/.containai", item: .link("/outside/dir")),
    Trap(title: "cai's own directory is a file", path: "mnt/agent-data/.containai", item: "mine"),
    Trap(title: "the lock is a FIFO", path: "mnt/agent-data/.containai/lock", item: .fifo),
    Trap(title: "the lock is a link out", path: "mnt/agent-data/.containai/lock", item: .link("/outside/secret")),
    Trap(
        title: "the baseline is a link out", path: "mnt/agent-data/.containai/baseline",
        item: .link("/outside/secret")),
    Trap(title: "the baseline is a FIFO", path: "mnt/agent-data/.containai/baseline", item: .fifo),
    Trap(title: "the journal is a link out", path: "mnt/agent-data/.containai/journal", item: .link("/outside/dir")),
    Trap(
        title: "a journal file is a FIFO", path: "mnt/agent-data/.containai/journal/20261121T070000Z-sync.json",
        item: .fifo),
    Trap(
        title: "the displaced store is a link out", path: "mnt/agent-data/.containai/displaced",
        item: .link("/outside/dir")),
    Trap(
        title: "the stamp is a link out", path: "mnt/agent-data/.containai-links-checked-at",
        item: .link("/outside/secret")),
    Trap(title: "the stamp is a FIFO", path: "mnt/agent-data/.containai-links-checked-at", item: .fifo),
    Trap(title: "the specification is a FIFO", path: "mnt/agent-data/containai/user-link-spec.json", item: .fifo),
]

private let devices: [Trap] = [
    Trap(title: "device where a file is expected in the home", path: "home/agent/.vimrc", item: .device),
    Trap(title: "device where a file is expected on the volume", path: "mnt/agent-data/editors/vimrc", item: .device),
    Trap(title: "a user manifest is a device", path: "mnt/agent-data/containai/manifests/a.toml", item: .device),
    Trap(title: "the lock is a device", path: "mnt/agent-data/.containai/lock", item: .device),
]

@Suite struct `Traps in home and volume` {
    /// Content on both sides of several entries, so that every job has something to do besides the trap.
    private func world(_ trap: Trap) throws -> World {
        let world = try World([
            "outside": outside,
            "home/agent": [
                ".vimrc": "live", ".vim": ["a.vim": "a"], ".zshrc": "zsh", ".claude": ["settings.json": #"{"a": 1}"#],
                ".claude/skills": ["s.md": "s"],
            ],
            "mnt/agent-data": ["shell": ["zshrc": "older"], "claude": ["settings.json": #"{"b": 1}"#]],
        ])
        try world.put(trap.path, trap.item)
        return world
    }

    private func check(_ trap: Trap, _ arguments: [String]) throws {
        let world = try world(trap)
        let before = try world.snapshot()
        let outside = try Snapshot(of: world.path("outside"))
        let preview = try world.cai(arguments + ["--dry-run", "--json"])
        #expect(try world.snapshot().differences(from: before) == [], "the preview wrote")
        let run = try world.cai(arguments + ["--json"])
        #expect(!preview.hung && !run.hung, "\(run)")
        #expect([0, 1].contains(run.code), "\(run)")
        #expect(run.json["steps"] != .null || !run.errors.isEmpty, "it says something: \(run)")
        #expect(try Snapshot(of: world.path("outside")).differences(from: outside) == [], "\(run)")
        #expect(try world.lost(since: before) == [], "\(run)")
        if run.json["steps"] != .null { #expect(preview.json.steps == run.json.steps, "\(preview)\n\(run)") }
        let after = try world.snapshot()
        let again = try world.cai(arguments + ["--json"])
        #expect(again.json.steps == [], "\(again)")
        if run.json["steps"] != .null {
            #expect(try world.snapshot().differences(from: after) == [], "the second run wrote")
        }
    }

    @Test(arguments: traps) func `links repair neither hangs, nor follows, nor loses anything`(_ trap: Trap) throws {
        try check(trap, ["links", "repair"])
    }

    @Test(arguments: traps) func `sync neither hangs, nor follows, nor loses anything`(_ trap: Trap) throws {
        try check(trap, ["sync"])
    }

    @Test(.rootOnly, arguments: devices, [["sync"], ["links", "repair"]])
    func `devices are left alone`(_ trap: Trap, _ arguments: [String]) throws {
        try check(trap, arguments)
    }

    @Test(arguments: traps) func `check only reads`(_ trap: Trap) throws {
        let world = try world(trap)
        let before = try world.snapshot()
        let check = try world.cai("links", "check")
        #expect(check.code == 1 && !check.hung, "\(check)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(.rootOnly, .timeLimit(.minutes(5)))
    func `promise 5: an agent that swaps a directory for a link while root works gains nothing`() async throws {
        let world = try World(["outside": outside])
        let outside = try Snapshot(of: world.path("outside"))
        let claude = world.path("home/agent/.claude")
        let spare = world.path("home/agent/.spare")
        try world.put("home/agent/.spare", .link("/outside"))
        let isOver = Flag()
        let swapping = Task.detached {
            var swaps = 0
            while !isOver.isSet {
                if renameExchange(claude, spare) { swaps += 1 }
                await Task.yield()
            }
            return swaps
        }
        for round in 1...10 {
            try? world.put("home/agent/.claude/settings.json", .file("{\"round\": \(round)}"))
            #expect(try [0, 1].contains(world.cai("sync").code))
            #expect(try [0, 1].contains(world.cai("links", "repair", "--quiet").code))
        }
        isOver.set()
        _ = await swapping.value
        // The test itself may have written its settings through the link; nothing else may have changed there.
        let changes = try Snapshot(of: world.path("outside")).differences(from: outside)
        #expect(changes.allSatisfy { $0.hasPrefix("settings.json: ") || $0.hasPrefix(".: ") }, "\(changes)")
    }
}

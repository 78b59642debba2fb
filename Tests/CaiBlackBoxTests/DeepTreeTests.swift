import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A chain of 16,000 directories with a file at its end: its path is longer than any path may be.
private final class Chain {
    private let top: String

    init(_ world: World, _ path: FilePath) throws {
        try world.put(path, [:])
        top = world.path(path).string
        var directory = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for _ in 0..<16_000 {
            mkdirat(directory, "d", 0o755)
            if World.isRoot { fchownat(directory, "d", World.agent, World.agent, 0) }
            let next = openat(directory, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            close(directory)
            directory = next
        }
        close(openat(directory, "leaf", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        close(directory)
    }

    // The world cannot remove what has no path.
    deinit { _ = try? Command.run(["rm", "-rf", top]) }  // what stays is left to the machine's own tidying
}

/// Such trees overflowed the stack, and took time by the square of their depth.
@Suite struct `A tree that is deeper than any path may be` {
    private let limit = "deeper than 256 directories"

    private func check(_ world: World, _ command: [String], says text: String? = nil) throws {
        let result = try world.cai(command)
        #expect([0, 1, 2].contains(result.code), "\(command) \(result)")
        if let text { #expect((result.errors + result.output).contains(text), "\(command) \(result)") }
    }

    @Test func `on the volume stops no command`() throws {
        let world = try World()
        let chain = try Chain(world, "mnt/agent-data/editors/vim/deep")
        try withExtendedLifetime(chain) {
            for command in [["init", "--force"], ["status"], ["links", "check"], ["undo", "--list"]] {
                try check(world, command)
            }
            try check(world, ["secrets", "list"], says: limit)
            try check(world, ["export", "-o", world.path("out.tgz").string], says: limit)
        }
    }

    @Test func `in the home is left where it is, and named`() throws {
        let world = try World(["home/agent/.vimrc": "set nu"])
        let chain = try Chain(world, "home/agent/.vim/deep")
        try withExtendedLifetime(chain) {
            try check(world, ["sync", "--force"], says: limit)
            #expect(world.link("home/agent/.vimrc") != nil, "the others are moved")
            #expect(world.exists("home/agent/.vim/deep/d/d/d/d"))
            try check(world, ["init", "--force"])
        }
    }

    @Test func `is imported as far as it goes, with an error`() throws {
        let world = try World(["source/.vimrc": "set nu"])
        let chain = try Chain(world, "source/.vim/deep")
        try withExtendedLifetime(chain) {
            try check(world, ["import", "--force", "--from", world.path("source").string], says: limit)
        }
    }
}

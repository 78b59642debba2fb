import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let home: FilePath = "home/agent/.mytool"
private let volume: FilePath = "mnt/agent-data/mytool"

extension World {
    /// A manifest that keeps `~/.mytool` as `mytool`, with these flags.
    fileprivate func declare(flags: String) throws {
        try put(
            "mnt/agent-data/containai/manifests/10-mytool.toml",
            .file(
                "[[entries]]\nsource = '.mytool'\ntarget = 'mytool'\ncontainer_link = '.mytool'\nflags = '\(flags)'\n"))
    }

    fileprivate func inode(_ path: FilePath) throws -> UInt64? {
        try Files.status(self.path(path)).map { UInt64($0.st_ino) }
    }
}

@Suite struct `Hard links in a tree that moves to the volume` {
    private func world(files: Int) throws -> World {
        let tree: Item = ["a": ["one": Item.file("shared").mode(0o400)], "own": "own"]
        let world = try World(["home/agent/.mytool": tree])
        try world.declare(flags: "dR")
        try world.put(home.appending("b/two"), .hardLink(to: home.appending("a/one")))
        try world.put(home.appending("three"), .hardLink(to: home.appending("a/one")))
        try world.put("home/agent/outside", .hardLink(to: home.appending("own")))
        for number in 0..<files { try world.put(home.appending("many/\(number)"), .file("\(number)")) }
        return world
    }

    @Test(arguments: [0, 200], [["sync"], ["links", "repair"]])
    func `stay hard links, however many files there are`(files: Int, command: [String]) throws {
        let world = try world(files: files)
        let run = try expectPromises(command, on: world)
        #expect(run.code == 0, "\(run)")
        let first = try #require(try world.inode(volume.appending("a/one")))
        #expect(try world.inode(volume.appending("b/two")) == first && world.inode(volume.appending("three")) == first)
        #expect(try world.text(volume.appending("three")) == "shared" && world.mode(volume.appending("three")) == 0o400)
        #expect(try world.inode(volume.appending("own")) != world.inode("home/agent/outside"))
        #expect(try world.text("home/agent/outside") == "own")
    }

    @Test func `stay hard links where they are merged into a directory, and are files where only one of them moves`()
        throws
    {
        let world = try world(files: 0)
        try world.put(volume, ["a": ["one": Item.file("shared").mode(0o400)], "three": "older"])
        let run = try expectPromises(["links", "repair"], on: world)
        #expect(run.code == 0, "\(run)")
        #expect(try world.text(volume.appending("b/two")) == "shared")
        #expect(try world.text(volume.appending("three")) == "shared")
        #expect(try world.inode(volume.appending("b/two")) == world.inode(volume.appending("three")))
        #expect(try world.inode(volume.appending("a/one")) != world.inode(volume.appending("three")))
        #expect(try world.displaced() == ["volume/mytool/three": "older"])
    }
}

@Suite struct `A secret directory on the volume` {
    private let tree: Item = [
        "bin": (["run": Item.file("#!/bin/sh").mode(0o755), "plain": Item.file("x").mode(0o644)] as Item).mode(0o775),
        "key": Item.file("secret").mode(0o400),
    ]
    private let modes: [FilePath: UInt16] = [
        "": 0o700, "bin": 0o700, "bin/run": 0o700, "bin/plain": 0o600, "key": 0o600,
    ]

    private func check(_ world: World) throws {
        for (path, mode) in modes {
            let found = try #require(try world.mode(volume.appending(path.components)))
            #expect(found == mode, "\(path.shown) has mode \(String(found, radix: 8))")
        }
    }

    @Test(arguments: [["sync"], ["links", "repair"], ["init"]])
    func `keeps the owner's execute bits of the programs in it, and nothing for others`(command: [String]) throws {
        let world = try World(["home/agent/.mytool": tree])
        try world.declare(flags: "dRs")
        let run = try world.cai(command)
        #expect(run.code == 0, "\(run)")
        try check(world)
    }

    @Test func `keeps them where a file is stored into a directory that is there`() throws {
        let world = try World(["home/agent/.mytool": tree, "mnt/agent-data/mytool": ["bin": ["old": "old"]]])
        try world.declare(flags: "dRs")
        #expect(try expectPromises(["links", "repair"], on: world).code == 0)
        #expect(try world.mode(volume.appending("bin/run")) == 0o700)
    }

    @Test func `keeps them when the guard adopts`() throws {
        let world = try World()
        try world.declare(flags: "dRs")
        let guardian = try Guardian(world)
        try world.remove(home)
        try world.put(home, tree)
        try guardian.wait(for: "adopted", ".mytool")
        try guardian.stop()
        try check(world)
    }

    @Test func `keeps them in an import, whose second run writes nothing`() throws {
        let world = try World(["incoming/.mytool": tree.owned(by: World.agent)])
        try world.declare(flags: "ds")
        for path in ["bin", "bin/run", "bin/plain", "key"] as [FilePath] where World.isRoot {
            let place = world.path("incoming/.mytool").appending(path.components)
            _ = place.withPlatformString { chown($0, World.agent, World.agent) }
        }
        let from = world.path("incoming").string
        let run = try expectPromises(["import", "--from", from], on: world)
        #expect(run.code == 0, "\(run)")
        try check(world)
    }

    @Test func `of one file is 0600, whatever the file was`() throws {
        let world = try World(["home/agent/.mytool": Item.file("secret program").mode(0o755)])
        try world.declare(flags: "fs")
        #expect(try expectPromises(["sync"], on: world).code == 0)
        #expect(try world.mode(volume) == 0o600)
    }
}

@Suite struct `Append-only files on both sides` {
    private let start = "{\"turn\":1}\n{\"turn\":2}\n"
    private let more = "{\"turn\":3}\n"

    private func world(_ live: Item, _ stored: Item) throws -> World {
        let world = try World([
            "home/agent/.mytool": ["log.jsonl": live], "mnt/agent-data/mytool": ["log.jsonl": stored],
        ])
        try world.declare(flags: "dR")
        return world
    }

    private func repair(_ world: World) throws {
        let preview = try world.cai("links", "repair", "--dry-run", "--json")
        let run = try world.cai("links", "repair", "--json")
        #expect(run.code == 0 && preview.json.steps == run.json.steps, "\(run)")
        #expect(run.json.findings == [], "\(run)")
        #expect(try world.displaced() == [:])
        #expect(try world.cai("links", "repair", "--json").json.steps == [])
    }

    @Test(arguments: [-60, 60] as [Int64])
    func `become the longer one, if it begins with the shorter one`(liveIsLater: Int64) throws {
        for (live, stored) in [(start + more, start), (start, start + more)] {
            let world = try world(.file(live).later(by: liveIsLater), .file(stored))
            try repair(world)
            #expect(try world.text(home.appending("log.jsonl")) == start + more)
        }
    }

    @Test func `may be large`() throws {
        let size: Int64 = 100 << 20
        let world = try world(.sparse(size: size + 4, end: "end\n"), .sparse(size: size, end: "\0"))
        try repair(world)
        #expect(try Files.status(world.path(volume.appending("log.jsonl")))?.st_size == Int(size) + 4)
    }

    @Test func `are a conflict if neither begins with the other`() throws {
        let world = try world(.file(start + more).later(by: 60), .file(start + "{\"turn\":4}\n"))
        try expectPromises(["links", "repair"], on: world)
        #expect(try world.text(home.appending("log.jsonl")) == start + more)
        #expect(try world.displaced() == ["volume/mytool/log.jsonl": start + "{\"turn\":4}\n"])
    }
}

@Suite struct `Files that an image brings into an agent directory` {
    @Test func `do not come back over the user's edit, and are not displaced at each start`() throws {
        let baked: Item = ["settings.json": #"{"theme":"light"}"#, "CLAUDE.md": "of the image\n"]
        let world = try World(["home/agent/.claude": baked])
        let first = try world.linked("init")
        #expect(first.code == 0, "\(first)")
        #expect(world.link("home/agent/.claude") == "/mnt/agent-data/claude")
        try Files.write(#"{"theme":"dark"}"#.utf8, to: world.resolved("home/agent/.claude/settings.json"))
        for _ in 1...2 {
            try world.remove("home/agent")
            try world.put("home/agent", [:])
            try world.put("home/agent/.claude", baked)
            let run = try world.linked("init")
            #expect(run.code == 0 && !run.everything.contains("settings.json"), "\(run)")
            #expect(try world.text("home/agent/.claude/settings.json") == #"{"theme":"dark"}"#)
            #expect(try world.text("home/agent/.claude/CLAUDE.md") == "of the image\n")
            #expect(try world.displaced() == [:])
            #expect(try world.linked("links", "repair", "--json").json.steps == [])
        }
    }

    @Test func `are kept displaced if they differ from all that was stored`() throws {
        let world = try World(["home/agent/.claude": ["settings.json": #"{"theme":"light"}"#]])
        #expect(try world.linked("init").code == 0)
        try Files.write(#"{"theme":"dark"}"#.utf8, to: world.resolved("home/agent/.claude/settings.json"))
        try world.remove("home/agent")
        try world.put("home/agent", [:])
        try world.put("home/agent/.claude", ["settings.json": #"{"theme":"blue"}"#])
        #expect(try world.linked("init").code == 0)
        #expect(try world.displaced().values.contains(#"{"theme":"blue"}"#))
    }
}

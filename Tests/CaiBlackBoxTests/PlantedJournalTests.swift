import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let run = "20260101T000000Z-sync"

/// The journal of an interrupted run that names these places, as the owner of the volume could write it.
private func steps(home: [String] = [], volume: [String] = []) -> String {
    func list(_ paths: [String]) -> String { "[" + paths.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
    return #"{"schema":1,"run":"\#(run)","pid":1,"steps":[{"step":0,"home":\#(list(home)),"volume":\#(list(volume)),"#
        + #""isLinked":true}]}"#
}

/// The journal of a committed batch with one operation.
private func batch(_ kind: String, _ path: String, inode: UInt64) -> String {
    #"{"schema":1,"run":"\#(run)","pid":1,"steps":[],"batch":{"isCommitted":true,"operations":["#
        + #"{"kind":"\#(kind)","path":"\#(path)","inode":\#(inode),"mode":511,"isOurs":true,"modified":0}]}}"#
}

@Suite struct `A journal that the agent has planted` {
    private func world() throws -> World {
        let world = try World(["outside": ["secret": "keep", "dir": [:]], "mnt/agent-data/git": [:]])
        for kind in ["part", "swap"] { try world.put(FilePath("outside/.cai-\(run)-0.\(kind)"), "keep") }
        try world.put(FilePath("mnt/agent-data/.containai/staging/\(run)/0"), "planted")
        return world
    }

    private func check(_ world: World, _ journal: String, modes: String? = nil) throws {
        let record = FilePath("mnt/agent-data/.containai/journal/\(run).json")
        try world.put(record, .file(journal).mode(0o600))
        if let modes {
            try world.put(FilePath("mnt/agent-data/.containai/journal/\(run).modes"), .file(modes).mode(0o600))
        }
        let before = try Snapshot(of: world.path("outside"))
        for command in [["init", "--force"], ["sync", "--force"], ["links", "repair", "--force"]] {
            let result = try world.cai(command)
            #expect(result.code == 0 || result.code == 1, "\(result)")
            #expect(try Snapshot(of: world.path("outside")) == before, "\(command) \(result)")
        }
    }

    @Test(arguments: ["../../outside/x", "git/../../../outside/x", "./../../outside/x", "/outside/x", "git/link/x"])
    func `with steps cannot name a place outside of its trees`(path: String) throws {
        let world = try world()
        for place in ["mnt/agent-data/git/link", "home/agent/git/link"] {
            try world.put(FilePath(place), .link("../../../outside"))
        }
        try check(world, steps(volume: [path]))
        try check(world, steps(home: [path], volume: ["git/gitconfig"]))
    }

    @Test(arguments: ["put", "remove", "mode", "time"])
    func `with a batch cannot name a place outside of its trees`(kind: String) throws {
        for path in ["../../outside/secret", "git/../../../outside/secret", "/outside/secret", "git/link/secret"] {
            let world = try world()
            try world.add(["mnt/agent-data/git/link": .link("../../../outside")])
            let file = kind == "put" ? "mnt/agent-data/.containai/staging/\(run)/0" : "outside/secret"
            let inode = try #require(try Files.status(world.path(FilePath(file)))).st_ino
            try check(world, batch(kind, path, inode: UInt64(inode)))
        }
    }

    @Test func `with modes cannot name a directory outside of its trees`() throws {
        let world = try world()
        chmod(world.path("outside/dir").string, 0o500)
        let modes = #"{"../../outside/dir":511,"/outside/dir":511,"git/../../../outside/dir":511}"#
        try check(world, steps(), modes: modes)
    }
}

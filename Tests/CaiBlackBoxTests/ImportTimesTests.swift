import CaiTestSupport
import SystemPackage
import Testing

/// Times that build systems and archives give to every file: 0 and 1, and the first second of what ZIP can say.
private let emptyTimes: [Int64] = [0, 1, 315_532_800]

@Suite struct `Two files of one size and one time` {
    private func world(_ time: Int64) throws -> World {
        try World([
            "run": [:], "host/.claude/CLAUDE.md": .file("new\n").at(time),
            "host/.claude/skills/linked.md": .link("../CLAUDE.md"),
            "mnt/agent-data/claude/CLAUDE.md": .file("old\n").at(time),
            "mnt/agent-data/claude/skills/linked.md": .file("old\n").at(time),
        ])
    }

    @Test(arguments: emptyTimes)
    func `are compared by content where the time is one that every file has`(_ time: Int64) throws {
        let world = try world(time)
        let run = try world.cai("import", "--from", world.hostHome.string)
        #expect(run.code == 0, "\(run)")
        #expect(try world.text("mnt/agent-data/claude/CLAUDE.md") == "new\n", "\(run)")
        let again = try world.cai("import", "--from", world.hostHome.string)
        #expect(again.code == 0 && again.errors.contains("Done. 0 changes"), "\(again)")
    }

    @Test func `count as one where the time is a usual one, as for rsync`() throws {
        let world = try world(Item.defaultTime)
        let run = try world.cai("import", "--from", world.hostHome.string)
        #expect(run.code == 0, "\(run)")
        #expect(try world.text("mnt/agent-data/claude/CLAUDE.md") == "old\n", "\(run)")
    }

    @Test(.rootOnly, arguments: emptyTimes)
    func `travel where the time is one that every file has`(_ time: Int64) throws {
        let world = try world(time)
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        #expect(try world.push().code == 0)
        #expect(try world.text("mnt/agent-data/claude/CLAUDE.md") == "new\n")
        #expect(try world.text("mnt/agent-data/claude/skills/linked.md") == "new\n")
        #expect(try service.stop() == .exited(0))
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// A host with directories that are worth remembering.
private func host() throws -> World {
    let files = (0..<20).map { (FilePath("\($0).md"), Item.file("content \($0)\n")) }
    return try World([
        "run": [:], "host/.gitconfig": "[user]\n\tname = host\n",
        "host/.claude/skills/one": .directory(files),
        "host/.claude/skills/two": .directory(files),
    ])
}

/// Something that happens on the volume between two pushes.
private struct Disturbance: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let apply: @Sendable (World) throws -> Void
    let check: @Sendable (World, Finished) throws -> Bool
}

private let one = "mnt/agent-data/claude/skills/one"

private func move(_ path: String, in world: World) throws {
    try #require(
        rename(
            world.root.appending(FilePath(path).components).string,
            world.root.appending(FilePath(path + ".old").components).string) == 0)
}

private let disturbances: [Disturbance] = [
    Disturbance(
        testDescription: "a file is removed", apply: { try $0.remove(FilePath("\(one)/3.md")) },
        check: { world, _ in world.exists(FilePath("\(one)/3.md")) }),
    Disturbance(
        testDescription: "a file becomes an older one",
        apply: {
            try $0.put(FilePath("\(one)/3.md"), Item("old\n"))
            try Files.setTime($0.path(FilePath("\(one)/3.md")), 1_000_000_000_000_000_000)
        }, check: { try $0.text(FilePath("\(one)/3.md")) == "old\n" && $1.errors.contains("it was kept") }),
    Disturbance(
        testDescription: "a file becomes a newer one",
        apply: { try $0.put(FilePath("\(one)/3.md"), Item("newer\n").later(by: 100)) },
        check: { try $0.text(FilePath("\(one)/3.md")) == "newer\n" && $1.errors.contains("it was kept") }),
    Disturbance(
        testDescription: "a mode changes",
        apply: { try #require(chmod($0.path(FilePath("\(one)/3.md")).string, 0o600) == 0) },
        check: { world, _ in try world.mode(FilePath("\(one)/3.md")) == 0o644 }),
    Disturbance(
        testDescription: "the directory is removed", apply: { try $0.remove(FilePath(one)) },
        check: { world, _ in try world.text(FilePath("\(one)/3.md")) == "content 3\n" }),
    Disturbance(
        testDescription: "the directory is another one",
        apply: {
            try move(one, in: $0)
            try $0.put(FilePath("\(one)/3.md"), Item("content 3\n"))
        }, check: { world, _ in try world.text(FilePath("\(one)/4.md")) == "content 4\n" }),
    Disturbance(
        testDescription: "a directory above it is another one",
        apply: {
            try move("mnt/agent-data/claude", in: $0)
        }, check: { world, _ in try world.text(FilePath("\(one)/4.md")) == "content 4\n" }),
]

@Suite struct `What a service remembers of pushes` {
    @Test(arguments: disturbances)
    private func `is not used after`(_ disturbance: Disturbance) throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        // The first brings it, the second finds nothing to bring, and the third is answered from memory.
        for _ in 1...3 { #expect(try world.push().code == 0) }
        try disturbance.apply(world)
        let run = try world.push("--verbose")
        #expect(run.code == 0, "\(run)")
        #expect(try disturbance.check(world, run), "\(run)")
        #expect(try service.stop() == .exited(0))
        // Who remembers nothing finds nothing that was left undone.
        let other = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        let again = try world.push("--dry-run", "--json")
        #expect(again.code == 0 && again.json["steps"].array.isEmpty, "\(again)")
        #expect(try other.stop() == .exited(0))
    }

    @Test func `is of one source, and another has its own content`() throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        for _ in 1...3 { #expect(try world.push().code == 0) }
        for number in 0..<20 {
            try world.put(
                FilePath("other/.claude/skills/one/\(number).md"), Item.file("other \(number)\n").later(by: 100))
        }
        let run = try Command.run([
            Command.binary.string, "push", "--socket", world.agentSocket.string, "--from",
            world.root.appending("other").string,
        ])
        #expect(run.code == 0, "\(run)")
        #expect(try world.text(FilePath("\(one)/7.md")) == "other 7\n")
        #expect(try service.stop() == .exited(0))
    }

    @Test func `makes a push tell directories by their digests, and only those that changed record by record`() throws {
        let world = try host()
        let service = try Service(world, environment: ["CAI_LINK_GUARD": "false"]).ready()
        for _ in 1...3 { #expect(try world.push().code == 0) }
        try world.put("host/.claude/skills/two/3.md", Item("changed\n").later(by: 100))
        let sent = world.root.appending("sent")
        let run = try Command.run([
            Command.binary.string, "push", "--exec", "tee '\(sent)' | \(world.receive)", "--from",
            world.hostHome.string,
        ])
        #expect(run.code == 0, "\(run)")
        let lines = try Files.read(sent).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.contains { $0.hasSuffix(" .claude/skills/one") && $0.contains("S ") }, "\(lines)")
        // The whole of the other directory.
        #expect(lines.count { $0.hasPrefix("F ") && $0.hasSuffix(".md") } == 20, "\(lines)")
        #expect(try world.text("mnt/agent-data/claude/skills/two/3.md") == "changed\n")
        #expect(try service.stop() == .exited(0))
    }
}

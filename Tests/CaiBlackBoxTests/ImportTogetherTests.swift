import CaiPlatform
import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Import: many at the same time` {
    private static let count = 6

    @Test func `lose nothing of each other, neither files nor what is known of them`() throws {
        let world = try World()
        try world.put("/mnt/agent-data/claude/mine", "mine")
        for number in 0..<Self.count {
            try world.put(FilePath("/sources/\(number)"), ([:] as Item).owned(by: World.agent))
            let files = (0..<20).map { (FilePath("\($0).md"), Item.file("\(number)")) }
            try world.add(
                below: FilePath("/sources/\(number)"),
                ([
                    "claude": [
                        "skills": [FilePath("s\(number)"): Item.directory(files)],
                        "shared.md": .file(String(repeating: "x", count: number + 1)),
                    ]
                ] as Item).ofAgent)
        }
        let results = try Workers.map(Array(0..<Self.count), threads: Self.count) { (number: Int) throws in
            try world.cai("import", "--layout", "volume", "--from", world.path(FilePath("/sources/\(number)")).string)
        }
        for result in results { #expect(result.code == 0, "\(result)") }
        let known = ["baseline", "baseline-changes"].compactMap { world.volumeText(FilePath(".containai/\($0)")) }
            .joined()
        for number in 0..<Self.count {
            for file in 0..<20 {
                let path = "claude/skills/s\(number)/\(file).md"
                #expect(world.volumeText(FilePath(path)) == "\(number)")
                #expect(known.contains("\n\(path)\t") || known.contains("\(path)\t"), "\(path)")
            }
        }
        #expect(world.volumeText("claude/mine") == "mine")
        // Each of the versions that made room is kept.
        let kept = try Snapshot(of: world.volume.appending(".containai/displaced"))
        let shared = kept.facts.keys.filter { $0.lastComponent == "shared.md" }
        #expect(shared.count == Self.count - 1)
    }
}

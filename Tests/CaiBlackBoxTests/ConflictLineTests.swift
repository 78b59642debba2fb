import CaiTestSupport
import SystemPackage
import Testing

/// What the lines and the JSON of a run say about content that differs on both sides.
@Suite struct `What is said of a conflict` {
    private func world(liveIsNewer: Bool) throws -> World {
        try World([
            "home/agent/.zshrc": .file("live").later(by: liveIsNewer ? 60 : -60),
            "mnt/agent-data/shell/zshrc": "stored",
        ])
    }

    @Test(arguments: [
        (true, "/mnt/agent-data/shell/zshrc", "differs from the volume's copy"),
        (false, "/home/agent/.zshrc", "is older than the volume's copy"),
    ])
    func `sync says in its preview which side is displaced and why, and says the same when it did it`(
        liveIsNewer: Bool, loser: String, reason: String
    ) throws {
        let world = try world(liveIsNewer: liveIsNewer)
        let preview = try world.cai("sync", "--dry-run")
        #expect(preview.errors.contains("[DRY-RUN] Would keep displaced: \(loser)\n"), "\(preview)")
        #expect(preview.errors.contains("[NOTICE] ~/.zshrc: \(reason)"), "\(preview)")
        let real = try world.cai("sync")
        #expect(real.errors.contains("[DISPLACED] \(loser) -> "), "\(real)")
        #expect(real.errors.contains("[NOTICE] ~/.zshrc: \(reason)"), "\(real)")
    }

    @Test(arguments: [true, false]) func `links repair says it too`(liveIsNewer: Bool) throws {
        let world = try world(liveIsNewer: liveIsNewer)
        let loser = liveIsNewer ? "/mnt/agent-data/shell/zshrc" : "/home/agent/.zshrc"
        let preview = try world.cai("links", "repair", "--dry-run")
        #expect(preview.output.contains("[WOULD] Keep displaced: \(loser)\n"), "\(preview)")
        #expect(preview.output.contains("[NOTICE] ~/.zshrc: "), "\(preview)")
        let real = try world.cai("links", "repair")
        #expect(real.output.contains("[DISPLACED] \(loser) -> "), "\(real)")
        #expect(real.output.contains("[NOTICE] ~/.zshrc: "), "\(real)")
    }

    @Test(arguments: [["sync"], ["links", "repair"]])
    func `the JSON of the preview lists what the real run displaces`(_ arguments: [String]) throws {
        let world = try World([
            "home/agent": [
                ".zshrc": .file("live").later(by: -60), ".vimrc": .file("live").later(by: 60),
                ".claude/settings.json": .file(#"{"a": 1}"#).later(by: 60), ".bashrc.d": .link("own"), "own": [:],
                ".claude/skills": [
                    "older.md": .file("live").later(by: -60), "newer.md": .file("live").later(by: 60), "empty.md": "",
                    "kind": ["a": "a", "b": ["c": "c"]], "same.md": "same", "link": .link("here"),
                ],
            ],
            "mnt/agent-data": [
                "shell/zshrc": "stored", "editors/vimrc": "stored", "claude/settings.json": #"{"b": 2}"#,
                "claude/skills": [
                    "older.md": "stored", "newer.md": "stored", "empty.md": "stored", "kind": "a file",
                    "same.md": "same", "link": .link("there"),
                ],
            ],
        ])
        let preview = try world.cai(arguments + ["--dry-run", "--json"])
        let real = try world.cai(arguments + ["--json"])
        let expected = preview.json["steps"].array.flatMap { $0["displaced"].array }.compactMap(\.text).sorted()
        #expect(expected == real.json["steps"].array.flatMap { $0["displaced"].array }.compactMap(\.text).sorted())
        #expect(expected.count >= 9, "\(preview)")
    }
}

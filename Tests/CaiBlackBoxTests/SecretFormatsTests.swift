import CaiTestSupport
import SystemPackage
import Testing

/// The form in which Copilot CLI 1.0.36 writes its `config.json`.
private let copilotConfig = """
    // User settings belong in settings.json.
    // This file is managed automatically.
    {
      "firstLaunchAt": "2026-11-29T11:21:38.140Z",
      "copilotTokens": {"https://github.com:me": "gho_copilotcopilotcopilot"},
      "trustedFolders": [
        "/work/a"
      ]
    }

    """

@Suite struct `Secrets in formats that are nearly JSON` {
    private static let volume: Item = [
        "copilot": ["config.json": .file(copilotConfig).mode(0o600), "settings.json": "{\"theme\":\"dark\"}"],
        "qwen": ["channels": ["telegram-credentials.json": "{\"x\":\"channelsecret\"}"]],
        "config": ["opencode": ["opencode.jsonc": "{ // mine\n \"provider\": {\"a\": {\"key\": \"k3yk3y\"}}, }\n"]],
        "notes": [
            "tool.json": "// about\n{\n  \"apiKey\": \"jsoncsecret\",\n  \"model\": \"m\",\n}\n",
            "old.jsonc": "{\n  // \"apiKey\": \"commented-0123\"\n  \"model\": \"m\" // keep\n}\n",
            "mark.json": "\u{FEFF}{\"token\":\"marksecret\",\"model\":\"m\"}",
            "plain.json": "// c\n{\"model\":\"m\",}\n",
            "torn.json": "{\"token\": \"tornsecret1\"", "half.json": "{\"model\": \"m\"",
            ".envrc": "export TOKEN=envrcsecret\n",
            "mark.toml": "\u{FEFF}token = \"tomlsecret\"\nmodel = \"m\"\n",
            "talk.jsonl": "{\"text\":\"a\"}\n{\"text\":\"to",
        ],
    ]
    private static let values = [
        "gho_", "channelsecret", "k3yk3y", "jsoncsecret", "commented-0123", "marksecret", "tornsecret1", "envrcsecret",
        "tomlsecret",
    ]

    private func world() throws -> World {
        let world = try World()
        try world.add(below: "/mnt/agent-data", Self.volume)
        return world
    }

    @Test func `are listed, by patterns of agent directories and by content`() throws {
        let world = try world()
        let list = try world.cai("secrets", "list")
        let lines = Set(list.output.split(separator: "\n").map(String.init))
        #expect(list.code == 0, "\(list)")
        for (kind, path) in [
            ("declared secret", "copilot/config.json"), ("declared secret", "config/opencode/opencode.jsonc"),
            ("declared secret", "qwen/channels/telegram-credentials.json"), ("secrets inside", "notes/tool.json"),
            ("secrets inside", "notes/old.jsonc"), ("secrets inside", "notes/mark.json"),
            ("secrets inside", "notes/mark.toml"), ("secrets inside", "notes/.envrc"),
        ] { #expect(lines.contains("\(kind)\t/mnt/agent-data/\(path)"), "\(path): \(list)") }
        #expect(lines.count == 8, "\(list)")
        #expect(
            list.errors.contains("[WARN] /mnt/agent-data/notes/torn.json: cannot be read in its format"), "\(list)")
        #expect(!list.errors.contains("half.json") && !list.errors.contains("talk.jsonl"), "\(list)")
        for value in Self.values { #expect(!list.everything.contains(value), "\(list)") }
    }

    @Test func `are listed in what a run displaced from an agent directory of the home`() throws {
        let world = try World([
            "mnt/agent-data/.containai/displaced/20260101T000000Z-sync": [
                "home": [".copilot": ["config.json": .file(copilotConfig).mode(0o600)]]
            ]
        ])
        let list = try world.cai("secrets", "list")
        let path = "/mnt/agent-data/.containai/displaced/20260101T000000Z-sync/home/.copilot/config.json"
        #expect(list.output == "declared secret\t\(path)\n", "\(list)")
    }

    @Test func `are purged, and comments and the rest of the text stay`() throws {
        let world = try world()
        let purge = try world.cai("secrets", "purge", "--yes")
        #expect(purge.code == 0, "\(purge)")
        #expect(!world.exists("/mnt/agent-data/copilot/config.json"))
        #expect(world.volumeText("notes/tool.json") == "// about\n{\n  \"model\": \"m\",\n}\n")
        #expect(world.volumeText("notes/old.jsonc") == "{\n  \"model\": \"m\" // keep\n}\n")
        #expect(world.volumeText("notes/mark.json") == "\u{FEFF}{\"model\":\"m\"}")
        #expect(world.volumeText("notes/plain.json") == "// c\n{\"model\":\"m\",}\n")
        #expect(world.volumeText("notes/talk.jsonl") == "{\"text\":\"a\"}\n{\"text\":\"to")
    }

    @Test(.needs("tar")) func `stay out of an export without secrets`() throws {
        let world = try world()
        try world.put("/mnt/agent-data/notes/second", .hardLink(to: "/mnt/agent-data/copilot/config.json"))
        try world.put("/out", [:])
        let run = try world.cai("export", "--no-secrets", "-o", world.path("/a.tgz").string)
        let unpack = try Command.run(["tar", "-C", world.path("/out").string, "-xzf", world.path("/a.tgz").string])
        #expect(run.code == 0 && unpack.code == 0, "\(run) \(unpack)")
        let facts = try Snapshot(of: world.path("/out")).facts
        for (path, fact) in facts where fact.kind == .file {
            let text = try Files.text(world.path("/out").appending(path.components))
            for value in Self.values { #expect(!text.contains(value), "\(path) holds \(value)") }
        }
        #expect(facts["copilot/config.json"] == nil && facts["notes/second"] == nil)
        #expect(facts["copilot/settings.json"] != nil && facts["notes/talk.jsonl"] != nil)
        #expect(try world.text("/out/notes/tool.json") == "// about\n{\n  \"model\": \"m\",\n}\n")
    }

    @Test func `stay out of an import without secrets, and Copilot trusts the workspace as well`() throws {
        let world = try World.importing([".copilot": ["config.json": .file(copilotConfig).mode(0o600)]])
        let run = try world.importHost("--no-secrets")
        let text = try #require(world.volumeText("copilot/config.json"), "\(run)")
        #expect(run.code == 0 && !text.contains("gho_") && text.hasPrefix("// User settings"), "\(text)")
        let parts = ["\"copilotTokens\": {}", "/home/agent/workspace", "/work/a", "\"banner\": \"never\""]
        for part in parts { #expect(text.contains(part), "\(text)") }
        #expect(!text.contains("trusted_folders"), "\(text)")
    }

    @Test func `of both sides merge key by key, and the comments of the newer side stay`() throws {
        let newer = "// newer\n{\n  \"a\": 1, // one\n  \"n\": true,\n}\n"
        let world = try World.importing(
            [".config": ["opencode": ["opencode.json": Item.file(newer).later(by: 60)]]],
            into: ["config": ["opencode": ["opencode.json": "// older\n{\n  \"o\": 2, // two\n}\n"]]])
        let run = try world.importHost()
        let merged = "// newer\n{\n  \"a\": 1, // one\n  \"n\": true,\n  \"o\": 2,\n}\n"
        #expect(run.code == 0 && world.volumeText("config/opencode/opencode.json") == merged, "\(run)")
    }
}

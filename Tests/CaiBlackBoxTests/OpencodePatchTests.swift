import CaiTestSupport
import SystemPackage
import Testing

private let configuration: FilePath = "/home/agent/.config/opencode"

/// A machine of the preset `opencode` whose account keeps the name that worlds have. `files` lie in the configuration
/// directory; there is no volume of the agents'.
private func world(_ files: [String: Item] = [:], settings: String = "") throws -> World {
    let world = try World([
        "/etc/containai/agent.toml": .file(
            "preset = \"opencode\"\nuser = \"agent\"\nhome = \"/home/agent\"\n"
                + "workspace = \"/home/agent/workspace\"\nopencode_config = \"/home/agent/.config/opencode\"\n"
                + settings)
    ])
    try world.remove("/mnt/agent-data")
    for (name, item) in files { try world.put(configuration.appending(name), item) }
    return world
}

@Suite struct `cai opencode patch` {
    @Test(arguments: [
        // Everything that made the predecessor's container end at each start (2.13, 1).
        "{\n  \"model\": \"x\" // after a value\n}\n", "/* a block */ {\"model\": \"x\"}", "{\"model\": \"x\",}", "",
        "// only a comment\n", "{\"model\": \"x\", \"auth\": \"basic\"}", "\u{FEFF}{\r\n\t\"model\": \"x\"\r\n}\r\n",
        "{\"big\": 12345678901234567890123456789, \"list\": [\n1, // one\n2\n]}",
    ])
    func `whatever OpenCode reads is patched, and all the rest of it stays`(text: String) throws {
        let world = try world(["opencode.json": .file(text).mode(0o600)])
        let run = try world.cai("opencode", "patch", "--json")
        #expect(run.code == 0, "\(run)")
        #expect(run.json["auth_enabled"] == .bool(true))
        let after = try world.text(configuration.appending("opencode.json"))
        #expect(after.contains("\"enabled\"") && after.contains("/home/agent/workspace"))
        for piece in [
            "// after a value", "/* a block */", "// only a comment", "12345678901234567890123456789", "// one",
        ]
        where text.contains(piece) { #expect(after.contains(piece)) }
        #expect(try world.mode(configuration.appending("opencode.json")) == 0o600)
        let again = try world.snapshot()
        #expect(try world.cai("opencode", "patch").code == 0)
        #expect(try world.snapshot() == again)
        #expect(try world.cai("opencode", "check").code == 0)
    }

    @Test func `comments, order, numbers and line ends survive to the byte (2.13, 2)`() throws {
        let text =
            "// head\r\n{\r\n\t\"z\": 1.50, // z\r\n\t\"auth\": { /* why */ \"enabled\": false, \"n\": 1e3 },\r\n"
            + "\t\"workspace\": {\"root\": \"/mine\"},\r\n\t\"list\": [\r\n\t\t// \"gone\",\r\n\t\t\"x\",\r\n\t],\r\n}"
        let world = try world(["opencode.jsonc": .file(text).mode(0o640)])
        #expect(try world.cai("opencode", "patch").code == 0)
        let after = try world.text(configuration.appending("opencode.jsonc"))
        #expect(after == text.replacing("\"enabled\": false", with: "\"enabled\": true"))
        #expect(try world.mode(configuration.appending("opencode.jsonc")) == 0o640)
    }

    @Test func `a preview shows what the run then does, and an undo brings the old text back`() throws {
        let text = "{\"auth\": {\"enabled\": false}}"
        let world = try world(["opencode.json": .file(text)])
        let before = try world.snapshot()
        let preview = try world.cai("opencode", "patch", "--dry-run")
        #expect(preview.code == 0)
        #expect(
            preview.errors.contains(
                "[DRY-RUN] Would write /home/agent/.config/opencode/opencode.json: set auth.enabled"))
        #expect(try world.cai("opencode", "check").code == 1)
        #expect(try world.snapshot() == before)
        #expect(try world.cai("opencode", "patch").code == 0)
        #expect(try world.text(configuration.appending("opencode.json")) != text)
        let undo = try world.cai("undo")
        #expect(undo.code == 0, "\(undo)")
        #expect(try world.text(configuration.appending("opencode.json")) == text)
    }

    @Test func `a later file cannot switch logging in off unnoticed (2.13, 4)`() throws {
        let world = try world([
            "opencode.json": .file("{\"auth\":{\"enabled\":true},\"workspace\":{\"root\":\"/w\"}}"),
            "opencode.jsonc": .file("{\"auth\":{\"enabled\":false}}"),
        ])
        #expect(try world.cai("opencode", "patch").code == 0)
        #expect(try world.text(configuration.appending("opencode.jsonc")) == "{\"auth\":{\"enabled\":true}}")
        #expect(
            try world.text(configuration.appending("opencode.json"))
                == "{\"auth\":{\"enabled\":true},\"workspace\":{\"root\":\"/w\"}}")
    }

    @Test(arguments: [true, false])
    func `a missing configuration is begun with the template, and no more open than that (2.13, 3 and 5)`(
        hasTemplate: Bool
    ) throws {
        let world = try world()
        let template = "// of the image\n{\n  \"workspace\": {\"root\": \"/t\"},\n  \"auth\": {\"enabled\": true}\n}\n"
        if hasTemplate { try world.put("/etc/opencode-cloud/opencode.jsonc.default", .file(template)) }
        let before = try world.snapshot()
        #expect(try world.cai("opencode", "patch", "--dry-run").code == 0)
        #expect(try world.snapshot() == before)
        #expect(try world.cai("opencode", "patch").code == 0)
        let after = try world.text(configuration.appending("opencode.jsonc"))
        #expect(hasTemplate ? after == template : after.contains("\"root\": \"/home/agent/workspace\""))
        #expect(try world.mode(configuration.appending("opencode.jsonc")) == 0o640)
        #expect(try world.mode(configuration) == 0o750)
        #expect(try world.cai("opencode", "check").code == 0)
    }

    @Test(arguments: [
        ("{\n  \"auth\": {,\n}", "line 2, column 12"), ("[1]", "is not an object"),
        ("{\"a\": tru}", "line 1, column 7"),
    ])
    func `a text that is no JSON is left alone, with its place, and the container starts degraded`(
        text: String, words: String
    ) throws {
        let world = try world(["opencode.jsonc": .file(text)])
        let run = try world.cai("opencode", "patch")
        #expect(run.code == 1)
        #expect(run.errors.contains(words), "\(run)")
        #expect(run.errors.contains("SECURITY WARNING: It cannot be told whether authentication is enabled."))
        #expect(try world.text(configuration.appending("opencode.jsonc")) == text)
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0, "\(boot)")
        let step = boot.json["steps"].array.first { $0["name"] == .text("opencode") }
        #expect(step?["outcome"] == .text("degraded"))
    }

    @Test func `nothing is written through a symlink that the agent planted (2.13, 29)`() throws {
        let world = try world(["opencode.json": .link("/etc/secret.json")])
        try world.put("/etc/secret.json", .file("{}").mode(0o600))
        let run = try world.cai("opencode", "patch")
        #expect(run.code == 1)
        #expect(run.errors.contains("which is not followed"))
        #expect(try world.text("/etc/secret.json") == "{}")
        #expect(try world.mode("/etc/secret.json") == 0o600)
        try world.remove("/home/agent/.config/opencode")
        try world.put("/home/agent/.config/opencode", .link("/etc"))
        #expect(try world.cai("opencode", "patch").code == 1)
        #expect(!world.exists("/etc/opencode.jsonc"))
    }

    @Test func `a boot patches the configuration`() throws {
        let world = try world(["opencode.json": .file("{\"auth\":{\"enabled\":false}} // mine")])
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0, "\(boot)")
        #expect(try world.text(configuration.appending("opencode.json")).hasPrefix("{\"auth\":{\"enabled\":true}"))
        let step = boot.json["steps"].array.first { $0["name"] == .text("opencode") }
        #expect(step?["outcome"] == .text("ok"))
        #expect(step?["changes"] == .number(1))
    }

    @Test func `where the manifests link the file to the volume, the file on the volume is patched`() throws {
        let world = try World([
            "/etc/containai/agent.toml": .file("[opencode.set]\nautoupdate = false\n"),
            "/home/agent/.config/opencode/opencode.json": .link("/mnt/agent-data/config/opencode/opencode.json"),
            "/mnt/agent-data/config/opencode/opencode.json": .file("{\"autoupdate\": true} // mine").mode(0o600),
        ])
        let run = try world.cai("opencode", "patch", "--force")
        #expect(run.code == 0, "\(run)")
        #expect(
            try world.text("/mnt/agent-data/config/opencode/opencode.json") == "{\"autoupdate\": false} // mine")
        #expect(try world.mode("/mnt/agent-data/config/opencode/opencode.json") == 0o600)
        #expect(world.link("/home/agent/.config/opencode/opencode.json") != nil)
    }

    @Test func `a key that OpenCode itself refuses is not written for it`() throws {
        let world = try World(["/etc/containai/agent.toml": .file("[opencode.set]\nauth.enabled = true\n")])
        let run = try world.cai("opencode", "patch", "--force")
        #expect(run.code == 1)
        #expect(run.errors.contains("OpenCode refuses a configuration with \"auth\""))
        #expect(!world.exists("/home/agent/.config/opencode"))
    }
}

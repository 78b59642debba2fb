import CaiModel
import Testing

private func rules(_ toml: String, isOwnPreset: Bool = true) throws -> (rules: [OpencodeRule], findings: [Finding]) {
    OpencodeRuleReader.rules(
        in: try TOMLReader.table(from: Array(toml.utf8)), file: "agent.toml", isOwnPreset: isOwnPreset,
        workspace: "/w")
}

/// The configuration of up to three files, in the order in which OpenCode merges them; nil for one that is missing.
private func configuration(_ texts: [String?], _ toml: String = "") throws -> OpencodeConfiguration {
    let files = zip(OpencodeConfiguration.names, texts).map { name, text in
        OpencodeFile(name, text.map { .bytes(Array($0.utf8)) } ?? .missing)
    }
    return OpencodeConfiguration(files, rules: try rules(toml).rules)
}

@Suite struct `OpenCode's three files` {
    @Test(
        arguments: [
            (["{\"auth\":{\"enabled\":true}}", nil, nil], true), ([nil, "{\"auth\":{\"enabled\":true}}", nil], true),
            ([nil, "{\"auth\":{\"enabled\":true}}", "{\"auth\":{\"enabled\":false}}"], false),
            (["{\"auth\":{\"enabled\":false}}", "{}", "{\"auth\":{\"enabled\":true}}"], true),
            (["{\"auth\":{\"enabled\":true}}", "{\"auth\":{\"x\":1}}", "// nothing"], true),
            (["{\"auth\":{\"enabled\":true}}", "{\"auth\":null}", nil], false),
            (["{\"auth\":{\"enabled\":true}}", nil, "{\"auth\":\"yes\"}"], false),
            ([nil, "{\"auth\":{\"enabled\":\"true\"}}", nil], false), ([nil, nil, nil], false),
            (["{", "{}", nil], nil),
            (["{", "{\"auth\":{\"enabled\":true}}", nil], true), (["{\"auth\":{\"enabled\":true}}", nil, "{"], nil),
        ] as [([String?], Bool?)])
    func `what counts is the merged value`(texts: [String?], asks: Bool?) throws {
        #expect(try configuration(texts).asksForAuthentication == asks)
    }

    @Test(
        arguments: [
            // The file that decides is changed.
            (["{\"auth\":{\"enabled\":false}}", nil, nil], [0]), ([nil, "{}", nil], [1]), ([nil, "{}", "{}"], [2]),
            (
                [
                    "{\"auth\":{\"enabled\":true}}", "{\"auth\":{\"enabled\":false},\"workspace\":{\"root\":\"x\"}}",
                    "{}",
                ], [1]
            ),
            ([nil, "{\"auth\":true}", nil], [1]), ([nil, nil, ""], [2]), ([nil, nil, "// mine\n"], [2]),
            // Nothing to do.
            (["{\"auth\":{\"enabled\":true},\"workspace\":{\"root\":\"/else\"}}", nil, nil], []),
            // One that cannot be read stays, and the others are made right.
            (["{", "{}", nil], [1]),
        ] as [([String?], [Int])])
    func `the patch goes to the file that decides, and a second one is empty`(
        texts: [String?], changed: [Int]
    ) throws {
        let patch = try configuration(texts).patch()
        #expect(patch.changes.map(\.name) == changed.map { OpencodeConfiguration.names[$0] })
        #expect(patch.result.asksForAuthentication == true)
        #expect(patch.result.patch().changes.isEmpty)
    }

    @Test func `where a file that decides cannot be read nothing is written in its place`() throws {
        let patch = try configuration(["{\"auth\":{\"enabled\":false}}", nil, "{ not"]).patch()
        #expect(patch.changes.isEmpty)
        #expect(patch.result.asksForAuthentication == nil)
        #expect(patch.result.problems.map(\.name) == ["opencode.jsonc"])
    }

    @Test func `values are set, added where there are none, and removed`() throws {
        let toml = """
            [opencode]
            remove = ["share", "provider.old"]
            [opencode.set]
            autoupdate = false
            provider.x.options = ["a", "<workspace>"]
            [opencode.default]
            theme = "system"
            """
        let text = "{\"autoupdate\":true,\"theme\":\"mine\",\"share\":1,\"provider\":{\"old\":{},\"x\":{}}}"
        let patch = try configuration([nil, text, nil], toml).patch()
        let after = try #require(patch.changes.first).bytes
        #expect(
            String(decoding: after, as: UTF8.self)
                == "{\"autoupdate\":false,\"theme\":\"mine\",\"provider\":{\"x\":{\"options\":[\"a\",\"/w\"]}},"
                + "\"auth\":{\"enabled\":true},\"workspace\":{\"root\":\"/w\"}}")
        #expect(patch.result.patch().changes.isEmpty)
    }
}

@Suite struct `The table of values for OpenCode` {
    @Test func `the preset asks for logging in and names the workspace`() throws {
        let read = try rules("").rules
        #expect(read.map(\.name) == ["auth.enabled", "workspace.root"])
        #expect(try rules("", isOwnPreset: false).rules.isEmpty)
        #expect(try rules("[opencode]\npreset_rules = false").rules.isEmpty)
        let replaced = try rules("[opencode.set]\nworkspace.root = \"/x\"").rules
        #expect(replaced.map(\.action) == [.set, .set])
    }

    @Test(arguments: [
        ("[opencode.set]\nauth.enabled = true", false, "agent.toml:2:", "OpenCode refuses a configuration"),
        ("opencode = 1", true, "agent.toml:1:1", "opencode must be a table, not an integer"),
        ("[opencode]\nset = true", true, "agent.toml:2:1", "set must be a table"),
        ("[opencode.set]\na = 1979-05-27", true, "agent.toml:2:5", "JSON has no value for a date"),
        ("[opencode.set]\na = inf", true, "agent.toml:2:5", "JSON has no value for a float"),
        ("[opencode]\nremove = [\"a\"]\n[opencode.set]\na.b = 1", true, "agent.toml:", "contradict each other"),
        ("[opencode]\nremove = [\"\"]", true, "agent.toml:2:11", "the name of a value is missing"),
        ("[opencode]\nsets = 1", true, "agent.toml:2:1", "is not a key of [opencode]"),
    ])
    func `a mistake has its place and a sentence, and the other rules hold`(
        toml: String, isOwnPreset: Bool, place: String, sentence: String
    ) throws {
        let (rules, findings) = try rules(toml, isOwnPreset: isOwnPreset)
        #expect(findings.count == 1)
        #expect(findings.first?.place.hasPrefix(place) == true)
        #expect(findings.first?.sentence.contains(sentence) == true, "\(findings)")
        #expect(!isOwnPreset || rules.contains { $0.path == OpencodeRule.authentication })
    }
}

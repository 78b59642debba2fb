import CaiTestSupport
import SystemPackage
import Testing

/// One decision between a live file that took its link's place and the volume's copy.
struct Conflict: Sendable, CustomTestStringConvertible {
    let title: String
    /// What `cai` wrote last; nil when it never wrote the file.
    var base: String?
    let live: String
    let stored: String
    /// How many seconds the live file is younger.
    var liveIsLater: Int64 = 60
    let result: String
    /// What has to be kept displaced, each as `home` or `volume` and its content.
    var displaced: [String: String] = [:]
    var testDescription: String { title }
}

private let text: [Conflict] = [
    Conflict(
        title: "only the live file changed, and is older", base: "0", live: "L", stored: "0", liveIsLater: -60,
        result: "L", displaced: ["volume": "0"]),
    Conflict(
        title: "only the live file changed", base: "0", live: "L", stored: "0", result: "L",
        displaced: ["volume": "0"]),
    Conflict(
        title: "only the volume changed", base: "0", live: "0", stored: "V", liveIsLater: -60, result: "V",
        displaced: ["home": "0"]),
    Conflict(
        title: "only the volume changed, and is older", base: "0", live: "0", stored: "V", result: "V",
        displaced: ["home": "0"]),
    Conflict(
        title: "both changed, live newer", base: "0", live: "L", stored: "V", result: "L", displaced: ["volume": "V"]),
    Conflict(
        title: "both changed, volume newer", base: "0", live: "L", stored: "V", liveIsLater: -60, result: "V",
        displaced: ["home": "L"]),
    Conflict(title: "both changed in the same way", base: "0", live: "S", stored: "S", result: "S"),
    Conflict(title: "no baseline, live newer", live: "L", stored: "V", result: "L", displaced: ["volume": "V"]),
    Conflict(
        title: "no baseline, volume newer", live: "L", stored: "V", liveIsLater: -60, result: "V",
        displaced: ["home": "L"]),
    Conflict(
        title: "no baseline, same time: live wins", live: "L", stored: "V", liveIsLater: 0, result: "L",
        displaced: ["volume": "V"]),
    Conflict(title: "no baseline, equal", live: "S", stored: "S", result: "S"),
    Conflict(title: "an empty live file never beats content", live: "", stored: "V", result: "V"),
    Conflict(title: "an empty live file is no change of its own", base: "0", live: "", stored: "0", result: "0"),
    Conflict(title: "a placeholder never beats content", live: "L", stored: "", liveIsLater: -60, result: "L"),
]

private let json: [Conflict] = [
    Conflict(
        title: "different keys changed", base: #"{"a": 1, "b": 1}"#, live: #"{"a": 2, "b": 1}"#,
        stored: #"{"a": 1, "b": 3}"#, result: #"{"a": 2, "b": 3}"#,
        displaced: ["home": #"{"a": 2, "b": 1}"#, "volume": #"{"a": 1, "b": 3}"#]),
    Conflict(
        title: "each side added a key", base: #"{"a": 1}"#, live: #"{"a": 1, "l": true}"#,
        stored: #"{"a": 1, "v": true}"#, result: #"{"a": 1, "l": true, "v": true}"#,
        displaced: ["home": #"{"a": 1, "l": true}"#, "volume": #"{"a": 1, "v": true}"#]),
    Conflict(
        title: "nested objects", base: #"{"o": {"x": 1, "y": 1}}"#, live: #"{"o": {"x": 2, "y": 1}}"#,
        stored: #"{"o": {"x": 1, "y": 2}}"#, result: #"{"o": {"x": 2, "y": 2}}"#,
        displaced: ["home": #"{"o": {"x": 2, "y": 1}}"#, "volume": #"{"o": {"x": 1, "y": 2}}"#]),
    Conflict(
        title: "one deleted a key, the other changed another", base: #"{"a": 1, "b": 1}"#, live: #"{"b": 1}"#,
        stored: #"{"a": 1, "b": 2}"#, result: #"{"b": 2}"#,
        displaced: ["home": #"{"b": 1}"#, "volume": #"{"a": 1, "b": 2}"#]),
    Conflict(
        title: "the same key clashes, live newer", base: #"{"a": 1}"#, live: #"{"a": 2}"#, stored: #"{"a": 3}"#,
        result: #"{"a": 2}"#, displaced: ["volume": #"{"a": 3}"#]),
    Conflict(
        title: "the same key clashes, volume newer", base: #"{"a": 1}"#, live: #"{"a": 2}"#, stored: #"{"a": 3}"#,
        liveIsLater: -60, result: #"{"a": 3}"#, displaced: ["home": #"{"a": 2}"#]),
    Conflict(
        title: "no baseline, disjoint keys", live: #"{"l": 1}"#, stored: #"{"v": 1}"#, result: #"{"l": 1, "v": 1}"#,
        displaced: ["home": #"{"l": 1}"#, "volume": #"{"v": 1}"#]),
    Conflict(
        title: "no baseline, a clash", live: #"{"k": 1}"#, stored: #"{"k": 2}"#, result: #"{"k": 1}"#,
        displaced: ["volume": #"{"k": 2}"#]),
    Conflict(
        title: "live is no JSON any more", base: #"{"a": 1}"#, live: "{broken", stored: #"{"a": 2}"#,
        result: "{broken", displaced: ["volume": #"{"a": 2}"#]),
    Conflict(
        title: "the volume holds the placeholder only", live: #"{"k": 1}"#, stored: "{}\n", liveIsLater: -60,
        result: #"{"k": 1}"#),
    Conflict(
        title: "a live {} against content, older", live: "{}\n", stored: #"{"k": 1}"#, liveIsLater: -60,
        result: #"{"k": 1}"#, displaced: ["home": "{}\n"]),
]

@Suite struct `Who wins when both sides have the file` {
    private func check(_ conflict: Conflict, link: FilePath, target: FilePath, name: String) throws {
        let world = try settledWorld()
        let home = FilePath("home/agent").appending(link.components)
        let volume = FilePath("mnt/agent-data").appending(target.components)
        if let base = conflict.base {
            try world.put(home, .file(base))
            let first = try world.cai("links", "repair", "--quiet")
            try #require(first.code == 0 && (try world.text(home)) == base, "\(first)")
            try #require(try world.displaced() == [:])
        }
        try world.put(volume, .file(conflict.stored).later(by: 1000))
        try world.put(home, .file(conflict.live).later(by: 1000 + conflict.liveIsLater))
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0, "\(repair)")
        let content = try world.text(home)
        if name.hasSuffix("json"), let expected = JSONValue(parsing: conflict.result) {
            #expect(JSONValue(parsing: content) == expected, "\(content)")
        } else {
            #expect(content == conflict.result)
        }
        let expected = Dictionary(
            uniqueKeysWithValues: conflict.displaced.map { ("\($0)/\($0 == "home" ? link : target)", $1) })
        #expect(try world.displaced() == expected, "\(repair)")
    }

    @Test(arguments: text) func `a text file`(_ conflict: Conflict) throws {
        try check(conflict, link: ".vimrc", target: "editors/vimrc", name: "vimrc")
    }

    @Test(arguments: json) func `a JSON document`(_ conflict: Conflict) throws {
        try check(conflict, link: ".claude/settings.json", target: "claude/settings.json", name: "settings.json")
    }

    @Test func `TOML tables merge key by key`() throws {
        let world = try settledWorld()
        let home: FilePath = "home/agent/.codex/config.toml"
        try world.put(home, "model = \"a\"\n[tools]\nweb = true\n")
        #expect(try world.cai("links", "repair", "--quiet").code == 0)
        try world.put("mnt/agent-data/codex/config.toml", "model = \"a\"\n[tools]\nweb = false\n")
        try world.put(home, .file("# mine\nmodel = \"b\"\n[tools]\nweb = true\n").later(by: 60))
        try expectPromises(["links", "repair"], on: world)
        #expect(try world.text(home) == "# mine\nmodel = \"b\"\n[tools]\nweb = false\n")
    }

    @Test func `within a directory every file is decided by itself`() throws {
        let world = try settledWorld([
            "mnt/agent-data/claude/skills": ["old.md": .file("V").later(by: 60), "same.md": "S"]
        ])
        try world.put(
            "home/agent/.claude/skills",
            ["old.md": "L", "same.md": "S", "new.md": "N", "deep": ["er": ["x.md": "X"]]])
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0, "\(repair)")
        #expect(try world.text("home/agent/.claude/skills/old.md") == "V")
        #expect(try world.text("home/agent/.claude/skills/new.md") == "N")
        #expect(try world.text("home/agent/.claude/skills/deep/er/x.md") == "X")
        #expect(try world.displaced() == ["home/.claude/skills/old.md": "L"])
    }

    @Test func `a file against a directory inside a tree: the volume stays, the other is kept`() throws {
        let world = try settledWorld(["mnt/agent-data/claude/skills": ["a": ["in.md": "V"], "b": "V"]])
        try world.put("home/agent/.claude/skills", ["a": "L", "b": ["in.md": "L2"]])
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0, "\(repair)")
        #expect(try world.text("home/agent/.claude/skills/a/in.md") == "V")
        #expect(try world.displaced() == ["home/.claude/skills/a": "L", "home/.claude/skills/b/in.md": "L2"])
    }
}

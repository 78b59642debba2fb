import CaiModel
import Testing

@Suite struct `Merging JSON` {
    @Test(arguments: [
        ("{\"a\":1}", "{\"a\":1}", "{\"a\":1}"),
        (
            "{\n  \"b\": 1, // mine\n  \"a\": 2\n}\n", "{\"a\":2,\"c\":[1, 2]}",
            "{\n  \"b\": 1, // mine\n  \"a\": 2,\n  \"c\": [1, 2]\n}\n"
        ),
        ("{\"o\":{\"x\":1}}", "{\"o\":{\"y\":2.50},\"p\":{}}", "{\"o\":{\"x\":1,\"y\":2.50},\"p\":{}}"),
        ("{}", "{\n  \"login\": {\n    \"token\": \"t\"\n  }\n}", "{\n  \"login\": {\n    \"token\": \"t\"\n  }\n}"),
        ("{\"a\":[1,2]}", "{\"a\": [ 1, 2 ]}", "{\"a\":[1,2]}"),
        ("{\"a\":{}}", "{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{\"b\":{\"c\":1}}}"),
        ("{\"a\":1}", "// c\n{\"b\": [1, /* d */ 2,]}", "{\"a\":1,\"b\":[1,2]}"),
        ("", "{\"a\":1}", "{\"a\":1}"), ("{\"a\":1}", " \n", "{\"a\":1}"),
        (
            "// managed\n{\n  \"a\": 1, // one\n  /* b */ \"b\": 2,\n}\n",
            "// older\n{\n  \"c\": [3, /* d */ 4,],\n}\n",
            "// managed\n{\n  \"a\": 1, // one\n  /* b */ \"b\": 2,\n  \"c\": [3, /* d */ 4,],\n}\n"
        ),
        ("\u{FEFF}{\"a\":1}", "\u{FEFF}{\"b\":2}", "\u{FEFF}{\"a\":1,\"b\":2}"),
        ("{\"a\":1}", "// nothing yet\n", "{\"a\":1}"), ("{\"a\":1}", "\u{FEFF}", "{\"a\":1}"),
    ])
    func `keys that do not clash are put together`(newer: String, older: String, merged: String) throws {
        let result = try #require(merge(newer, older))
        #expect(result == merged)
        #expect(merge(result, older) == result)
    }

    @Test(arguments: [
        ("{\"a\":1}", "{\"a\":2}"), ("{\"a\":1}", "{\"a\":1.0}"), ("{\"a\":{}}", "{\"a\":[]}"),
        ("{\"a\":[1]}", "{\"a\":[1,2]}"),
        ("{\"o\":{\"a\":1}}", "{\"o\":{\"a\":null}}"), ("[]", "[]"), ("{\"a\":1,\"a\":1}", "{}"),
        ("{}", "{\"b\":[{\"a\":1,\"a\":1}]}"),
        ("{", "{}"), ("{}", "{]"), ("{\"\u{E9}\":1}", "{\"e\u{301}\":1}"), ("{\"\\ud800\":1}", "{}"),
    ])
    func `a clash or a doubt is no merge`(newer: String, older: String) {
        #expect(merge(newer, older) == nil)
    }

    @Test(arguments: [
        // (baseline, newer, older, merged)
        ("{\"a\":1}", "{\"a\":1}", "{\"a\":2}", "{\"a\":2}"), ("{\"a\":1}", "{\"a\":2}", "{\"a\":1}", "{\"a\":2}"),
        ("{\"a\":1,\"b\":2}", "{\"a\":1}", "{\"a\":1,\"b\":2}", "{\"a\":1}"),
        ("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}", "{\"a\":1}", "{\"a\":1}"),
        ("{\"a\":1,\"b\":2}", "{\"a\":1}", "{\"a\":1,\"b\":3}", "{\"a\":1,\"b\":3}"),
        ("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", "{\"a\":1}", "{\"a\":1,\"b\":3}"),
        (
            "{\"o\":{\"x\":1,\"y\":1}}", "{\"o\":{\"x\":2,\"y\":1}}", "{\"o\":{\"x\":1,\"y\":2}}",
            "{\"o\":{\"x\":2,\"y\":2}}"
        ),
        ("{\"o\":{\"x\":1}}", "{\"o\":5}", "{\"o\":{\"x\":1}}", "{\"o\":5}"),
        ("{\"o\":{\"x\":1}}", "{\"o\":{\"x\":1}}", "{\"o\":[7]}", "{\"o\":[7]}"),
        ("{\"o\":{\"x\":1}}", "{\"o\":{\"x\":1}}", "{\"o\":{}}", "{\"o\":{}}"),
        ("{\"o\":{}}", "{\"o\":{\"x\":1}}", "{}", "{\"o\":{\"x\":1}}"),
        ("{}", "{\"n\":1}", "{\"m\":2}", "{\"n\":1,\"m\":2}"),
        ("{\"a/b\":{\"~\":1}}", "{}", "{\"a/b\":{\"~\":1}}", "{}"),
        ("{\"a\":1,\"b\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"c\":1}", "{\"d\":4}", "{\"d\":4}"),
        ("{\"/\u{301}x\":{\"y\":1}}", "{\"/\u{301}x\":{\"y\":1}}", "{\"k\":1}", "{\"k\":1}"),
    ])
    func `the baseline tells which side changed a key`(base: String, newer: String, older: String, merged: String) {
        #expect(merge(newer, older, base: base) == merged)
    }

    @Test(arguments: [
        ("{\"a\":1}", "{\"a\":2}", "{\"a\":3}"), ("{}", "{\"a\":1}", "{\"a\":2}"),
        ("{\"a\":{\"x\":1}}", "{\"a\":{\"x\":2}}", "{\"a\":7}"),
    ])
    func `a key that both sides changed clashes in spite of a baseline`(base: String, newer: String, older: String) {
        #expect(merge(newer, older, base: base) == nil)
    }

    @Test func `the lines of deleted keys go and comments stay`() {
        let newer = "{\n  // about a\n  \"a\": 1,\n  \"b\": 2, // about b\n  \"c\": 3\n}\n"
        #expect(
            merge(newer, "{\"a\": 1, \"d\": 4}", base: "{\"a\":1,\"b\":2,\"c\":3}")
                == "{\n  // about a\n  \"a\": 1,\n  \"d\": 4\n}\n")
    }

    @Test func `baseline keys are JSON pointers of leaves and of empty objects`() {
        let keys = BaselineKeys.keys(
            of: Array("{\"a/b\":{\"~\":1,\"e\":{}},\"l\":[ 1,{} ]}".utf8), kind: .json, digest: plain)
        #expect(keys?.digests == ["/a~1b/~0": "1", "/a~1b/e": "{}", "/l": "[1,{}]"])
        #expect(BaselineKeys.keys(of: Array("[]".utf8), kind: .json, digest: plain) == nil)
    }

    @Test(arguments: [
        ("a.json", MergeKind.json), (".claude.json", .json), ("opencode.jsonc", .json), ("config.toml", .toml),
        ("json", nil),
        ("a.json.bak", nil), ("", nil),
    ])
    func `the name of a file tells its format`(name: String, kind: MergeKind?) {
        #expect(MergeKind(fileName: name) == kind)
    }

    @Test func `equal documents merge to themselves and a merge holds every key of both`() throws {
        var random = SeededGenerator(seed: 7)
        var merged = 0
        for _ in 0..<2_000 {
            let (newer, older) = (randomDocument(&random), randomDocument(&random))
            #expect(merge(newer, newer) == newer)
            guard let result = merge(newer, older) else { continue }
            merged += 1
            let paths = try [result, newer, older].map { try objectPaths($0) }
            #expect(paths[0] == paths[1].union(paths[2]))
            #expect(merge(result, older) == result)
            #expect(merge(result, newer) == result)
        }
        #expect(merged > 500)
    }

    @Test func `with a baseline a change of one side only is taken whole, whichever side is newer`() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            let (base, changed) = (randomDocument(&random), randomDocument(&random))
            #expect(merge(changed, base, base: base) == changed)
            let taken = try #require(merge(base, changed, base: base))
            let (left, right) = (leaves(taken), leaves(changed))
            #expect(left == right)
        }
    }

    private func merge(_ newer: String, _ older: String, base: String? = nil) -> String? {
        let keys = base.flatMap { BaselineKeys.keys(of: Array($0.utf8), kind: .json, digest: plain) }
        return mergeText(kind: .json, newer: Array(newer.utf8), older: Array(older.utf8), base: keys, digest: plain)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func leaves(_ text: String) -> BaselineKeys? {
        BaselineKeys.keys(of: Array(text.utf8), kind: .json, digest: plain)
    }

    /// The paths of all members, objects included.
    private func objectPaths(_ text: String) throws -> Set<[String]> {
        var result: Set<[String]> = []
        var pending = [([String](), try JSONDocument(Array(text.utf8), dialect: .lenient).root)]
        while let (path, value) = pending.popLast() {
            result.insert(path)
            pending += value.members.map { (path + [$0.name], $0.value) }
        }
        return result
    }
}

private func plain(_ text: [UInt8]) -> String { String(decoding: text, as: UTF8.self) }

/// A small document with few names, so that two of them meet often, in one of several layouts.
private func randomDocument(_ random: inout SeededGenerator) -> String {
    let isMultiline = Bool.random(using: &random)
    return randomObject(depth: 0, isMultiline, &random) + (isMultiline ? "\n" : "")
}

private func randomObject(depth: Int, _ isMultiline: Bool, _ random: inout SeededGenerator) -> String {
    let names = ["a", "b", "c/d", "~", "é"].shuffled(using: &random).prefix(Int.random(in: 0..<4, using: &random))
    var text = "{"
    for (place, name) in names.enumerated() {
        let comment = isMultiline && Int.random(in: 0..<5, using: &random) == 0 ? " // {\"x\n" : ""
        text += (place > 0 ? "," : "") + comment + (isMultiline ? "\n" + String(repeating: "  ", count: depth + 1) : "")
        text += "\"\(name)\":" + (isMultiline ? " " : "")
        let isObject = depth < 3 && (name == "a" || name == "b")
        text +=
            isObject
            ? randomObject(depth: depth + 1, isMultiline, &random)
            : ["1", "1", "[1, {}]"].randomElement(using: &random) ?? "1"
    }
    if !names.isEmpty, isMultiline { text += "\n" + String(repeating: "  ", count: depth) }
    return text + "}"
}

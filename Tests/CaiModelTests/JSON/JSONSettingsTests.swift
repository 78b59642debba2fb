import CaiModel
import Testing

private func document(_ text: String, _ focus: JSONFocus = .everything) throws -> JSONDocument {
    try JSONDocument(Array(text.utf8), dialect: .lenient, focus: focus)
}

private let wanted = [
    JSONSetting(["auth", "enabled"], .bool(true)), JSONSetting(["workspace", "root"], .string("/w")),
]

@Suite struct `Several values at once` {
    @Test(arguments: [
        ("{}", "{\n  \"auth\": {\n    \"enabled\": true\n  },\n  \"workspace\": {\n    \"root\": \"/w\"\n  }\n}"),
        ("{\"x\":1}", "{\"x\":1,\"auth\":{\"enabled\":true},\"workspace\":{\"root\":\"/w\"}}"),
        (
            "{\n\t\"auth\": { \"enabled\": false }, // why\n\t\"list\": [1,2,],\n}\n",
            "{\n\t\"auth\": { \"enabled\": true }, // why\n\t\"list\": [1,2,],\n\t\"workspace\": {\n\t\t\"root\": "
                + "\"/w\"\n\t},\n}\n"
        ),
        (
            "{\"n\": 123456789012345678901234567890.10, \"auth\": {\"enabled\":true}}",
            "{\"n\": 123456789012345678901234567890.10, \"auth\": {\"enabled\":true}, \"workspace\": {\"root\": \"/w\"}}"
        ),
        ("{\"workspace\":{\"root\":\"/\\u0077\"},\"auth\":{\"enabled\":true}}", nil),
    ])
    func `every other byte stays`(before: String, after: String?) throws {
        let focus = JSONFocus(paths: wanted.map(\.path))
        let (bytes, replaced) = try document(before, focus).setting(all: wanted)
        #expect(String(decoding: bytes, as: UTF8.self) == after ?? before)
        #expect(replaced.isEmpty)
        #expect(try JSONDocument(bytes, dialect: .lenient).setting(all: wanted).bytes == bytes)
    }

    @Test(arguments: ["true", "null", "\"basic\"", "[1]", "7"])
    func `what is no object makes way for one, and is told`(value: String) throws {
        let (bytes, replaced) = try document("{\"auth\": \(value)}").setting(all: wanted)
        #expect(replaced == [["auth"]])
        #expect(try JSONDocument(bytes, dialect: .lenient).value(at: ["auth", "enabled"])?.bool == true)
    }

    @Test(arguments: [
        ("", "{\n  \"auth\": {\n    \"enabled\": true\n  }\n}\n"),
        ("\u{FEFF}", "\u{FEFF}{\n  \"auth\": {\n    \"enabled\": true\n  }\n}\n"),
        ("// mine\n/* all */", "// mine\n/* all */\n{\n  \"auth\": {\n    \"enabled\": true\n  }\n}\n"),
        ("// mine\r\n", "// mine\r\n{\r\n  \"auth\": {\r\n    \"enabled\": true\r\n  }\r\n}\r\n"),
    ])
    func `a text that was only begun becomes an object behind what it holds`(before: String, after: String) throws {
        #expect(JSONDocument.holdsNothing(Array(before.utf8)))
        let bytes = JSONDocument.filling(Array(before.utf8), with: [wanted[0]])
        #expect(String(decoding: bytes, as: UTF8.self) == after)
        #expect(try JSONDocument(bytes, dialect: .lenient).value(at: ["auth", "enabled"])?.bool == true)
    }

    @Test(arguments: ["{}", "/", "/* open", "x", "// a\n0"]) func `a text with something in it is not blank`(
        text: String
    ) { #expect(!JSONDocument.holdsNothing(Array(text.utf8))) }
}

@Suite struct `Reading JSON for the sake of a few values` {
    @Test func `it accepts and refuses what a full reading does, with the same place and sentence`() {
        let seeds = [
            "{\"a\": {\"x\": [1, -2.5e3, true, null, \"x\\u00e9\\ud83d\\ude00\"]}, \"b\": {\"c\": {\"d\":{}}}}",
            "// c\n{ /* d */ \"a\": {\"s\":\"\\\\\\\"\"}, \"b\": {\"c\":[[[{}]],\"//\"], /**/}, }\n",
            "\u{FEFF}[\"ä\", {\"k\": false}]", "{\"\\u0061\":{\"b\":[0.0E-1,tru]}}",
        ].map { Array($0.utf8) }
        let spices = Array("{}[]\",:\\/*eE+-.0u\n\u{7F}".utf8) + [0xFF, 0xC3, 0x00]
        let focuses = [JSONFocus.extent, JSONFocus(paths: [["a", "b"], ["b", "c"]]), JSONFocus(paths: [["b"]])]
        var random = SeededGenerator(seed: 7)
        for round in 0..<20_000 {
            var text = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                guard let place = text.indices.randomElement(using: &random),
                    let spice = spices.randomElement(using: &random)
                else { continue }
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[place] = spice
                case 1: text.insert(spice, at: place)
                default: text.remove(at: place)
                }
            }
            for dialect in [JSONDocument.Dialect.strict, .lenient] {
                let whole = Result { () throws(JSONProblem) in try JSONDocument(text, dialect: dialect) }
                let part = Result { () throws(JSONProblem) in
                    try JSONDocument(text, dialect: dialect, focus: focuses[round % 3])
                }
                switch (whole, part) {
                case (.success(let whole), .success(let part)):
                    #expect(whole.root.range == part.root.range)
                    #expect(whole.value(at: ["b"])?.range == part.value(at: ["b"])?.range || round % 3 == 0)
                case (.failure(let whole), .failure(let part)): #expect(whole == part)
                default: Issue.record("one reads what the other refuses: \(String(decoding: text, as: UTF8.self))")
                }
            }
        }
    }

    @Test func `nesting ends at the same depth`() throws {
        for (depth, isRead) in [(511, true), (512, false)] {
            let text = "{\"a\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
            #expect(((try? document(text, .extent)) != nil) == isRead)
            #expect(((try? document(text)) != nil) == isRead)
        }
    }

    /// Random documents and edits: only the edited values differ, the result parses, and a second edit changes nothing.
    @Test func `an edit of a random document changes what it names and nothing else`() throws {
        var random = SeededGenerator(seed: 99)
        for _ in 0..<3000 {
            let text = randomObject(depth: 0, &random)
            let settings = [
                JSONSetting(["k1", "k2"], randomLiteral(&random)), JSONSetting(["k3"], randomLiteral(&random)),
                JSONSetting(["k1", "new"], .integer(1)),
            ]
            let before = try document(text, JSONFocus(paths: settings.map(\.path)))
            let (bytes, _) = before.setting(all: settings)
            let after = try JSONDocument(bytes, dialect: .lenient)
            for setting in settings { #expect(after.value(at: setting.path)?.says(setting.value) == true) }
            #expect(after.setting(all: settings).bytes == bytes)
            for (name, value) in try document(text).root.members where name != "k1" && name != "k3" {
                let kept = after.root.members.filter { $0.name == name }.map { Array($0.value.text) }
                #expect(kept.contains(Array(value.text)))
            }
        }
    }

    private func randomLiteral(_ random: inout SeededGenerator) -> JSONLiteral {
        [.bool(true), .null, .string("a\"\n"), .integer(-3), .fraction(1.5), .array([.integer(1)]), .object([])]
            .randomElement(using: &random) ?? .null
    }

    private func randomObject(depth: Int, _ random: inout SeededGenerator) -> String {
        let newline = ["\n", "\r\n", "", " "].randomElement(using: &random) ?? ""
        let indentation = newline.contains("\n") ? String(repeating: "  ", count: depth + 1) : ""
        let members = (0..<Int.random(in: 0..<5, using: &random)).map { _ in
            let name = "k\(Int.random(in: 1..<6, using: &random))"
            let comment = newline.contains("\n") && Bool.random(using: &random) ? " // c\(Int.random(in: 0..<99))" : ""
            return (text: "\(indentation)\"\(name)\": \(randomValue(depth: depth, &random))", comment: comment)
        }
        let hasLastComma = Bool.random(using: &random)
        let lines = members.enumerated().map { index, member in
            member.text + (index < members.count - 1 || hasLastComma ? "," : "") + member.comment
        }
        return "{" + newline + lines.joined(separator: newline) + newline + "}"
    }

    private func randomValue(depth: Int, _ random: inout SeededGenerator) -> String {
        switch Int.random(in: 0..<(depth < 3 ? 7 : 5), using: &random) {
        case 0: "1.0"
        case 1: "\"a\\\"b/*no*/\""
        case 2: "[1, 2 /* x */, ]"
        case 3: "null"
        case 4: "12345678901234567890123"
        default: randomObject(depth: depth + 1, &random)
        }
    }
}

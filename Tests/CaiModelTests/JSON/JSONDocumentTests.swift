import CaiModel
import Testing

@Suite struct `Reading JSON` {
    @Test(arguments: [
        "{}", " [ ] ", "0", "-0.5e+10", "\"a\\u00e9\\n\\ud83d\\ude00\"", "true", "null",
        "{\"a\":{\"b\":[1,{\"c\":null}]}}",
        "[1,2,3]", "{\"\":1}", "\r\n\t{}\n", "\"\u{7F}ä\"", "1E5", "{\"a\":1,\"a\":2}",
    ])
    func `text of the standard is read strictly and leniently`(text: String) throws {
        #expect(try JSONDocument(Array(text.utf8)).root.range.count > 0)
        #expect(try JSONDocument(Array(text.utf8), dialect: .lenient).root.range.count > 0)
    }

    @Test(arguments: [
        "", " ", "{", "[", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "[1 2]", "[,]", "{,}",
        "01",
        "1.", ".5", "1e", "-", "+1", "tru", "nul", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"a\nb\"", "{} {}",
        "1 2",
        "'a'", "[1,,2]", "]", "}", "\u{FEFF}\u{FEFF}{}", "/", "{/*}", "\"\\",
    ])
    func `text that is no JSON in any dialect is refused`(text: String) {
        #expect(throws: JSONProblem.self) { try JSONDocument(Array(text.utf8)) }
        #expect(throws: JSONProblem.self) { try JSONDocument(Array(text.utf8), dialect: .lenient) }
    }

    @Test(arguments: [
        "\u{FEFF}{}", "{}//", "// a\n{}", "/* a */{/* b */}/* c */", "{\"a\":1,}", "[1,]", "[1,/* x */]",
        "{\"a\": // why\n1}", "{\"a\"/**/:/***/1}", "{} // \"",
    ])
    func `comments, a last comma and a byte order mark are for the lenient dialect`(text: String) throws {
        #expect(throws: JSONProblem.self) { try JSONDocument(Array(text.utf8)) }
        #expect(try JSONDocument(Array(text.utf8), dialect: .lenient).dialect == .lenient)
        #expect(try #require(JSONDocument(anyDialect: Array(text.utf8))).dialect == .lenient)
    }

    @Test(arguments: [
        ("{\n  \"a\": 1,\n  \"ä\": x\n}", 3, 8, "a value is missing"),
        ("{\"a\":1,}", 1, 8, "a comma stands before the closing bracket"),
        ("[1\n,\n\"abc", 3, 1, "a string is not closed"), ("", 1, 1, "the text ends where a value is missing"),
        ("{\"a\" 1}", 1, 6, "a colon is missing after the name"),
        ("{} x", 1, 4, "there is more text after the end of the document"),
        ("{\"secret\": \"x\" 1}", 1, 16, "a comma or \"}\" is missing"),
    ])
    func `a problem has line, column and a sentence`(text: String, line: Int, column: Int, sentence: String) {
        #expect(throws: JSONProblem(line: line, column: column, sentence: sentence)) {
            try JSONDocument(Array(text.utf8))
        }
    }

    @Test func `text that is not UTF-8 is refused where it stops being so`() {
        #expect(throws: JSONProblem(line: 1, column: 4, sentence: "the text is not UTF-8")) {
            try JSONDocument([0x5B, 0x22, 0x61, 0xFF, 0x22, 0x5D])
        }
    }

    @Test(arguments: [("[", "]"), ("{\"a\":", "}")])
    func `nesting ends at the limit and not with a crash`(open: String, close: String) throws {
        func nested(_ depth: Int) -> [UInt8] {
            let inner = open == "[" ? "" : "1"
            return Array((String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)).utf8)
        }
        #expect(try JSONDocument(nested(512)).root.kind != .null)
        #expect(throws: JSONProblem.self) { try JSONDocument(nested(513)) }
        #expect(throws: JSONProblem.self) { try JSONDocument(nested(1_000_000)) }
    }

    @Test func `values are found with their text and place`() throws {
        let text = "{\n  \"auth\": {\"enabled\": true, \"n\": 1.50},\n  \"list\": [1, \"\\u0041\\ud800\"]\n}"
        let document = try JSONDocument(Array(text.utf8))
        #expect(document.value(at: ["auth", "enabled"])?.bool == true)
        #expect(document.value(at: ["auth", "n"]).map { String(decoding: $0.text, as: UTF8.self) } == "1.50")
        #expect(document.value(at: ["auth", "n"])?.integer == nil)
        #expect(document.root["list"]?.elements.first?.integer == 1)
        #expect(document.root["list"]?.elements.last?.string == "A\u{FFFD}")
        #expect(document.root.members.map(\.name) == ["auth", "list"])
        #expect(try #require(document.root["list"]).location == (3, 11))
        #expect(document.value(at: ["auth", "enabled", "more"]) == nil)
        #expect(document.value(at: ["list", "0"]) == nil)
    }

    @Test func `of equal names the last counts`() throws {
        #expect(try JSONDocument(Array("{\"a\":1,\"a\":2}".utf8)).root["a"]?.integer == 2)
    }

    @Test func `what is written can be read back`() throws {
        let text = "quote \" back \\ line\n tab\t nul\u{0} bell\u{7} ä 😀 \u{2028}"
        let literal = JSONLiteral.object([
            ("k", .array([.string(text), .integer(-1), .bool(false), .null, .object([])]))
        ])
        let read = try JSONDocument(literal.document).root["k"]?.elements
        #expect(read?.map(\.kind) == [.string, .number, .false, .null, .object])
        #expect(read?.first?.string == text)
    }

    @Test func `twenty thousand damaged texts are read or refused, never crashed on`() {
        let seeds = [
            "{\"a\": [1, -2.5e3, true, null, \"x\\u00e9\\ud83d\\ude00\"], \"b\": {\"c\": {}}}",
            "// c\n{ /* d */ \"a\": \"\\\\\\\"\", \"b\": [[[]]], }\n", "\u{FEFF}[\"ä\", {\"k\": false}]",
        ].map { Array($0.utf8) }
        let spices = Array("{}[]\",:\\/*eE+-.0u\n\u{7F}".utf8) + [0xFF, 0xC3, 0x00]
        var random = SeededGenerator(seed: 42)
        for round in 0..<20_000 {
            var text = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0..<4, using: &random) { damage(&text, spices, &random) }
            guard let document = JSONDocument(anyDialect: text) else { continue }
            let edited = try? document.setting(["new", "inner"], to: .integer(round))
            if let edited { #expect(JSONDocument(anyDialect: edited)?.value(at: ["new", "inner"])?.integer == round) }
            let removed = try? JSONDocument(document.removing(["a"]), dialect: document.dialect)
            #expect(removed?.root.members.map(\.name) == document.root.members.map(\.name).filter { $0 != "a" })
        }
    }

    private func damage(_ text: inout [UInt8], _ spices: [UInt8], _ random: inout SeededGenerator) {
        guard let place = text.indices.randomElement(using: &random), let spice = spices.randomElement(using: &random)
        else {
            return
        }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[place] = spice
        case 1: text.insert(spice, at: place)
        case 2: text.remove(at: place)
        default: text.removeSubrange(place..<min(text.count, place + Int.random(in: 1..<8, using: &random)))
        }
    }
}

/// The same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

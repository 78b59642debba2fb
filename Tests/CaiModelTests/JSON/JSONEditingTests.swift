import CaiModel
import Testing

@Suite struct `Editing JSON` {
    @Test(arguments: [
        // New members, in the layout of what is there.
        ("{}", "{\n  \"a\": {\n    \"b\": true\n  }\n}"),
        ("{\n    \"x\": 1\n}\n", "{\n    \"x\": 1,\n    \"a\": {\n        \"b\": true\n    }\n}\n"),
        ("{\n\t\"x\": 1\n}", "{\n\t\"x\": 1,\n\t\"a\": {\n\t\t\"b\": true\n\t}\n}"),
        ("{\"x\":1}", "{\"x\":1,\"a\":{\"b\":true}}"), ("{ \"x\": 1 }", "{ \"x\": 1, \"a\": {\"b\": true} }"),
        ("{\r\n  \"x\": 1\r\n}\r\n", "{\r\n  \"x\": 1,\r\n  \"a\": {\r\n    \"b\": true\r\n  }\r\n}\r\n"),
        ("{\n  \"a\": {}\n}", "{\n  \"a\": {\n    \"b\": true\n  }\n}"),
        ("{\"x\":{},\"a\":{}}", "{\"x\":{},\"a\":{\"b\":true}}"),
        // Replaced values.
        ("{\n  \"a\": { \"b\": false, \"c\": 1.0 }\n}", "{\n  \"a\": { \"b\": true, \"c\": 1.0 }\n}"),
        ("{\"a\":{\"b\":[1,2]}}", "{\"a\":{\"b\":true}}"),
        ("{\"a\":{\"b\":1,\"b\":2}}", "{\"a\":{\"b\":1,\"b\":true}}"),
        // Comments stay where they are.
        ("{\n  \"x\": 1 // one\n}", "{\n  \"x\": 1, // one\n  \"a\": {\n    \"b\": true\n  }\n}"),
        ("{\n  \"x\": 1, // one\n}", "{\n  \"x\": 1, // one\n  \"a\": {\n    \"b\": true\n  },\n}"),
        ("{\n  // nothing yet\n}", "{\n  // nothing yet\n  \"a\": {\n    \"b\": true\n  }\n}"),
        ("{\"x\":1 /* one */}", "{\"x\":1, /* one */\"a\":{\"b\":true}}"),
        ("{\"x\":1 // one\n}", "{\"x\":1, // one\n  \"a\":{\"b\":true}\n}"),
        ("\u{FEFF}{\n  \"a\": { /* c */ \"b\": null, }\n}", "\u{FEFF}{\n  \"a\": { /* c */ \"b\": true, }\n}"),
        // Already so.
        ("{\"a\":{\"\\u0062\":true}}", "{\"a\":{\"\\u0062\":true}}"),
    ])
    func `a member is set and every other byte stays`(before: String, after: String) throws {
        let document = try JSONDocument(Array(before.utf8), dialect: .lenient)
        let result = try document.setting(["a", "b"], to: .bool(true))
        #expect(String(decoding: result, as: UTF8.self) == after)
        let again = try JSONDocument(result, dialect: .lenient)
        #expect(try again.setting(["a", "b"], to: .bool(true)) == result)
    }

    @Test(arguments: [
        ("{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"b\": 2\n}"), ("{\n  \"b\": 2,\n  \"a\": 1\n}", "{\n  \"b\": 2\n}"),
        ("{\"a\":1,\"b\":2}", "{\"b\":2}"), ("{\"b\":2,\"a\":1}", "{\"b\":2}"), ("{\"a\":1}", "{}"),
        ("{\n  \"b\": 2,\n  \"a\": 1,\n}", "{\n  \"b\": 2,\n}"), ("{\"b\":2}", "{\"b\":2}"), ("[1]", "[1]"),
        ("{\n  \"b\": 2, // two\n  \"a\": 1\n}", "{\n  \"b\": 2 // two\n}"),
        ("{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2}"),
    ])
    func `a member is removed with its comma and its line`(before: String, after: String) throws {
        let document = try JSONDocument(Array(before.utf8), dialect: .lenient)
        #expect(String(decoding: document.removing(["a"]), as: UTF8.self) == after)
    }

    @Test func `nothing is written below what is no object`() throws {
        let document = try JSONDocument(Array("{\"a\":{\"b\":[]}}".utf8))
        #expect(throws: JSONEditProblem.notAnObject(path: ["a", "b"])) {
            try document.setting(["a", "b", "c"], to: .null)
        }
        #expect(throws: JSONEditProblem.notAnObject(path: [])) { try JSONDocument([0x31]).setting(["a"], to: .null) }
    }

    @Test func `an empty path replaces the whole value`() throws {
        let document = try JSONDocument(Array(" 1 \n".utf8))
        #expect(try document.setting([], to: .bool(true)) == Array(" true \n".utf8))
    }
}

import CaiModel
import Testing

/// The cases that readers of JSON are held against everywhere, written anew: what every reader must accept, must refuse,
/// and may do as it likes, where this one has made its choice.
@Suite struct `JSON as the standard has it` {
    @Test(arguments: [
        "[[]   ]", "[\"\"]", "[]", "[\"a\"]", "[false]", "[null, 1, \"1\", {}]", "[null]", "[1\n]", " [1]",
        "[1,null,null,null,2]",
        "[2] ", "[123e65]", "[0e+1]", "[0e1]", "[ 4]", "[-0.000000000000000000000000000000000000000000000001]\n",
        "[20e1]", "[-0]", "[-123]", "[-1]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]",
        "[1e+2]", "[123]", "[123.456789]", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{\"a\":\"b\",\"a\":\"c\"}",
        "{\"a\":\"b\",\"a\":\"b\"}", "{}", "{\"\":0}", "{\"foo\\u0000bar\": 42}",
        "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }", "{\"a\":[]}", "{\n\"a\": \"b\"\n}",
        "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\uD801\\udc37\"]", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"\\\"\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]",
        "[\"\\\\n\"]", "[\"\\u0012\"]", "[\"\\uFFFF\"]", "[\"asd\"]", "[ \"asd\"]", "[\"\\uDBFF\\uDFFF\"]",
        "[\"new\\u00A0line\"]", "[\"\u{10FFFF}\"]", "[\"\u{FFFF}\"]", "[\"\\u0000\"]", "[\"\\u002c\"]", "[\"\u{3C0}\"]",
        "[\"asd \"]", "\" \"", "[\"\\uD834\\uDd1e\"]", "[\"\\u0821\"]", "[\"\u{2028}\"]", "[\"\u{2029}\"]",
        "[\"\\u0061\"]",
        "[\"€𝄞\"]", "[\"a\u{7F}a\"]", "false", "42", "-0.1", "null", "\"asd\"", "true", "\"\"", "[\"a\"]\n", "[true]",
        " [] ",
    ])
    func `every reader accepts it`(text: String) throws {
        for dialect in [JSONDocument.Dialect.strict, .lenient] {
            let document = try JSONDocument(Array(text.utf8), dialect: dialect)
            #expect(document.bytes == Array(text.utf8))
            #expect(
                try JSONDocument(Array(text.utf8), dialect: dialect, focus: .extent).root.range == document.root.range)
        }
    }

    @Test(arguments: [
        "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"x\"", "[x", "[3[4]]",
        "[1:2]", "[,", "[-]", "[   , \"\"]", "[\"a\",\n4\n,1,", "[*]", "[\"\"", "[1,", "[1,\n1\n,1", "[{}", "[fals]",
        "[nul]", "[tru]", "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]", "[.2e-3]",
        "[0.1.2]", "[0.3e+]", "[0.3e]", "[0.e1]", "[0E+]", "[0E]", "[0e+]", "[0e]", "[1.0e+]", "[1.0e-]", "[1.0e]",
        "[1 000.0]", "[1eE2]", "[2.e+3]", "[2.e-3]", "[2.e3]", "[9.e+]", "[Inf]", "[NaN]", "[\u{FF11}]", "[1+2]",
        "[0x1]", "[0x42]", "[Infinity]", "[0e+-1]", "[-123.123foo]", "[-Infinity]", "[-foo]", "[- 1]", "[-012]",
        "[-.123]", "[-1x]", "[1ea]", "[1.]", "[.123]", "[1.2a-3]", "[1.8011670033376514H-308]", "[012]",
        "[\"x\", truth]", "{[: \"x\"}\n", "{\"x\", null}", "{\"x\"::\"b\"}", "{🇨🇭}", "{\"a\":\"a\" 123}",
        "{key: 'value'}",
        "{\"a\" b}", "{:\"b\"}", "{\"a\" \"b\"}", "{\"a\":", "{\"a\"", "{1:1}", "{9999E9999:1}",
        "{null:null,null:null}",
        "{\"id\":0,,,,,}", "{'a':0}", "{\"a\":\"b\"}#", "{\"a\":\"b\",,\"c\":\"d\"}", "{a: \"b\"}", "{\"a\":\"a",
        "{ \"foo\" : \"bar\", \"a\" }",
        " ", "[\"\\uD800\\\"]", "[\"\\uD800\\u\"]", "[\"\\uD800\\u1\"]", "[\"\\uD800\\u1x\"]", "[é]", "[\"\\\u{0}\"]",
        "[\"\\x00\"]", "[\"\\\\\\\"]", "[\"\\\t\"]", "[\"\\🌀\"]", "[\"\\\"]", "[\"\\u00A\"]", "[\"\\uD834\\uDd\"]",
        "[\"\\uD800\\uD800\\x\"]", "[\"\\a\"]", "[\"\\uqqqq\"]", "[\\u0020\"asd\"]", "[\\n]", "\"", "['single quote']",
        "abc", "[\"\\", "[\"a\u{0}a\"]", "[\"new\nline\"]", "[\"\t\"]", "\"\\UA66D\"", "\"\"x", "[\u{2060}]", "<.>",
        "[<null>]", "[1]x", "[1]]", "[\"asd]", "a\u{E5}", "[True]", "1]", "{\"x\": true,", "[][]", "]",
        "{\"a\": true} \"x\"",
        "[", "[\"a", "[{}", "{\"a\":\"b\"", "[\"\\{[\"\\{[\"\\{[\"\\{", "*", "{\"a\":\"b\"}}", "\u{2060}", "[\u{C}]",
        "2@",
        "{}}", "{\"\":", "{\"a\":/*comment*/", "nulll", "[1 /* x */ 2]", "/*/ {}", "{} /*",
    ])
    func `every reader refuses it, leniently too, and says where`(text: String) {
        for dialect in [JSONDocument.Dialect.strict, .lenient] {
            let problem = #expect(throws: JSONProblem.self) { try JSONDocument(Array(text.utf8), dialect: dialect) }
            #expect((problem?.line ?? 0) >= 1 && (problem?.column ?? 0) >= 1)
            #expect(throws: problem ?? JSONProblem(line: 0, column: 0, sentence: "")) {
                try JSONDocument(Array(text.utf8), dialect: dialect, focus: .extent)
            }
        }
    }

    @Test(arguments: [
        // Numbers of any size: nobody calculates with them.
        "[123.456e-789]", "[0.4e00669999999999999999999999999999999999999999999999999999999969999999006]", "[-1e+9999]",
        "[1.5e+9999]", "[-123123123123123123123123123123]", "[100000000000000000000]",
        // Half a pair of surrogates, which OpenCode's reader takes too.
        "[\"\\uDADA\"]", "[\"\\uD888\\u1234\"]", "[\"\\uD800\\n\"]", "[\"\\uDd1ea\"]", "[\"\\ud800\"]", "[\"\\uDFAA\"]",
    ])
    func `where readers may choose, nothing is refused that can be kept as it is written`(text: String) throws {
        #expect(try JSONDocument(Array(text.utf8)).bytes == Array(text.utf8))
    }

    @Test(
        arguments: [
            [0x5B, 0x22, 0xFF, 0x22, 0x5D], [0x5B, 0x22, 0xC0, 0xAF, 0x22, 0x5D],
            [0x5B, 0x22, 0xED, 0xA0, 0x80, 0x22, 0x5D],
            [0x5B, 0x22, 0xE0, 0xFF, 0x22, 0x5D], [0x5B, 0xFF, 0xFE, 0x5D], [0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00],
        ] as [[UInt8]])
    func `what is not UTF-8 is refused`(bytes: [UInt8]) {
        #expect(throws: JSONProblem.self) { try JSONDocument(bytes, dialect: .lenient) }
    }
}

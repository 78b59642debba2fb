import CaiModel
import Testing

@Suite struct `TOML` {
    @Test func `every kind of value is read with its place, keys in the order of the file`() throws {
        let table = try TOMLReader.table(
            from: Array(
                """
                zeta = "s\\u0000é"
                alpha = -7
                [t]
                number = 1.5
                'quoted.key' = true
                when = 1979-05-27T07:32:00.5-07:00
                day = 1979-05-27
                hour = 07:32:00
                list = [
                    1, # one
                    { inline.dotted = 'x' },
                ]
                """.utf8))
        #expect(table.members.map(\.key) == ["zeta", "alpha", "t"])
        #expect(table["zeta"]?.string == "s\u{0}é")
        #expect(table["alpha"]?.integer == -7)
        #expect(table["alpha"]?.position == SourcePosition(line: 2, column: 9))
        let inner = try #require(table["t"]?.table)
        #expect(inner.members.map(\.key) == ["number", "quoted.key", "when", "day", "hour", "list"])
        #expect(inner["number"]?.float == 1.5)
        #expect(inner["quoted.key"]?.boolean == true)
        #expect(inner["when"]?.content == .date("1979-05-27T07:32:00.5-07:00"))
        #expect(inner["day"]?.content == .date("1979-05-27"))
        #expect(inner["hour"]?.content == .date("07:32:00"))
        #expect(inner.member("list")?.keyPosition == SourcePosition(line: 9, column: 1))
        let second = try #require(inner["list"]?.array?.last)
        #expect(second.position == SourcePosition(line: 11, column: 5))
        #expect(second.table?["inline"]?.table?["dotted"]?.string == "x")
    }

    @Test(arguments: ["", "\n", "\u{FEFF}a = 1", "a = 1\r\nb = 2\r\n", "# only a comment"])
    func `an empty text, a byte order mark and CRLF are fine`(text: String) throws {
        _ = try TOMLReader.table(from: Array(text.utf8))
    }

    static let broken: [(name: String, bytes: [UInt8], line: Int, column: Int)] = [
        ("invalid UTF-8", Array("a = 1\nb = \"".utf8) + [0xFF, 0x22], 2, 5),
        ("UTF-16", [0xFF, 0xFE, 0x61, 0x00], 1, 1),
        ("NUL", Array("a\u{0} = 1".utf8), 1, 2),
        ("brackets", Array(repeating: UInt8(ascii: "["), count: 100_000), 1, 3),
        ("nested arrays", Array("a=".utf8) + Array(repeating: UInt8(ascii: "["), count: 100_000), 1, 35),
        ("nested tables", Array(("a=" + String(repeating: "{a=", count: 30_000)).utf8), 1, 99),
        ("dotted key", Array("\na\(String(repeating: ".a", count: 50_000)) = 1".utf8), 2, 64),
        ("duplicate key", Array("a = 1\nb = 2\na = 3".utf8), 3, 5),
        ("non-ASCII header", Array("[é]".utf8), 1, 2),
        ("header without a name", Array("[$HOME]".utf8), 1, 2),
        ("bare carriage return", Array("a = 1\rb = 2".utf8), 1, 7),
        ("end of file in a string", Array("a = \"x".utf8), 1, 7),
    ]

    @Test(arguments: broken)
    func `a broken text is an error with a place`(name: String, bytes: [UInt8], line: Int, column: Int) throws {
        let error = try #require(throws: TOMLSyntaxError.self) { try TOMLReader.table(from: bytes) }
        #expect(error.position == SourcePosition(line: line, column: column), "\(name): \(error.sentence)")
        #expect(!error.sentence.isEmpty)
    }

    @Test func `nesting that is spread over header, keys and values is bounded too`() {
        let key = Array(repeating: "a", count: 31).joined(separator: ".")
        let text =
            "[\(key)]\nb = " + String(repeating: "{\(key) = ", count: 30) + "1" + String(repeating: "}", count: 30)
        #expect(throws: TOMLSyntaxError.self) { try TOMLReader.table(from: Array(text.utf8)) }
    }

    @Test func `an error never repeats a value`() throws {
        let text = "token = 99999999999999999999999999\n"
        let error = try #require(throws: TOMLSyntaxError.self) { try TOMLReader.table(from: Array(text.utf8)) }
        #expect(!error.sentence.contains("9999"), "\(error.sentence)")
    }

    @Test func `a text beyond the size limit is refused unread`() {
        let bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: TOMLReader.maximumSize + 1)
        #expect(throws: TOMLSyntaxError.self) { try TOMLReader.table(from: bytes) }
        #expect(TOMLRecovery.read(bytes).errors.count == 1)
    }
}

@Suite struct `TOML recovery` {
    static let cases: [(text: String, lines: [Int])] = [
        ("a = 1\nb = 2\n", []),
        ("a = \nb = 1\nc d\ne = 'x\n", [1, 3, 4]),
        // The keys below a broken header are not duplicates of the ones above it.
        ("[[e]]\na = 1\n[[e]\na = 2\n[e.]\na = 3\n", [3, 5]),
        ("a = [1, 2\nb = 3\nc = 4\n", [2]),
        ("a = [\n  1,\n  @,\n  2,\n]\nb = \n", [3, 6]),
        ("a = \"\"\"\nprose\nmore = prose\n", [3]),
        ("a = 1\na = 2\na = 3\n", [2, 3]),
        ("a = [ # ]\n 1 ]\nb = '#'\nc =\n", [4]),
    ]

    @Test(arguments: cases)
    func `all syntax errors are found, each once`(text: String, lines: [Int]) {
        let errors = TOMLRecovery.read(Array(text.utf8)).errors
        #expect(errors.map(\.position.line) == lines, "\(errors)")
    }

    @Test func `the number of errors is bounded`() {
        let text = String(repeating: "what is this\n", count: 1000)
        #expect(TOMLRecovery.read(Array(text.utf8)).errors.count == 50)
    }
}

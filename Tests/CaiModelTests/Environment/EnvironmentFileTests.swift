import CaiModel
import Testing

@Suite struct `Environment files` {
    @Test(arguments: [
        ("A=1", ["A": "1"]), ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]), ("export A=1", ["A": "1"]), ("A=", ["A": ""]),
        ("A= x y ", ["A": " x y "]), ("A=\"x\"", ["A": "\"x\""]), ("A='x' # y", ["A": "'x' # y"]),
        ("A=b=c==", ["A": "b=c=="]),
        ("# A=1\n \t# B=2\n\n  \nC=3", ["C": "3"]), ("_a9=1", ["_a9": "1"]), ("A=it's", ["A": "it's"]),
        ("A=#x", ["A": "#x"]),
        ("A=1\nA=2", ["A": "1"]), ("A=\"\"", ["A": "\"\""]), ("A=x\ry", ["A": "x\ry"]), ("\u{FEFF}A=1", ["A": "1"]),
        ("", [:]),
        ("A=ä😀", ["A": "ä😀"]),
    ])
    func `a line is a name, the first equals sign and the rest as it stands`(text: String, expected: [String: String]) {
        #expect(EnvironmentFile(Array(text.utf8), file: ".env").applying(to: [:]) == expected)
    }

    @Test(arguments: [
        ("hunter2hunter2", "line 1: no = found - skipping"), ("9A=hunter2", "line 1: invalid key - skipping"),
        (" A=hunter2", "line 1: invalid key - skipping"), ("A =hunter2", "line 1: invalid key - skipping"),
        ("export  A=hunter2", "line 1: invalid key - skipping"), ("=hunter2", "line 1: invalid key - skipping"),
        ("exportA", "line 1: no = found - skipping"), ("A=\"hunter2", "line 1: key 'A' skipped (multiline value)"),
        ("A='hunter2\"", "line 1: key 'A' skipped (multiline value)"),
        ("A=hunter2\u{0}", "line 1: the value of key 'A' is not text - skipping"),
        ("Ä=hunter2", "line 1: invalid key - skipping"),
    ])
    func `a line that is none is named by its number and not quoted`(text: String, sentence: String) {
        let file = EnvironmentFile(Array(text.utf8), file: "/mnt/agent-data/.env")
        #expect(file.assignments.isEmpty)
        #expect(file.findings == [Finding(.warning, at: "/mnt/agent-data/.env:1:1", sentence)])
    }

    @Test func `a value that is not UTF-8 is skipped`() {
        let file = EnvironmentFile(Array("A=x".utf8) + [0xFF] + Array("\nB=1".utf8), file: ".env")
        #expect(file.assignments.map(\.name) == ["B"])
        #expect(file.findings.map(\.place) == [".env:1:1"])
    }

    @Test func `all lines of a quoted value are skipped, so that no part of a key becomes a variable`() {
        let text = "KEY=\"-----BEGIN-----\nMIIabc\nZm9v=\n-----END-----\"\nB=1"
        let file = EnvironmentFile(Array(text.utf8), file: ".env")
        #expect(file.assignments == [EnvironmentFile.Assignment(name: "B", value: "1", line: 5)])
        #expect(file.findings.map(\.sentence) == ["line 1: key 'KEY' skipped (multiline value)"])
    }

    @Test(arguments: ["A=\"slip\nB=1\nC=\"2\"", "A='slip\nB=1\nexport C='2'"])
    func `a quote that is never closed costs its own line only`(text: String) {
        let file = EnvironmentFile(Array(text.utf8), file: ".env")
        #expect(file.assignments.map(\.name) == ["B", "C"])
        #expect(file.findings.count == 1)
    }

    @Test func `what is set stays, also when it is set to nothing`() {
        let file = EnvironmentFile(Array("A=new\nB=new\nC=new".utf8), file: ".env")
        #expect(file.applying(to: ["A": "old", "B": "", "D": "x"]) == ["A": "old", "B": "", "C": "new", "D": "x"])
    }

    @Test func `a name that comes twice is noted and its first value counts`() {
        let file = EnvironmentFile(Array("A=1\nA=2".utf8), file: ".env")
        #expect(file.findings == [Finding(.note, at: ".env:2:1", "line 2: key 'A' is set before - skipping")])
    }
}

@Suite struct `Redaction` {
    @Test(arguments: [
        (["hunter2"], "password hunter2!", "password ***!"), (["abc"], "abc", "abc"),
        (["abcd", "abcdef"], "xabcdefy", "x***y"),
        (["abcd", "cdef"], "abcdef", "***"), (["aaaa"], "aaaaaaa b", "*** b"),
        (["\"quoted\""], "quoted \"quoted\"", "*** ***"),
        (["line one\nline two"], "x line two", "x ***"), ([], "nothing", "nothing"), (["ä€😀"], "1ä€😀2", "1***2"),
        (["secret"], "secre", "secre"), (["''''''"], "''''''", "***"), (["tok1", "tok2"], "tok1tok2", "******"),
    ])
    func `secrets of four bytes and more become three stars`(secrets: [String], line: String, expected: String) {
        #expect(Redactor(secrets: secrets).redacting(line) == expected)
        #expect(Redactor(secrets: secrets).redacting(Array(line.utf8)) == Array(expected.utf8))
    }

    /// 20,000 values and 300 KB took 79 s when each value was looked for at each place.
    @Test(.timeLimit(.minutes(1))) func `of many values in much output takes time for their sum, not their product`() {
        let secrets = (0..<20_000).map { "aaaaaaaa\(1_000_000 + $0)" }
        let redactor = Redactor(secrets: secrets)
        let line = String(repeating: "a", count: 300_000)
        #expect(redactor.redacting(line + "aaaaaaaa1012345 b") == line + "*** b")
        #expect(redactor.redacting(line) == line)
    }

    @Test func `finds secrets within and across others`() {
        let redactor = Redactor(secrets: ["abcdef", "bcde", "defghi", "cdef"])
        #expect(redactor.redacting("xabcdexabcdefghiy cdefg") == "xa***x***y ***g")
    }
}

@Suite struct `An environment file and the room of a program` {
    private let file = EnvironmentFile(Array("A=1\nLONG=sesame12345\nB=22\nC=333\n".utf8), file: ".env")

    @Test func `loses a variable that is too long, and names it`() {
        let fitting = file.fitting(longest: 16, room: 1000, file: ".env")
        #expect(fitting.assignments.map(\.name) == ["A", "B", "C"])
        #expect(fitting.refused.map(\.name) == ["LONG"])
        #expect(fitting.findings.map(\.place) == [".env:2:1"])
        #expect(fitting.findings.allSatisfy { $0.sentence.hasPrefix("LONG has 17 bytes") && $0.severity == .warning })
        #expect(!fitting.findings.contains { $0.sentence.contains("sesame") })
        #expect(file.fitting(longest: 17, room: 1000, file: ".env").refused.isEmpty)
    }

    @Test func `loses the variables that do not fit behind the others, and names them`() {
        let fitting = file.fitting(longest: 100, room: 30, file: ".env")
        #expect(fitting.assignments.map(\.name) == ["A", "B"])
        #expect(fitting.findings.map(\.place) == [".env"])
        #expect(fitting.findings.first?.sentence.hasSuffix("not set: LONG, C") == true)
    }

    @Test func `names no more than a reader can take in`() {
        let many = EnvironmentFile(Array((0..<5000).map { "N\($0)=x\n" }.joined().utf8), file: ".env")
        let findings = many.fitting(longest: 100, room: 0, file: ".env").findings
        #expect(findings.count == 1 && findings.first?.sentence.hasSuffix("N18, N19 and 4980 more") == true)
        #expect(many.fitting(longest: 1, room: 0, file: ".env").findings.count == 20)
    }

    @Test func `still tells what no output may show`() {
        #expect(file.fitting(longest: 16, room: 20, file: ".env").secrets.contains("sesame12345"))
    }
}

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
}

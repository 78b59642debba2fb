import CaiModel
import Testing

@Suite struct `A table of accounts` {
    @Test(arguments: [
        "", "\n", "\n\n", "a:x:1:1::/:/bin/sh", "a:x\n", "# only a comment\n", "a\u{0}b:\n", "+\n", "::::\n\n\n",
        "a:b\r\n",
    ]) func `is the same text when nothing was changed`(_ text: String) {
        #expect(AccountTable(Array(text.utf8)).text == Array(text.utf8))
    }

    @Test func `is the same text for bytes of every kind`() {
        var source = SystemRandomNumberGenerator()
        let alphabet = Array("a:\n#+-,\u{0}é".utf8) + [0xFF]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0..<40)).map { _ in alphabet.randomElement(using: &source) ?? 0 }
            #expect(AccountTable(text).text == text)
        }
    }

    @Test(arguments: [
        // What was there, what is set, what is there then.
        ("", "b:1", "b:1\n"), ("a:1\n", "b:1", "a:1\nb:1\n"), ("a:1", "b:1", "a:1\nb:1\n"),
        ("a:1\n+::\n", "b:1", "a:1\nb:1\n+::\n"),
        ("+", "b:1", "b:1\n+"), ("a:1\nb:0\nc:1", "b:1", "a:1\nb:1\nc:1"), ("b:0\nb:2\n", "b:1", "b:1\nb:2\n"),
        ("#b:0\n", "b:1", "#b:0\nb:1\n"), ("bb:0\n", "b:1", "bb:0\nb:1\n"), ("b\n", "b:1", "b\nb:1\n"),
    ]) func `takes an entry in the place of the one it replaces, else behind the last`(
        _ old: String, _ entry: String, _ new: String
    ) {
        var table = AccountTable(Array(old.utf8))
        table.set(entry.split(separator: ":").map(String.init))
        #expect(String(decoding: table.text, as: UTF8.self) == new)
        table.set(entry.split(separator: ":").map(String.init))
        #expect(String(decoding: table.text, as: UTF8.self) == new)
    }

    @Test func `loses every entry of a name and nothing else`() {
        var table = AccountTable(Array("a:1\nb:1\n\n#b:1\nbb:1\nb:2\nb".utf8))
        table.remove("b")
        #expect(table.text == Array("a:1\n\n#b:1\nbb:1\nb".utf8))
        #expect(table.fields(of: "b") == nil && table.fields(of: "bb") == ["bb", "1"])
    }

    @Test func `names the lines that are no entries`() {
        let table = AccountTable(Array("a:x\n\n# c\nnonsense\n+::\n:x\nb:y:z\n".utf8))
        #expect(table.malformedLines(fieldCount: 2) == [4, 6, 7])
    }
}

@Suite struct `What users may be` {
    @Test(arguments: [
        "!", "*", "!!", "!*", "$6$salt$" + String(repeating: "x", count: 86),
        "!$y$j9T$salt$" + String(repeating: "x", count: 43), "ab01234567890",
    ])
    func `a password field`(_ text: String) { #expect(PasswordField.isUsable(text)) }

    @Test(arguments: [
        "", "hunter2", "$6$", "a:b", "$6$salt$xx\nroot::0", "abcdefghijklmn",
        "$6$salt$" + String(repeating: "x", count: 400),
    ])
    func `no password field`(_ text: String) { #expect(!PasswordField.isUsable(text)) }

    @Test(arguments: [
        ("a", true), ("_x-1", true), ("A", false), ("1a", false), ("-a", false), ("a.b", false), ("é", false),
        (String(repeating: "a", count: 33), false),
    ])
    func `a name of a new user`(_ name: String, _ isAllowed: Bool) {
        #expect((UserName.problemOfNew(name) == nil) == isAllowed)
    }

    @Test(arguments: [
        ("Müller_1", true), ("a.b", true), ("", false), ("..", false), ("a/b", false), ("a\nb", false), ("a:b", false),
        ("1000", false),
    ])
    func `a name of a user that exists`(_ name: String, _ isAllowed: Bool) {
        #expect((UserName.problem(name) == nil) == isAllowed)
    }

    @Test func `a generated password, which every policy accepts`() {
        for seed in 0..<200 {
            let random = (0..<60).map { UInt8(truncatingIfNeeded: (seed * 61 + $0) * 2_654_435_761 >> 7) }
            guard let password = PasswordPolicy.generate(from: random) else { continue }
            #expect(password.count == PasswordPolicy.generatedLength && PasswordPolicy.problem(password) == nil)
        }
        #expect(PasswordPolicy.generate(from: []) == nil)
    }
}

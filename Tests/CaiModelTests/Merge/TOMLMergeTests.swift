import CaiModel
import Testing

@Suite struct `Merging TOML` {
    @Test(arguments: [
        ("model = \"o3\" # mine\n", "model = 'o3'\n", "model = \"o3\" # mine\n"),
        (
            "a = 1\n\n[s]\nx = 1\n", "b = 2 # two\n[s]\ny = [\n  1, # one\n  2,\n]\n",
            "a = 1\nb = 2 # two\n\n[s]\nx = 1\ny = [\n  1, # one\n  2,\n]\n"
        ),
        ("[s]\nx = 1", "[t]\n# about y\ny = 2\n", "[s]\nx = 1\n\n[t]\ny = 2\n"), ("[s]\n", "a = 1", "a = 1\n[s]\n"),
        ("# empty\n", "[p.\"/w x\"]\ntrust = true\n", "# empty\n\n[p.\"/w x\"]\ntrust = true\n"),
        (
            "a = 1", "[[l]]\nn = 1\n[[l]]\nn = 2\n[l.sub]\nk = 3\n",
            "a = 1\n\n[[l]]\nn = 1\n\n[[l]]\nn = 2\n\n[l.sub]\nk = 3\n"
        ),
        ("[a.b]\nx = 1\n", "[a]\ny = 2\n", "[a.b]\nx = 1\n\n[a]\ny = 2\n"),
        ("t = {a = 1}\n", "t = { a = 1 }\nu = '''\nlong\n\"'''\n", "t = {a = 1}\nu = '''\nlong\n\"'''\n"),
        ("a.b = 1\n", "a.c = 2\n", "a.b = 1\na.c = 2\n"), ("a=1\r\n", "b=1\r\n", "a=1\r\nb=1\r\n"),
        ("\u{FEFF}a = 1\n", "\u{FEFF}b = 2\n", "\u{FEFF}a = 1\nb = 2\n"),
        ("a = 1\n", "\u{FEFF}b = 2\n", "a = 1\nb = 2\n"),
        ("", "a = 1", "a = 1"), ("s = \"\"\"x = \"1\"\"\"\"\n", "[t]\n", "s = \"\"\"x = \"1\"\"\"\"\n\n[t]\n"),
    ])
    func `keys that do not clash are put together`(newer: String, older: String, merged: String) throws {
        let result = try #require(merge(newer, older))
        #expect(result == merged)
        #expect(merge(result, older) == result)
    }

    @Test(arguments: [
        ("a = 1\n", "a = 2\n"), ("a = 1\n", "a = 1.0\n"), ("a = 1\n", "a = '1'\n"), ("a = 1\n", "[a]\n"),
        ("a = [1]\n", "a = [1, 2]\n"),
        ("[[l]]\nn = 1\n", "[[l]]\nn = 2\n"), ("a = \n", "a = 1\n"), ("t = {a = 1}\n", "t = {b = 2}\n"),
        ("a = 2020-01-01\n", "a = '2020-01-01'\n"),
    ])
    func `a clash or a doubt is no merge`(newer: String, older: String) {
        #expect(merge(newer, older) == nil)
    }

    @Test(arguments: [
        // (baseline, newer, older, merged)
        ("a = 1\n", "a = 1 # c\n", "a = 0x2\n", "a = 0x2 # c\n"),
        ("a = 1\nb = 2\n", "a = 1\nb = 2 # two\n", "a = 1\n", "a = 1\n"),
        ("[s]\nx = 1\n[t]\ny = 1\n", "[s]\nx = 1\n\n[t]\ny = 1\n", "[t]\ny = 2\nz = 3\n", "\n[t]\ny = 2\nz = 3\n"),
        (
            "[[l]]\nn = 1\n", "k = 1\n[[l]]\nn = 1\n", "[[l]]\nn = 2\n[[l]]\nn = 3\n",
            "k = 1\n\n[[l]]\nn = 2\n\n[[l]]\nn = 3\n"
        ),
        ("a = 1\nt = {x = 1}\n", "a = 2\nt = {x = 1}\n", "a = 1\n", "a = 2\n"),
    ])
    func `the baseline tells which side changed a key`(base: String, newer: String, older: String, merged: String) {
        #expect(merge(newer, older, base: base) == merged)
    }

    @Test func `a merge holds every key of both, and with a baseline the changed side is taken`() throws {
        var random = SeededGenerator(seed: 3)
        var (merged, taken) = (0, 0)
        for _ in 0..<1_000 {
            let (newer, older) = (randomDocument(&random), randomDocument(&random))
            #expect(merge(newer, newer) == newer)
            if let result = merge(newer, older) {
                merged += 1
                let sets = try [result, newer, older].map { Set(try #require(keys(of: $0)).digests.keys) }
                #expect(sets[1].union(sets[2]).subtracting(sets[0]).allSatisfy { isEmptyTable($0, sets[0]) })
                #expect(merge(result, older) == result)
            }
            // A text without anything in it has no say.
            if !older.isEmpty, let result = merge(newer, older, base: newer) {
                taken += 1
                #expect(keys(of: result) == keys(of: older))
            }
        }
        #expect(merged > 200)
        #expect(taken > 500)
    }

    /// An empty table of one side is not a leaf any more when the other side has keys in it.
    private func isEmptyTable(_ pointer: String, _ keys: Set<String>) -> Bool {
        pointer.isEmpty || keys.contains { $0.hasPrefix(pointer + "/") }
    }

    private func keys(of text: String) -> BaselineKeys? {
        BaselineKeys.keys(of: Array(text.utf8), kind: .toml) { String(decoding: $0, as: UTF8.self) }
    }

    private func merge(_ newer: String, _ older: String, base: String? = nil) -> String? {
        mergeText(kind: .toml, newer: Array(newer.utf8), older: Array(older.utf8), base: base.flatMap(keys)) {
            String(decoding: $0, as: UTF8.self)
        }.map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A small document with few names and values, so that two of them meet often.
private func randomDocument(_ random: inout SeededGenerator) -> String {
    let values = ["1", "1", "'a # b'", "[\n  1, # ]\n  '[',\n]", "\"\"\"\n[x]\n\"\"\""]
    var text = ""
    for section in ["", "[s]", "[s.\"t.u\"]", "[v]"] where section.isEmpty || Bool.random(using: &random) {
        text += section.isEmpty ? "" : "\n# about \(section)\n\(section)\n"
        for key in ["a", "b", "c.d", "'e f'"].shuffled(using: &random).prefix(Int.random(in: 0..<4, using: &random)) {
            let value =
                Int.random(in: 0..<4, using: &random) == 0 ? values.randomElement(using: &random) ?? "1" : values[2]
            text += "\(key) = \(value)\(Bool.random(using: &random) ? " # note" : "")\n"
        }
    }
    return text
}

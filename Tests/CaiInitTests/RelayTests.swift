import CaiInit
import Testing

private func told(_ text: String, _ format: RelayFormat = .text) -> String {
    var cutter = LineCutter()
    let lines = cutter.take(Array(text.utf8)) + [cutter.flush()].compactMap { $0 }
    return String(decoding: lines.flatMap { format.pieces($0, of: "a", on: "stdout") }.joined(), as: UTF8.self)
}

@Suite struct `The output of services` {
    @Test(arguments: [
        ("one\ntwo\n", "[a] one\n[a] two\n"), ("no end", "[a] no end\n"), ("\n\n", "[a] \n[a] \n"), ("", ""),
        ("dos\r\n", "[a] dos\n"), ("over\r[b] forged\n", "[a] over?[b] forged\n"),
        ("\u{1B}[2K[b] x\n", "[a] ?[2K[b] x\n"),
        ("tab\tstays é\n", "[a] tab\tstays é\n"), ("c1\u{85}\u{9B}2J\n", "[a] c1??2J\n"),
        ("line\u{2028}[b] x\n", "[a] line?[b] x\n"), ("nul\0del\u{7F}\n", "[a] nul?del?\n"),
    ])
    func `is told line by line, and no line can look like another service's`(text: String, expected: String) {
        #expect(told(text) == expected)
    }

    @Test(arguments: [
        ("one\n", #"{"service":"a","stream":"stdout","line":"one"}"#),
        ("no end", #"{"service":"a","stream":"stdout","line":"no end","partial":true}"#),
        ("\"\\\u{1}\u{7F}\u{2028}\n", #"{"service":"a","stream":"stdout","line":"\"\\\u0001\u007f\u2028"}"#),
    ])
    func `can be JSON`(text: String, expected: String) { #expect(told(text, .json) == expected + "\n") }

    @Test func `of any bytes is text`() {
        var cutter = LineCutter()
        let lines = cutter.take([0xFF, 0xC3, 0x0A, 0xE2, 0x82, 0x0A])
        let text = lines.flatMap { RelayFormat.text.pieces($0, of: "a", on: "stdout") }.map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(text == ["[a] \u{FFFD}\u{FFFD}\n", "[a] \u{FFFD}\n"])
    }

    @Test(arguments: [RelayFormat.text, .json])
    func `in lines without an end comes in pieces that a pipe takes at once, and complete`(format: RelayFormat) {
        let text = String(repeating: "aé\u{1}", count: 10_000)
        var cutter = LineCutter()
        let lines = cutter.take(Array(text.utf8)) + [cutter.flush()].compactMap { $0 }
        #expect(
            lines.allSatisfy {
                $0.bytes.count <= LineCutter.longest && String(validating: $0.bytes, as: UTF8.self) != nil
            })
        #expect(lines.map(\.bytes).joined().elementsEqual(Array(text.utf8)))
        let pieces = lines.flatMap { format.pieces($0, of: "a", on: "stdout") }
        #expect(pieces.allSatisfy { $0.count <= 4096 && $0.last == 0x0A })
    }
}

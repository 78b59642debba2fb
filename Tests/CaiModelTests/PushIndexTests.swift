import CaiModel
import SystemPackage
import Testing

private let allDigits = String(repeating: "a", count: 64)

@Suite struct `The index of a push` {
    private let digest = ContentDigest(hex: allDigits)

    @Test func `is read as it was written`() throws {
        let index = PushIndex(records: [
            .directory(".claude", mode: 0o1755), .file("a b\n.md", .init(mode: 0o644, size: 0, modified: -1)),
            .file("c", .init(mode: 0o600, size: .max, modified: .max, digest: digest)),
            .link("up", text: "../CLAUDE.md", target: ".claude/CLAUDE.md"),
            .link("gone", text: "/no/where", target: ""),
            .same(".claude/skills", digest), .directory("", mode: 0),
        ])
        #expect(try PushIndex(index.bytes) == index)
        #expect(try PushIndex(PushIndex().bytes) == PushIndex())
    }

    @Test(arguments: [
        "", "cai-index 2\n", "cai-index 1\nX", "cai-index 1\nF 644 1 1 - a\0", "cai-index 1\nD 755 a",
        "cai-index 1\nD 755 ../a\0", "cai-index 1\nD 755 /a\0", "cai-index 1\nD 888 a\0", "cai-index 1\nD 77777 a\0",
        "cai-index 1\nD 755 a\0F 644 1 1 - b/c\0", "cai-index 1\nD 755 a\0F 644 1 1 - ..\0",
        "cai-index 1\nD 755 a\0F 644 1 1 - \0", "cai-index 1\nD 755 a\0F 644 -1 1 - b\0",
        "cai-index 1\nD 755 a\0F 644 99999999999999999999 1 - b\0", "cai-index 1\nD 755 a\0F 644 1 1 zz b\0",
        "cai-index 1\nD 755 a\0L b\0\0\0", "cai-index 1\nD 755 a\0L b\0text\0",
        "cai-index 1\nD 755 a\0L b\0text\0../c\0", "cai-index 1\nD 755 a\0L b/c\0text\0\0", "cai-index 1\nD 755 a\0D",
        "cai-index 1\nS - a\0", "cai-index 1\nS aa a\0", "cai-index 1\nS \(allDigits) ../a\0",
        "cai-index 1\nS \(allDigits) a\0F 644 1 1 - b\0",
    ])
    func `is refused where it is damaged or leads out of its root`(text: String) {
        #expect(throws: PushIndexProblem.self) { try PushIndex(Array(text.utf8)) }
    }

    @Test func `is refused wherever it is cut off, except between records`() throws {
        let bytes = PushIndex(records: [
            .directory("d", mode: 0o755), .file("file", .init(mode: 0o644, size: 12, modified: 34, digest: digest)),
            .link("link", text: "text", target: "d/file"),
        ]).bytes
        var whole = 0
        for count in 0..<bytes.count where (try? PushIndex(Array(bytes.prefix(count)))) != nil { whole += 1 }
        #expect(whole == 3)
    }

    @Test func `gives the text of each of its directories`() throws {
        let blocks = [
            block("d", [.file("file", .init(mode: 0o600, size: 7, modified: -9_223_372_036_854_775_807))]),
            block("", [.link("link", text: "D 755 x", target: "S x")]), block("e/f", []),
        ]
        let request = try PushRequest(PushIndex.head + blocks.flatMap(\.text))
        #expect(request.index.records.count == 5)
        #expect(request.text(of: 0..<2).elementsEqual(blocks[0].text))
        #expect(request.text(of: 2..<4).elementsEqual(blocks[1].text))
        #expect(request.text(of: 4..<5).elementsEqual(blocks[2].text))
        #expect(
            try blocks[1].records() == [
                .directory("", mode: 0o755), .link("link", text: "D 755 x", target: "S x"),
            ])
    }

    private func block(_ path: FilePath, _ records: [PushIndex.Kind]) -> PushBlock {
        var text = PushText()
        text.add(.directory(path, mode: 0o755))
        records.forEach { text.add($0) }
        return PushBlock(path: path, text: text.bytes, count: records.count + 1)
    }
}

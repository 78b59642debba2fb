import CaiModel
import SystemPackage
import Testing

@Suite struct `The index of a push` {
    private let digest = ContentDigest(hex: String(repeating: "a", count: 64))

    @Test func `is read as it was written`() throws {
        let index = PushIndex(records: [
            .directory(".claude", mode: 0o1755), .file("a b\n.md", .init(mode: 0o644, size: 0, modified: -1)),
            .file("c", .init(mode: 0o600, size: .max, modified: .max, digest: digest)),
            .link("up", text: "../CLAUDE.md", target: ".claude/CLAUDE.md"),
            .link("gone", text: "/no/where", target: ""),
            .directory("", mode: 0),
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
        "cai-index 1\nD 755 a\0L b\0\0\0", "cai-index 1\nD 755 a\0L b\0text\0", "cai-index 1\nD 755 a\0D",
        "cai-index 1\nD 755 a\0L b\0text\0../c\0", "cai-index 1\nD 755 a\0L b/c\0text\0\0",
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
}

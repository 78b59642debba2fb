import CaiModel
import SystemPackage
import Testing

private func path(_ text: String) -> VolumePath { VolumePath(unchecked: FilePath(text)) }

private func file(_ digest: String, keys: [String: String]? = nil, source: String? = nil) -> Baseline.File {
    Baseline.File(
        digest: ContentDigest(hex: digest), size: 7, mode: 0o600, keys: keys,
        source: source.map { ContentDigest(hex: $0) })
}

private func text(_ records: [String: Baseline.File?], generation: Int = 3) -> BaselineText {
    let records = records.map { (path($0), $1.map { BaselineText.Record.file($0) } ?? .forgotten) }
    return BaselineText(key: "k", generation: generation, Dictionary(uniqueKeysWithValues: records))
}

@Suite struct `The text of a baseline` {
    @Test(arguments: [
        "a", "claude/CLAUDE.md", "a b\tc\nd", "100%", "ü/é", "a\\b\"c", "-", "name with - a dash", "z",
    ])
    func `gives back what was written of a path, whatever is beside it`(_ name: String) throws {
        let written = file("ab", keys: ["/a\tb": "1", "/ü\n": "2"], source: "cd")
        let others = Dictionary(uniqueKeysWithValues: (0..<100).map { ("other-\($0)/file", file("\($0)")) })
        let whole = text(others.merging([name: written]) { $1 })
        let read = try #require(BaselineText(whole.bytes))
        #expect(read[path(name)] == .file(written))
        #expect((0..<100).allSatisfy { read[path("other-\($0)/file")] == .file(file("\($0)")) })
        #expect(read[path("other-1")] == nil && read[path("other-100/file")] == nil && read[path("~")] == nil)
        #expect((read.key, read.generation) == ("k", 3))
    }

    @Test func `a name that is no UTF-8 is one of the paths`() throws {
        let name = VolumePath(unchecked: try #require(FilePath(encoded: "a%FF%FEb")))
        let read = try #require(BaselineText(BaselineText(key: "k", [name: .file(file("ab"))]).bytes))
        #expect(read[name] == .file(file("ab")))
    }

    @Test func `newer records take the place of older ones and keep the order, wherever they fall`() throws {
        let names = (0..<30).map { "f\($0)" }
        let old = text(
            Dictionary(uniqueKeysWithValues: names.filter { $0.hasSuffix("3") || $0 < "f2" }.map { ($0, file("0")) }))
        for removed in [true, false] {
            for name in names + ["", "a", "zz"] {
                let new = text([name: removed ? nil : file("1")])
                let merged = try #require(
                    BaselineText(old.merged(with: new, generation: 4, keepingForgotten: false).bytes))
                #expect(merged[path(name)] == (removed ? nil : .file(file("1"))), "\(name)")
                #expect(names.allSatisfy { $0 == name || merged[path($0)] == old[path($0)] }, "\(name)")
                let kept = old.merged(with: new, generation: 4, keepingForgotten: true)
                #expect(kept[path(name)] == (removed ? .forgotten : .file(file("1"))), "\(name)")
            }
        }
    }

    @Test func `two thousand random changes, a few at a time, end as a dictionary does`() throws {
        var random = SystemRandomNumberGenerator()
        var (whole, model) = (text([:]), [String: Baseline.File]())
        for _ in 0..<200 {
            var changes: [String: Baseline.File?] = [:]
            for _ in 0..<10 {
                let name = "\(Int.random(in: 0..<20, using: &random))/\(Int.random(in: 0..<20, using: &random))"
                changes[name] = .some(
                    Bool.random(using: &random) ? file("\(Int.random(in: 0..<99, using: &random))") : nil)
            }
            for (name, change) in changes { model[name] = change }
            whole = whole.merged(with: text(changes), generation: 1, keepingForgotten: false)
        }
        let all = (0..<20).flatMap { first in (0..<20).map { "\(first)/\($0)" } }
        #expect(all.allSatisfy { name in whole[path(name)] == model[name].map { .file($0) } })
    }

    @Test func `cut anywhere, it is none`() {
        let bytes = text(["a": file("ab"), "b": file("cd", keys: ["/k": "v"])]).bytes
        #expect((0..<bytes.count).allSatisfy { BaselineText(Array(bytes.prefix($0))) == nil })
        #expect(BaselineText(bytes + [0x0A]) == nil)
        #expect(BaselineText(bytes) != nil)
    }

    @Test(arguments: [
        "cai-baseline 2 k 0 0\n", "cai-baseline 1 k 0\n", "cai-baseline 1 k x 0\n", "cai-baseline 1 k 0 1\n\n\n", "\n",
    ])
    func `a first line of another kind is refused`(_ text: String) { #expect(BaselineText(Array(text.utf8)) == nil) }

    @Test(arguments: [
        "a\n", "a\t\n", "a\tab\t7\t600\t-\n", "a\tab\tx\t600\t-\t-\n", "a\tab\t7\t900\t-\t-\n", "a\tab\t7\t600\t-\t{\n",
        "a\tab\t7\t600\t-\t[]\n", "\n\n\n",
    ])
    func `a line that is damaged says nothing`(_ line: String) throws {
        let whole = "cai-baseline 1 k 0 \(line.utf8.count)\n" + line
        let read = try #require(BaselineText(Array(whole.utf8)))
        #expect(read[path("a")] == nil && read[path("b")] == nil)
    }
}

@Suite struct `A baseline` {
    private func baseline() -> Baseline {
        Baseline(
            base: text(["a": file("1"), "b": file("1"), "c": file("1")]), recent: text(["b": file("2"), "c": nil]),
            keyDigest: { _ in "" })
    }

    @Test func `the last that was said of a path counts`() {
        var baseline = baseline()
        #expect([baseline[path("a")], baseline[path("b")], baseline[path("c")]] == [file("1"), file("2"), nil])
        (baseline[path("a")], baseline[path("c")]) = (nil, file("3"))
        #expect([baseline[path("a")], baseline[path("b")], baseline[path("c")]] == [nil, file("2"), file("3")])
        #expect(baseline.changes.count == 2)
    }

    @Test func `what is said already is no change`() {
        var baseline = baseline()
        (baseline[path("a")], baseline[path("b")], baseline[path("c")], baseline[path("d")]) = (
            file("1"), file("2"), nil, nil
        )
        #expect(baseline.changes.isEmpty)
    }
}

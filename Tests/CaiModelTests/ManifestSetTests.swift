import CaiModel
import Testing

/// A manifest file of entries written as "source target link flags", `-` for none.
private func file(_ name: String, _ layer: ManifestLayer, _ entries: String..., agents: String = "") -> ManifestFile {
    let tables = entries.map { entry in
        let word = entry.split(separator: " ").map { $0 == "-" ? "" : String($0) }
        return
            "[[entries]]\nsource='\(word[0])'\ntarget='\(word[1])'\ncontainer_link='\(word[2])'\nflags='\(word[3])'\n"
    }
    return ManifestFile(name: name, layer: layer, bytes: Array((agents + tables.joined()).utf8))
}

private func agent(_ name: String, _ arguments: String) -> String {
    "[agent]\nname='\(name)'\nbinary='\(name)'\ndefault_args=['\(arguments)']\n"
}

@Suite struct `Combining manifests` {
    /// What the combination keeps, as "link target", and its findings.
    private func combine(_ files: ManifestFile...) -> (kept: [String], lines: [String]) {
        let set = ManifestSet(files)
        let kept = set.manifest.entries.map { "\($0.link?.description ?? "-") \($0.target)" }
        return (kept, set.findings.map(\.line))
    }

    @Test func `files follow layer and byte order of their names, whatever order they are given in`() {
        let set = ManifestSet([
            file("a.toml", .user, "u u u f"), file("é.toml", .image, "3 3 3 f"), file("b.toml", .image, "2 2 2 f"),
            file("B.toml", .image, "1 1 1 f"), file("z.toml", .builtIn, "0 0 0 f"),
        ])
        #expect(set.manifest.entries.map(\.target.description) == ["0", "1", "2", "3", "u"])
    }

    @Test func `a later layer that claims the same link replaces the earlier entry`() {
        let result = combine(
            file("b", .builtIn, ".x x .x f", ".y y .y f"), file("i", .image, ".x x2 .x f"),
            file("u", .user, ".x x3 .x f"))
        #expect(result.kept == [".y y", ".x x3"])
        #expect(
            result.lines == [
                "i:1:1: note: replaces the entry for link ~/.x declared at b:1:1",
                "u:1:1: note: replaces the entry for link ~/.x declared at i:1:1",
            ])
    }

    @Test func `a later layer that claims the same target without a link replaces the earlier entry`() {
        let result = combine(file("b", .builtIn, ".x x .x f", ".y y - f"), file("u", .user, ".x x - f", ".y y .y f"))
        #expect(result.kept == ["- x", ".y y"])
        #expect(result.lines.count == 2)
    }

    @Test func `replacing a secret entry by one that is not is a warning`() {
        let result = combine(file("b", .builtIn, ".x x .x fs"), file("u", .user, ".x x .x f"))
        #expect(
            result.lines == [
                "u:1:1: warning: replaces the entry for link ~/.x declared at b:1:1, which is secret (add the flag s)"
            ])
    }

    @Test func `two entries of one layer that claim the same thing are an error and the first holds`() {
        let result = combine(file("1", .user, ".x x .x f"), file("2", .user, ".x x2 .x f", ".z x - f"))
        #expect(result.kept == [".x x"])
        #expect(
            result.lines == [
                "2:1:1: error: link ~/.x is already declared at 1:1:1, so this entry is dropped (remove one of the two)",
                "2:6:1: error: target x is already declared at 1:1:1, so this entry is dropped (remove one of the two)",
            ])
    }

    @Test func `a disabled entry replaces a built-in one and keeps its link`() throws {
        let text = "[[entries]]\nsource='.x'\ntarget='x'\ncontainer_link='.x'\nflags='f'\ndisabled=true\n"
        let set = ManifestSet([
            file("b", .builtIn, ".x x .x f"), ManifestFile(name: "u", layer: .user, bytes: Array(text.utf8)),
        ])
        let entry = try #require(set.manifest.entries.first)
        #expect(set.manifest.entries.count == 1)
        #expect(entry.isDisabled && entry.hasLink)
    }

    @Test func `a link inside another link is dropped, however deep and whatever the order`() {
        let result = combine(file("b", .builtIn, ".d/e/f f .d/e/f f", ".d d .d d", ".d/g g .d/g d", ".dd dd .dd d"))
        #expect(result.kept == [".d d", ".dd dd"])
        #expect(
            result.lines == [
                "b:1:1: error: link ~/.d/e/f lies inside link ~/.d declared at b:6:1, so this entry is dropped (remove one of the two)",
                "b:11:1: error: link ~/.d/g lies inside link ~/.d declared at b:6:1, so this entry is dropped (remove one of the two)",
            ])
    }

    @Test func `an outer link of a later layer replaces the links inside it`() {
        let result = combine(file("b", .builtIn, ".d/a a .d/a f", ".d/s s .d/s fs"), file("u", .user, ".d d .d d"))
        #expect(result.kept == [".d d"])
        #expect(
            result.lines == [
                "u:1:1: note: replaces the entry for link ~/.d/a declared at b:1:1",
                "u:1:1: warning: replaces the entry for link ~/.d/s declared at b:6:1, which is secret (add the flag s)",
            ])
    }

    @Test func `nested targets are a warning when both have links, a note when one has, nothing among built-ins`() {
        let result = combine(
            file("b", .builtIn, ".d d - d", ".d/a d/a .d/a f"),
            file("u", .user, ".e d/e .e f", ".f d/a/f .f f", ".g d/a .g f"))
        #expect(result.kept == ["- d", ".d/a d/a", ".e d/e", ".f d/a/f", ".g d/a"])
        #expect(
            result.lines == [
                "u:1:1: note: target d/e lies inside d, the target of the entry declared at b:1:1",
                "u:6:1: warning: target d/a/f lies inside d/a, the target of the entry declared at b:6:1 (give each link a target of its own)",
                "u:11:1: warning: target d/a is also the target of the entry declared at b:6:1 (give each link a target of its own)",
            ])
    }

    @Test func `a later agent of the same name wins`() {
        let set = ManifestSet([
            file("b", .builtIn, agents: agent("pi", "1")), file("i", .image, agents: agent("pi", "2")),
            file("u", .user, agents: agent("me", "3")), file("v", .user, agents: agent("me", "4")),
            file("w", .user, agents: agent("other", "5") + "aliases=['pi']\n"),
        ])
        #expect(set.manifest.agents.map { $0.name + $0.defaultArguments.joined() } == ["pi2", "me4", "other5"])
        #expect(
            set.findings.map(\.line) == [
                "i:1:1: note: replaces the agent \"pi\" declared at b:1:1",
                "v:1:1: warning: replaces the agent \"me\" declared at u:1:1",
                "w:1:1: warning: \"pi\" already starts the agent \"pi\" declared at i:1:1 (the later declaration holds)",
            ])
    }

    @Test func `a broken file does not keep the others from working`() {
        let broken = ManifestFile(name: "u1", layer: .user, bytes: Array("[[entries".utf8))
        let set = ManifestSet([file("b", .builtIn, ".x x .x f"), broken, file("u2", .user, ".y y .y f")])
        #expect(set.manifest.entries.map(\.target.description) == ["x", "y"])
        #expect(set.findings.map(\.place) == ["u1:1:10"])
    }

}

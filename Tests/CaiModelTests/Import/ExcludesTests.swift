import CaiModel
import SystemPackage
import Testing

@Suite struct `Excludes (1.7)` {
    private static func path(_ text: String) -> VolumePath { VolumePath(unchecked: FilePath(text)) }

    /// The pattern that leaves a path or something above it out.
    private func excluded(_ path: String, by patterns: [String]) -> Bool {
        Excludes(patterns, builtIn: []).excludingAnyAncestor(of: Self.path(path)) != nil
    }

    @Test(arguments: [
        // 1: no slash, a glob: the name at any depth.
        ("*.log", "claude/skills/a/b.log", true), ("*.log", "b.log", true), ("*.log", "claude/logs", false),
        ("cach?", "codex/skills/cache/x", true), ("[a-c]at", "x/bat", true), ("[!a-c]at", "x/bat", false),
        ("[^a-c]at", "x/rat", true), ("*.priv.*", "shell/bashrc.d/10.priv.sh", true),
        // 2: no slash, no glob: a root prefix, and nothing else.
        ("claude", "claude/skills/x", true), ("claude", "claude", true), ("claude", "x/claude", false),
        ("claude", "claude2/x", false), ("/claude/", "claude/x", true),
        // 3: a slash: from the root of the volume; equal, above or below.
        ("claude/settings.json", "claude/settings.json", true),
        ("claude/plugins/cache", "claude/plugins/cache/a", true),
        ("claude/plugins/cache/", "claude/plugins/cache", true), ("claude/plugins/cache", "claude/plugins/x", false),
        ("claude/settings.json", "x/claude/settings.json", false),
        // What the predecessor accepted and never matched (1.18 #29).
        ("claude/sk*", "claude/skills/x", true), ("claude/*/x", "claude/a/x", true),
        ("claude/*/x", "claude/a/b/x", false),
        ("**/cache", "claude/plugins/cache/a", true), ("**/cache", "cache", true), ("claude/**/x", "claude/x", true),
        ("claude/**/x", "claude/a/b/x", true), ("claude/**", "claude/a", true), ("claude/**", "claude", false),
        ("**/node_modules/", "a/b/node_modules/c", true),
        // Characters that mean themselves.
        (#"claude/a\*b"#, "claude/a*b", true), (#"claude/a\*b"#, "claude/axb", false), ("claude/[", "claude/[", true),
        ("cla:ude/a b", "cla:ude/a b/c", true), ("ä?", "x/äö", true),
        // Nothing.
        ("", "a", false), ("/", "a", false), ("claude\nx", "claude", false),
    ])
    func `a pattern has one meaning`(_ pattern: String, _ path: String, _ isExcluded: Bool) {
        #expect(excluded(path, by: [pattern]) == isExcluded, "\(pattern) \(path)")
    }

    @Test(arguments: [
        (["*.log", "!keep.log"], "a/keep.log", false), (["!keep.log", "*.log"], "a/keep.log", true),
        // Nothing below a directory that is left out comes back.
        (["claude", "!claude/skills"], "claude/skills/x", true),
        (["claude/*", "!claude/skills"], "claude/skills/x", false),
    ])
    func `the last pattern that matches counts`(_ patterns: [String], _ path: String, _ isExcluded: Bool) {
        #expect(excluded(path, by: patterns) == isExcluded)
    }

    @Test func `what agents keep as working state is left out, unless the user takes it in again`() {
        for name in ["claude/projects/a", "claude/statsig", "claude/todos/x", "continue/sessions", "continue/index"] {
            #expect(Excludes([]).excludingAnyAncestor(of: Self.path(name)) != nil)
        }
        #expect(Excludes(["!claude/projects"]).excludingAnyAncestor(of: Self.path("claude/projects/a")) == nil)
        #expect(Excludes.none.excludingAnyAncestor(of: Self.path("claude/projects/a")) == nil)
    }

    @Test func `a pattern that cannot match anything that is imported is told, the built-in ones never`() {
        let patterns = [
            "nothing", "claude/skills/x", "claude", "*.bak", "no/such", "no*/x", "**/x", "claude/s*", "claude",
        ]
        let targets = ["claude/skills", "codex/config.toml"].map(Self.path)
        #expect(Excludes(patterns).unmatched(by: targets) == ["nothing", "no/such", "no*/x"])
    }

    @Test func `names that are no UTF-8 are compared byte by byte`() throws {
        let bytes: [CChar] = [0x61, -1, 0x62, 0]
        let name = try #require(
            bytes.withUnsafeBufferPointer { $0.baseAddress.flatMap { FilePath.Component(platformString: $0) } })
        let path = VolumePath(unchecked: FilePath("x").appending(name))
        for (pattern, isExcluded) in [("a?b", true), ("a*b", true), ("a[!x]b", true), ("a*c", false)] {
            #expect((Excludes([pattern]).excluding(path) != nil) == isExcluded, "\(pattern)")
        }
    }

    @Test func `patterns that make others slow do not make it slow`() {
        let name = String(repeating: "a", count: 255)
        let pattern = String(repeating: "a*", count: 100) + "b"
        #expect(!excluded(name, by: [pattern]))
        #expect(
            !excluded(
                Array(repeating: "a", count: 30).joined(separator: "/"),
                by: [String(repeating: "**/a/", count: 25) + "b"]))
    }
}

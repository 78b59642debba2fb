import CaiModel
import SystemPackage
import Testing

@Suite struct `Paths of another home in settings` {
    private let documents = HomePathDocument.all([
        AgentDirectory(
            agent: "claude", path: HomePath(unchecked: ".claude"), target: VolumePath(unchecked: "claude"),
            layer: .builtIn, location: SourceLocation(file: "test", line: 1, column: 1)),
        AgentDirectory(
            agent: "codex", path: HomePath(unchecked: ".codex"), target: VolumePath(unchecked: "codex"),
            layer: .builtIn, location: SourceLocation(file: "test", line: 1, column: 1)),
    ])

    private func document(_ target: String) throws -> HomePathDocument {
        try #require(documents.first { $0.target.relative.string == target })
    }

    /// The document with `/Users/me` replaced by `/home/agent` where the path below it is one of those present.
    private func rewritten(_ text: String, _ target: String, present: Set<String>) throws -> String? {
        let result = HomePaths.rewriting(Array(text.utf8), try document(target)) { string in
            HomePaths.moved(string, from: ["/Users/me"], to: "/home/agent") { present.contains($0.relative.string) }
        }
        return result.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test(arguments: [
        // A hook with arguments; blanks and other members stay.
        (
            "claude/settings.json", #"{ "hooks" : "/Users/me/.claude/hooks/f.sh --all" ,"n":1 }"#,
            #"{ "hooks" : "/home/agent/.claude/hooks/f.sh --all" ,"n":1 }"#
        ),
        // A name with blanks in it.
        (
            "claude/settings.json", #"{"a":"/Users/me/my notes/x.md -v"}"#, #"{"a":"/home/agent/my notes/x.md -v"}"#
        ),
        // Comments and a trailing comma.
        (
            "claude/settings.json",
            "{\n  // \"/Users/me/.claude/hooks/f.sh\"\n  \"a\": \"/Users/me/.claude/hooks/f.sh\",\n}\n",
            "{\n  // \"/Users/me/.claude/hooks/f.sh\"\n  \"a\": \"/home/agent/.claude/hooks/f.sh\",\n}\n"
        ),
        // Names of members are no paths; an escaped slash is one.
        (
            "claude/settings.json", #"{"/Users/me/.claude/hooks/f.sh":"\/Users\/me\/.claude\/hooks\/f.sh"}"#,
            #"{"/Users/me/.claude/hooks/f.sh":"/home/agent/.claude/hooks/f.sh"}"#
        ),
        // TOML with both kinds of strings, an array, and a name in quotation marks.
        (
            "codex/config.toml",
            "notify = ['/Users/me/.claude/hooks/f.sh', \"x\"] # /Users/me/.claude/hooks/f.sh\n[projects.\"/Users/me/w\"]\ntrust = \"t\"\n",
            "notify = ['/home/agent/.claude/hooks/f.sh', \"x\"] # /Users/me/.claude/hooks/f.sh\n[projects.\"/Users/me/w\"]\ntrust = \"t\"\n"
        ),
        (
            "codex/config.toml",
            "a = { command = \"/Users/me/.claude/hooks/f.sh\", \"/Users/me/my notes/x.md\" = 1 }\n",
            "a = { command = \"/home/agent/.claude/hooks/f.sh\", \"/Users/me/my notes/x.md\" = 1 }\n"
        ),
        // Only the settings of claude.json.
        (
            "claude/claude.json",
            #"{"history":["/Users/me/.claude/hooks/f.sh"],"mcpServers":{"a":{"command":"/Users/me/.claude/hooks/f.sh"}}}"#,
            #"{"history":["/Users/me/.claude/hooks/f.sh"],"mcpServers":{"a":{"command":"/home/agent/.claude/hooks/f.sh"}}}"#
        ),
    ])
    func `a string that begins with a path of the home is rewritten, every other byte stays`(
        _ target: String, _ before: String, _ after: String
    ) throws {
        #expect(try rewritten(before, target, present: [".claude/hooks/f.sh", "my notes/x.md"]) == after)
    }

    @Test(arguments: [
        ("claude/settings.json", #"{"a":"/Users/me/work/x"}"#), ("claude/settings.json", #"{"a":"/Users/me"}"#),
        ("claude/settings.json", #"{"a":"/Users/mezzo/.claude/hooks/f.sh"}"#),
        ("claude/settings.json", #"{"a":"see /Users/me/.claude/hooks/f.sh"}"#),
        ("claude/settings.json", #"{"a":"/Users/me/.claude/hooks/f.sh""#),
        ("claude/settings.json", #"{"a":"/Users/me/../me/.claude/hooks/f.sh"}"#),
        ("codex/config.toml", "a = '/Users/me/.claude/hooks/f.sh\n"),
        ("codex/config.toml", "a = '''/Users/me/.claude/hooks/f.sh'''\n"),
    ])
    func `what is not there, is no path of the home, or cannot be read stays`(_ target: String, _ text: String) throws {
        #expect(try rewritten(text, target, present: [".claude/hooks/f.sh"]) == nil)
    }

    @Test func `a literal string of TOML gets no path that it cannot hold`() throws {
        let text = "a = '/Users/me/.claude/hooks/f.sh'\n"
        let result = HomePaths.rewriting(Array(text.utf8), try document("codex/config.toml")) { _ in "/it's" }
        #expect(result == nil)
    }

    @Test(arguments: [
        ("/Users/me/.claude/hooks/f.sh --all", "/Users/me", ".claude/hooks/f.sh"),
        ("/home/x y/.codex/bin/run", "/home/x y", ".codex/bin/run"),
    ])
    func `an absolute path before the directory of an agent is a candidate for a home`(
        _ text: String, _ home: String, _ path: String
    ) throws {
        let found = HomePaths.candidates([text], directories: documents.homeDirectories)
        #expect(try found.map(\.home) == [home] && found.map(\.path) == [HomePath(path)])
    }

    @Test(arguments: ["/.claude/x", "~/.claude/x", "/a/../b/.claude/x", "see /Users/me/.claude/x", "/Users/me/.claude"])
    func `other strings name no home`(_ text: String) {
        #expect(HomePaths.candidates([text], directories: documents.homeDirectories).isEmpty)
    }
}

extension [HomePathDocument] {
    fileprivate var homeDirectories: [HomePath] {
        [HomePath(unchecked: ".claude"), HomePath(unchecked: ".codex")]
    }
}

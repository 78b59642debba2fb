import CaiModel
import SystemPackage
import Testing

@Suite struct `Reading agent directories` {
    private func read(_ text: String) -> ManifestContents {
        ManifestReader.read(ManifestFile(name: "m.toml", layer: .user, bytes: Array(text.utf8)))
    }

    private func lines(_ contents: ManifestContents) -> [String] {
        contents.findings.map { "\($0.place): \($0.severity.rawValue): \($0.sentence)" }
    }

    @Test func `all keys are read`() throws {
        let contents = read(
            """
            [[agent_directories]]
            agent = "a"
            path = ".a"
            target = "x/a"
            variable = "A_HOME"
            sessions = "codex"
            secret = ["auth.json", "tokens/*.json"]
            cache = ["log", "*.tmp"]
            local = ["pids"]
            [agent_directories.renamed]
            "old" = "new"
            [agent_directories.aliases]
            "second" = "first"
            """)
        #expect(contents.findings == [])
        let directory = try #require(contents.directories.first)
        #expect(directory.agent == "a")
        #expect(directory.path.relative == ".a")
        #expect(directory.target.relative == "x/a")
        #expect(directory.variable == "A_HOME")
        #expect(directory.sessions == .codex)
        #expect(directory.renamed.map(\.from.relative) == ["old"])
        #expect(directory.aliases.map(\.to.relative) == ["first"])
        #expect(directory.isSecret("auth.json"))
        #expect(directory.isSecret("tokens/one.json"))
        #expect(!directory.isSecret("tokens/one/two"))
        #expect(directory.part(of: "pids/1") == .local)
        #expect(directory.part(of: "log") == .cache)
        #expect(directory.part(of: "a.tmp/b") == .cache)
        #expect(directory.part(of: "deeper/a.tmp") == .state)
    }

    static let mistakes: [(text: String, finding: String)] = [
        ("path='.a'\ntarget='a'", "m.toml:1:1: error: [[agent_directories]] has no agent"),
        ("agent='a'\ntarget='a'", "m.toml:1:1: error: [[agent_directories]] has no path"),
        ("agent='a'\npath='.a'", "m.toml:1:1: error: [[agent_directories]] has no target"),
        ("agent='a b'\npath='.a'\ntarget='a'", "m.toml:2:7: error: agent \"a b\" is not one word"),
        (
            "agent='a'\npath='../a'\ntarget='a'",
            "m.toml:3:6: error: path \"../a\" contains \"..\"; it must stay inside its directory"
        ),
        (
            "agent='a'\npath='.a'\ntarget='.containai/x'",
            "m.toml:1:1: error: target \".containai/x\" is where cai keeps its own records"
        ),
        ("agent='a'\npath='.a'\ntarget='a'\nsessions='x'", "m.toml:5:10: error: sessions \"x\" is no known format"),
        (
            "agent='a'\npath='.a'\ntarget='a'\ncache=['/x']",
            "m.toml:5:8: error: cache \"/x\" is not a path below the directory"
        ),
        (
            "agent='a'\npath='.a'\ntarget='a'\nlocal=['x*']",
            "m.toml:1:1: error: local \"x*\" has a * in it; a local part needs one exact name"
        ),
        (
            "agent='a'\npath='.a'\ntarget='a'\nrenamed={'a'='../b'}",
            "m.toml:5:10: error: renamed \"a\" does not name two paths below the directory"
        ),
        ("agent='a'\npath='.a'\ntarget='a'\nrenamed='x'", "m.toml:5:9: error: renamed must be a table, not a string"),
    ]

    @Test(arguments: mistakes)
    func `a mistake is one line with its place, and drops the directory`(text: String, finding: String) {
        let contents = read("[[agent_directories]]\n\(text)\n")
        #expect(lines(contents) == [finding])
        #expect(contents.directories == [])
    }

    @Test func `an unknown key is a warning, and the directory holds`() {
        let contents = read("[[agent_directories]]\nagent='a'\npath='.a'\ntarget='a'\nmodel=1\n")
        #expect(contents.findings.map(\.severity) == [.warning])
        #expect(contents.directories.count == 1)
    }
}

@Suite struct `Combining agent directories` {
    private func file(_ name: String, _ layer: ManifestLayer, _ text: String) -> ManifestFile {
        ManifestFile(name: name, layer: layer, bytes: Array(text.utf8))
    }

    private func directory(_ path: String, _ target: String) -> String {
        "[[agent_directories]]\nagent='a'\npath='\(path)'\ntarget='\(target)'\n"
    }

    @Test func `a later layer replaces the directory of the same place`() {
        let set = ManifestSet([
            file("b", .builtIn, directory(".a", "a")), file("u", .user, directory(".a", "b")),
        ])
        #expect(set.manifest.directories.map(\.target.relative) == ["b"])
        #expect(set.findings.map(\.severity) == [.note])
    }

    @Test(arguments: [(".a/b", "b"), (".b", "a/b"), (".a", "c")])
    func `a directory of the same layer that overlaps another is dropped with an error`(path: String, target: String) {
        let set = ManifestSet([file("u", .user, directory(".a", "a") + directory(path, target))])
        #expect(set.manifest.directories.map(\.target.relative) == ["a"])
        #expect(set.findings.map(\.severity) == [.error])
    }

    @Test func `an entry inside a directory gets the place at which the agent finds it`() {
        let set = ManifestSet([
            file(
                "u", .user,
                directory(".a", "a")
                    + "[[entries]]\nsource='.a/x'\ntarget='elsewhere/x'\ncontainer_link='.a/x'\nflags='f'\n")
        ])
        #expect(set.manifest.entries.map(\.target.relative) == ["a/x"])
        #expect(set.findings.map(\.severity) == [.note])
    }

    @Test func `an entry of the directory itself is served by the directory`() {
        let set = ManifestSet([
            file(
                "u", .user,
                directory(".a", "a")
                    + "[[entries]]\nsource='.a'\ntarget='old-a'\ncontainer_link='.a'\nflags='d'\n")
        ])
        #expect(set.manifest.entries.isEmpty)
        #expect(set.findings.map(\.severity) == [.note])
    }
}

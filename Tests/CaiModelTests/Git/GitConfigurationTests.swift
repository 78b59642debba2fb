import CaiModel
import Testing

@Suite struct `Git configuration, as git reads it` {
    /// `section.subsection.key=value` for every variable; `key!` for one without a value.
    private func listed(_ text: String) -> [String] {
        var section = ""
        return GitConfiguration(Array(text.utf8)).items.compactMap { item in
            switch item {
            case .header(let name, let subsection, _):
                section = subsection.map { "\(name).\($0)" } ?? name
                return nil
            case .variable(let key, let value, _):
                return value.map { "\(section).\(key)=\($0)" } ?? "\(section).\(key)!"
            case .other: return nil
            }
        }
    }

    @Test(arguments: [
        ("[User]\n\tName = A B  \n", ["user.name=A B"]), ("[a] b = c\n", ["a.b=c"]), ("[a]\nb\n", ["a.b!"]),
        ("[a]\nb ; c\n", ["a.b!"]), ("[a \"B c\"]\nd=e\n", ["a.B c.d=e"]), ("[a.B]\nd=e\n", ["a.b.d=e"]),
        (#"[a "x\"y\\z"]"# + "\nk=v", [#"a.x"y\z.k=v"#]), ("[a]\nk = one \\\n  two\n", ["a.k=one   two"]),
        ("[a]\nk = \"x # y\" # z\n", ["a.k=x # y"]), ("[a]\nk = x\\ty\\n\\\"z\n", ["a.k=x\ty\n\"z"]),
        ("[a]\nk = ;\n", ["a.k="]), ("\u{FEFF}[a]\r\nk = v\r\n", ["a.k=v"]), ("; c\n# d\n\n[a]\n  # e\nk=v", ["a.k=v"]),
        ("[a]k=v\n[b]l=w\n", ["a.k=v", "b.l=w"]), ("[a]\nk = \"a\"b\" c\"\n", ["a.k=ab c"]),
    ])
    func `values, quotes, continuations and comments`(_ text: String, _ expected: [String]) {
        #expect(listed(text) == expected)
    }

    @Test(arguments: ["[a\nk=v\n", "k = \"open\n", "[a]\nk = \\q\n", "= x\n", "[a \"x]\n", "[]\n", "[a]\n1k=v\n"])
    func `what git refuses ends the reading, and nothing in front of it is lost`(_ text: String) {
        #expect(GitConfiguration(Array(("[x]\ny=z\n" + text).utf8)).brokenLine != nil)
        #expect(listed("[x]\ny=z\n" + text).first == "x.y=z")
    }

    @Test func `all texts together are the file`() {
        let text = "# c\n[a]  k = v \\\n w # d\n\n[b \"c\"]\n\tx\n"
        let bytes = GitConfiguration(Array(text.utf8)).items.flatMap { item in
            switch item {
            case .header(_, _, let text), .variable(_, _, let text), .other(let text): text
            }
        }
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    @Test(arguments: [
        ("gitdir:/w/", true), ("gitdir:/W/", false), ("gitdir/i:/W/", true), ("gitdir:~/p/", true), ("gitdir:w/", true),
        ("gitdir:/w/.git", true), ("gitdir:/x/", false), ("onbranch:main", true), ("onbranch:ma*", true),
        ("onbranch:topic/", false), ("hasconfig:remote.*.url:https://h/**", true),
        ("hasconfig:remote.*.url:git@h:*", false), ("unknown:x", false), ("", false),
    ])
    func `conditions are decided for the workspace`(_ condition: String, _ holds: Bool) {
        let decision = GitCondition(
            gitDirectories: ["/w/.git", "/home/me/p/x/.git"], homes: ["/home/me"], branch: "main",
            remotes: ["https://h/o/r"])
        #expect(decision.holds(condition, in: "/home/me") == holds)
    }
}

import CaiModel
import SystemPackage
import Testing

private func read(_ text: String, layer: ManifestLayer = .user) -> ManifestContents {
    ManifestReader.read(ManifestFile(name: "m.toml", layer: layer, bytes: Array(text.utf8)))
}

/// A findings line is `file:line:column: severity: sentence (advice)`.
private func lines(_ contents: ManifestContents) -> [String] { contents.findings.map(\.line) }

@Suite struct `Reading a manifest` {
    @Test func `entries, links and an agent are read with their places`() throws {
        let contents = read(
            """
            [agent]
            name = "my_agent-2"
            binary = 'run'
            default_args = ["--a,b", "it's", ""]
            aliases = ["x",
                "y"]
            optional = true

            [[entries]]
            source = '.a..b/c'
            target = "a/b"
            container_link = ".other"
            flags = "dsmRx"
            disabled = true

            [[container_symlinks]]
            target = "l.json"
            container_link = ".l.json"
            flags = "fj"

            [[entries]]
            source = ".nolink"
            target = "nolink"
            container_link = ""
            flags = "fpgo"
            """)
        #expect(lines(contents) == [])
        #expect(contents.entries.map(\.location.line) == [9, 16, 21])
        let first = try #require(contents.entries.first)
        #expect(first.location.description == "m.toml:9:1")
        #expect(first.source?.relative.string == ".a..b/c")
        #expect(first.target.relative.string == "a/b")
        #expect(first.link?.relative.string == ".other")
        #expect(first.flags == [.directory, .secret, .mirror, .removeFirst, .excludeSystem])
        #expect(first.isDisabled && first.hasLink)
        #expect(contents.entries[1].kind == .containerSymlink)
        #expect(contents.entries[1].source == nil)
        #expect(contents.entries[2].link == nil)
        #expect(contents.entries[2].flags == [.file, .privacyFilter, .gitFilter, .optional])
        let agent = try #require(contents.agents.first)
        #expect(agent.name == "my_agent-2")
        #expect(agent.binary == "run")
        #expect(agent.defaultArguments == ["--a,b", "it's", ""])
        #expect(agent.aliases == ["x", "y"])
        #expect(agent.isOptional)
        #expect(agent.words == ["my_agent-2", "run", "x", "y"])
        #expect(agent.location.description == "m.toml:1:1")
    }

    @Test(arguments: EntryFlags.letters.filter { $0.letter != "G" }.map { String($0.letter) })
    func `users may write every flag but G`(letter: String) {
        let flags = letter == "f" || letter == "d" ? letter : "f" + letter
        let contents = read("[[entries]]\nsource = \"a\"\ntarget = \"a\"\nflags = \"\(flags)\"\n")
        #expect(lines(contents) == [])
        #expect(contents.entries.map(\.flags.text) == [flags])
    }

    @Test(arguments: [ManifestLayer.builtIn, .image])
    func `a pattern needs neither f nor d and has no link of its own`(layer: ManifestLayer) throws {
        let text = "[[entries]]\nsource=\".ssh/id_*\"\ntarget=\"ssh/\"\ncontainer_link=\".ssh/\"\nflags=\"Gs\"\n"
        let entry = try #require(read(text, layer: layer).entries.first)
        #expect(entry.source?.relative.string == ".ssh/id_*")
        #expect(entry.link?.relative.string == ".ssh")
        #expect(!entry.hasLink)
    }

    static let keys = "the keys are source, target, container_link, flags, disabled"
    static let agentKeys = "the keys are name, binary, default_args, aliases, optional"

    /// Text below `[[entries]]`, and the lines it must give. The entry is dropped when one of them is an error.
    static let entryFindings: [(text: String, lines: [String])] = [
        (
            "source='a'\ntarget='a'\nflags='f'\nlink='b'",
            ["m.toml:5:1: warning: \"link\" is not a key of [[entries]] and is ignored (\(keys))"]
        ),
        ("source='a'\ntarget=3\nflags='f'", ["m.toml:3:8: error: target must be a string, not an integer"]),
        ("source=[]\ntarget='a'\nflags='f'", ["m.toml:2:8: error: source must be a string, not an array"]),
        (
            "source='a'\ntarget='a'\nflags='f'\ndisabled='true'",
            ["m.toml:5:10: error: disabled must be true or false, not a string (write it without quotes)"]
        ),
        ("source='a'\nflags='f'", ["m.toml:1:1: error: [[entries]] has no target"]),
        ("source='a'\ntarget=''\nflags='f'", ["m.toml:3:8: error: target \"\" is empty"]),
        (
            "source='a'\ntarget='/etc'\nflags='f'",
            ["m.toml:3:8: error: target \"/etc\" is absolute; it must be relative"]
        ),
        (
            "source='../a'\ntarget='a/../b'\ncontainer_link='b/..'\nflags='f'",
            [
                "m.toml:2:8: error: source \"../a\" contains \"..\"; it must stay inside its directory",
                "m.toml:3:8: error: target \"a/../b\" contains \"..\"; it must stay inside its directory",
                "m.toml:4:16: error: container_link \"b/..\" contains \"..\"; it must stay inside its directory",
            ]
        ),
        (
            "source=\"a\\u0000\"\ntarget=\"a\\nb\"\nflags='f'",
            [
                "m.toml:2:8: error: source \"a\\u{0}\" contains a NUL character",
                "m.toml:3:8: error: target \"a\\u{a}b\" contains a line break",
            ]
        ),
        (
            "source='a//b'\ntarget='a'\nflags='f'",
            ["m.toml:2:8: error: source \"a//b\" contains an empty or \".\" component"]
        ),
        (
            "source='a'\ntarget='.containai/journal'\nflags='f'",
            [
                "m.toml:3:8: error: target \".containai/journal\" is where cai keeps its own records (choose another target)"
            ]
        ),
        (
            "source='a'\ntarget='.containai-imported-at'\nflags='f'",
            [
                "m.toml:3:8: error: target \".containai-imported-at\" is where cai keeps its own records (choose another target)"
            ]
        ),
        (
            "source='a'\ntarget='.containai-links-checked-at'\nflags='f'",
            [
                "m.toml:3:8: error: target \".containai-links-checked-at\" is where cai keeps its own records (choose another target)"
            ]
        ),
        (
            "source='a'\ntarget='a'",
            ["m.toml:1:1: error: [[entries]] has no flags (write flags = \"f\" for a file, \"d\" for a directory)"]
        ),
        ("source='a'\ntarget='a'\nflags='s'", ["m.toml:4:7: error: flags hold neither f (file) nor d (directory)"]),
        ("source='a'\ntarget='a'\nflags=''", ["m.toml:4:7: error: flags hold neither f (file) nor d (directory)"]),
        ("source='a'\ntarget='a'\nflags='fd'", ["m.toml:4:7: error: flags hold both f (file) and d (directory)"]),
        (
            "source='a'\ntarget='a'\nflags='fsfs'",
            ["m.toml:4:7: warning: flag \"f\" is given twice", "m.toml:4:7: warning: flag \"s\" is given twice"]
        ),
        (
            "source='a'\ntarget='a'\nflags='fqZ'",
            [
                "m.toml:4:7: error: \"q\" is not a flag (the flags are fdjsoRxpmgG)",
                "m.toml:4:7: error: \"Z\" is not a flag (the flags are fdjsoRxpmgG)",
            ]
        ),
        ("source='a'\ntarget='a'\nflags='G'", ["m.toml:4:7: error: flag \"G\" is not available in user manifests"]),
        (
            "target='a'\ncontainer_link='a'\nflags='f'",
            [
                "m.toml:1:1: warning: the entry has no source, so it is never imported (add source, or declare it as [[container_symlinks]])"
            ]
        ),
        (
            "source=''\ntarget='a'\ncontainer_link='a'\nflags='f'",
            [
                "m.toml:2:8: warning: the entry has no source, so it is never imported (add source, or declare it as [[container_symlinks]])"
            ]
        ),
    ]

    @Test(arguments: entryFindings)
    func `a problem of an entry is one line with its place, and an error drops only that entry`(
        text: String, expected: [String]
    ) {
        let contents = read("[[entries]]\n\(text)\n[[entries]]\nsource='z'\ntarget='z'\nflags='f'\n")
        #expect(lines(contents) == expected)
        let isDropped = expected.contains { $0.contains(": error: ") }
        #expect(contents.entries.count == (isDropped ? 1 : 2))
        #expect(contents.entries.last?.target.relative.string == "z")
    }

    static let sectionFindings: [(text: String, lines: [String])] = [
        (
            "[[entry]]\n[x]\n",
            [
                "m.toml:1:3: warning: \"entry\" is not a manifest section and is ignored (the sections are [[entries]], [[container_symlinks]], [[agent_directories]] and [agent])",
                "m.toml:2:2: warning: \"x\" is not a manifest section and is ignored (the sections are [[entries]], [[container_symlinks]], [[agent_directories]] and [agent])",
            ]
        ),
        ("[entries]\n", ["m.toml:1:2: error: \"entries\" must be a list of tables, not a table (write [[entries]])"]),
        ("entries = [1]\n", ["m.toml:1:12: error: [[entries]] must hold tables, not an integer"]),
        (
            "[[container_symlinks]]\ntarget='a'\nflags='f'\nsource='b'\n",
            [
                "m.toml:1:1: error: [[container_symlinks]] has no container_link, so it declares nothing",
                "m.toml:4:1: warning: \"source\" is not a key of [[container_symlinks]] and is ignored (the keys are target, container_link, flags, disabled)",
            ]
        ),
        (
            "[[container_symlinks]]\ntarget='a'\nflags='f'\ncontainer_link=''\n",
            ["m.toml:4:16: error: [[container_symlinks]] has no container_link, so it declares nothing"]
        ),
        (
            "[[agent]]\n",
            ["m.toml:1:3: error: \"agent\" must be one table, not an array (write [agent], and one file per agent)"]
        ),
        ("agent = 'x'\n", ["m.toml:1:1: error: \"agent\" must be one table, not a string (write [agent])"]),
        ("[agent]\n", ["m.toml:1:1: error: [agent] has no name", "m.toml:1:1: error: [agent] has no binary"]),
        (
            "[agent]\nname='a b'\nbinary='1a'\naliases=['-x', 'ä', '']\n",
            [
                "2:6: error: name \"a b\"", "3:8: error: binary \"1a\"", "4:10: error: alias \"-x\"",
                "4:16: error: alias \"ä\"", "4:21: error: alias \"\"",
            ]
            .map { "m.toml:\($0) is not an identifier (use letters, digits, _ and -, beginning with a letter or _)" }
        ),
        (
            "[agent]\nname='if'\nbinary='command'\n",
            [
                "m.toml:2:6: error: name \"if\" is a word of the shell and cannot be a wrapper",
                "m.toml:3:8: error: binary \"command\" is a word of the shell and cannot be a wrapper",
            ]
        ),
        (
            "[agent]\nname='a'\nbinary='a'\ndefault_args=[\"x\\ny\", \"\\u0000\", 7]\noptional=1\n",
            [
                "m.toml:4:15: error: default_args \"x\\u{a}y\" contains a NUL character or a line break",
                "m.toml:4:23: error: default_args \"\\u{0}\" contains a NUL character or a line break",
                "m.toml:4:33: error: default_args must hold strings, not an integer",
                "m.toml:5:10: error: optional must be true or false, not an integer",
            ]
        ),
        (
            "[agent]\nname='a'\nbinary='a'\ndefault_args='--x'\n",
            [
                "m.toml:4:14: error: default_args must be an array of strings, not a string (write default_args = [\"…\"])"
            ]
        ),
        (
            "[agent]\nname='a'\nbinary='b'\naliases=['a', 'c', 'c']\nmodel=1\n",
            [
                "m.toml:4:10: note: alias \"a\" is already a name of this agent",
                "m.toml:4:20: note: alias \"c\" is already a name of this agent",
                "m.toml:5:1: warning: \"model\" is not a key of [agent] and is ignored (\(agentKeys))",
            ]
        ),
    ]

    @Test(arguments: sectionFindings)
    func `a problem of a section is one line with its place`(text: String, expected: [String]) {
        let contents = read(text)
        #expect(lines(contents) == expected)
        #expect(contents.entries == [])
        #expect(contents.agents.isEmpty == expected.contains { $0.contains(": error: ") || !text.hasPrefix("[agent") })
    }

    @Test func `a file with syntax errors declares nothing and names all of them`() {
        let contents = read("[[entries]]\nsource='a'\ntarget='a'\nflags='f'\nx = \n[agent\nname = nobody\n")
        #expect(contents.entries == [])
        #expect(contents.findings.map(\.severity) == [.error, .error, .error])
        #expect(contents.findings.map(\.place) == ["m.toml:5:5", "m.toml:6:7", "m.toml:7:9"])
        #expect(contents.findings.allSatisfy { $0.sentence.hasPrefix("syntax error: ") })
    }

    @Test func `beside syntax errors the mistakes of undamaged tables are named, those of damaged ones are not`() {
        let contents = read(
            "[[entries]]\nsource='a'\ntarget='../a'\nflags='f'\n"
                + "[[entries]]\nsource='b'\ntarget='b'\nflags=f\n[[entries]]\nsource='c'\ntarget='c'\nflags='q'\n")
        #expect(contents.entries == [])
        #expect(contents.findings.map(\.place) == ["m.toml:3:8", "m.toml:8:8", "m.toml:12:7", "m.toml:12:7"])
        #expect(contents.findings.filter { $0.sentence.hasPrefix("syntax error: ") }.map(\.place) == ["m.toml:8:8"])
    }

    @Test func `a path longer than the system could take is refused`() {
        let path = String(repeating: "a/", count: 600)
        let contents = read("[[entries]]\nsource='a'\ntarget='\(path)'\nflags='f'\n")
        #expect(lines(contents) == ["m.toml:3:8: error: target is longer than 1024 bytes"])
    }

    @Test func `endless findings are counted, not listed`() {
        let contents = read((0..<1000).map { "k\($0) = 1\n" }.joined() + "agent = 1\n")
        #expect(contents.findings.count == 201)
        #expect(contents.findings.last?.line == "m.toml: error: 801 more findings about this file are not listed")
    }

    @Test func `an empty manifest is fine`() { #expect(lines(read("")) == []) }
}

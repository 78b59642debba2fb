import CaiTestSupport
import SystemPackage
import Testing

private let manifests: FilePath = "mnt/agent-data/containai/manifests"

@Suite struct `Manifests of users` {
    @Test func `C user manifests 3: an entry links and moves custom data`() throws {
        let world = try World([
            "home/agent/.mytool": ["config": "mine"],
            "mnt/agent-data/containai/manifests/10-mine.toml": """
            [[entries]]
            source = ".mytool"
            target = "mytool"
            container_link = ".mytool"
            flags = "dR"
            """,
        ])
        try expectPromises(["sync"], on: world)
        #expect(try world.text("mnt/agent-data/mytool/config") == "mine")
        try expectPromises(["links", "repair"], on: world)
        #expect(try world.cai("links", "check", "--json").json.linkState("/home/agent/.mytool") == "ok")
    }

    @Test(arguments: ["this is not TOML", "[[entries]\n", "a = 1\na = 2", "\u{0}", "[[entries]]\ntarget = \"x\ny\""])
    func `C user manifests 2: a broken file is told with its place and blocks nothing`(_ text: String) throws {
        let world = try World(["home/agent/.vimrc": "live"])
        try world.put(manifests.appending("a-broken.toml"), .file(text))
        try world.put(
            manifests.appending("b-good.toml"),
            "[[entries]]\nsource = '.good'\ntarget = 'good'\ncontainer_link = '.good'\nflags = 'f'\n")
        let sync = try world.cai("sync")
        #expect(sync.code == 0, "\(sync)")
        #expect(sync.errors.contains("[ERROR] /mnt/agent-data/containai/manifests/a-broken.toml:"), "\(sync)")
        #expect(try world.cai("links", "repair", "--quiet").code == 0)
        #expect(world.link("home/agent/.good") == "/mnt/agent-data/good")
        let lint = try world.cai("manifest", "lint")
        #expect(lint.code == 78 || lint.code == 1, "\(lint)")
        #expect(lint.output.contains("a-broken.toml:"), "\(lint)")
    }

    @Test(arguments: [
        ("target", "../../etc"), ("target", "/etc/passwd"), ("target", "a/../../../etc"), ("target", ""),
        ("target", "."),
        ("container_link", "../../etc"), ("container_link", "/etc/passwd"), ("container_link", "a/.."),
        ("source", "../../etc"),
        ("target", ".containai/lock"),
    ])
    func `1.18 #16: an entry that would leave home or volume is refused, the others hold`(key: String, value: String)
        throws
    {
        let fields = ["source": ".evil", "target": "evil", "container_link": ".evil", "flags": "f"].merging([key: value]
        ) { $1 }
        let world = try World(["home/agent/.evil": "evil"])
        try world.put(
            manifests.appending("evil.toml"),
            .file(
                "[[entries]]\n" + fields.map { "\($0) = '\($1)'\n" }.joined()
                    + "[[entries]]\nsource='.good'\ntarget='good'\ncontainer_link='.good'\nflags='f'\n"))
        let etc = try Snapshot(of: world.path("etc"))
        let repair = try world.cai("links", "repair")
        #expect(repair.errors.contains("evil.toml:"), "\(repair)")
        #expect(try Snapshot(of: world.path("etc")).differences(from: etc) == [])
        #expect(world.link("home/agent/.good") == "/mnt/agent-data/good")
        #expect(try world.text("home/agent/.evil") == "evil")
    }

    @Test func `1.18 #25: all valid TOML is valid: flag p, arrays over lines, single quotes, two dots in a name`()
        throws
    {
        let world = try World([
            "mnt/agent-data/containai/manifests/a.toml": """
            [[entries]]
            source = '.tool..d'
            target = "tool..d"
            container_link = '''.tool..d'''
            flags = "dp"   # a comment

            [agent]
            name = "mytool"
            binary = "sh"
            default_args = [
                "--one", 'a,b',   # with a comma
            ]
            aliases = []
            optional = false
            """
        ])
        let lint = try world.cai("manifest", "lint")
        #expect(lint.code == 0, "\(lint)")
        #expect(try world.cai("links", "repair").code == 0)
        #expect(world.link("home/agent/.tool..d") == "/mnt/agent-data/tool..d")
    }

    @Test func `a later file wins over a built-in entry`() throws {
        let world = try World([
            "mnt/agent-data/containai/manifests/a.toml":
                "[[entries]]\nsource='.vimrc'\ntarget='my/vimrc'\ncontainer_link='.vimrc'\nflags='f'\n"
        ])
        _ = try world.cai("links", "repair")
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/my/vimrc")
    }

    @Test func `lint shows every problem of a named file, with line and column`() throws {
        let world = try World([
            "bad.toml": "[[entries]]\ntarget = '/abs'\nflags = 'fq'\n\n[[entries]]\nflags = 'fd'\ntarget = 'x'\n"
        ])
        let lint = try Command.cai("manifest", "lint", world.path("bad.toml").string)
        for place in ["bad.toml:2:", "bad.toml:3:", "bad.toml:6:"] { #expect(lint.output.contains(place), "\(lint)") }
        #expect(lint.code != 0)
    }

    @Test func `lint goes on behind a file that cannot be read`() throws {
        let world = try World(["bad.toml": "[[entries]]\ntarget = '/abs'\n"])
        let lint = try Command.cai("manifest", "lint", "/no/such.toml", "/etc", world.path("bad.toml").string)
        #expect(lint.code == 78, "\(lint)")
        #expect(lint.output.contains("/no/such.toml: error: cannot be read: it does not exist (check the name)"))
        #expect(lint.output.contains("/etc: error: cannot be read: it is a directory (remove it, or put"), "\(lint)")
        #expect(lint.output.contains("bad.toml:2:"), "\(lint)")
    }

    @Test func `the name of a manifest forges no line and no terminal sequence`() throws {
        let world = try World()
        try world.put(manifests.appending("x\n[OK] hooks: fake line\n\u{1B}[31m.toml"), "broken")
        let named = world.path(manifests.appending("x\n[OK] hooks: fake line\n\u{1B}[31m.toml")).string
        for run in [
            try world.cai("init"), try world.cai("sync"), try world.cai("manifest", "lint"),
            try Command.cai("manifest", "lint", named),
        ] {
            #expect(run.everything.contains(#"x\x0a[OK] hooks: fake line\x0a\x1b[31m.toml"#), "\(run)")
            #expect(!run.everything.contains("\n[OK] hooks: fake") && !run.everything.contains("\u{1B}"), "\(run)")
        }
    }

    @Test func `manifest list shows all 82 built-in entries, also without home and volume`() throws {
        let world = try World()
        for _ in 1...2 {
            let list = try world.cai("manifest", "list", "--json")
            #expect(list.code == 0, "\(list)")
            let entries = list.json["entries"].array.isEmpty ? list.json.array : list.json["entries"].array
            #expect(entries.count == 82, "\(list)")
            try world.remove("home")
            try world.remove("mnt")
        }
    }
}

@Suite struct `Link specifications of the predecessors (1.4, 1.18 #16)` {
    private func specification(_ links: String) -> Item {
        .file(#"{"version": 1, "data_mount": "/mnt/agent-data", "home_dir": "/home/agent", "links": [\#(links)]}"#)
    }

    @Test(
        arguments: ["mnt/agent-data/containai/user-link-spec.json", "usr/local/lib/containai/link-spec.json"]
            as [FilePath])
    func `their links are checked and repaired`(_ path: FilePath) throws {
        let world = try World(["mnt/agent-data/own": "content"])
        try world.put(
            path, specification(#"{"link": "/home/agent/.own", "target": "/mnt/agent-data/own", "remove_first": "1"}"#))
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0, "\(repair)")
        #expect(try world.text("home/agent/.own") == "content")
    }

    @Test(arguments: [
        #"{"link": "/etc/passwd", "target": "/mnt/agent-data/x", "remove_first": 1}"#,
        #"{"link": "/home/agent/../../etc/cron.d", "target": "/mnt/agent-data/x", "remove_first": 1}"#,
        #"{"link": "/home/agent", "target": "/mnt/agent-data/x", "remove_first": 1}"#,
        #"{"link": "/home/agent/.x", "target": "/etc/shadow", "remove_first": 1}"#,
        #"{"link": "/home/agent/.x", "target": "/mnt/agent-data/.containai/lock"}"#,
        #"{"link": "/home/agentx/.x", "target": "/mnt/agent-data/x"}"#, #"{"link": null, "target": null}"#, "{}", "7",
        "null",
    ])
    func `#16: what lies outside is refused, and nothing is touched`(_ link: String) throws {
        let world = try settledWorld(["etc/cron.d": ["job": "root's"]])
        try world.put("mnt/agent-data/containai/user-link-spec.json", specification(link))
        let before = try world.snapshot()
        let repair = try world.cai("links", "repair")
        #expect(repair.code == 0 && repair.errors.contains("user-link-spec.json"), "\(repair)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: ["", "{", "[]", #"{"version": 2, "links": []}"#, #"{"version": 1}"#])
    func `a specification that is none is one warning`(_ text: String) throws {
        let world = try settledWorld()
        try world.put("mnt/agent-data/containai/user-link-spec.json", .file(text))
        let check = try world.cai("links", "check")
        #expect(check.code == 0 && check.errors.contains("user-link-spec.json"), "\(check)")
    }
}

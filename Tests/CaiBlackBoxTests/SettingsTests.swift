import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `Other machines than the preset's (1.18 #33)` {
    @Test func `home and ids come from the account, the volume from the settings`() throws {
        let world = try World([
            "etc/passwd": "dev:x:1000:1000::/srv/dev:/bin/sh\n",
            "etc/containai/agent.toml": "user = 'dev'\nvolume = '/data'\n",
        ])
        try world.put("srv/dev", Item(dictionaryLiteral: (".vimrc", Item("v").owned(by: 1000))).owned(by: 1000))
        try world.put("data", Item(dictionaryLiteral: ("x", "x")).owned(by: 1000))
        #expect(try world.cai("sync").code == 0)
        #expect(world.link("srv/dev/.vimrc") == "/data/editors/vimrc")
        #expect(try world.text("data/editors/vimrc") == "v")
    }

    @Test(arguments: [
        ("volume = '/data'\nworkspace = '/workspaces/p'\n", ["/data", "/workspaces/p"]),
        ("volume = '/data'\n", ["/data", "/home/agent/workspace"]),
        ("volume = '/data'\npersistence_paths = ['/mnt/agent-data']\n", ["/mnt/agent-data"]),
    ])
    func `the paths whose persistence is checked follow the volume and the workspace`(
        _ settings: String, _ paths: [String]
    ) throws {
        let world = try World(["etc/containai/agent.toml": .file(settings)])
        let shown = try world.cai("config", "show", "--json")
        #expect(shown.json["settings"]["persistence_paths"]["value"].array.map(\.text) == paths, "\(shown)")
        let check = try world.cai("persistence", "check")
        for path in paths { #expect(check.everything.contains("- \(path) ("), "\(check)") }
    }

    @Test func `the environment wins over the file, and config show tells where each value is from`() throws {
        let world = try World(["etc/containai/agent.toml": "volume = '/from-file'\nlock_timeout_seconds = 3\n"])
        let shown = try world.cai("config", "show", "--json", environment: ["CAI_VOLUME": "/from-environment"])
        #expect(shown.code == 0, "\(shown)")
        #expect(shown.json["settings"]["volume"]["value"].text == "/from-environment", "\(shown)")
        #expect(shown.json["settings"]["volume"]["origin"].text == "environment CAI_VOLUME")
        #expect(shown.json["settings"]["lock_timeout_seconds"]["origin"].text == "/etc/containai/agent.toml:2:1")
        #expect(shown.json["settings"]["home"]["origin"].text == "/etc/passwd")
    }

    @Test(arguments: [
        "volume = 'relative'", "volume = '/a/../b'", "lock_timeout_seconds = 'x'", "not toml", "preset = 'x'",
        "strict = ['nonsense']",
    ])
    func `a setting that cannot be used stops every command but init, which goes on with the default`(
        _ line: String
    ) throws {
        let world = try World(["home/agent/.vimrc": "v"])
        try world.put("etc/containai/agent.toml", .file(line + "\n"))
        try expectRefusal(on: world, naming: "/etc/containai/agent.toml:1:")
        #expect(try world.cai("config", "show").code == 78)
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0 && boot.json["status"].text == "degraded", "\(boot)")
        #expect(boot.bootFindings.contains { $0.hasPrefix("/etc/containai/agent.toml:1:") }, "\(boot)")
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "v")
        #expect(try world.cai("init", "--strict", "journal").code == 1)
    }

    @Test(arguments: ["relative", "/../../etc"])
    func `no command works on the default volume in place of one that cannot be used`(_ volume: String) throws {
        let world = try World(["home/agent/.vimrc": "v"])
        try expectRefusal(on: world, naming: "CAI_VOLUME: volume", environment: ["CAI_VOLUME": volume])
    }

    @Test func `a settings file that was named and is not there stops every command but init`() throws {
        let world = try World(["home/agent/.vimrc": "v"])
        try expectRefusal(on: world, naming: "/nope/x.toml: ", environment: ["CAI_CONFIG": "/nope/x.toml"])
        let sync = try world.cai("sync", "--config", "/nope/x.toml")
        #expect(sync.code == 78 && sync.errors.contains("correct --config or CAI_CONFIG"), "\(sync)")
        #expect(try world.cai("init", "--config", "/nope/x.toml").code == 0)
        #expect(try world.cai("sync").code == 0, "the usual file need not be there")
    }

    @Test(
        arguments: [("etc/containai/agent.toml", Item.fifo), ("etc/containai/agent.toml", ["x": "y"])]
            as [(FilePath, Item)])
    func `settings that are no file stop every command but init`(path: FilePath, item: Item) throws {
        let world = try World(["home/agent/.vimrc": "v"])
        try world.put(path, item)
        try expectRefusal(on: world, naming: "/etc/containai/agent.toml: cannot be read: it is ")
        let boot = try world.cai("init")
        #expect(boot.code == 0 && boot.errors.contains("put a regular file there"), "\(boot)")
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
    }

    @Test func `a boot goes on where the state of cai is a file`() throws {
        let world = try World(["mnt/agent-data/.containai": "a file", "home/agent/.vimrc": "v"])
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0 && boot.json["status"].text == "degraded", "\(boot)")
    }

    private func expectRefusal(
        on world: World, naming place: String, environment: [String: String] = [:]
    ) throws {
        let before = try world.snapshot()
        for arguments in [
            ["sync"], ["links", "check"], ["links", "repair"], ["undo", "--list"], ["persistence", "check"],
            ["manifest", "list"],
        ] {
            let run = try world.cai(arguments, environment: environment)
            #expect(run.code == 78 && run.errors.contains("[ERROR] \(place)"), "\(arguments) \(run)")
        }
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test func `no program of the image is needed`() throws {
        let world = try World(["home/agent/.vimrc": "v"])
        for arguments in [["sync"], ["links", "repair"], ["init"], ["links", "check"]] {
            #expect(try world.cai(arguments, environment: ["PATH": "/nonexistent"]).code == 0)
        }
    }
}

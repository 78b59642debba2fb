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
    ])
    func `a setting that cannot be used is told with its place, and the default holds`(_ line: String) throws {
        let world = try World(["home/agent/.vimrc": "v"])
        try world.put("etc/containai/agent.toml", .file(line + "\n"))
        let sync = try world.cai("sync")
        #expect(sync.code == 0 && sync.errors.contains("/etc/containai/agent.toml:1:"), "\(sync)")
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "v")
        #expect(try world.cai("config", "show").code == 78)
    }

    @Test func `no program of the image is needed`() throws {
        let world = try World(["home/agent/.vimrc": "v"])
        for arguments in [["sync"], ["links", "repair"], ["init"], ["links", "check"]] {
            #expect(try world.cai(arguments, environment: ["PATH": "/nonexistent"]).code == 0)
        }
    }
}

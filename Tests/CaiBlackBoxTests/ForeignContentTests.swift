import CaiTestSupport
import SystemPackage
import Testing

private let plugins: FilePath = "home/agent/.claude/plugins"

/// What stands in a directory that moves, but belongs to somebody else.
@Suite(.rootOnly, .needs("unshare")) struct `What belongs to somebody else` {
    @Test(arguments: [["sync"], ["links", "repair"], ["init"]])
    func `a mount inside a directory is never emptied, and everything else is done`(_ arguments: [String]) throws {
        let world = try World([
            "home/agent/.claude/plugins": ["own": "mine", "mounted": [:]], "home/agent/.vimrc": "set nu",
            "host/projects": ["precious": "somebody's"],
        ])
        let wrapper = inMountNamespace(
            "mount --bind '\(world.path("host/projects"))' '\(world.path(plugins.appending("mounted")))'")
        for _ in 0..<2 {
            let run = try world.cai(arguments, wrapper: wrapper)
            #expect(run.code == (arguments == ["init"] ? 0 : 1), "\(run)")
            #expect(run.everything.contains("~/.claude/plugins/mounted: is a mount"), "\(run)")
        }
        #expect(try world.text("host/projects/precious") == "somebody's")
        #expect(try world.text(plugins.appending("own")) == "mine")
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
    }

    @Test func `a mount at the place of a link stays, and the preview says so too`() throws {
        let world = try World(["home/agent/.vim": ["own": "mine"]])
        let vim = world.path("home/agent/.vim")
        let wrapper = inMountNamespace("mount --bind '\(vim)' '\(vim)'")
        for arguments in [["links", "repair", "--dry-run"], ["links", "repair"]] {
            let run = try world.cai(arguments, wrapper: wrapper)
            #expect(run.code == 1 && run.errors.contains("~/.vim: is a mount"), "\(run)")
        }
        #expect(try world.text("home/agent/.vim/own") == "mine")
    }

    @Test(arguments: [["sync"], ["links", "repair"]])
    func `a directory that its owner alone may empty is told in preview and run, and nothing is begun`(
        _ arguments: [String]
    ) throws {
        let world = try World([
            "home/agent/.claude/plugins": [
                "own": "mine", "roots": Item(dictionaryLiteral: ("file", Item("r").owned(by: 0))).owned(by: 0),
            ],
            "home/agent/.vimrc": "set nu",
        ])
        for options in [["--dry-run"], [], []] {
            let run = try world.cai(arguments + options)
            #expect(run.code == 1 && run.errors.contains("~/.claude/plugins/roots: belongs to uid 0"), "\(run)")
            #expect(run.errors.contains("chown"), "\(run)")
        }
        #expect(try world.text(plugins.appending("roots/file")) == "r")
        #expect(try world.text(plugins.appending("own")) == "mine")
        #expect(world.link("home/agent/.vimrc") == "/mnt/agent-data/editors/vimrc")
    }

    @Test func `an interrupted run that cannot be finished stands in nobody's way, and is finished when it can be`()
        throws
    {
        let run = "20260101T000000Z-sync"
        let swap = FilePath("home/agent/.claude/.cai-\(run)-0.swap")
        let journal = FilePath("mnt/agent-data/.containai/journal/\(run).json")
        let world = try World(["home/agent/.vimrc": "set nu"])
        _ = try world.cai("init")
        try world.put(
            swap,
            ["roots": Item(dictionaryLiteral: ("file", Item("left").owned(by: 0))).owned(by: 0), "own": "left too"])
        try world.put(
            journal,
            .file(
                #"{"pid":1,"run":"\#(run)","schema":1,"steps":[{"home":[".claude/plugins"],"isLinked":true,"#
                    + #""step":0,"volume":["claude/plugins"]}]}"#))
        try world.put("home/agent/.zshrc", "new")
        let sync = try world.cai("sync")
        #expect(sync.everything.contains("could not be finished"), "\(sync)")
        #expect(world.link("home/agent/.zshrc") == "/mnt/agent-data/shell/zshrc")
        #expect(try world.text(swap.appending("roots/file")) == "left" && world.exists(journal))

        try world.put(swap.appending("roots"), ["file": "left"])
        let later = try world.cai("sync")
        #expect(later.code == 0 && !world.exists(journal) && !world.exists(swap), "\(later)")
        #expect(Set(try world.displaced().values).isSuperset(of: ["left", "left too"]))
    }

    @Test func `user manifests on a volume of somebody else's hold at the first boot`() throws {
        let entry = "[[entries]]\nsource='n.txt'\ntarget='mine/n.txt'\ncontainer_link='n.txt'\nflags='f'\n"
        let world = try World()
        let manifest = Item(dictionaryLiteral: ("mine.toml", Item.file(entry).owned(by: 65534).mode(0o600)))
        try world.put(
            "mnt/agent-data/containai",
            Item(dictionaryLiteral: ("manifests", manifest.owned(by: 65534))).owned(by: 65534).mode(0o700))
        let boot = try world.cai("init")
        #expect(boot.code == 0 && world.link("home/agent/n.txt") == "/mnt/agent-data/mine/n.txt", "\(boot)")
    }
}

import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@Suite struct `The link guard: cai links watch` {
    // MARK: what applications do

    @Test(
        arguments: [
            ("home/agent/.claude/.credentials.json", "mnt/agent-data/claude/.credentials.json"),
            ("home/agent/.codex/auth.json", "mnt/agent-data/codex/auth.json"),
            ("home/agent/.claude.json", "mnt/agent-data/claude/claude.json"),
            ("home/agent/.gitconfig", "mnt/agent-data/git/gitconfig"),
        ] as [(FilePath, FilePath)])
    func `1.18 #1: a login that is saved by rename is adopted at once, the loser is displaced`(
        link: FilePath, target: FilePath
    ) throws {
        let world = try settledWorld()
        try world.put(target, .file(#"{"token": "stale"}"#).mode(0o600))
        let guardian = try Guardian(world)
        try world.saveByRename(link, #"{"token": "newest"}"#)
        try guardian.wait(for: "adopted", link.lastComponent?.string ?? "")
        #expect(world.link(link) == FilePath("/").appending(target.components))
        #expect(try world.text(target) == #"{"token": "newest"}"#)
        try guardian.stop()
        #expect(try world.displaced().values.contains(#"{"token": "stale"}"#))
        #expect(try world.leftovers() == [])
    }

    @Test func `1.18 #2: plugins in a directory that replaced its link are merged, not removed`() throws {
        let world = try settledWorld(["mnt/agent-data/claude/plugins": ["old": ["plugin.json": "old"]]])
        let guardian = try Guardian(world)
        try world.remove("home/agent/.claude/plugins")
        try world.put("home/agent/.claude/plugins", ["new": ["plugin.json": "new"]])
        try guardian.wait(for: "adopted", ".claude/plugins")
        #expect(try world.text("home/agent/.claude/plugins/new/plugin.json") == "new")
        #expect(try world.text("home/agent/.claude/plugins/old/plugin.json") == "old")
        #expect(world.link("home/agent/.claude/plugins") != nil)
    }

    @Test func `what is wrong before it begins is mended first, and 1.18 #17: a target that vanishes is made again`()
        throws
    {
        let world = try settledWorld()
        try world.save("home/agent/.zshrc", "set before")
        let guardian = try Guardian(world)
        #expect(guardian.count("adopted") == 1)
        #expect(try world.text("mnt/agent-data/shell/zshrc") == "set before")
        try world.remove("mnt/agent-data/claude/settings.json")
        try guardian.wait(for: "made", "claude/settings.json")
        #expect(try world.text("home/agent/.claude/settings.json") == "{}\n")
    }

    @Test func `a file that is written in place is adopted when it is closed, whole`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        try world.remove("home/agent/.zshrc")
        let file = try world.openForWriting("home/agent/.zshrc")
        #expect(write(file, "half", 4) == 4)
        #expect(write(file, " and half", 9) == 9)
        close(file)
        try guardian.wait(for: "adopted", ".zshrc")
        #expect(try world.text("mnt/agent-data/shell/zshrc") == "half and half")
        #expect(world.link("home/agent/.zshrc") == "/mnt/agent-data/shell/zshrc")
        #expect(guardian.count("stored") == 0, "it was not adopted before it was whole")
    }

    @Test func `what an editor writes through its old descriptor is found and adopted, as often as it writes`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let file = try world.openForWriting("home/agent/.vimrc.new")
        #expect(write(file, "one\n", 4) == 4)
        #expect(rename(world.path("home/agent/.vimrc.new").string, world.path("home/agent/.vimrc").string) == 0)
        try guardian.wait(for: "adopted", ".vimrc")
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "one\n")
        for (line, all) in [("two\n", "one\ntwo\n"), ("three\n", "one\ntwo\nthree\n")] {
            #expect(write(file, line, line.utf8.count) == line.utf8.count)
            try guardian.wait(for: "stored", ".vimrc")
            #expect(try world.text("home/agent/.vimrc") == all)
        }
        #expect(pwrite(file, "END\n", 4, 0) == 4)
        close(file)
        try guardian.wait(for: "stored", ".vimrc")
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "END\ntwo\nthree\n")
        try guardian.stop()
        #expect(try world.displaced() == [:], "its own earlier saves are no losers")
    }

    @Test func `a descriptor of a file that was saved anew is let go`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let file = try world.openForWriting("home/agent/.vimrc.new")
        #expect(write(file, "old\n", 4) == 4)
        #expect(rename(world.path("home/agent/.vimrc.new").string, world.path("home/agent/.vimrc").string) == 0)
        try guardian.wait(for: "adopted", ".vimrc")
        try world.save("home/agent/.vimrc", "newer\n")
        try guardian.wait(for: "adopted", ".vimrc")
        #expect(write(file, "late\n", 5) == 5)
        close(file)
        try world.save("home/agent/.zshrc", "another")
        try guardian.wait(for: "adopted", ".zshrc")
        #expect(try world.text("mnt/agent-data/editors/vimrc") == "newer\n")
    }

    @Test func `what somebody wrote through the link meanwhile is kept`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        try world.save("home/agent/.zshrc", "first")
        try guardian.wait(for: "adopted", ".zshrc")
        try Files.write("through the link".utf8, to: world.path("mnt/agent-data/shell/zshrc"))
        try world.save("home/agent/.zshrc", "first")  // what it had saved before, again
        try guardian.wait(for: "displaced", "shell/zshrc")
        #expect(try world.text("mnt/agent-data/shell/zshrc") == "first")
        #expect(try world.displaced().values.contains("through the link"))
    }

    @Test func `a link that was removed comes back, one that leads elsewhere stays`() throws {
        let world = try settledWorld(["home/agent/own": ["zshrc": "mine"]])
        let guardian = try Guardian(world)
        try world.put("home/agent/.zshenv", .link("own/zshrc"))
        try world.remove("home/agent/.zshrc")
        try guardian.wait(for: "linked", ".zshrc")
        #expect(world.link("home/agent/.zshenv") == "own/zshrc")
    }

    // MARK: directories

    @Test func `a first login makes its directory, file and link`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        #expect(!world.exists("home/agent/.gemini"))
        try world.put("home/agent/.gemini/oauth_creds.json", .file(#"{"login": 1}"#).mode(0o644))
        try guardian.wait(for: "adopted", ".gemini/oauth_creds.json")
        #expect(try world.text("mnt/agent-data/gemini/oauth_creds.json") == #"{"login": 1}"#)
        #expect(try world.mode("mnt/agent-data/gemini/oauth_creds.json") == 0o600)
        try world.save("home/agent/.gemini/oauth_creds.json", #"{"login": 2}"#)
        try guardian.wait(for: "adopted", ".gemini/oauth_creds.json")
        #expect(try world.text("mnt/agent-data/gemini/oauth_creds.json") == #"{"login": 2}"#)
    }

    @Test func `a target that appears on the volume gets its link`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        try world.put("mnt/agent-data/gemini/settings.json", "{}")
        try guardian.wait(for: "linked", ".gemini/settings.json")
        #expect(world.link("home/agent/.gemini/settings.json") == "/mnt/agent-data/gemini/settings.json")
    }

    @Test func `a directory that is replaced is watched in its new place`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        #expect(rename(world.path("home/agent/.claude").string, world.path("home/agent/.claude.old").string) == 0)
        try world.put("home/agent/.claude", ["settings.json": #"{"in": "the new directory"}"#])
        try guardian.wait(for: "adopted", ".claude/settings.json")
        for number in 1...3 {
            try world.save("home/agent/.claude/settings.json", "{\"save\": \(number)}")
            try guardian.wait(for: "adopted", ".claude/settings.json")
            #expect(try world.text("mnt/agent-data/claude/settings.json") == "{\"save\": \(number)}")
        }
        try guardian.wait(until: "all links are there again") { world.link("home/agent/.claude/hooks") != nil }
    }

    @Test func `directories that are made one in the other, and filled at once, are not missed`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        for round in 1...20 {
            // At once: in a directory that is emptied bit by bit the guard puts links again.
            #expect(rename(world.path("home/agent/.local").string, world.path(FilePath("old-\(round)")).string) == 0)
            try world.put("home/agent/.local/share/opencode/auth.json", .file("{\"round\": \(round)}").mode(0o600))
            let target: FilePath = "mnt/agent-data/local/share/opencode/auth.json"
            try guardian.wait(until: "round \(round)") { try world.text(target) == "{\"round\": \(round)}" }
        }
    }

    @Test(.rootOnly, .needs("setpriv"))
    func `a parent that is a symlink is told once, and nothing goes through it`() throws {
        let world = try settledWorld()
        try world.put("outside", ["auth.json": "not the agent's"])
        let before = try Snapshot(of: world.path("outside"))
        let guardian = try Guardian(world)
        try world.remove("home/agent/.codex")
        try world.put("home/agent/.codex", .link("/outside"))
        try guardian.wait(for: "failed", ".codex/auth.json")
        try world.save("home/agent/.zshrc", "still at work")
        try guardian.wait(for: "adopted", ".zshrc")
        #expect(try Snapshot(of: world.path("outside")).differences(from: before) == [])
    }

    // MARK: modes and owners

    @Test func `the modes of secrets are put back`() throws {
        let manifest = """
            [[container_symlinks]]
            target = "vault"
            container_link = ".vault"
            flags = "ds"
            """
        let world = try settledWorld(["mnt/agent-data/containai/manifests/vault.toml": .file(manifest)])
        let guardian = try Guardian(world)
        for (path, wrong, right) in [
            ("mnt/agent-data/claude/.credentials.json", 0o644, 0o600), ("mnt/agent-data/codex/auth.json", 0o666, 0o600),
            ("mnt/agent-data/vault", 0o755, 0o700),
        ] as [(FilePath, mode_t, UInt16)] {
            chmod(world.path(path).string, wrong)
            try guardian.wait(for: "mode", path.lastComponent?.string ?? "")
            #expect(try world.mode(path) == right)
        }
    }

    @Test(.rootOnly) func `the owner of a secret is put back`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let place = world.path("mnt/agent-data/codex/auth.json")
        chown(place.string, 0, 0)
        try guardian.wait(for: "owner", "codex/auth.json")
        #expect(try Files.status(place)?.st_uid == World.agent)
    }

    @Test(.rootOnly) func `an owner that does not last is told once and left alone, the second container is named`()
        throws
    {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let place = world.path("mnt/agent-data/codex/auth.json")
        for _ in 0..<3 {
            chown(place.string, 1001, 1001)
            try guardian.wait(for: "owner", "codex/auth.json")
        }
        chown(place.string, 1001, 1001)
        let told = try guardian.wait(for: "noticed", "codex/auth.json")
        #expect(told["sentence"].text?.contains("another container uses this volume") == true, "\(told)")
        #expect(try Files.status(place)?.st_uid == 1001)
        let events = try guardian.stop()
        #expect(events.count { $0["event"].text == "owner" } == 3, "\(events)")
    }

    @Test(.rootOnly) func `guards of two containers that displace in turn keep all of it under one run`() throws {
        let (one, other) = (try settledWorld(), try settledWorld())
        let bind = #"mount --bind "$1" "$2"; shift 2; exec "$@""#
        let first = try Guardian(one)
        let second = try Guardian(
            other,
            wrapper: ["unshare", "--mount", "--propagation", "private", "--", "sh", "-euc", bind, "sh"]
                + [one.volume.string, other.volume.string])
        let link = FilePath("home/agent/.zshrc")
        for number in 0..<8 {
            try one.saveByRename(link, "one \(number)")
            try first.wait(for: "adopted", ".zshrc")
            try other.saveByRename(link, "other \(number)")
            try second.wait(for: "adopted", ".zshrc")
        }
        try first.stop()
        try second.stop()
        let all = try Files.names(one.path("mnt/agent-data/.containai/displaced"))
        let runs = all.filter { $0.string.hasSuffix("-guard") }
        #expect(runs.count == 1, "\(runs)")
        let kept = try one.displaced().values
        for number in 0..<8 {
            #expect(kept.contains("one \(number)"), "\(kept)")
            #expect(number == 7 || kept.contains("other \(number)"), "\(kept)")
        }
    }

    @Test func `a mode that does not last is told once and left alone`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let place = world.path("mnt/agent-data/codex/auth.json")
        for _ in 0..<3 {
            chmod(place.string, 0o644)
            try guardian.wait(for: "mode", "codex/auth.json")
        }
        chmod(place.string, 0o644)
        let told = try guardian.wait(for: "noticed", "codex/auth.json")
        #expect(told["sentence"].text?.contains("changes back after each correction") == true, "\(told)")
        let events = try guardian.stop()
        #expect(events.count { $0["event"].text == "mode" } == 3, "\(events)")
    }

    // MARK: manifests

    @Test func `a manifest that the user writes is followed at once, one that is broken is told`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world)
        let manifest = """
            [[entries]]
            source = ".mytool/config"
            target = "mytool/config"
            container_link = ".mytool/config"
            flags = "f"
            """
        try world.put("mnt/agent-data/containai/manifests/mine.toml", .file(manifest))
        try guardian.wait(for: "reloaded")
        try guardian.wait(for: "linked", ".mytool/config")
        try world.save("home/agent/.mytool/config", "saved")
        try guardian.wait(for: "adopted", ".mytool/config")
        #expect(try world.text("mnt/agent-data/mytool/config") == "saved")
        try world.put("mnt/agent-data/containai/manifests/broken.toml", "[[entries]\n")
        try guardian.wait(until: "the broken one is told") {
            guardian.events.contains { $0["path"].text?.contains("broken.toml:1:") ?? false }
        }
    }

    @Test(.rootOnly) func `1.18 #16: a specification that the agent wrote leads nowhere`() throws {
        let world = try settledWorld(["etc/shadow": .file("root's").mode(0o600).owned(by: 0)])
        let guardian = try Guardian(world)
        try world.put(
            "mnt/agent-data/containai/user-link-spec.json",
            """
            {"home_dir": "/home/agent", "data_mount": "/mnt/agent-data", "links": [
              {"link": "/home/agent/../../etc/shadow", "target": "/mnt/agent-data/x", "remove_first": true},
              {"link": "/etc/shadow", "target": "/mnt/agent-data/x", "remove_first": true}, null, {"link": null}]}
            """)
        try guardian.wait(for: "reloaded")
        try world.save("home/agent/.zshrc", "still at work")
        try guardian.wait(for: "adopted", ".zshrc")
        #expect(try world.text("etc/shadow") == "root's")
        #expect(!world.exists("home/agent/null"))
    }

    @Test func `1.18 #18: a conflict that nobody can mend is told once and costs nothing after that`() throws {
        let world = try settledWorld()
        let guardian = try Guardian(world, environment: ["CAI_LINK_SCAN_SECONDS=1"])
        try world.remove("home/agent/.zshrc")
        try world.put("home/agent/.zshrc", .fifo)
        try guardian.wait(for: "failed", ".zshrc")
        for number in 1...3 {
            try world.save("home/agent/.zshenv", "save \(number)")
            try guardian.wait(for: "adopted", ".zshenv")
        }
        try guardian.stop()
        #expect(guardian.count("failed") == 1, "\(guardian.events)")
    }
}

extension World {
    /// Opens a new file of the agent's for writing.
    func openForWriting(_ path: FilePath) throws -> Int32 {
        let place = self.path(path)
        let file = open(place.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if file < 0 { throw FileTrouble("open", place, errno) }
        if World.isRoot { fchown(file, World.agent, World.agent) }
        return file
    }
}

import CaiTestSupport
import SystemPackage
import Testing

/// One state of predecessors 1.11: how a settled world comes into it, and what is said and done about it.
struct LinkCase: Sendable, CustomTestStringConvertible {
    let state: String
    let link: FilePath
    let line: String
    /// Whether repair mends it.
    var isMended = true
    /// Lines that a repair prints beside the state and `[FIXED]`.
    var effects: [String] = []
    /// How many other links are right: one more for an optional entry, which a settled world does not link.
    var others = 54
    let happen: @Sendable (World) throws -> Void

    var testDescription: String { state }
}

private let vimrc: FilePath = "home/agent/.vimrc"
private let agents: FilePath = "home/agent/.agents"

private let cases: [LinkCase] = [
    LinkCase(
        state: "broken", link: vimrc,
        line: "[BROKEN] /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc (dangling symlink)"
    ) { try $0.remove("mnt/agent-data/editors/vimrc") },
    LinkCase(
        state: "wrong_target", link: vimrc,
        line: "[WRONG_TARGET] /home/agent/.vimrc -> dotfiles/vimrc (expected: /mnt/agent-data/editors/vimrc)"
    ) { try $0.put(vimrc, .link("dotfiles/vimrc")) },
    LinkCase(
        state: "exists_dir", link: "home/agent/.vim",
        line: "[EXISTS_DIR] /home/agent/.vim is a directory (will remove with R flag)",
        effects: ["[ADOPTED] /home/agent/.vim -> /mnt/agent-data/editors/vim"]
    ) { try $0.put("home/agent/.vim", ["colors": ["own.vim": "hi"]]) },
    LinkCase(
        state: "conflict", link: agents,
        line: "[CONFLICT] /home/agent/.agents exists as directory (no R flag - cannot fix)", isMended: false
    ) { try $0.put(agents, ["one.md": "one"]) },
    LinkCase(
        state: "exists_file", link: vimrc,
        line: "[EXISTS_FILE] /home/agent/.vimrc is a regular file (will replace)",
        effects: ["[ADOPTED] /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc"]
    ) { try $0.put(vimrc, "set nu\n") },
    LinkCase(
        state: "exists_file", link: "home/agent/.gemini/oauth_creds.json",
        line: "[EXISTS_FILE] /home/agent/.gemini/oauth_creds.json is a regular file (will replace)",
        effects: ["[ADOPTED] /home/agent/.gemini/oauth_creds.json -> /mnt/agent-data/gemini/oauth_creds.json"],
        others: 55
    ) { try $0.put("home/agent/.gemini", ["oauth_creds.json": "{}"]) },
    LinkCase(
        state: "missing", link: vimrc, line: "[MISSING] /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc"
    ) { try $0.remove(vimrc) },
    LinkCase(
        state: "bad_target", link: vimrc,
        line: "[BROKEN] /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc "
            + "(the target is a FIFO where a file or directory belongs)",
        isMended: false
    ) { try $0.put("mnt/agent-data/editors/vimrc", .fifo) },
    LinkCase(
        state: "bad_target", link: vimrc,
        line: "[BROKEN] /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc "
            + "(the target is a symlink that leads nowhere)",
        isMended: false
    ) { try $0.put("mnt/agent-data/editors/vimrc", .link("vimrc")) },
    LinkCase(
        state: "bad_target", link: vimrc,
        line: "[BROKEN] /home/agent/.vimrc -> /mnt/agent-data/editors/vimrc "
            + "(the target is a directory where a file belongs)",
        isMended: false
    ) { try $0.put("mnt/agent-data/editors/vimrc", ["x": "x"]) },
    LinkCase(
        state: "special", link: vimrc, line: "[CONFLICT] /home/agent/.vimrc exists as FIFO (cannot fix)",
        isMended: false
    ) { try $0.put(vimrc, .fifo) },
]

@Suite struct `Links, state by state (1.11)` {
    @Test(arguments: cases) func `check names the state, exits 1 and writes nothing`(_ link: LinkCase) throws {
        let world = try settledWorld()
        try link.happen(world)
        let before = try world.snapshot()
        let check = try world.cai("links", "check")
        #expect(check.code == 1, "\(check)")
        #expect(check.output.split(separator: "\n").first.map(String.init) == link.line)
        #expect(check.output.contains("=== Link Status Summary ===\n  OK: \(link.others)\n"), "\(check)")
        let json = try world.cai("links", "check", "--json")
        #expect(json.code == 1 && json.json.linkState("/" + link.link.string) == link.state, "\(json)")
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: cases) func `repair mends what it says it mends`(_ link: LinkCase) throws {
        let world = try settledWorld()
        try link.happen(world)
        let repair = try world.cai("links", "repair")
        #expect(repair.code == (link.isMended ? 0 : 1), "\(repair)")
        let lines = repair.output.split(separator: "\n").map(String.init)
        #expect(lines.first == link.line)
        for effect in link.effects { #expect(lines.contains(effect), "\(repair)") }
        #expect(lines.contains { $0.hasPrefix("[FIXED] /\(link.link) -> /mnt/agent-data/") } == link.isMended)
        #expect(lines.contains("  Fixed: \(link.isMended ? 1 : 0)"), "\(repair)")
        #expect(lines.contains("  Errors: \(link.isMended ? 0 : 1)"), "\(repair)")
        #expect(try world.cai("links", "check").code == (link.isMended ? 0 : 1))
        if link.isMended { #expect(try Files.status(world.resolved(link.link)) != nil) }
    }

    @Test(arguments: cases) func `the preview equals the effect and the second repair is empty`(_ link: LinkCase) throws
    {
        let world = try settledWorld()
        try link.happen(world)
        try expectPromises(["links", "repair"], on: world)
    }

    @Test(arguments: cases) func `the dry run announces every change and makes none`(_ link: LinkCase) throws {
        let world = try settledWorld()
        try link.happen(world)
        let before = try world.snapshot()
        let preview = try world.cai("links", "repair", "--dry-run")
        #expect(preview.code == (link.isMended ? 0 : 1))
        #expect(preview.output.contains("[WOULD] ") == link.isMended, "\(preview)")
        #expect(preview.output.contains("=== Dry-Run Summary ==="))
        #expect(preview.output.contains("  Would fix: \(link.isMended ? 1 : 0)\n"))
        #expect(try world.snapshot().differences(from: before) == [])
    }

    @Test(arguments: cases) func `quiet says nothing on standard output, and errors on standard error`(_ link: LinkCase)
        throws
    {
        let world = try settledWorld()
        try link.happen(world)
        let check = try world.cai("links", "check", "--quiet")
        #expect(check.code == 1 && check.output.isEmpty, "\(check)")
        #expect(check.errors.isEmpty == link.isMended, "\(check)")
    }
}

@Suite struct `Links as a whole` {
    @Test func `a settled world is all OK: exit 0 and no state line`() throws {
        let world = try settledWorld()
        let check = try world.cai("links", "check")
        #expect(check.code == 0)
        #expect(
            check.output == "=== Link Status Summary ===\n  OK: 55\n  Broken: 0\n  Missing: 0\n  Errors: 0\n",
            "\(check)")
        #expect(check.errors.isEmpty)
    }

    @Test func `a fresh volume misses all 55 links, and one repair puts them`() throws {
        let world = try World()
        #expect(try world.cai("links", "check").output.contains("  Missing: 55\n"))
        let repair = try expectPromises(["links", "repair"], on: world)
        #expect(repair.code == 0 && repair.json["summary"]["fixed"].number == 55, "\(repair)")
        #expect(try world.cai("links", "check").code == 0)
    }

    @Test func `repairs that run at once leave their time one after the other`() throws {
        let world = try settledWorld()
        // As if an import had come after every repair: each of them is to write its time.
        try world.put("mnt/agent-data/.containai-imported-at", "9999-01-01T00:00:00Z\n")
        let repair = [cai, "links", "repair", "--root", world.root.string]
        for _ in 0..<8 {
            let repairs = try (0..<8).map { _ in try Running(repair) }
            for each in repairs {
                let complaint = try each.errorRest()
                #expect(try each.end() == .exited(0) && complaint.isEmpty, "\(complaint)")
            }
        }
        #expect(try world.leftovers() == [])
    }

    @Test func `a repair without errors leaves its time, a check does not`() throws {
        let world = try World()
        _ = try world.cai("links", "check")
        #expect(!world.exists("mnt/agent-data/.containai-links-checked-at"))
        _ = try world.cai("links", "repair", "--dry-run")
        #expect(!world.exists("mnt/agent-data/.containai-links-checked-at"))
        _ = try world.cai("links", "repair")
        let stamp = try world.text("mnt/agent-data/.containai-links-checked-at")
        #expect(stamp.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n/) != nil, "\(stamp)")
    }

    @Test func `a repair that could not mend everything leaves no time`() throws {
        let world = try World(["home/agent/.agents": ["a": "b"]])
        #expect(try world.cai("links", "repair").code == 1)
        #expect(!world.exists("mnt/agent-data/.containai-links-checked-at"))
    }

    @Test func `an import after the last check makes the next repair leave its time again`() throws {
        let world = try settledWorld(["mnt/agent-data/.containai-imported-at": "2999-01-01T00:00:00Z\n"])
        try world.put("mnt/agent-data/.containai-links-checked-at", "2001-01-01T00:00:00Z\n")
        _ = try world.cai("links", "repair")
        #expect(try world.text("mnt/agent-data/.containai-links-checked-at") > "2020")
    }

    @Test func `fix is another word for repair`() throws {
        let world = try World()
        #expect(try world.cai("links", "fix", "--quiet").code == 0)
        #expect(try world.cai("links", "check").code == 0)
    }
}

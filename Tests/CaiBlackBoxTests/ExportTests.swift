import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let volume: Item = [
    "mnt/agent-data": [
        "claude": [
            "settings.json": .file("{\"a\":1}").mode(0o600).later(by: 5), "projects": ["p.jsonl": "old work\n"],
            "claude.json": .file("SECRET token").mode(0o600), "plugins": ["a": "plugin\n", "b": .link("a")],
            "statsig": ["s": "cache\n"],
        ],
        ".env": .file("TOKEN=SECRET\n").mode(0o600), "notes": ["n.txt": "note\n"],
        ".containai": ["displaced": ["old": "displaced\n"]], ".containai-imported-at": "2026-01-01T00:00:00Z\n",
    ]
]

private func list(_ archive: FilePath) throws -> [String] {
    let told = try Command.run(["tar", "-tf", archive.string])
    #expect(told.code == 0, "\(told)")
    return told.output.split(separator: "\n").map(String.init)
}

@Suite struct `cai export` {
    @Test func `writes an archive of the usual name into the current directory, and answers with its path`() throws {
        let world = try World(volume)
        try world.put("/out", [:])
        let before = try Snapshot(of: world.volume)
        let out = world.path("/out")
        let answer = try world.cai(
            "export", environment: ["TZ": "UTC", "SOURCE_DATE_EPOCH": "1700000000"],
            wrapper: ["env", "-C", out.string])
        #expect(answer.code == 0, "\(answer)")
        #expect(answer.output == "\(out)/containai-export-20231114-221320.tgz\n", "\(answer)")
        #expect(try Files.names(out) == ["containai-export-20231114-221320.tgz"])
        let archive = out.appending("containai-export-20231114-221320.tgz")
        #expect(try Files.status(archive)?.st_mode == 0o100600)
        #expect(try list(archive).first == ".containai-manifest.json")
        #expect(try Snapshot(of: world.volume).differences(from: before) == [])
    }

    @Test(
        arguments: [
            ("out/", "out/containai-export-", nil), ("out", "out/containai-export-", nil),
            ("out/x.tgz", "out/x.tgz", nil),
            ("out/x.tar.zst", "out/x.tar.zst", nil), ("missing/x.tgz", nil, "Output directory doesn't exist: "),
            ("missing/", nil, "Output directory doesn't exist: "),
            ("etc/passwd/x", nil, "Output directory doesn't exist: "),
            ("out/pipe", nil, "is not a regular file"),
        ] as [(String, String?, String?)])
    func `takes a file, a directory, or a path that ends with a slash`(
        named: String, made: String?, says: String?
    ) throws {
        let world = try World(volume)
        try world.put("/out", [:])
        try world.put("/out/pipe", .fifo)
        let answer = try world.cai("export", "-o", world.root.string + "/" + named)
        if let made {
            #expect(answer.code == 0 && answer.output.hasPrefix("\(world.root)/\(made)"), "\(answer)")
            #expect(Files.exists(FilePath(String(answer.output.dropLast()))))
        } else {
            #expect(answer.code == 1 && answer.output.isEmpty && answer.errors.contains(says ?? "?"), "\(answer)")
            #expect(try Files.names(world.path("/out")) == ["pipe"])
        }
    }

    @Test(arguments: ["tar -xf", "bsdtar -xf", "python"], ["tgz", "tar.zst"])
    func `is read by other programs, all names, modes, times, links and contents`(reader: String, form: String) throws {
        if reader == "python", form != "tgz" { return }  // this Python knows no zstd
        let world = try World(volume)
        try world.put(
            "/mnt/agent-data/long", .directory([(FilePath(String(repeating: "n", count: 200)), .file("long\n"))]))
        try world.put("/mnt/agent-data/hard", .hardLink(to: "/mnt/agent-data/notes/n.txt"))
        try world.put("/mnt/agent-data/holes", .sparse(size: 8 << 20, end: "end"))
        try world.put("/mnt/agent-data/name with spaces and ü", "x")
        try world.put("/to", [:])
        let answer = try world.cai("export", "--no-excludes", "-o", world.root.string + "/a." + form)
        #expect(answer.code == 0, "\(answer)")
        let arguments =
            reader == "python"
            ? ["python3", "-c", "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])"]
            : ["env", "LC_ALL=C.UTF-8", "sh", "-c", #"cd "$2" && \#(reader) "$1""#, "sh"]
        let read = try Command.run(arguments + ["\(world.root)/a.\(form)", world.path("/to").string])
        #expect(read.code == 0 && read.errors.isEmpty, "\(read)")
        let (before, after) = (try Snapshot(of: world.volume), try Snapshot(of: world.path("/to")))
        for (path, fact) in before.facts
        where !path.isEmpty && path.components.first?.string.hasPrefix(".containai") == false {
            let other = try #require(after.facts[path], "\(path.shown)")
            #expect(other.kind == fact.kind && other.mode == fact.mode && other.digest == fact.digest, "\(path.shown)")
            // Python keeps times as floating point numbers, and sets none of links.
            if reader == "python", fact.kind == .link { continue }
            #expect(abs(other.modified - fact.modified) < 1_000, "\(path.shown)")
            #expect(
                other.linkText == fact.linkText && other.size == fact.size || fact.kind == .directory, "\(path.shown)")
        }
        #expect(after.facts["hard"]?.inode == after.facts["notes/n.txt"]?.inode)
        #expect((try Files.status(world.path("/to/holes"))?.st_blocks ?? .max) * 512 < 1 << 20)
    }

    @Test(
        arguments: [
            ([], [".env", "claude/claude.json", "claude/projects/p.jsonl"], ["claude/statsig/s"]),
            (["--no-excludes"], ["claude/projects/p.jsonl", "claude/statsig/s"], []),
            (["--no-secrets"], ["claude/settings.json", "notes/n.txt"], [".env", "claude/claude.json"]),
        ] as [([String], [String], [String])])
    func `leaves out what it is told to, and always its own records`(
        flags: [String], present: [String], absent: [String]
    ) throws {
        let world = try World(volume)
        let answer = try world.cai(["export", "-o", world.root.string + "/a.tgz"] + flags)
        #expect(answer.code == 0, "\(answer)")
        let names = try list(world.path("/a.tgz"))
        for name in present { #expect(names.contains(name), "\(name): \(names)") }
        for name in absent { #expect(!names.contains(name), "\(name): \(names)") }
        #expect(names.filter { $0.hasPrefix(".containai") } == [".containai-manifest.json"])
        #expect(!answer.everything.contains("SECRET"))
    }

    @Test func `goes to standard output as a stream that only holds the archive`() throws {
        let world = try World(volume)
        let answer = try Command.run([
            "/bin/sh", "-c", #""$1" export -o - --json --root "$2" > "$2/a.tgz""#, "sh", Command.binary.string,
            world.root.string,
        ])
        #expect(answer.code == 0 && answer.errors.contains("\"files\" : 6"), "\(answer)")
        #expect(try list(world.path("/a.tgz")).contains("claude/settings.json"))
    }

    @Test func `does not store itself, and replaces an archive of the same name`() throws {
        let world = try World(volume)
        let place = world.volume.appending("a.tgz")
        for _ in 0..<2 {
            let answer = try world.cai("export", "-o", place.string)
            #expect(answer.code == 0, "\(answer)")
            #expect(try Files.names(world.volume).filter { $0.string.contains("part") } == [])
        }
        #expect(try list(place).contains("notes/n.txt"))
    }

    @Test(.enabled(if: World.isRoot, "only root can take a file away from the agent"))
    func `names what cannot be read, stores the rest and exits with 1`() throws {
        let world = try World(volume)
        try world.put("/mnt/agent-data/roots", .file("x").mode(0o600).owned(by: 0))
        try world.put("/mnt/agent-data/socket", .socket)
        let answer = try world.cai("export", "-o", world.root.string + "/a.tgz")
        #expect(answer.code == 1, "\(answer)")
        #expect(answer.errors.contains("[ERROR] \(world.volume)/roots: was left out"), "\(answer)")
        #expect(answer.errors.contains("sockets, FIFOs and devices: 1 entry"), "\(answer)")
        let names = try list(world.path("/a.tgz"))
        #expect(names.contains("notes/n.txt") && !names.contains("roots"))
    }

    /// A call that fails, and the exit code.
    private static let faults: [(String, Int)] = [
        ("write:error=ENOSPC:when=1", 1), ("write:error=EIO:when=1+", 1), ("fsync:error=EIO", 1),
        ("fsync:error=ENOSPC", 1),
        ("linkat:error=EROFS", 1), ("linkat:error=EACCES", 77), ("renameat2:error=EROFS", 1),
        ("renameat2:error=EACCES", 77),
        ("write:signal=KILL:when=1", 137), ("fsync:signal=KILL", 137), ("linkat:signal=KILL", 137),
        ("renameat2:signal=KILL", 137),
    ]

    @Test(.needs("strace"), arguments: faults, [false, true])
    func `that fails or is killed leaves nothing under the name, or what was there`(
        fault: (String, Int), replaces: Bool
    ) throws {
        let world = try World(volume)
        try world.put("/out", replaces ? ["a.tgz": "the archive of yesterday"] : [:])
        let call = String(fault.0.prefix { $0 != ":" })
        // Without an answer and without talk every write is one of the archive.
        let answer = try world.cai(
            "export", "-o", world.root.string + "/out/a.tgz",
            wrapper: ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(fault.0)"])
        #expect(answer.code == fault.1, "\(answer)")
        let left = try Files.names(world.path("/out")).filter { $0 != "a.tgz" }
        // Only who is killed between the two calls that give the name leaves a complete archive under another.
        #expect(left.isEmpty || fault.0 == "renameat2:signal=KILL", "\(left)")
        if replaces {
            #expect(try Files.text(world.path("/out/a.tgz")) == "the archive of yesterday")
        } else {
            #expect(!world.exists("/out/a.tgz"))
        }
        let again = try world.cai("export", "-o", world.root.string + "/out/a.tgz")
        #expect(again.code == 0, "\(again)")
        #expect(try list(world.path("/out/a.tgz")).contains("notes/n.txt"))
    }
}

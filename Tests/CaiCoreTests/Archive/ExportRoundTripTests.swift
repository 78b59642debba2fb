import CaiModel
import CaiPlatform
import CaiTestSupport
import Glibc
import SystemPackage
import Testing

@testable import CaiCore

/// A volume to export, and where its archives go.
struct ExportPlace {
    let scratch: Scratch
    let volume: FilePath
    let unpacking: UnpackingPlace

    init() throws {
        scratch = try Scratch()
        volume = scratch.directory("mnt/agent-data")
        scratch.directory("home/agent")
        scratch.directory("out")
        unpacking = try UnpackingPlace()
    }

    func export(
        _ format: ArchiveFormat = .tgz, _ choice: ExportChoice = ExportChoice(excludes: .none)
    ) throws -> ExportReport {
        let machine = try Machine(
            root: try Directory.open(scratch.path), layout: Layout(home: "/home/agent", volume: "/mnt/agent-data"),
            owner: Owner(uid: geteuid(), gid: getegid()))
        let target = try ExportTarget(
            scratch.absolute("out").string + "/", name: "archive.\(format.rawValue)", workshop: "/tmp")
        let job = ExportJob(
            machine, choice: choice, format: format, created: Timestamp(secondsSinceEpoch: 1_750_000_000))
        let report = try job.run(to: target) { _ in }
        try target.finish()
        return report
    }
}

@Suite struct `An export` {
    @Test(arguments: ArchiveFormat.allCases)
    func `is unpacked to the same volume, and exported again to the same bytes`(format: ArchiveFormat) throws {
        let place = try ExportPlace()
        try fill(place)
        let report = try place.export(format)
        #expect(report.findings.isEmpty, "\(report.findings)")
        let first = try Files.read(report.path)
        let archive = try place.unpacking.unpack(report.path)
        #expect(archive.origin == .export && archive.layout == RecognisedLayout(layout: .volume))
        #expect(archive.manifest?.entries.count == archive.members.count)
        let (before, after) = (try Snapshot(of: place.volume), try Snapshot(of: place.unpacking.stagingPath))
        for (path, fact) in before.facts where !path.isEmpty {
            let other = try #require(after.facts[path], "\(path.shown)")
            #expect(other.kind == fact.kind && other.mode == fact.mode && other.digest == fact.digest, "\(path.shown)")
            #expect(other.linkText == fact.linkText && other.modified == fact.modified, "\(path.shown)")
        }
        #expect(after.facts.count == before.facts.count)
        #expect(after.facts["claude/one"]?.inode == after.facts["claude/two"]?.inode)
        #expect(Files.attribute("user.test", of: place.unpacking.stagingPath.appending("claude/one")) == "value")
        #expect(
            (try Files.status(place.unpacking.stagingPath.appending("claude/holes"))?.st_blocks ?? .max) * 512 < 1 << 20
        )

        try Files.remove(place.volume)
        rename(place.unpacking.stagingPath.string, place.volume.string)
        #expect(try Files.read(try place.export(format).path) == first)
    }

    private func fill(_ place: ExportPlace) throws {
        let volume = place.volume
        place.scratch.directory("mnt/agent-data/claude", mode: 0o750)
        place.scratch.directory("mnt/agent-data/empty", mode: 0o700)
        try place.scratch.file("mnt/agent-data/claude/secret", "secret", mode: 0o600)
        try place.scratch.file("mnt/agent-data/claude/one", String(repeating: "content\n", count: 9_000))
        place.scratch.hardLink("mnt/agent-data/claude/two", to: "mnt/agent-data/claude/one")
        place.scratch.link("mnt/agent-data/claude/link", to: "../large")
        try place.scratch.file("mnt/agent-data/claude/ünï\nwith a line break", "text")
        try place.scratch.file("mnt/agent-data/large", String(repeating: "0123456789abcdef", count: 400_000))
        let holes = try place.scratch.file("mnt/agent-data/claude/holes", "begin")
        truncate(holes.string, 8 << 20)
        truncate(try place.scratch.file("mnt/agent-data/only-holes").string, 1 << 20)
        try Files.setAttribute("user.test", "value", of: volume.appending("claude/one"))
        let long = String(repeating: "long", count: 50)
        place.scratch.directory("mnt/agent-data/\(long)/\(long)")
        try place.scratch.file("mnt/agent-data/\(long)/\(long)/\(long)", "deep")
        try Files.write([1], to: volume.appending(FilePath(bytes: [0x62, 0xFF]).components))
        for (number, path) in try Snapshot(of: volume).facts.keys.enumerated() {
            try Files.setTime(
                volume.appending(path.components), 1_600_000_000_000_000_000 + Int64(number) * 1_000_000_007)
        }
    }

    /// Changes to an archive of ours that keep it a right tar.
    private static let forgeries: [(what: String, script: String, says: String)] = [
        (
            "another content", "m, d = e['claude/a']; e['claude/a'] = (m, b'X' * m.size)",
            "member claude/a is not what was exported"
        ),
        ("another mode", "e['claude/a'][0].mode = 0o777", "member claude/a has another mode"),
        ("a file less", "del e['claude/b']", "member claude/b is in the manifest, and missing"),
        (
            "a file more", "m = tarfile.TarInfo('claude/evil'); m.size = 1; e['claude/evil'] = (m, b'x')",
            "member claude/evil is not in the archive's manifest"
        ),
        (
            "a link in place of a file",
            "m, d = e['claude/a']; m.type = tarfile.SYMTYPE; m.linkname = '/etc/passwd'; m.size = 0",
            "member claude/a is something else"
        ),
        (
            "a manifest of another form",
            "m, d = e['.containai-manifest.json']; d = d.replace(b'schema\":1', b'schema\":9'); e['.containai-manifest.json'] = (m, d)",
            "has the form 9"
        ),
        (
            "a manifest that is cut off",
            "m, d = e['.containai-manifest.json']; m.size = 100; e['.containai-manifest.json'] = (m, d[:100])",
            "is not complete"
        ),
        (
            "a manifest with a wrong checksum",
            "m, d = e['.containai-manifest.json']; i = d.index(b'sha256') + 9; e['.containai-manifest.json'] = (m, d[:i] + (b'0' if d[i:i+1] != b'0' else b'1') + d[i+1:])",
            "is not what was exported"
        ),
    ]

    @Test(arguments: forgeries.indices) func `that was changed is refused by the name of the member`(index: Int) throws
    {
        let forgery = Self.forgeries[index]
        let place = try ExportPlace()
        place.scratch.directory("mnt/agent-data/claude")
        try place.scratch.file("mnt/agent-data/claude/a", "the first")
        try place.scratch.file("mnt/agent-data/claude/b", "the second")
        let report = try place.export()
        let forged = place.scratch.absolute("forged.tgz")
        let script = """
            import sys, tarfile, io
            e = {}
            with tarfile.open(sys.argv[1]) as t:
                for m in t: e[m.name] = (m, t.extractfile(m).read() if m.isreg() else None)
            \(forgery.script)
            with tarfile.open(sys.argv[2], "w:gz") as t:
                for m, d in e.values(): t.addfile(m, io.BytesIO(d) if d is not None and m.isreg() else None)
            """
        let made = try Command.run(["python3", "-c", script, report.path.string, forged.string])
        #expect(made.code == 0, "\(made)")
        do {
            _ = try place.unpacking.unpack(forged)
            Issue.record("it was unpacked: \(forgery.what)")
        } catch let problem as ArchiveProblem {
            #expect(problem.description.contains(forgery.says), "\(forgery.what): \(problem)")
        }
        #expect(try place.unpacking.isEmpty())
    }

    @Test func `of files that are rewritten and appended to all the time holds each as it was at one moment`() throws {
        let place = try ExportPlace()
        place.scratch.directory("mnt/agent-data/still")
        for number in 0..<50 { try place.scratch.file("mnt/agent-data/still/\(number)", "still \(number)") }
        // Every save is one letter throughout; the log has whole lines, and only grows. Both are larger than what is read
        // at once.
        let writer = try Running([
            "python3", "-c",
            """
            import os, sys, threading
            v = sys.argv[1]
            def save(name, size):
                n = 0
                while True:
                    n += 1
                    with open(v + "/tmp-" + name, "wb") as f: f.write(bytes([65 + n % 26]) * size)
                    os.rename(v + "/tmp-" + name, v + "/" + name)
            def log():
                with open(v + "/log", "ab", buffering=0) as f:
                    while f.tell() < 30000000: f.write(b"a whole line of the log\\n" * 100)
            save_one = threading.Thread(target=save, args=("small", 300000), daemon=True); save_one.start()
            threading.Thread(target=save, args=("large", 6000000), daemon=True).start()
            threading.Thread(target=log, daemon=True).start()
            while not all(os.path.exists(v + "/" + n) for n in ("small", "large", "log")): pass
            print("ready", flush=True)
            sys.stdin.read()
            """, place.volume.string,
        ])
        #expect(try writer.line() == "ready")
        for _ in 0..<5 {
            let report = try place.export()
            #expect(report.findings.isEmpty, "\(report.findings)")
            _ = try place.unpacking.unpack(report.path)
            for (name, size) in [("small", 300_000), ("large", 6_000_000)] {
                let bytes = try Files.read(place.unpacking.stagingPath.appending(name))
                #expect(bytes.count == size && Set(bytes).count == 1, "\(name) is torn: \(bytes.count) \(Set(bytes))")
            }
            let log = try Files.read(place.unpacking.stagingPath.appending("log"))
            let text = Array("a whole line of the log\n".utf8)
            #expect(log.count > 0 && (0..<log.count).allSatisfy { log[$0] == text[$0 % text.count] })
            for name in try Files.names(place.unpacking.stagingPath) {
                try Files.remove(place.unpacking.stagingPath.appending(name.components))
            }
        }
        writer.closeInput()
    }

    @Test func `reads a file again when it changed while it was read, and gives it up at the fifth time`() throws {
        let place = try ExportPlace()
        let file = try place.scratch.file("mnt/agent-data/restless", "0")
        let volume = try Directory.open(place.volume)
        var saves = 0
        for changes in [0, 1, 4, 9, 10] {
            var count = 0
            let content = try? StableReading.read("restless", in: volume) { _ in
                if count < changes {
                    count += 1
                    saves += 1
                    try Files.write(Array("\(saves)".utf8), to: file)
                }
            } restart: {
            }
            // Each attempt reads once for the content, which changes it; what is read once more does not.
            #expect((content != nil) == (changes < StableReading.attempts), "\(changes) changes")
        }
    }

    @Test(arguments: ["wal", "delete", "truncate", "persist"])
    func `of a database that somebody commits to all the time holds whole transactions`(mode: String) throws {
        let place = try ExportPlace()
        let writer = try Running([
            "python3", "-c",
            """
            import sqlite3, sys, threading
            c = sqlite3.connect(sys.argv[1] + "/agent.db", timeout=30, isolation_level=None, check_same_thread=False)
            c.execute("pragma journal_mode = \(mode)")
            c.execute("pragma wal_autocheckpoint = 20")
            c.execute("pragma synchronous = off")
            c.execute("create table t (n integer, side integer, filler text)")
            def work():
                n = 0
                while True:
                    n += 1
                    c.execute("begin immediate")
                    for side in (0, 1): c.execute("insert into t values (?, ?, ?)", (n, side, "x" * (n % 3000)))
                    c.execute("delete from t where n < ?", (n - 200,))
                    c.execute("commit")
                    if n == 20: print("ready", flush=True)
            threading.Thread(target=work, daemon=True).start()
            sys.stdin.read()
            """, place.volume.string,
        ])
        #expect(try writer.line() == "ready")
        var last = 0
        for _ in 0..<8 {
            let report = try place.export()
            #expect(report.findings.isEmpty, "\(report.findings)")
            let archive = try place.unpacking.unpack(report.path)
            #expect(!archive.members.contains { $0.path.string.hasSuffix("-shm") })
            let checked = try Command.run([
                "python3", "-c",
                """
                import sqlite3, sys
                c = sqlite3.connect(sys.argv[1] + "/agent.db")
                print(c.execute("pragma integrity_check").fetchone()[0],
                      c.execute("select count(*) from (select n from t group by n having count(*) != 2)").fetchone()[0],
                      c.execute("select max(n) from t").fetchone()[0])
                """, place.unpacking.stagingPath.string,
            ])
            let answer = checked.output.split(whereSeparator: \.isWhitespace).map(String.init)
            #expect(answer.count == 3 && answer[0] == "ok" && answer[1] == "0", "\(checked)")
            let newest = Int(answer.last ?? "") ?? 0
            #expect(newest >= last)
            last = newest
            for name in try Files.names(place.unpacking.stagingPath) {
                try Files.remove(place.unpacking.stagingPath.appending(name.components))
            }
        }
        writer.closeInput()
    }
}

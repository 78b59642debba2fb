import CaiCore
import CaiModel
import CaiPlatform
import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// How another program makes an archive, and what that form cannot hold.
struct ForeignForm: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// A shell command that runs in the tree and writes the archive to standard output.
    let command: String
    var keepsLongNames = true
    var keepsNanoseconds = false
    var keepsHoles = false
    var keepsAttributes = false

    static let table: [ForeignForm] = [
        ForeignForm(testDescription: "GNU tar, v7", command: "tar -cf - --format=v7 .", keepsLongNames: false),
        ForeignForm(testDescription: "GNU tar, ustar", command: "tar -cf - --format=ustar .", keepsLongNames: false),
        ForeignForm(testDescription: "GNU tar, its own form", command: "tar -cf - --format=gnu ."),
        ForeignForm(
            testDescription: "GNU tar, its old form", command: "tar -cf - --format=oldgnu -S .", keepsHoles: true),
        ForeignForm(
            testDescription: "GNU tar, its own form, sparse", command: "tar -cf - --format=gnu -S .", keepsHoles: true),
        ForeignForm(
            testDescription: "GNU tar, pax with attributes", command: "tar -cf - --format=posix --xattrs .",
            keepsNanoseconds: true, keepsAttributes: true),
        ForeignForm(
            testDescription: "GNU tar, pax, sparse 0.0", command: "tar -cf - --format=posix -S --sparse-version=0.0 .",
            keepsNanoseconds: true, keepsHoles: true),
        ForeignForm(
            testDescription: "GNU tar, pax, sparse 0.1", command: "tar -cf - --format=posix -S --sparse-version=0.1 .",
            keepsNanoseconds: true, keepsHoles: true),
        ForeignForm(
            testDescription: "GNU tar, pax, sparse 1.0", command: "tar -cf - --format=posix -S --sparse-version=1.0 .",
            keepsNanoseconds: true, keepsHoles: true),
        ForeignForm(testDescription: "GNU tar, gzip, as the predecessors", command: "tar -czf - ."),
        ForeignForm(
            testDescription: "GNU tar, several gzip members", command: "tar -cf - . | split -b 20000 --filter='gzip -c'"
        ),
        ForeignForm(testDescription: "GNU tar, zstd", command: "tar -cf - . | zstd -q -19"),
        ForeignForm(testDescription: "GNU tar, padded with zeros", command: "tar -czf - . && head -c 5000 /dev/zero"),
        ForeignForm(
            testDescription: "bsdtar, pax", command: "bsdtar -cf - --format=pax --xattrs .", keepsNanoseconds: true,
            keepsHoles: true, keepsAttributes: true),
        ForeignForm(testDescription: "bsdtar, ustar", command: "bsdtar -cf - --format=ustar .", keepsLongNames: false),
        ForeignForm(testDescription: "bsdtar, GNU", command: "bsdtar -czf - --format=gnutar ."),
        ForeignForm(testDescription: "Python, pax", command: python("PAX_FORMAT")),
        ForeignForm(testDescription: "Python, GNU", command: python("GNU_FORMAT")),
        ForeignForm(testDescription: "Python, ustar", command: python("USTAR_FORMAT"), keepsLongNames: false),
    ]

    private static func python(_ form: String) -> String {
        """
        python3 -c 'import sys, tarfile
        with tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz", format=tarfile.\(form)) as t: t.add(".")'
        """
    }
}

@Suite struct `Archives of other programs` {
    @Test(arguments: ForeignForm.table) func `unpack to the tree they were made of`(form: ForeignForm) throws {
        let place = try UnpackingPlace()
        let tree = place.scratch.directory("tree")
        try makeTree(in: place.scratch, withLongNames: form.keepsLongNames)
        let archive = place.scratch.absolute("archive.tar")
        let made = try Command.run([
            "/bin/bash", "-o", "pipefail", "-c", #"cd "$1" && { \#(form.command); } > "$2""#, "sh", tree.string,
            archive.string,
        ])
        #expect(made.code == 0, "\(made)")
        let unpacked = try place.unpack(archive)
        #expect(unpacked.origin == .predecessor || unpacked.origin == .plain)
        #expect(unpacked.layout == RecognisedLayout(layout: .volume))

        let (before, after) = (try Snapshot(of: tree), try Snapshot(of: place.stagingPath))
        #expect(Set(after.facts.keys) == Set(before.facts.keys))
        for (path, fact) in before.facts where !path.isEmpty {
            let other = try #require(after.facts[path], "\(path)")
            #expect(other.kind == fact.kind && other.mode == fact.mode && other.digest == fact.digest, "\(path)")
            #expect(other.linkText == fact.linkText, "\(path)")
            let unit: Int64 = form.keepsNanoseconds ? 1 : 1_000_000_000
            #expect(other.modified / unit == fact.modified / unit, "\(path)")
        }
        #expect(after.facts["claude/one"]?.inode == after.facts["claude/two"]?.inode)
        let status = try #require(try Files.status(place.stagingPath.appending("claude/holes")))
        if form.keepsHoles { #expect(status.st_blocks * 512 < 1 << 20, "\(status.st_blocks)") }
        if form.keepsAttributes {
            #expect(Files.attribute("user.test", of: place.stagingPath.appending("claude/one")) == "value")
        }
        for member in unpacked.members {
            #expect(member.digest?.hex == before.facts[member.path]?.digest, "\(member.path)")
        }
    }

    private func makeTree(in scratch: Scratch, withLongNames: Bool) throws {
        scratch.directory("tree/claude", mode: 0o750)
        scratch.directory("tree/empty", mode: 0o700)
        try scratch.file("tree/claude/settings.json", "{}", mode: 0o600)
        try scratch.file("tree/claude/one", String(repeating: "content\n", count: 9_000))
        scratch.hardLink("tree/claude/two", to: "tree/claude/one")
        scratch.link("tree/claude/link", to: "../elsewhere/über")
        try scratch.file("tree/claude/ünï", "text")
        let holes = try scratch.file("tree/claude/holes")
        truncate(holes.string, 4 << 20)
        let file = open(holes.string, O_WRONLY)
        pwrite(file, "middle", 6, 2 << 20)
        pwrite(file, "end", 3, (4 << 20) - 3)
        close(file)
        try Files.setAttribute("user.test", "value", of: scratch.absolute("tree/claude/one"))
        if withLongNames {
            let long = String(repeating: "long", count: 50)
            scratch.directory("tree/\(long)/\(long)")
            try scratch.file("tree/\(long)/\(long)/\(long)", "deep")
            scratch.link("tree/\(long)/link", to: "\(long)/\(long)")
            try Files.write([1], to: scratch.absolute("tree").appending(FilePath(bytes: [0x62, 0xFF]).components))
        }
        for path in try Snapshot(of: scratch.absolute("tree")).facts.keys {
            try Files.setTime(scratch.absolute("tree").appending(path.components), 1_600_000_000_123_456_789)
        }
    }

    @Test func `in the layout of a home are recognised, and so is the directory they lie in`() throws {
        let table: [(members: [String], layout: RecognisedLayout?)] = [
            ([".claude.json", ".config/gh/hosts.yml"], RecognisedLayout(layout: .home)),
            (["./.claude/settings.json"], RecognisedLayout(layout: .home)),
            (["alice/.claude.json", "alice/notes"], RecognisedLayout(layout: .home, base: "alice")),
            (["home/agent/.claude.json", "home/agent/.bashrc"], RecognisedLayout(layout: .home, base: "home/agent")),
            (["claude/claude.json", ".env"], RecognisedLayout(layout: .volume)),
            (["agent-data/claude/claude.json"], RecognisedLayout(layout: .volume, base: "agent-data")),
            (["notes/todo"], nil),
        ]
        for (members, layout) in table {
            var tar = TarBuilder()
            for member in members { tar.add(member, .file, "x") }
            #expect(try UnpackingPlace().unpack(tar.finished).layout == layout, "\(members)")
        }
    }

    @Test(arguments: ["xz", "bzip2"]) func `in a form that is not read are refused with what to do`(program: String)
        throws
    {
        let place = try UnpackingPlace()
        try place.scratch.file("x", "x")
        let made = try Command.run([
            "/bin/sh", "-c", #"cd "$1" && tar -cf - x | \#(program) > a"#, "sh", place.scratch.path.string,
        ])
        guard made.code == 0 else { return }  // the program is not on this machine
        do {
            _ = try place.unpack(place.scratch.absolute("a"))
            Issue.record("it was unpacked")
        } catch let problem as ArchiveProblem {
            #expect(
                problem.reason.contains(program) && problem.advice?.contains("\(program) -dc") == true, "\(problem)")
        }
    }

    @Test(arguments: [
        "", "no archive at all", String(repeating: "text that is longer than a block of tar ", count: 40),
    ])
    func `are told from what is none`(text: String) throws {
        let problem = try #require(try UnpackingPlace().refusal(of: Array(text.utf8)))
        #expect(problem.reason.contains(text.isEmpty ? "is empty" : "is no tar archive"), "\(problem)")
    }
}

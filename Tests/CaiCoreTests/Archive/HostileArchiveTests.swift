import CaiCore
import CaiModel
import CaiPlatform
import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// An archive that is refused, and what the refusal says.
struct Hostile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// How the message names the member; nil where it is about the archive.
    let member: String?
    let reason: String
    let bytes: [UInt8]

    init(_ what: String, _ member: String?, _ reason: String, _ build: (inout TarBuilder) -> Void) {
        var tar = TarBuilder()
        tar.add("before", .file, "the first file")
        build(&tar)
        testDescription = what
        self.member = member
        self.reason = reason
        bytes = tar.finished
    }

    static let table: [Hostile] = [
        Hostile("an absolute name", "/etc/passwd", "absolute") { $0.add("/etc/passwd", .file, "x") },
        Hostile("two slashes first", "/etc/passwd", "absolute") {
            $0.addRecords([("path", Array("//etc/passwd".utf8))])
            $0.add("x", .file, "x")
        },
        Hostile("a name that begins with ..", "../canary", "\"..\"") { $0.add("../canary", .file, "x") },
        Hostile("a name with .. inside", "a/../../canary", "\"..\"") { $0.add("a/../../canary", .file, "x") },
        Hostile("a directory ..", "..", "\"..\"") { $0.add("..", .directory) },
        Hostile("a long name with ..", "a/../../canary", "\"..\"") {
            $0.addRecords([("path", Array("a/../../canary".utf8))])
            $0.add("harmless", .file, "x")
        },
        Hostile("a file below a symlink to outside", "link/canary", "below a symlink") {
            $0.add("link", .symlink, link: "../..")
            $0.add("link/canary", .file, "x")
        },
        Hostile("a file below an absolute symlink", "link/x", "below a symlink") {
            $0.add("link", .symlink, link: "/tmp")
            $0.add("link/x", .file, "x")
        },
        Hostile("a directory that becomes a symlink", "a", "replace a directory") {
            $0.add("a", .directory, mode: 0o755)
            $0.add("a", .symlink, link: "../..")
            $0.add("a/canary", .file, "x")
        },
        Hostile("a file replaced by a symlink that is then gone through", "a/canary", "below a symlink") {
            $0.add("a", .file, "x")
            $0.add("a", .symlink, link: "../..")
            $0.add("a/canary", .file, "x")
        },
        Hostile("a symlink replaced by a directory", "a", "replace a symlink") {
            $0.add("a", .symlink, link: "../..")
            $0.add("a", .directory, mode: 0o755)
        },
        Hostile("a file below a file", "before/x", "below a file") { $0.add("before/x", .file, "x") },
        Hostile("a hard link to an absolute path", "/etc/passwd", "absolute") {
            $0.add("a", .hardLink, link: "/etc/passwd")
        },
        Hostile("a hard link to outside", "../../canary", "\"..\"") { $0.add("a", .hardLink, link: "../../canary") },
        Hostile("a hard link through a symlink", "a", "not before it") {
            $0.add("link", .symlink, link: "../..")
            $0.add("a", .hardLink, link: "link/canary")
        },
        Hostile("a hard link to what is missing", "a", "not before it") { $0.add("a", .hardLink, link: "nothing") },
        Hostile("a hard link to itself", "a", "not before it") { $0.add("a", .hardLink, link: "a") },
        Hostile("a hard link to a directory", "a", "to a directory") {
            $0.add("d", .directory, mode: 0o755)
            $0.add("a", .hardLink, link: "d")
        },
        Hostile("a character device", "null", "device") { $0.add("null", .characterDevice) },
        Hostile("a block device", "disk", "device") { $0.add("disk", .blockDevice) },
        Hostile("a FIFO", "pipe", "FIFO") { $0.add("pipe", .fifo) },
        Hostile("a line break in a name", #"a\x0a[OK] forged"#, "control character") {
            $0.add("a\n[OK] forged", .file, "x")
        },
        Hostile("a terminal sequence in a name", #"\x1b]0;owned\x07"#, "control character") {
            $0.add("\u{1B}]0;owned\u{7}", .file, "x")
        },
        Hostile("a NUL in a long name", "a", "NUL") {
            $0.addRecords([("path", Array("a\0/../../canary".utf8))])
            $0.add("x", .file, "x")
        },
        Hostile("a NUL in the target of a link", "x", "NUL") {
            $0.addRecords([("linkpath", Array("a\0b".utf8))])
            $0.add("x", .symlink, link: "y")
        },
        Hostile("an extended header whose records have wrong lengths", "x", "malformed") {
            $0.addRecords(raw: Array("99 path=b\n".utf8))
            $0.add("x", .file, "x")
        },
        Hostile("a name that no directory can hold", String(repeating: "n", count: 256), "255 bytes") {
            $0.addRecords([("path", [UInt8](repeating: UInt8(ascii: "n"), count: 256))])
            $0.add("x", .file, "x")
        },
        Hostile("a symlink without a target", "a", "without a target") { $0.add("a", .symlink) },
        Hostile("a file that is larger than the archive", nil, "cut off or damaged") {
            $0.add(Array("a".utf8), .file, Array("x".utf8), size: 1 << 20)
        },
        Hostile("a header that is no header", nil, "a header is not right") {
            var copy = TarBuilder()
            copy.add("a", .file, "x")
            var bytes = copy.bytes
            bytes[0] ^= 1
            $0.addRaw(bytes)
        },
    ]
}

@Suite struct `A hostile archive` {
    @Test(arguments: Hostile.table)
    func `is refused by the name of the member, and leaves nothing anywhere`(hostile: Hostile) throws {
        let place = try UnpackingPlace()
        let problem = try #require(try place.refusal(of: hostile.bytes))
        if let member = hostile.member { #expect(problem.description.contains("member \(member) "), "\(problem)") }
        #expect(problem.description.contains(hostile.reason), "\(problem)")
        #expect(!problem.description.contains("\n"))
        #expect(try place.isEmpty())
        #expect(try place.changesOutside() == [])
    }

    @Test(
        arguments: [
            ("archive_max_bytes", ArchiveLimits.test.with(\.bytes, 10)),
            ("archive_max_members", ArchiveLimits.test.with(\.members, 2)),
            ("archive_max_depth", ArchiveLimits.test.with(\.depth, 3)),
            ("archive_max_path_bytes", ArchiveLimits.test.with(\.pathBytes, 20)),
        ] as [(String, ArchiveLimits)])
    func `above a limit is refused with the setting that would raise it`(key: String, limits: ArchiveLimits) throws {
        var tar = TarBuilder()
        tar.add("a", .file, "12345")
        tar.add("b", .file, "12345")
        tar.add("c/d/e/a name that is long", .file, "1")
        let place = try UnpackingPlace()
        let problem = try #require(try place.refusal(of: tar.finished, limits: limits))
        #expect(problem.member != nil && problem.advice?.contains(key) == true, "\(problem) \(problem.advice ?? "")")
        #expect(problem.advice?.contains("CAI_ARCHIVE_MAX_") == true)
        #expect(try place.isEmpty())
        #expect(try place.unpack(tar.finished).members.count == 6)
    }

    @Test(arguments: ["gzip -9", "zstd -q"])
    func `of 4 GiB of zeros is refused long before they are written`(compressor: String) throws {
        let place = try UnpackingPlace()
        let file = place.scratch.absolute("bomb")
        var tar = TarBuilder()
        tar.add(Array("zeros".utf8), .file, [], size: 4 << 30)
        try Files.write(tar.bytes, to: place.scratch.absolute("header"))
        let made = try Command.run([
            "/bin/sh", "-c",
            """
            cd "$1" && \(compressor) < header > bomb && head -c 67108864 /dev/zero | \(compressor) > piece
            for n in $(seq 64); do cat piece; done >> bomb && rm piece header
            """, "sh", place.scratch.path.string,
        ])
        #expect(made.code == 0, "\(made)")
        do {
            _ = try place.unpack(file, limits: .test.with(\.bytes, 1 << 40))
            Issue.record("it was unpacked")
        } catch let problem as ArchiveProblem {
            #expect(problem.reason.contains("200 times its own size"), "\(problem)")
            #expect(problem.advice?.contains("archive_max_ratio") == true)
        }
        #expect(try place.isEmpty())
    }

    @Test func `of a million empty files is refused at the limit`() throws {
        var tar = TarBuilder()
        for number in 0..<3_000 { tar.add("d\(number % 7)/\(number)") }
        let place = try UnpackingPlace()
        let problem = try #require(try place.refusal(of: tar.finished, limits: .test.with(\.members, 2_500)))
        #expect(problem.member == "d1/2500" && problem.reason.contains("2500 members"), "\(problem)")
        #expect(try place.isEmpty())
    }
}

extension ArchiveLimits {
    func with<Value>(_ key: WritableKeyPath<Self, Value>, _ value: Value) -> Self {
        var limits = self
        limits[keyPath: key] = value
        return limits
    }
}

@Suite struct `A strange archive` {
    @Test func `has its setuid and setgid bits left out, and told`() throws {
        var tar = TarBuilder()
        tar.add("bin", .directory, mode: 0o2755)
        tar.add("bin/su", .file, "x", mode: 0o4755)
        tar.add("sticky", .directory, mode: 0o1777)
        let place = try UnpackingPlace()
        let archive = try place.unpack(tar.finished)
        #expect(archive.members.map(\.mode) == [0o755, 0o755, 0o1777])
        #expect(archive.findings.count == 1 && archive.findings[0].place == "bin (and 1 more)", "\(archive.findings)")
        #expect(try Files.status(place.stagingPath.appending("bin/su"))?.st_mode == 0o100755)
        #expect(try Files.status(place.stagingPath.appending("sticky"))?.st_mode == 0o041777)
    }

    @Test func `keeps names that differ in case only`() throws {
        var tar = TarBuilder()
        for name in ["Readme", "README", "readme"] { tar.add(name, .file, name) }
        let place = try UnpackingPlace()
        #expect(try place.unpack(tar.finished).members.count == 3)
        for name in ["Readme", "README", "readme"] { #expect(try place.text(FilePath(name)) == name) }
    }

    @Test func `has the last of equal names, whatever kinds of leaf they are`() throws {
        var tar = TarBuilder()
        tar.add("a", .file, "first")
        tar.add("other", .file, "other")
        tar.add("a", .symlink, link: "other")
        tar.add("a", .file, "third")
        tar.add("./a", .hardLink, link: "other")
        let place = try UnpackingPlace()
        let archive = try place.unpack(tar.finished)
        #expect(archive.members.map(\.path) == ["other", "a"])
        #expect(try place.text("a") == "other")
        #expect(archive.members.last?.digest == archive.members.first?.digest)
        #expect(archive.findings.map(\.place) == ["a (and 2 more)"])
    }

    @Test func `cannot bring cai's own records along`() throws {
        var tar = TarBuilder()
        tar.add("./.containai/journal/x", .file, "x")
        tar.add(".containai", .symlink, link: "/tmp")
        tar.add(".containai-imported-at", .file, "x")
        tar.add("claude/claude.json", .file, "{}")
        tar.add(ExportManifest.name, .file, "{}")
        let place = try UnpackingPlace()
        let archive = try place.unpack(tar.finished)
        #expect(try Files.names(place.stagingPath) == ["claude"])
        #expect(archive.findings.map(\.severity) == [.note] && archive.origin == .predecessor)
    }

    @Test func `is unpacked, or refused, at every length; never half`() throws {
        var tar = TarBuilder()
        tar.add("d", .directory, mode: 0o755)
        tar.addRecords([("path", Array("d/long".utf8)), ("SCHILY.xattr.user.x", [1, 2])])
        tar.add("x", .file, "content of a file")
        tar.add("d/link", .symlink, link: "long")
        let whole = tar.finished
        let place = try UnpackingPlace()
        for length in stride(from: 0, to: whole.count, by: 1) {
            let problem = try place.refusal(of: Array(whole.prefix(length)))
            // With one of its two zero blocks an archive is complete.
            if length >= whole.count - 512 { break }
            #expect(problem != nil, "cut at \(length)")
            #expect(try place.isEmpty(), "cut at \(length)")
        }
        #expect(try place.changesOutside() == [])
    }

    @Test(arguments: [["gzip", "-n"], ["zstd", "-q", "--check"]])
    func `compressed, it is refused at every length and with every bit flipped`(compressor: [String]) throws {
        var tar = TarBuilder()
        tar.add("d", .directory, mode: 0o755)
        tar.add("d/file", .file, "content of a file")
        let place = try UnpackingPlace()
        let path = place.scratch.absolute("tar")
        try Files.write(tar.finished, to: path)
        let made = try Command.run(
            ["/bin/sh", "-c", #"f=$1; shift; exec "$@" < "$f" > "$f.z""#, "sh", path.string] + compressor)
        #expect(made.code == 0, "\(made)")
        let whole = try Files.read(FilePath(path.string + ".z"))
        for length in whole.indices {
            #expect(try place.refusal(of: Array(whole.prefix(length))) != nil, "cut at \(length)")
        }
        for bit in 0..<whole.count * 8 {
            var bytes = whole
            bytes[bit / 8] ^= 1 << (bit % 8)
            // Some bits of the header of gzip say nothing about the content; then the content has to be right.
            if try place.refusal(of: bytes) == nil {
                #expect(try place.text("d/file") == "content of a file", "bit \(bit)")
                try Files.remove(place.stagingPath.appending("d"))
            }
            #expect(try place.isEmpty(), "bit \(bit)")
        }
    }
}

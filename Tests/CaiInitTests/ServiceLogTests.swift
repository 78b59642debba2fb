import CaiInit
import CaiPlatform
import CaiTestSupport
import SystemPackage
import Testing

private func pieces(_ text: String, _ format: RelayFormat, of service: String) -> String {
    var cutter = LineCutter()
    let lines = cutter.take(Array(text.utf8))
    return String(
        decoding: lines.flatMap { format.pieces($0, of: service, on: "stderr", at: "T") }.joined(), as: UTF8.self)
}

private let ownDirectory = Item.directory([]).owned(by: Identity.uid)

@Suite struct `The target of the relay beside a terminal` {
    @Test(arguments: [
        (true, ["/a", "/b"], RelayTarget.journal), (false, ["/a", "/b"], .file("/a")), (false, ["/b"], .none),
        (false, [], .none),
    ])
    func `is the journal, else the first directory for a log, else none`(
        hasJournal: Bool, directories: [String], expected: RelayTarget
    ) {
        let target = RelayTarget.besideTerminal(
            hasJournal: hasJournal, directories: directories.map { FilePath($0) }, canKeepLog: { $0 == "/a" })
        #expect(target == expected)
    }

    @Test(arguments: [RelayTarget.standardError, .journal, .file("/run/a b"), .none])
    func `arrives at the relay as it was chosen`(target: RelayTarget) {
        #expect(RelayTarget(word: target.word) == target)
    }

    @Test func `says where a reader finds the lines`() {
        #expect(RelayTarget.file("/run/containai").place == "/run/containai/services.log")
        #expect(RelayTarget.journal.place == "the journal" && RelayTarget.none.place == nil)
    }
}

@Suite struct `Lines for a log` {
    @Test func `have a time, and no name if they are the init's`() {
        #expect(pieces("a\nb\n", .text, of: "x") == "T [x] a\nT [x] b\n")
        #expect(pieces("[WARN] a\n", .text, of: "") == "T [WARN] a\n")
        #expect(pieces("a\n", .json, of: "x") == #"{"time":"T","service":"x","stream":"stderr","line":"a"}"# + "\n")
        #expect(pieces("a\n", .json, of: "") == #"{"time":"T","stream":"stderr","line":"a"}"# + "\n")
    }

    @Test(arguments: [
        ("", "[WARN] cai entrypoint: a", "MESSAGE=cai entrypoint: a\nPRIORITY=4\nSYSLOG_IDENTIFIER=cai\n"),
        ("agent", "[ERROR] a", "MESSAGE=a\nPRIORITY=3\nSYSLOG_IDENTIFIER=agent\n"),
        ("", "[a.sh] b", "MESSAGE=[a.sh] b\nPRIORITY=6\nSYSLOG_IDENTIFIER=cai\n"),
        ("sshd", "[ERROR] a", "MESSAGE=[ERROR] a\nPRIORITY=6\nSYSLOG_IDENTIFIER=sshd\n"),
    ])
    func `are entries of the journal, with the level of the program's own`(
        service: String, line: String, expected: String
    ) {
        #expect(JournalEntry(of: service, Array(line.utf8)).bytes == Array(expected.utf8))
    }

    @Test func `have a UTC time with milliseconds`() {
        let text = WallClock.utcText
        #expect(text.utf8.count == 24 && text.hasPrefix("2") && text.hasSuffix("Z"))
    }
}

@Suite struct `The log of the services` {
    private let directory: FilePath = "run/state"
    private let file: FilePath = "run/state/services.log"
    private let older: FilePath = "run/state/services.log.1"

    @Test func `is made with its directory, for root and the directory's group, and continued`() throws {
        let world = try World(["run": ownDirectory])
        for line in ["one\n", "two\n"] {
            let log = try #require(ServiceLogFile(in: world.path(directory)))
            log.write(Array(line.utf8))
        }
        #expect(try world.text(file) == "one\ntwo\n")
        #expect(try world.mode(file) == 0o640 && world.mode(directory) == 0o755)
    }

    @Test func `becomes the older one at its limit, so that both have a bound and no line is cut`() throws {
        let world = try World(["run": ownDirectory])
        let log = try #require(ServiceLogFile(in: world.path(directory), limit: 100))
        for number in 10..<50 { log.write(Array("line \(number)\n".utf8)) }
        let (new, old) = (try world.text(file), try world.text(older))
        #expect(old.utf8.count == 96 && new.utf8.count <= 100 && new.hasSuffix("line 49\n"), "\(old)\(new)")
        #expect((old + new).split(separator: "\n").allSatisfy { $0.hasPrefix("line ") && $0.utf8.count == 7 })
        log.write([UInt8](repeating: 0x61, count: 200))
        #expect(try world.text(file).utf8.count == 200)
    }

    @Test func `is made again when it was removed or renamed away`() throws {
        let world = try World(["run": ownDirectory])
        let log = try #require(ServiceLogFile(in: world.path(directory)))
        log.write(Array("one\n".utf8))
        try world.remove(file)
        log.write(Array("two\n".utf8))
        #expect(try world.text(file) == "two\n")
    }

    @Test func `is in no directory in which another user may write, and follows no link`() throws {
        let world = try World([
            "run": Item.directory([
                ("open", ownDirectory.mode(0o777)), ("target", ""),
                ("linked", Item.directory([("services.log", .link("/run/target"))]).owned(by: Identity.uid)),
            ]).owned(by: Identity.uid)
        ])
        #expect(ServiceLogFile(in: world.path("run/open")) == nil)
        #expect(ServiceLogFile(in: world.path("run/linked")) == nil)
        #expect(ServiceLogFile(in: world.path("run/none/none")) == nil)
        #expect(try world.text("run/target").isEmpty)
    }
}

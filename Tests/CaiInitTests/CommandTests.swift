import CaiInit
import CaiPlatform
import SystemPackage
import Testing

@Suite struct `The search for a program` {
    @Test(arguments: [
        ("sh", "/bin:/usr/bin", ["/bin/sh", "/usr/bin/sh"]), ("sh", "", ["./sh"]),
        ("sh", ":/bin:", ["./sh", "/bin/sh", "./sh"]),
        ("/bin/sh", "/x", ["/bin/sh"]), ("./a", "/x", ["./a"]), ("-a/b", "/x", ["./-a/b"]),
        ("-a", "/x:-y", ["/x/-a", "./-y/-a"]),
        ("", "/bin", [""]),
    ])
    func `follows execvp(3)`(name: String, path: String, expected: [String]) {
        let found = CommandSearch.candidates(for: Array(name.utf8), path: Array(path.utf8))
        #expect(found.map { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test func `has a path of its own where there is none`() {
        let found = CommandSearch.candidates(for: Array("x".utf8), path: nil)
        #expect(found.count == 6 && found.last == Array("/bin/x".utf8))
    }
}

@Suite struct `A command that cannot be started` {
    @Test(arguments: [
        (CommandFailure.Step.execute, Errno.noSuchFileOrDirectory, 127), (.execute, .permissionDenied, 126),
        (.execute, .notDirectory, 126), (.execute, .tooManySymbolicLinkLevels, 126), (.execute, .argListTooLong, 126),
        (.executeDirectory, .permissionDenied, 126), (.executeDamaged, .execFormatError, 126),
        (.executeShell, .noSuchFileOrDirectory, 126), (.executeInterpreter, .noSuchFileOrDirectory, 126),
        (.fork, .resourceTemporarilyUnavailable, 125), (.identity, .notPermitted, 125),
        (.directory, .noSuchFileOrDirectory, 125), (.user("x: no such user"), .noSuchFileOrDirectory, 125),
    ])
    func `has a code and a sentence with its name`(step: CommandFailure.Step, errno: Errno, code: Int) {
        let failure = CommandFailure(step, "x", errno)
        #expect(failure.code == CInt(code))
        #expect(failure.description.hasPrefix("x: "))
    }
}

@Suite struct `The user of a command` {
    private let accounts = Account.parse(
        passwd: "root:x:0:0::/root:/bin/sh\nagent:x:1000:100::/home/agent:/bin/sh\n1001:x:5:6::/:/bin/sh\n")
    private let groups = AccountGroup.parse(
        group: "users:x:100:\ndocker:x:990:root,agent\naudio:x:29:agent\nagents:x:100:agent\nbroken\nx:x:y:\n")

    @Test(arguments: [
        ("agent", UInt32(1000), UInt32(100), [UInt32(100), 990, 29]), ("1000", 1000, 100, [100, 990, 29]),
        ("agent:docker", 1000, 990, [990]), ("agent:7", 1000, 7, [7]), ("0", 0, 0, [0, 990]), ("1001", 5, 6, [6]),
        ("65534", 65534, 65534, [65534]), ("77:audio", 77, 29, [29]), ("4294967294:0", 4_294_967_294, 0, [0]),
    ])
    func `is found by name and number`(text: String, uid: UInt32, gid: UInt32, all: [UInt32]) throws {
        let found = try Credentials(text, accounts: accounts, groups: groups)
        #expect(found == Credentials(uid: uid, gid: gid, groups: all))
    }

    @Test(arguments: [
        "nobody", "agent:nogroup", "4294967295", "-1", "", ":docker", "agent:", "1:2:3", "agent:4294967295",
    ])
    func `that is not known is refused`(text: String) {
        #expect(throws: Credentials.Unknown.self) { try Credentials(text, accounts: accounts, groups: groups) }
    }
}

@Suite struct `A line of /proc/PID/stat` {
    private let fields = "S 7 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 8"

    @Test(arguments: ["sh", "a b", "a) S 1 (", "(", ""])
    func `is read whatever the program is called`(name: String) throws {
        let line = try #require(StatusLine(text: "42 (\(name)) \(fields)\n"))
        #expect(line.identity.id == 42 && line.identity.start == 4711 && line.parent == 7 && !line.hasEnded)
    }

    @Test func `tells a zombie`() {
        #expect(StatusLine(text: "42 (x) Z" + fields.dropFirst())?.hasEnded == true)
    }

    @Test(arguments: ["", "42", "42 (sh", "42 (sh) S 7", "x (sh) S 7 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711"])
    func `that is cut is none`(text: String) { #expect(StatusLine(text: text) == nil) }
}

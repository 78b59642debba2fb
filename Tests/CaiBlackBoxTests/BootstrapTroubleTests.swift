import CaiTestSupport
import SystemPackage
import Testing

private let calls = [
    "openat", "write", "fsync", "fchmod", "fchown", "fchownat", "mkdirat", "unlinkat", "rename", "renameat",
    "renameat2",
]

@Suite(.rootOnly, .needs("strace")) struct `The first login and trouble` {
    private func disturbed(
        _ fault: String, _ words: [String], input: (World) throws -> String,
        _ check: (World, Finished, String) throws -> Void
    ) throws {
        for call in calls {
            if fault != "signal=SIGKILL", call == "unlinkat" { continue }
            var number = 1
            while true {
                let world = try accountWorld()
                let text = try input(world)
                try world.put("/in/request.json", .file(text))
                let log = world.path("/strace.log").string
                let run = try world.cai(
                    ["bootstrap"] + words,
                    wrapper: reading(world.path("/in/request.json")) + [
                        "strace", "-f", "-o", log, "-e", "trace=\(call)", "-e",
                        "inject=\(call):\(fault):when=\(number)", "--",
                    ])
                guard try Files.text(FilePath(log)).contains("(INJECTED)") || run.code == 137 else { break }
                try check(world, run, "\(words): \(fault) at \(call) \(number)\n\(run)")
                // Reading is most of what openat does.
                number += call == "openat" ? 7 : 1
            }
        }
    }

    @Test(arguments: ["signal=SIGKILL", "error=ENOSPC", "error=EIO", "error=EROFS"])
    func `leave whole account files, one user and a dead code, or none and a code that works`(_ fault: String) throws {
        try disturbed(fault, ["create-user"], input: { request(try $0.newCode(), "alice") }) { world, run, what in
            let input = try world.text("/in/request.json")
            let code = try #require(JSONValue(parsing: input)?["otp"].text)
            #expect(!run.everything.contains(firstPassword) && !run.everything.contains(code), "\(what)")
            try world.expectWholeLines(what)
            let again = try world.bootstrap("create-user", input: input)
            #expect(
                again.json["created"].bool == true
                    || ["user_exists", "completed"].contains(again.json["reason"].text), "\(what)\n\(again)")
            #expect(try !world.users("restore").errors.contains("[ERROR]"), "\(what)")
            let hash = try #require(try world.entry("/etc/shadow", "alice")?[1], "\(what)")
            #expect(try world.text("/var/lib/opencode-users/alice.json").contains(hash), "\(what)")
            for file in ["/etc/passwd", "/etc/group", "/etc/gshadow"] as [FilePath] {
                #expect(try world.entry(file, "alice") != nil, "\(what)")
            }
            #expect(!world.exists(codeFile) && world.exists(codeLock), "\(what)")
            let late = try world.bootstrap("create-user", input: request(code, "bob"))
            #expect(try late.code == 1 && world.entry("/etc/passwd", "bob") == nil, "\(what)\n\(late)")
            #expect(try !world.usersVolumeHolds(code) && !world.usersVolumeHolds(firstPassword), "\(what)")
            #expect(try world.users("restore").errors == "[INFO] Nothing to do.\n", "\(what)")
        }
    }

    @Test(arguments: ["signal=SIGKILL", "error=ENOSPC", "error=EROFS"])
    func `leave a code that somebody knows, or the next start shows one (2.13, 20)`(_ fault: String) throws {
        for words in [["init"], ["reset"]] {
            try disturbed(fault, words, input: { world in words == ["reset"] ? try world.newCode() : "" }) {
                world, run, what in
                let old = try world.text("/in/request.json")
                let next = try world.cai("init")
                let shown = next.errors.split(separator: "\n").compactMap { line in
                    line.firstMatch(of: /\(IOTP\): ([0-9a-f]+)/).map { String($0.1) }
                }
                let known = [shown.last, run.json["otp"].text, old.isEmpty ? nil : old].compactMap { $0 }
                let code = try #require(known.first, "\(what)\n\(next)")
                let verified = try world.bootstrap("verify", input: request(code))
                #expect(verified.code == 0, "\(what)\n\(next)\n\(verified)")
                #expect(try !world.usersVolumeHolds(code), "\(what)")
            }
        }
    }

    @Test(arguments: ["signal=SIGKILL", "error=ENOSPC", "error=EIO"])
    func `count a wrong code, or say nothing about it`(_ fault: String) throws {
        try disturbed(
            fault, ["verify"],
            input: { world in
                _ = try world.newCode()
                return request(wrongCode)
            }
        ) { world, run, what in
            let isTold = run.json["code"].text == "otp_invalid"
            let left = try #require(try world.bootstrap("status").json["attempts_left"].number, "\(what)")
            #expect(left == 9 || (left == 10 && !isTold), "\(what)")
        }
    }
}

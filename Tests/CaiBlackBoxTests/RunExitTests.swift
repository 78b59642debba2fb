import CaiTestSupport
import SystemPackage
import Testing

@Suite struct `The exit code of cai run` {
    @Test(arguments: [
        ("exit 0", 0), ("exit 1", 1), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143), ("kill -6 $$", 134),
    ])
    func `is that of the command, or 128 and the signal`(script: String, code: Int) throws {
        #expect(try Running(run: ["sh", "-c", "ulimit -c 0; \(script)"]).end() == .exited(code))
    }

    @Test(arguments: [
        (["-e", "143"], "kill $$", 0), (["-e", "3", "-e", "4"], "exit 4", 0), (["-e", "0"], "exit 0", 0),
        (["-e3"], "exit 5", 5),
    ])
    func `is 0 for what was expected`(flags: [String], script: String, code: Int) throws {
        #expect(try Running(run: flags + ["sh", "-c", script]).end() == .exited(code))
    }

    @Test(arguments: [
        ("nonesuch", 127, "nonesuch: not found"), ("/no/such/file", 127, "/no/such/file: No such file"),
        ("", 127, ": not found"), ("/", 126, "/: is a directory"), ("DIR/plain", 126, "plain: Permission denied"),
        ("DIR/plain/x", 126, "x: Not a directory"), ("DIR/damaged", 126, "damaged: damaged"),
        ("DIR/binary", 126, "binary: damaged"), ("DIR/orphan", 126, "orphan: the interpreter"),
        ("DIR/loop", 126, "loop: Too many levels"), ("DIR/dangling", 127, "dangling: No such file"),
        ("DIR/loader", 126, "loader: the interpreter"),
    ])
    func `tells what cannot be executed from what is not there, with the name`(
        name: String, code: Int, sentence: String
    ) throws {
        var elf = try Files.read("/bin/true")
        let world = try World([
            "plain": .file("#!/bin/sh\n").mode(0o644), "damaged": .file("\u{7F}ELF\u{2}\u{1}\u{1}").mode(0o755),
            "binary": .file("a\u{0}b\n").mode(0o755), "orphan": .file("#!/no/such/shell\n").mode(0o755),
            "loop": .link("loop"), "dangling": .link("gone"),
        ])
        // The path of the loader in a program that is otherwise whole.
        if let place = elf.firstRange(of: Array("/lib64/ld-".utf8)) { elf[place.lowerBound + 1] = UInt8(ascii: "x") }
        try world.put("/loader", .file(bytes: elf).mode(0o755))
        let run = try Command.run([cai, "run", name.replacing("DIR", with: world.root.string)])
        #expect(run.code == code && run.output.isEmpty && run.errors.contains(sentence), "\(run)")
        #expect(run.errors.split(separator: "\n").count == 1, "\(run)")
    }

    @Test func `prefers a program further down the path to one that cannot be executed`() throws {
        let world = try World([
            "a": ["it": .file("x").mode(0o644)], "b": ["it": [:]],
            "c": ["it": .file("#!/bin/sh\nexit 9\n").mode(0o755)],
        ])
        let root = world.root.string
        let all = ["PATH": "\(root)/none:\(root)/a/it:\(root)/a:\(root)/b:\(root)/c"]
        #expect(try Command.run([cai, "run", "it"], environment: all).code == 9)
        let run = try Command.run([cai, "run", "it"], environment: ["PATH": "\(root)/none:\(root)/a"])
        #expect(run.code == 126 && run.errors.contains("/a/it: Permission denied"), "\(run)")
    }

    @Test func `is a script's that names no interpreter, as from a shell`() throws {
        let world = try World([
            "bin": [
                "it": .file("echo \"$0 $1 $#\"; exit 7").mode(0o755), "-dash": .file("exit 8\n").mode(0o755),
                "none": .file("").mode(0o755),
            ]
        ])
        let bin = world.path("bin").string
        let path = ["PATH": "\(bin):/usr/bin:/bin"]
        let run = try Command.run([cai, "run", "it", "a b", "c"], environment: path)
        #expect(run.code == 7 && run.output == "\(bin)/it a b 2\n", "\(run)")
        #expect(try Command.run([cai, "run", "--", "-dash"], environment: path).code == 8)
        #expect(try Command.run([cai, "run", "--workdir", bin, "--", "-dash"], environment: ["PATH": ""]).code == 8)
        #expect(try Command.run([cai, "run", "none"], environment: path).code == 0)
    }

    @Test(.rootOnly) func `is 125 when the init itself fails`() throws {
        let refused = [probe, "hostile", "processes=0", "--"]
        let run = try Command.run(asAgent + refused + [cai, "run", "true"])
        #expect(run.code == 125 && run.errors.contains("true: no process could be made"), "\(run)")
        let nobody = try Command.run([cai, "run", "--user", "nonesuch", "true"])
        #expect(nobody.code == 125 && nobody.errors.contains("nonesuch: no such user"), "\(nobody)")
        let nowhere = try Command.run([cai, "run", "--workdir", "/no/where", "true"])
        #expect(nowhere.code == 125 && nowhere.errors.contains("/no/where"), "\(nowhere)")
    }

    @Test(arguments: [
        [], ["--"], ["-x", "true"], ["-e", "256", "true"], ["--grace", "x", "true"], ["-r", "KILL:1", "true"],
    ])
    func `is 64 for a command line that means nothing, with the usage on standard error`(words: [String]) throws {
        let run = try Command.run([cai, "run"] + words)
        #expect(run.code == 64 && run.output.isEmpty && run.errors.contains("Usage: cai run"), "\(run)")
    }

    @Test func `is 64 for a variable that means nothing`() throws {
        let run = try Command.run([cai, "run", "true"], environment: ["CAI_RUN_GRACE": "soon"])
        #expect(run.code == 64 && run.errors.contains("CAI_RUN_GRACE"), "\(run)")
        #expect(
            try Command.run([cai, "run", "sh", "-c", "exit 3"], environment: ["CAI_RUN_EXPECT_EXIT_CODE": "3"]).code
                == 0)
    }
}

@Suite struct `The help of cai run` {
    @Test func `is on standard output and names every flag`() throws {
        for words in [["run", "--help"], ["run", "-h"], ["help", "run"], ["run", "-g", "--help"]] {
            let run = try Command.run([cai] + words)
            #expect(run.code == 0 && run.errors.isEmpty, "\(run)")
            for flag in [
                "-s, --subreaper", "-g, --group", "-c, --single-child", "-p, --parent-death-signal",
                "-e, --expect-exit-code",
                "-w, --warn-on-reap", "-r, --rewrite", "-v, --verbose", "--grace", "--user", "--workdir",
            ] { #expect(run.output.contains(flag), "\(flag)\n\(run)") }
        }
    }

    @Test func `is not asked for by the command's own words`() throws {
        #expect(try Command.run([cai, "run", "sh", "-c", "echo $1", "sh", "--help"]).output == "--help\n")
    }

    @Test func `is listed among the commands`() throws {
        #expect(try Command.cai("--help").output.contains("\n  run  "))
        #expect(try Command.cai("run", "--version").output == Command.cai("--version").output)
    }
}

import CaiCore
import CaiModel
import CaiPlatform
import Glibc
import SystemPackage
import Testing

/// A place with two hook directories, a workspace and a home.
private struct Place {
    let scratch: Scratch
    let uid: UInt32

    init(uid: UInt32 = geteuid()) throws {
        scratch = try Scratch()
        self.uid = uid
        for name in ["image", "home", "work", "work/hooks"] { scratch.directory(name, owner: uid) }
    }

    func hook(_ name: String, _ text: String, mode: mode_t = 0o755) throws {
        try scratch.file(name, text, mode: mode, owner: uid)
    }

    func run(root: FilePath = "/", timeout: Int = 60, secrets: [String] = []) throws -> (HooksReport, [String]) {
        let base = root == "/" ? scratch.path.string : ""
        let workplace = try Workplace(
            WorkplaceRequest(
                root: root, configuration: "/no/such/file", environment: [:],
                flags: [
                    .user: ("--user", "no-such-user"), .uid: ("--uid", "\(uid)"), .gid: ("--gid", "\(uid)"),
                    .home: ("--home", base + "/home"), .workspace: ("--workspace", base + "/work"),
                    .startupHooks: ("--hooks", "\(base)/missing:\(base)/image:\(base)/work/hooks"),
                    .hookTimeout: ("--timeout", "\(timeout)"),
                ]))
        let hooks = Hooks(
            .startup, workplace,
            environment: ["PATH": "/usr/bin:/bin", "TOKEN": "sesame"], redactor: Redactor(secrets: secrets))
        var lines: [String] = []
        let report = hooks.run { lines.append("\($0): \($1)") }
        return (report, lines)
    }
}

@Suite(.serialized) struct `Startup hooks` {
    @Test func `run in the order of the directories and of the bytes of their names`() throws {
        let place = try Place()
        for name in ["work/hooks/01.sh", "image/b.sh", "image/B.sh", "image/10.sh", "image/9.sh", "image/ä.sh"] {
            try place.hook(name, "#!/bin/sh\necho ran\n")
        }
        try place.hook("image/no-hook", "#!/bin/sh\necho ran\n")
        place.scratch.directory("image/directory.sh")
        place.scratch.link("image/link.sh", to: "9.sh")
        place.scratch.link("image/dangling.sh", to: "nothing")
        let (report, lines) = try place.run()
        #expect(
            report.runs.map { $0.path.lastComponent?.string } == [
                "10.sh", "9.sh", "B.sh", "b.sh", "link.sh", "ä.sh", "01.sh",
            ])
        #expect(lines.count == 7 && lines.allSatisfy { $0.hasSuffix(": ran") })
        #expect(report.findings.map(\.severity) == [.warning, .warning])
        #expect(
            report.findings.map { FilePath($0.place).lastComponent?.string } == ["dangling.sh", "directory.sh"])
    }

    @Test func `start in the workspace, without one at home, with the given environment`() throws {
        let place = try Place()
        try place.hook("image/a.sh", "#!/bin/sh\npwd -P; echo $TOKEN\n")
        #expect(try place.run().1 == ["a.sh: \(place.scratch.path)/work", "a.sh: sesame"])
        rmdir(place.scratch.absolute("work/hooks").string)
        rmdir(place.scratch.absolute("work").string)
        #expect(try place.run().1.first == "a.sh: \(place.scratch.path)/home")
    }

    @Test func `that cannot run, fail or take too long do not keep the next one from running`() throws {
        let place = try Place()
        try place.hook("image/1.sh", "#!/bin/sh\n", mode: 0o644)
        try place.hook("image/2.sh", "#!/bin/sh\nexit 3\n")
        try place.hook("image/3.sh", "#!/bin/sh\nexec sleep 1000\n")
        try place.hook("image/4.sh", "#!/no/such/interpreter\n")
        try place.hook("image/5.sh", "echo a shell runs it\n")
        let (report, lines) = try place.run(timeout: 1)
        #expect(
            report.runs.map(\.outcome) == [
                .notExecutable, .failed(code: 3), .timedOut(.seconds(1)),
                .notStarted(reason: "it or the interpreter it names does not exist"), .succeeded,
            ])
        let image = place.scratch.absolute("image")
        #expect(
            report.runs.map(\.line) == [
                "[WARN] Skipping non-executable hook: \(image)/1.sh",
                "[ERROR] Startup hook failed: \(image)/2.sh (exit code 3)",
                "[ERROR] Startup hook failed: \(image)/3.sh (still running after 1 seconds, ended)",
                "[ERROR] Startup hook failed: \(image)/4.sh (it or the interpreter it names does not exist)", nil,
            ])
        #expect(lines == ["5.sh: a shell runs it"])
        #expect(report.findings.map(\.severity) == [.warning, .error, .error, .error])
    }

    @Test func `have secrets taken out of their output, of cut lines too`() throws {
        let place = try Place()
        try place.hook(
            "image/a.sh", "#!/bin/sh\necho \"token $TOKEN.\"; printf '%016380dsesame\\r\\n' 0; printf 'end\\r\\n'\n")
        let (_, lines) = try place.run(secrets: ["sesame"])
        #expect(lines.count == 3 && lines[0] == "a.sh: token ***." && lines[2] == "a.sh: end")
        #expect(lines[1].hasSuffix("0…") && !lines[1].dropFirst("a.sh: ".count).contains("s"))
    }

    @Test func `below a root that is not the machine's own are not run but reported`() throws {
        let place = try Place()
        try place.hook("image/a.sh", "#!/bin/sh\ntouch /tmp/cai-test-must-not-exist\n")
        let (report, lines) = try place.run(root: place.scratch.path)
        #expect(report.runs.isEmpty && lines.isEmpty)
        #expect(report.findings.map(\.place) == ["/image/a.sh"])
        #expect(report.findings.map(\.severity) == [.note])
    }

    @Test(.asRoot) func `run as the agent, whoever the process is`() async {
        await #expect(processExitsWith: .success) {
            let place = try Place(uid: 1234)
            try place.hook("work/hooks/a.sh", "#!/bin/sh\nid -u; id -g; id -G\n")
            #expect(try place.run().1 == ["a.sh: 1234", "a.sh: 1234", "a.sh: 1234"])
            #expect(geteuid() == 0)
        }
    }

    @Test(.asRoot) func `in a directory that only root may read are not read with root's rights`() async {
        await #expect(processExitsWith: .success) {
            let place = try Place(uid: 1234)
            place.scratch.directory("secret", mode: 0o700, owner: 0)
            try place.scratch.file("secret/a.sh", "#!/bin/sh\necho ran\n", mode: 0o755)
            rmdir(place.scratch.absolute("work/hooks").string)
            place.scratch.link("work/hooks", to: "../secret")
            let (report, lines) = try place.run()
            #expect(report.runs.isEmpty && lines.isEmpty)
            #expect(report.findings.map(\.severity) == [.warning])
        }
    }
}

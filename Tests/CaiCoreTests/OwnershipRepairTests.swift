import CPlatform
import CaiCore
import CaiModel
import CaiPlatform
import Glibc
import SystemPackage
import Testing

private let agent: UInt32 = 1234

/// A tree with a home and a volume of the agent's.
private struct Tree {
    let scratch: Scratch
    let entries: [Entry]

    init() throws {
        scratch = try Scratch()
        scratch.directory("home/agent", owner: agent)
        scratch.directory("data", owner: agent)
        scratch.directory("data/claude/projects/deep", owner: agent)
        for name in ["data/claude", "data/claude/projects"] { chown(scratch.absolute(name).string, agent, agent) }
        entries = [
            try entry("claude", link: ".claude"), try entry("config/gh", link: ".config/gh"),
            try entry("git/gitconfig", link: ".gitconfig", .file),
        ]
    }

    func repair(hasProtectedLinks: Bool = true) throws -> OwnershipRepair {
        let machine = try Machine(
            root: try Directory.open(scratch.path), layout: Layout(home: "/home/agent", volume: "/data"),
            owner: Owner(uid: agent, gid: agent))
        return OwnershipRepair(machine, entries: entries, hasProtectedLinks: hasProtectedLinks)
    }

    func stamp(_ report: OwnershipReport) throws -> [Finding] {
        try repair().stamp(
            report,
            RunOptions(command: "test", isPreview: false, lockTimeout: .seconds(60), retention: .standard))
    }

    /// Changes times of everything on the volume, to see who writes.
    func changeTimes() throws -> [String: Int64] {
        var result: [String: Int64] = [:]
        for name in ["data", "data/.containai", "data/claude", "data/.containai/ownership.json"] {
            result[name] = try scratch.status(name)?.changed
        }
        return result
    }
}

@Suite(.serialized, .asRoot) struct `The ownership repair` {
    @Test func `leaves a file of root that lost its other name alone where links are not protected`() throws {
        let tree = try Tree()
        try tree.scratch.file("shadow", "root:x", owner: 0)
        chmod(tree.scratch.absolute("shadow").string, 0o640)
        link(tree.scratch.absolute("shadow").string, tree.scratch.absolute("data/claude/shadow").string)
        unlink(tree.scratch.absolute("shadow").string)
        let report = try tree.repair(hasProtectedLinks: false).run(isPreview: false)
        #expect(report.given == 0 && report.isIncomplete)
        #expect(report.findings.contains { $0.sentence.contains("fs.protected_hardlinks") })
        #expect(try tree.scratch.status("data/claude/shadow")?.uid == 0)
        #expect(try tree.repair().run(isPreview: false).given == 1)
    }

    @Test func `gives every wrong entry of the volume, and nothing else, to the agent`() throws {
        let tree = try Tree()
        try tree.scratch.file("data/claude/mine", owner: agent)
        let before = try tree.scratch.status("data/claude/mine")
        try tree.scratch.file("data/claude/projects/deep/root", "x", owner: 0)
        try tree.scratch.file("data/nobody", owner: 65534)
        tree.scratch.directory("data/config", owner: 0)
        tree.scratch.directory("data/config/gh", mode: 0o700, owner: 4321)
        try tree.scratch.file("outside", owner: 0)
        tree.scratch.link("data/link", to: "../outside")
        mkfifo(tree.scratch.absolute("data/fifo").string, 0o600)
        let report = try tree.repair().run(isPreview: false)
        #expect(report.extent == .walked && report.findings.isEmpty && !report.isIncomplete)
        #expect(report.given == 6)
        for name in ["claude/projects/deep/root", "nobody", "config", "config/gh", "link", "fifo"] {
            #expect(try tree.scratch.owner("data/" + name) == agent, "\(name)")
        }
        #expect(try tree.scratch.owner("outside") == 0, "a symlink is not followed")
        #expect(try tree.scratch.status("data/claude/mine")?.changed == before?.changed)
        #expect(try tree.repair().run(isPreview: false).given == 0)
    }

    @Test func `in a preview counts the same and changes nothing`() throws {
        let tree = try Tree()
        try tree.scratch.file("data/a", owner: 0)
        tree.scratch.directory("home/agent/.config", owner: 0)
        let preview = try tree.repair().run(isPreview: true)
        #expect(preview.changes == 2 && preview.homeDirectories == [".config"])
        #expect(try tree.scratch.owner("data/a") == 0)
        #expect(try tree.scratch.owner("home/agent/.config") == 0)
        #expect(try tree.repair().run(isPreview: false).changes == 2)
        #expect(try tree.scratch.owner("data/a") == agent)
    }

    @Test func `does not give away a file of root's that the agent linked into the volume`() throws {
        let tree = try Tree()
        try tree.scratch.file("shadow", "root:secret\n", mode: 0o600, owner: 0)
        tree.scratch.hardLink("data/claude/planted", to: "shadow")
        let report = try tree.repair().run(isPreview: false)
        #expect(try tree.scratch.owner("shadow") == 0)
        #expect(report.given == 0 && report.isIncomplete)
        #expect(report.findings.map(\.place) == ["/data/claude/planted"])
        #expect(try tree.stamp(report).isEmpty)
        #expect(try tree.scratch.status("data/.containai") == nil, "it is told again at the next boot")
    }

    @Test func `gives a file with two names that is nobody's, as a shifted user namespace leaves it`() throws {
        let tree = try Tree()
        try tree.scratch.file("data/a", owner: 65534)
        tree.scratch.hardLink("data/b", to: "data/a")
        let report = try tree.repair().run(isPreview: false)
        #expect(report.given == 1 && report.findings.isEmpty)
        #expect(try tree.scratch.owner("data/b") == agent)
    }

    @Test func `does not give away a device`() throws {
        let tree = try Tree()
        guard mknod(tree.scratch.absolute("data/null").string, S_IFCHR | 0o600, dev_t(1 << 8 | 3)) == 0 else { return }
        let report = try tree.repair().run(isPreview: false)
        #expect(try tree.scratch.owner("data/null") == 0)
        #expect(report.given == 0 && report.findings.count == 1)
    }

    @Test(arguments: [
        (mode_t(0o4755), UInt16(0o755)), (0o2755, 0o755), (0o6745, 0o745), (0o2644, 0o644), (0o1600, 0o1600),
    ])
    func `gives no file away with its privileges`(before: mode_t, after: UInt16) throws {
        let tree = try Tree()
        try tree.scratch.file("data/su", mode: before, owner: 0)
        #expect(try tree.repair().run(isPreview: false).given == 1)
        #expect(try tree.scratch.status("data/su")?.mode == after)
        #expect(try tree.scratch.owner("data/su") == agent)
    }

    @Test func `does not walk through a directory that became a symlink`() throws {
        let tree = try Tree()
        tree.scratch.directory("etc")
        try tree.scratch.file("etc/passwd", owner: 0)
        rmdir(tree.scratch.absolute("data/claude/projects/deep").string)
        tree.scratch.link("data/claude/projects/deep", to: tree.scratch.absolute("etc").string)
        tree.scratch.link("home/agent/.config", to: tree.scratch.absolute("etc").string)
        _ = try tree.repair().run(isPreview: false)
        #expect(try tree.scratch.owner("etc") == 0)
        #expect(try tree.scratch.owner("etc/passwd") == 0)
    }

    @Test(.canUnshareMounts) func `does not enter a mount inside the volume, nor one on a file, nor one in the home`()
        async
    {
        await #expect(processExitsWith: .success) {
            #expect(unshareMounts())
            let tree = try Tree()
            tree.scratch.directory("host", owner: 0)
            try tree.scratch.file("host/file", owner: 0)
            tree.scratch.directory("data/mounted", owner: agent)
            tree.scratch.directory("home/agent/.config", owner: agent)
            try tree.scratch.file("data/file", owner: agent)
            bind(tree.scratch.absolute("host"), on: tree.scratch.absolute("data/mounted"))
            bind(tree.scratch.absolute("host"), on: tree.scratch.absolute("home/agent/.config"))
            bind(tree.scratch.absolute("host/file"), on: tree.scratch.absolute("data/file"))
            let report = try tree.repair().run(isPreview: false)
            #expect(report.changes == 0 && !report.isIncomplete)
            #expect(report.findings.map(\.place) == ["/data/file", "/data/mounted"])
            #expect(report.findings.allSatisfy { $0.severity == .note })
            #expect(try tree.scratch.owner("host") == 0)
            #expect(try tree.scratch.owner("host/file") == 0)
        }
    }

    @Test(.canUnshareMounts) func `of a read-only volume is one finding`() async {
        await #expect(processExitsWith: .success) {
            #expect(unshareMounts())
            let tree = try Tree()
            try tree.scratch.file("data/a", owner: 0)
            try tree.scratch.file("data/b", owner: 0)
            let data = tree.scratch.absolute("data")
            bind(data, on: data)
            #expect(
                mount(nil, data.string, nil, UInt(MS_REMOUNT | MS_BIND | MS_RDONLY), nil)
                    == 0)
            let report = try tree.repair().run(isPreview: false)
            #expect(report.given == 0 && report.isIncomplete)
            #expect(report.findings.map(\.sentence) == ["holds entries of another user and is read-only"])
        }
    }

    @Test func `refuses a volume that is the root directory`() throws {
        let scratch = try Scratch()
        scratch.directory("home/agent", owner: agent)
        try scratch.file("passwd", owner: 0)
        let machine = try Machine(
            root: try Directory.open(scratch.path), layout: Layout(home: "/home/agent", volume: "/"),
            owner: Owner(uid: agent, gid: agent))
        let report = OwnershipRepair(machine, entries: []).run(isPreview: false)
        #expect(report.given == 0 && report.findings.count == 1)
        #expect(try scratch.owner("passwd") == 0)
    }

    @Test func `counts what is wrong in the same way instead of listing all of it`() throws {
        let tree = try Tree()
        try tree.scratch.file("outside", owner: 0)
        for number in 0..<25 { tree.scratch.hardLink("data/\(number)", to: "outside") }
        let report = try tree.repair().run(isPreview: false)
        #expect(report.findings.count == OwnershipReport.mostFindings + 1)
        #expect(report.findings.last?.sentence.hasPrefix("15 more: ") == true)
    }

    @Test func `gives the directories of the home that an image made, and leaves private and foreign ones`() throws {
        let tree = try Tree()
        tree.scratch.directory("home/agent/.config", owner: 65534)
        try tree.scratch.file("home/agent/.bashrc", owner: 0)
        #expect(try tree.repair().run(isPreview: false).homeDirectories == [".config"])
        #expect(try tree.scratch.owner("home/agent/.config") == agent)
        #expect(try tree.scratch.owner("home/agent/.bashrc") == 0, "only directories are")

        tree.scratch.directory("home/agent/.config", mode: 0o700, owner: 0)
        try tree.scratch.file("home/agent/.config/secret", owner: 0)
        let report = try tree.repair().run(isPreview: false)
        #expect(report.homeDirectories.isEmpty && report.findings.map(\.place) == ["/home/agent/.config"])
        #expect(try tree.scratch.owner("home/agent/.config") == 0)
    }

    @Test func `walks nothing and writes nothing the second time`() async {
        await #expect(processExitsWith: .success) {
            let tree = try Tree()
            try tree.scratch.file("data/a", owner: 0)
            let first = try tree.repair().run(isPreview: false)
            #expect(first.extent == .walked && first.given == 1)
            #expect(try tree.stamp(first).isEmpty)
            #expect(try tree.scratch.owner("data/.containai") == agent)
            #expect(try tree.scratch.owner("data/.containai/ownership.json") == agent)
            #expect(try tree.scratch.status("data/.containai/ownership.json")?.mode == 0o600)
            let times = try tree.changeTimes()
            #expect(times.count == 4)

            let second = try tree.repair().run(isPreview: false)
            #expect(second.extent == .settled && second.visited == 0 && second.changes == 0)
            #expect(try tree.stamp(second).isEmpty)
            #expect(try tree.changeTimes() == times)
        }
    }

    @Test(arguments: ["data/new", "data/claude/new", "data/claude/projects/new"])
    func `looks again after something was made`(name: String) async {
        await #expect(processExitsWith: .success) { [name] in
            let tree = try Tree()
            #expect(try tree.stamp(try tree.repair().run(isPreview: false)).isEmpty)
            #expect(try tree.repair().run(isPreview: false).extent == .settled)
            try tree.scratch.file(name, owner: 0)
            let report = try tree.repair().run(isPreview: false)
            #expect(report.extent == .walked && report.given == 1)
        }
    }

    @Test func `looks again when the stamp is for somebody else, or is no stamp`() async {
        await #expect(processExitsWith: .success) {
            let tree = try Tree()
            for text in ["", "{}", #"{"schema":1,"uid":0,"gid":0,"fingerprint":""}"#] {
                tree.scratch.directory("data/.containai", mode: 0o700, owner: agent)
                try tree.scratch.file("data/.containai/ownership.json", text, owner: agent)
                #expect(try tree.repair().run(isPreview: false).extent == .walked)
            }
        }
    }

    @Test func `does not write its stamp through a symlink`() async {
        await #expect(processExitsWith: .success) {
            let tree = try Tree()
            tree.scratch.directory("elsewhere", owner: agent)
            tree.scratch.link("data/.containai", to: tree.scratch.absolute("elsewhere").string)
            let report = try tree.repair().run(isPreview: false)
            #expect(try tree.stamp(report).count == 1)
            #expect(try tree.scratch.status("elsewhere/ownership.json") == nil)
        }
    }

    @Test func `without root's rights changes nothing and says who can`() async {
        await #expect(processExitsWith: .success) {
            let tree = try Tree()
            try tree.scratch.file("data/a", owner: 0)
            tree.scratch.directory("home/agent/.config", owner: 0)
            let repair = try tree.repair()
            let report = try Identity.with(uid: agent, gid: agent) { repair.run(isPreview: false) }
            #expect(report.extent == .unprivileged && report.changes == 0)
            #expect(report.findings.count == 1)
            #expect(report.findings.first?.advice?.contains("cai init") == true)
            #expect(report.findings.first?.sentence == "belongs to somebody else, as 1 more entries do")
            #expect(try tree.scratch.owner("data/a") == 0)
        }
    }
}

/// Gives this thread a mount namespace of its own; what it mounts vanishes with it.
private func unshareMounts() -> Bool {
    CPlatform.unshare(CLONE_NEWNS) == 0 && mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0
}

private func bind(_ path: FilePath, on other: FilePath) {
    #expect(mount(path.string, other.string, nil, UInt(MS_BIND), nil) == 0)
}

extension Trait where Self == ConditionTrait {
    /// Runs a test only where a process may mount something for itself.
    fileprivate static var canUnshareMounts: Self {
        .enabled(if: canUnshare, "a mount namespace of its own needs CAP_SYS_ADMIN")
    }
}

/// Asks with a child process, because the namespace of this one is shared with other tests.
private let canUnshare: Bool = {
    let process = ChildProcess(
        "/bin/sh", arguments: ["-c", "unshare --mount true"], environment: ["PATH": "/usr/bin:/bin"])
    return (try? process.run { _ in }) == .exited(code: 0)  // no unshare(1), no test
}()

import CaiModel
import SystemPackage
import Testing

private let policy = OwnershipPolicy(uid: 1000, gid: 1000)

private func decide(
    _ kind: OwnedEntry.Kind, _ uid: UInt32, _ gid: UInt32, links: UInt64 = 1
) -> OwnershipDecision {
    policy.decide(OwnedEntry(kind: kind, uid: uid, gid: gid, linkCount: links, mode: 0o644))
}

@Suite struct `The ownership policy` {
    @Test(arguments: [OwnedEntry.Kind.regular, .directory, .symlink, .endpoint, .device])
    func `keeps what is the owner's`(kind: OwnedEntry.Kind) {
        #expect(decide(kind, 1000, 1000, links: 5) == .keep)
    }

    @Test(arguments: [(0, 0), (65534, 65534), (1001, 1000), (1000, 0), (1000, 65534)] as [(UInt32, UInt32)])
    func `gives every foreign uid or gid`(uid: UInt32, gid: UInt32) {
        for kind in [OwnedEntry.Kind.regular, .symlink, .endpoint] { #expect(decide(kind, uid, gid) == .give) }
        #expect(decide(.directory, uid, gid, links: 9) == .give, "a directory has a link for every directory in it")
        #expect(decide(.device, uid, gid) == .report(.device))
    }

    @Test func `gives a file with more names only when nobody had it for himself`() {
        #expect(decide(.regular, 0, 0, links: 2) == .report(.otherNames))
        #expect(decide(.regular, 1001, 1000, links: 2) == .report(.otherNames))
        #expect(decide(.symlink, 0, 0, links: 2) == .report(.otherNames))
        #expect(decide(.regular, 65534, 65534, links: 2) == .give)
        #expect(decide(.regular, 1000, 0, links: 2) == .give)
    }

    /// A hard link to /etc/shadow has one name once the file was replaced.
    @Test func `gives no private file of others where the agent may make hard links to it`() {
        func decide(_ mode: UInt16, _ uid: UInt32, links: UInt64 = 1, isOff: Bool = true) -> OwnershipDecision {
            policy.withUnprotectedLinks(isOff)
                .decide(OwnedEntry(kind: .regular, uid: uid, gid: 42, linkCount: links, mode: mode))
        }
        #expect(decide(0o640, 0) == .report(.privateFile) && decide(0o600, 1001) == .report(.privateFile))
        #expect(decide(0o644, 0) == .give && decide(0o640, 1000) == .give && decide(0o600, 65534) == .give)
        #expect(decide(0o640, 0, links: 2) == .report(.otherNames))
        #expect(decide(0o640, 0, isOff: false) == .give)
    }

    @Test(arguments: [
        (UInt32(0), UInt16(0o755), false, OwnershipDecision.give), (65534, 0o755, false, .give),
        (0, 0o700, true, .give), (0, 0o700, false, .report(.privateDirectory)),
        (0, 0o751, false, .report(.privateDirectory)),
        (1001, 0o755, false, .keep), (1000, 0o700, false, .keep),
    ])
    func `gives directories of the home that an image left`(
        uid: UInt32, mode: UInt16, isEmpty: Bool, decision: OwnershipDecision
    ) {
        let entry = OwnedEntry(kind: .directory, uid: uid, gid: 0, linkCount: 2, mode: mode)
        #expect(policy.decide(homeDirectory: entry, isEmpty: isEmpty) == decision)
    }
}

@Suite struct `The path of the workspace on the host` {
    private func path(_ text: String) throws(WorkspacePathProblem) -> FilePath? {
        try WorkspacePath(text, workspace: "/home/agent/workspace", volume: "/mnt/agent-data")?.path
    }

    @Test(arguments: ["/home/me/x", "/tmp/x", "/mnt/c/x", "/workspaces/x", "/Users/me/x y", "/mnt/agent-data2"])
    func `lies below the known directories`(text: String) throws {
        #expect(try path(text) == FilePath(text))
    }

    @Test(arguments: [
        ("x", WorkspacePathProblem.notAbsolute), ("/tmp/../etc", .notNormal), ("/tmp/./x", .notNormal),
        ("/tmp/a\u{1B}b", .notNormal), ("/etc/x", .elsewhere), ("/tmp", .elsewhere), ("/tmpx/y", .elsewhere),
        ("/home/agent/workspace/x", .insideWorkspace), ("/mnt/agent-data/x", .insideVolume),
    ])
    func `is refused`(text: String, problem: WorkspacePathProblem) {
        #expect(throws: problem) { try path(text) }
    }

    @Test func `is not needed when it is the workspace's own`() throws {
        #expect(try path("/home/agent/workspace/") == nil)
    }
}

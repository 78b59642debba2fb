import CaiCore
import CaiModel
import CaiPlatform
import Glibc
import SystemPackage
import Testing

private let agent: UInt32 = 1234

/// A root with a workspace.
private struct Place {
    let scratch: Scratch
    let uid: UInt32

    init(uid: UInt32 = geteuid()) throws {
        scratch = try Scratch()
        self.uid = uid
        scratch.directory("home")
        scratch.directory("home/agent", owner: uid)
        scratch.directory("home/agent/workspace", owner: uid)
        scratch.directory("tmp", mode: 0o1777)
        scratch.directory("mnt/agent-data", owner: uid)
    }

    func run(_ path: String?, isPreview: Bool = false) throws -> (outcome: WorkspaceLink.Outcome, findings: [Finding]) {
        let workplace = try Workplace(
            WorkplaceRequest(
                root: scratch.path, configuration: "/no/such/file", environment: [:],
                flags: [.uid: ("--uid", "\(uid)"), .gid: ("--gid", "\(uid)")]))
        return WorkspaceLink(workplace, isPreview: isPreview).run(hostWorkspace: path)
    }

    func text(_ name: String) throws -> FilePath {
        let path = scratch.absolute(name)
        return try Directory.open(path.removingLastComponent()).linkText(of: try #require(path.lastComponent))
    }
}

@Suite(.serialized) struct `The workspace link` {
    @Test func `makes the workspace reachable under its path on the host`() throws {
        let place = try Place()
        #expect(try place.run("/Users/me/a project", isPreview: true).outcome == .planned("/Users/me/a project"))
        #expect(try place.scratch.status("Users") == nil)
        #expect(try place.run("/Users/me/a project").outcome == .made("/Users/me/a project"))
        #expect(try place.text("Users/me/a project") == "/home/agent/workspace")
        let before = try place.scratch.status("Users/me")?.changed
        #expect(try place.run("/Users/me/a project").outcome == .present)
        #expect(try place.scratch.status("Users/me")?.changed == before)
    }

    @Test(arguments: [nil, "", "/home/agent/workspace", "/home/agent/workspace/", "/home//agent/workspace"])
    func `is not needed when nothing or the workspace's own path is asked for`(path: String?) throws {
        let result = try Place().run(path)
        #expect(result.outcome == .unnecessary && result.findings.isEmpty)
    }

    @Test(arguments: [
        "home/me/x", "/etc/x", "/home", "/tmp/", "/homes/x", "/tmp/../etc/x", "/home/agent/workspace/sub",
        "/mnt/agent-data/x", "/home/a\nb", "/",
    ])
    func `is refused elsewhere, with a warning`(path: String) throws {
        let result = try Place().run(path)
        #expect(result.outcome == .refused)
        #expect(result.findings.map(\.severity) == [.warning])
    }

    @Test func `never replaces what is there`() throws {
        let place = try Place()
        place.scratch.directory("home/me/directory")
        try place.scratch.file("home/me/file", "kept")
        place.scratch.link("home/me/link", to: "/elsewhere")
        for name in ["directory", "file", "link"] {
            let before = try place.scratch.status("home/me/\(name)")?.changed
            let result = try place.run("/home/me/\(name)")
            #expect(result.outcome == .refused && result.findings.count == 1)
            #expect(try place.scratch.status("home/me/\(name)")?.changed == before)
        }
        #expect(try place.run("/home/me/file/below").outcome == .refused)
        #expect(try place.run("/home/me/link/below").outcome == .refused)
    }

    @Test(.asRoot) func `is root's below directories of root's, and the agent's below the agent's`() async {
        await #expect(processExitsWith: .success) {
            let place = try Place(uid: agent)
            #expect(try place.run("/workspaces/x").outcome == .made("/workspaces/x"))
            #expect(try place.scratch.owner("workspaces") == 0)
            #expect(try place.run("/home/agent/src/x").outcome == .made("/home/agent/src/x"))
            #expect(try place.scratch.owner("home/agent/src") == agent)
            #expect(try place.scratch.owner("home/agent/src/x") == agent)
            #expect(try place.run("/tmp/src/x").outcome == .made("/tmp/src/x"))
            #expect(try place.scratch.owner("tmp/src") == agent)
        }
    }

    @Test(.asRoot) func `is not made with root's rights behind a directory of the agent's`() async {
        await #expect(processExitsWith: .success) {
            let place = try Place(uid: agent)
            place.scratch.directory("home/agent/roots", owner: 0)
            #expect(try place.run("/home/agent/roots/x").outcome == .refused)
            #expect(try place.scratch.status("home/agent/roots/x") == nil)
            place.scratch.link("home/agent/out", to: "/workspaces")
            place.scratch.directory("workspaces")
            #expect(try place.run("/home/agent/out/x").outcome == .refused)
            #expect(try place.scratch.status("workspaces/x") == nil)
        }
    }
}

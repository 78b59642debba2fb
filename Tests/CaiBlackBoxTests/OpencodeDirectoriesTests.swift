import CaiTestSupport
import Glibc
import SystemPackage
import Testing

private let data: FilePath = "/home/opencoder/.local/share/opencode"
private let workspace: FilePath = "/home/opencoder/workspace"

@Suite(.rootOnly) struct `The directories of OpenCode's user` {
    private func owner(_ world: World, _ path: FilePath) throws -> UInt32? {
        try Files.status(world.path(path))?.st_uid
    }

    /// A home as an engine leaves it that made the mount points, and as root left it in an earlier container.
    private func world(_ tree: Item = [:], hasVolume: Bool = false) throws -> World {
        let world = try accountWorld([
            "/home": (["opencoder": ([:] as Item).mode(0o755).owned(by: 0)] as Item).owned(by: 0),
            "/home/opencoder/.local": (["share": ([:] as Item).owned(by: 0)] as Item).owned(by: 0),
            data: (["storage": (["deep.json": Item.file("{}").owned(by: 0)] as Item).owned(by: 1000)] as Item).owned(
                by: 0),
            "/home/opencoder/.config/opencode/opencode.json": .file("{}").mode(0o600).owned(by: 1234),
            "/home/opencoder/.ssh": (["id": Item.file("key").mode(0o600).owned(by: 65534)] as Item).mode(0o755).owned(
                by: 0),
            workspace:
                ([
                    "root": Item.file("x").owned(by: 0), "of-alice": Item.file("x").owned(by: 1001),
                    "own": Item.file("x").owned(by: 1000),
                ] as Item).owned(by: 0),
            "/outside": (["secret": Item.file("x").mode(0o600).owned(by: 0)] as Item).mode(0o700).owned(by: 0),
        ])
        try world.add(tree)
        if !hasVolume { try world.remove("/mnt/agent-data") }
        return world
    }

    @Test(arguments: [false, true])
    func `are given to it at a start, and what is another user's in the workspace stays (2.13, 28)`(hasVolume: Bool)
        throws
    {
        let world = try world(hasVolume: hasVolume)
        let before = try world.snapshot()
        let preview = try world.cai("init", "--dry-run")
        #expect(preview.errors.contains("Would give 2 entries of \(data) to its user"), "\(preview)")
        #expect(try world.snapshot().differences(from: before) == [])
        let boot = try world.cai("init", "--json")
        #expect(boot.outcome("ownership") == "ok" && boot.outcome("opencode") == "ok", "\(boot)")
        for path in [
            "/home/opencoder", "/home/opencoder/.local", "/home/opencoder/.local/share", data,
            data.appending("storage/deep.json"), "/home/opencoder/.config/opencode/opencode.json",
            "/home/opencoder/.ssh", "/home/opencoder/.ssh/id", workspace, workspace.appending("root"),
        ] as [FilePath] {
            #expect(try owner(world, path) == 1000, "\(path)")
        }
        #expect(try owner(world, workspace.appending("of-alice")) == 1001)
        #expect(try world.mode("/home/opencoder/.ssh") == 0o700 && world.mode("/home/opencoder/.ssh/id") == 0o600)
        #expect(try owner(world, "/outside/secret") == 0)
        let again = try world.cai("init", "--json")
        #expect(again.outcome("ownership") == "skipped", "\(again)")
    }

    @Test func `are not looked for behind a link, and nothing behind one changes (2.13, 29)`() throws {
        let world = try world()
        try world.remove("/home/opencoder/.ssh")
        try world.put("/home/opencoder/.ssh", .link("/outside"))
        try world.put(data.appending("link"), .link("/outside/secret"))
        try world.put("/home/opencoder/.cache/opencode", .link("/outside"))
        let boot = try world.cai("init", "--json")
        #expect(boot.code == 0 && boot.outcome("ownership") == "degraded", "\(boot)")
        #expect(
            boot.errors.contains("/home/opencoder/.ssh: .ssh is no directory, and a link is not followed"), "\(boot)")
        #expect(try owner(world, "/outside") == 0 && world.mode("/outside") == 0o700)
        #expect(try owner(world, "/outside/secret") == 0 && owner(world, data) == 1000)
    }

    @Test func `are made where data and keys would be missing, and no others`() throws {
        let world = try accountWorld(["/home/opencoder": ([:] as Item).owned(by: 1000)])
        let boot = try world.cai("init", "--json")
        #expect(boot.outcome("ownership") == "ok", "\(boot)")
        #expect(try owner(world, data) == 1000 && world.mode(data) == 0o755)
        #expect(try owner(world, "/home/opencoder/.ssh") == 1000 && world.mode("/home/opencoder/.ssh") == 0o700)
        #expect(!world.exists("/home/opencoder/.cache") && !world.exists(workspace))
        #expect(try world.cai("init", "--json").outcome("ownership") == "skipped")
    }

    @Test func `are told when their data cannot be written, and the container starts`() throws {
        let world = try world()
        let place = world.path(data).string
        let readOnly = inMountNamespace("mount --bind '\(place)' '\(place)'; mount -o remount,bind,ro '\(place)'")
        let boot = try world.cai("init", "--json", wrapper: readOnly)
        #expect(boot.code == 0 && boot.outcome("ownership") == "failed", "\(boot)")
        #expect(
            boot.errors.contains("is not writable by user 'opencoder'") && boot.errors.contains("without :ro"),
            "\(boot)")
        #expect(!boot.errors.contains("start the container as root"), "\(boot)")
    }

    @Test func `follow a home that is another one, OpenCode's configuration too`() throws {
        let world = try accountWorld([
            "/etc/containai/agent.toml": "preset = \"opencode\"\nhome = \"/srv/oc\"\n",
            "/srv/oc": ([:] as Item).owned(by: 0),
            "/srv/oc/.cache/opencode": (["x": Item.file("").owned(by: 0)] as Item),
        ])
        try world.remove("/mnt/agent-data")
        let boot = try world.cai("init", "--json")
        #expect(boot.outcome("ownership") == "ok" && boot.outcome("opencode") == "ok", "\(boot)")
        #expect(
            try owner(world, "/srv/oc/.cache/opencode/x") == 1000
                && owner(world, "/srv/oc/.local/share/opencode") == 1000)
        #expect(world.exists("/srv/oc/.config/opencode/opencode.jsonc") && !world.exists("/home/opencoder/.config"))
    }

    @Test func `with 20,000 wrong entries are right after one start`() throws {
        let world = try world()
        let make = "mkdir -p $1/d && cd $1/d && seq 1 20000 | xargs touch"
        #expect(try Command.run(["sh", "-c", make, "sh", world.path(data).string]).code == 0)
        #expect(try world.cai("init", "--json").outcome("ownership") == "ok")
        let wrong = try Command.run(["find", world.path(data).string, "!", "-uid", "1000"])
        #expect(wrong.output.isEmpty, "\(wrong.output.prefix(200))")
    }
}

import CaiTestSupport
import SystemPackage
import Testing

/// A root with nothing in it but the binary and a static program as command, in which nothing can be written.
private func emptyRoot() throws -> World {
    let world = try World()
    let busybox = "/bin/busybox"
    for (path, file) in [("/cai", Command.binary), ("/busybox", FilePath(busybox))] {
        try world.put(FilePath(path), .file(bytes: Files.read(file)).mode(0o755))
    }
    return world
}

/// Mounts the root of a world read-only over itself and goes there; the mount vanishes with the program.
private func inside(_ world: World, _ before: [String] = []) -> [String] {
    inMountNamespace("mount --bind '\(world.root)' '\(world.root)'; mount -o remount,bind,ro '\(world.root)'") + before
        + ["chroot", world.root.string]
}

@Suite(.rootOnly, .needs("busybox")) struct `cai run where there is nothing` {
    private let asProcess1 = ["unshare", "--pid", "--fork", "--kill-child", "--"]

    @Test(arguments: [false, true])
    func `works with a read-only root, without /proc and /dev`(isProcess1: Bool) throws {
        let world = try emptyRoot()
        let before = inside(world, isProcess1 ? asProcess1 : [])
        let script = "/busybox [ $PPID = 1 ] && echo first; /busybox [ -e /proc ] && echo mounted; exit 7"
        let run = try Command.run(before + ["/cai", "run", "/busybox", "sh", "-c", script])
        #expect(run.code == 7 && run.errors.isEmpty && run.output == (isProcess1 ? "first\n" : ""), "\(run)")
        #expect(try Command.run(before + ["/cai", "run", "nothing"]).code == 127)
        let help = try Command.run(before + ["/cai", "run"])
        #expect(help.code == 64 && help.errors.contains("Usage: cai run"), "\(help)")
    }

    @Test(arguments: [false, true])
    func `works there as nobody`(isProcess1: Bool) throws {
        let world = try emptyRoot()
        let nobody = ["chroot", "--userspec=65534:65534", "--groups=", world.root.string]
        let before = inMountNamespace("true") + (isProcess1 ? asProcess1 : []) + nobody
        let run = try Command.run(before + ["/cai", "run", "/busybox", "sh", "-c", "/busybox id -u; exit 8"])
        #expect(run.code == 8 && run.output == "65534\n" && run.errors.isEmpty, "\(run)")
    }

    @Test func `ends the group of its command when /proc tells of nobody else`() throws {
        let world = try emptyRoot()
        // No job in the background: for that the shell wants a /dev/null.
        let script = """
            exec 3<&0 4>&1
            { trap 'echo asked >&4; exit' TERM; echo ready >&4; while :; do /busybox usleep 10000; done; } |
                { read line <&3; kill -9 $$; }
            """
        let program = try Running(inside(world) + ["/cai", "run", "/busybox", "sh", "-c", script])
        try program.ready()
        program.write("end\n")
        #expect(try program.end() == .exited(137))
        #expect(try program.rest() == "asked\n")
    }

    @Test func `does not mistake a /proc of another PID namespace for its own`() throws {
        let script =
            "sh -c 'trap \"echo asked; exit\" TERM; echo ready; while :; do sleep 0.01; done' & read line; exit 4"
        let program = try Running([
            "unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "\"$@\"; exit $?", "sh", cai, "run", "sh", "-c",
            script,
        ])
        try program.ready()
        program.closeInput()
        #expect(try program.end() == .exited(4))
        #expect(try program.rest() == "asked\n")
    }
}

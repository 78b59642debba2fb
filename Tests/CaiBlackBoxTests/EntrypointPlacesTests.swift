import CaiTestSupport
import Glibc
import SystemPackage
import Testing

/// The agent without any privilege, as Kubernetes starts it.
private let unprivileged = asAgent

@Suite(.rootOnly, .needs("unshare")) struct `cai entrypoint where little is allowed` {
    private let report =
        "for f in /run/containai /run/user/containai /tmp/containai-1000; do [ -e $f/boot.json ] && echo $f; done; id -u"

    @Test func `boots without privileges beside a /run that belongs to root`() throws {
        let world = try World(["home/agent/startup.d/a.sh": script("touch /home/agent/booted")])
        let run = try world.boot(
            "sh", "-c", "\(report); exit 7", variables: ["XDG_RUNTIME_DIR=/nonesuch"],
            setup: "chown root:root /run; chmod 755 /run; mount -t tmpfs tmpfs /tmp; chmod 1777 /tmp",
            before: unprivileged)
        #expect(run.code == 7 && run.output == "/tmp/containai-1000\n1000\n", "\(run)")
        #expect(world.exists("home/agent/booted") && world.exists("mnt/agent-data/claude"))
        #expect(!run.errors.contains("the record of this boot cannot be written"), "\(run)")
    }

    @Test func `keeps its report in XDG_RUNTIME_DIR where /run cannot be written`() throws {
        let run = try World().boot(
            "sh", "-c", report, variables: ["XDG_RUNTIME_DIR=/run/user"],
            setup: "mkdir /run/user; chown 1000:1000 /run/user; mount -t tmpfs tmpfs /tmp", before: unprivileged)
        #expect(run.code == 0 && run.output == "/run/user/containai\n1000\n", "\(run)")
    }

    @Test func `does not write its report where somebody else has prepared a place`() throws {
        let run = try World().boot(
            "sh", "-c", report,
            setup: "mount -t tmpfs tmpfs /tmp; mkdir -m 777 /tmp/containai-1000 /tmp/elsewhere", before: unprivileged)
        #expect(run.code == 0 && run.output == "1000\n", "\(run)")
        #expect(run.errors.contains("the record of this boot cannot be written"), "\(run)")
    }

    @Test(arguments: [[], unprivileged])
    func `starts the command on a read-only root`(before: [String]) throws {
        let world = try World()
        let run = try world.boot(
            "sh", "-c", "touch /written 2>/dev/null || id -u; exit 7",
            setup: "mount -o remount,bind,ro /run; mount -o remount,bind,ro /", before: before)
        #expect(run.code == 7 && run.output == "1000\n", "\(run)")
    }

    @Test func `starts the command without a volume`() throws {
        let run = try World().boot("id", "-u", setup: "umount /mnt/agent-data; umount /mnt")
        #expect(run.code == 0 && run.output == "1000\n", "\(run)")
    }
}

/// A root with nothing in it but the binary and busybox.
func smallRoot(_ tree: Item = [:]) throws -> World {
    let world = try World(tree)
    for (path, file) in [("/cai", Command.binary), ("/busybox", FilePath("/bin/busybox"))] {
        try world.put(FilePath(path), .file(bytes: Files.read(file)).mode(0o755))
    }
    return world
}

/// Starts a program as process 1 of that root.
func first(_ world: World, _ environment: [String] = []) -> [String] {
    ["unshare", "--pid", "--fork", "--kill-child", "--"] + ["env", "-i", "PATH=/usr/bin:/bin:/usr/sbin:/sbin"]
        + environment + ["chroot", world.root.string]
}

@Suite(.rootOnly, .needs("busybox")) struct `cai entrypoint in an empty root` {
    @Test func `starts the command as the agent, without /proc and /dev`() throws {
        let world = try smallRoot()
        let run = try Command.run(
            first(world) + ["/cai", "entrypoint", "/busybox", "sh", "-c", "/busybox id -u; exit 7"])
        #expect(run.code == 7 && run.output == "1000\n", "\(run)")
    }

    @Test(arguments: [["--systemd"], ["--systemd", "--", "ignored"], []])
    func `becomes systemd after the boot, as process 1, with what systemd needs`(words: [String]) throws {
        let show = "#!/busybox sh\n/busybox echo \"$$ $# $container $NOTIFY_SOCKET $A $X.\"\nexit 9\n"
        let world = try smallRoot([
            "sbin/init": .file(show).mode(0o755), "run/.containerenv": "", "mnt/agent-data/.env": "X=1\n",
        ])
        let environment = ["NOTIFY_SOCKET=/n", "A=a"] + (words.isEmpty ? ["USE_SYSTEMD=1"] : [])
        let run = try Command.run(first(world, environment) + ["/cai", "entrypoint"] + words)
        #expect(run.code == 9 && run.output == "1 0 podman /n a .\n", "\(run)")
        #expect(world.exists("run/containai/boot.json"), "\(run)")
    }

    @Test func `says why when systemd cannot take over`() throws {
        let world = try smallRoot()
        let missing = try Command.run(first(world) + ["/cai", "entrypoint", "--systemd"])
        #expect(missing.code == 127 && missing.errors.contains("/sbin/init"), "\(missing)")
        let second = try Command.run([cai, "entrypoint", "--systemd"])
        #expect(second.code == 125 && second.errors.contains("systemd has to be process 1"), "\(second)")
    }
}

@Suite struct `The help of cai entrypoint` {
    @Test func `is on standard output and names every flag`() throws {
        for words in [
            ["entrypoint", "--help"], ["entrypoint", "-h"], ["help", "entrypoint"], ["entrypoint", "-g", "--help"],
        ] {
            let run = try Command.run([cai] + words)
            #expect(run.code == 0 && run.errors.isEmpty, "\(run)")
            for flag in [
                "--strict", "--boot-timeout", "--grace", "--user", "--workdir", "--ready-fd", "--no-agent", "--systemd",
                "-s, --subreaper", "-g, --group", "-c, --single-child", "-p, --parent-death-signal",
                "-e, --expect-exit-code", "-w, --warn-on-reap", "-r, --rewrite", "-v, --verbose",
            ] { #expect(run.output.contains(flag), "\(flag)\n\(run)") }
        }
    }
}

import Testing

private let hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
private let namedVolume = #"mkdir -p "$H/volumes/data/_data"; mount --bind "$H/volumes/data/_data" "$M/mnt/agent-data""#

/// Checks one path of a container; the JSON report and the exit code.
private func check(_ setup: String, _ path: String = "/mnt/agent-data", inside: String = "", options: String = "")
    -> Finished
{
    Sandbox.container(setup, run: "\(inside)\n/cai persistence check --json --path \(path) \(options)")
}

extension Finished {
    /// The texts of a key in the order of the report.
    func values(_ key: String) -> [String] {
        output.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " : ", maxSplits: 1)
            guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == "\"\(key)\"" else { return nil }
            return String(parts[1].filter { $0 != "\"" && $0 != "," })
        }
    }
}

@Suite(.canMount) struct `A check inside a container` {
    @Test(arguments: [
        (#"v="$H/volumes/data/_data"; mkdir -p "$v"; mount --bind "$v" "$M/mnt/agent-data""#, "named-volume", 0),
        (
            #"v="$H/volumes/\#(hash)/_data"; mkdir -p "$v"; mount --bind "$v" "$M/mnt/agent-data""#, "anonymous-volume",
            1
        ),
        (
            #"v="$H/containers/storage/volumes/p/_data"; mkdir -p "$v"; mount --bind "$v" "$M/mnt/agent-data""#,
            "named-volume", 0
        ),
        (#"mkdir "$H/a b"; mount --bind "$H/a b" "$M/mnt/agent-data""#, "bind-mount", 0),
        (#"mount -t tmpfs tmpfs "$M/mnt/agent-data""#, "memory", 1), ("true", "container-layer", 1),
        (#"mkdir "$M/x"; mount --bind "$M/x" "$M/mnt/agent-data""#, "container-layer", 1),
        (#"rmdir "$M/mnt/agent-data""#, "missing", 1),
        (#"mount -t proc proc "$M/mnt/agent-data""#, "kernel", 1),
        (
            #"v="$H/kubelet/pods/u/volumes/kubernetes.io~empty-dir/w"; mkdir -p "$v"; mount --bind "$v" "$M/mnt/agent-data""#,
            "empty-dir", 1
        ),
    ])
    func `tells what holds a path`(setup: String, kind: String, code: Int) {
        let result = check(setup)
        #expect(result.values("kind") == [kind], Comment(rawValue: result.output))
        #expect(result.code == code)
    }

    @Test func `2.13 #6: an image whose VOLUMEs got anonymous volumes is reported`() {
        let result = Sandbox.container(
            """
            for p in /home/opencoder/.local/share/opencode /home/opencoder/workspace /home/opencoder/.ssh \
                /var/lib/opencode-users /home/opencoder/.config/opencode /home/opencoder/.local/state/opencode \
                /home/opencoder/.cache/opencode; do
                n=$(printf %064x $((i = ${i:-0} + 1))); mkdir -p "$H/volumes/$n/_data" "$M$p"
                mount --bind "$H/volumes/$n/_data" "$M$p"
            done
            """, run: "/cai persistence check --preset opencode")
        #expect(result.code == 1)
        #expect(result.output.contains("\nWARNING: Persistence is not configured for one or more paths.\n"))
        let lines = result.output.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("  - /") && $0.contains("(anonymous volume, ") }.count == 7)
        #expect(lines.filter { $0.hasPrefix("  -v opencode-") }.count == 7)
    }

    @Test func `2.13 #7: a root directory on a disk's file system is the container layer, as with the vfs driver`() {
        let result = check(
            """
            R="$H/vfs/dir/abc"; mkdir -p "$R"; mount --bind "$R" "$R"; mkdir -p "$R/mnt/agent-data" "$R/.outside"
            for d in bin sbin lib lib64 usr opt etc proc dev cai; do
                [ -e "$M/$d" ] || continue
                if [ -d "$M/$d" ]; then mkdir "$R/$d"; else : > "$R/$d"; fi; mount --rbind "$M/$d" "$R/$d"
            done
            for d in $(dirname "\(Sandbox.binary)"); do mkdir -p "$R$d"; mount --bind "$M$d" "$R$d"; done
            M="$R"
            """)
        #expect(result.values("kind") == ["container-layer"], Comment(rawValue: result.output))
        #expect(result.code == 1)
    }

    @Test func `2.13 #8: programs get JSON and an exit code`() {
        let result = check(namedVolume)
        #expect(result.code == 0 && result.output.hasPrefix("{") && result.values("persistent").contains("true"))
        #expect(check("true").values("persistent").contains("false"))
    }

    @Test(.enabled(if: Sandbox.has("strace"), "strace is not installed"))
    func `2.13 #9: no socket is opened`() {
        let result = Sandbox.container(
            "true", run: "strace -f -qq -e trace=%network /cai persistence check --path /mnt/agent-data || true")
        #expect(result.output.hasPrefix("PATH "), Comment(rawValue: result.output))
        #expect(!result.output.contains("socket("))
    }

    @Test func `a symlink is followed to where the bytes are, in both directions`() {
        let intoVolume = check(
            namedVolume + #"; ln -s /mnt/agent-data "$M/link""#, "/link/sub", inside: "mkdir /mnt/agent-data/sub")
        #expect(intoVolume.values("kind") == ["named-volume"], Comment(rawValue: intoVolume.output))
        let outOfVolume = check(namedVolume, "/mnt/agent-data/link", inside: "ln -s ../../home /mnt/agent-data/link")
        #expect(outOfVolume.values("kind") == ["container-layer"], Comment(rawValue: outOfVolume.output))
    }

    @Test func `a dangling symlink is missing, and says what would be created where it leads`() {
        let result = check(namedVolume, "/link", inside: "ln -s /mnt/agent-data/later /link")
        #expect(result.values("kind") == ["missing"] && result.values("mount_point") == ["/mnt/agent-data"])
        #expect(
            result.code == 0
                && check(namedVolume, "/link", inside: "ln -s /mnt/agent-data/later /link", options: "--strict").code
                    == 1
        )
    }

    @Test func `a mount that hides another is the one that counts`() {
        let above = check(namedVolume + #"; mount -t tmpfs tmpfs "$M/mnt""#, inside: "mkdir /mnt/agent-data")
        #expect(above.values("kind") == ["memory"], Comment(rawValue: above.output))
        let onTop = check(namedVolume + #"; mount -t tmpfs tmpfs "$M/mnt/agent-data""#)
        #expect(onTop.values("kind") == ["memory"])
        let under = check(#"mount -t tmpfs tmpfs "$M/mnt/agent-data"; "# + namedVolume)
        #expect(under.values("kind") == ["named-volume"])
    }

    @Test func `a read-only bind mount fails although it persists`() {
        let result = check(namedVolume + #"; mount -o remount,bind,ro "$M/mnt/agent-data""#)
        #expect(result.values("kind") == ["named-volume"] && result.values("read_only") == ["true"])
        #expect(result.code == 1)
    }

    @Test func `a volume whose directory was deleted keeps nothing`() {
        let result = check(namedVolume + #"; rmdir "$H/volumes/data/_data""#)
        #expect(result.values("risk") == ["critical"] && result.code == 1, Comment(rawValue: result.output))
    }

    @Test func `without /proc nothing crashes, the layer is known and the rest is unknown`() {
        let hide = "umount -l /proc"
        let layer = check("true", inside: hide)
        #expect(layer.values("kind") == ["container-layer"] && layer.code == 1, Comment(rawValue: layer.output))
        let volume = check(namedVolume, inside: hide)
        #expect(volume.values("kind") == ["unknown"] && volume.code == 0, Comment(rawValue: volume.output))
        #expect(check(namedVolume, inside: hide, options: "--strict").code == 1)
        #expect(check(#"mount -t tmpfs tmpfs "$M/mnt/agent-data""#, inside: hide).values("kind") == ["memory"])
    }

    @Test(
        .enabled(if: Sandbox.has("strace"), "strace is not installed"),
        arguments: [
            (namedVolume, "named-volume"), (#"mount -t tmpfs tmpfs "$M/mnt""#, "missing"), ("true", "container-layer"),
        ])
    func `a kernel without the mount number in statx is asked through fdinfo`(setup: String, kind: String) {
        let result = Sandbox.container(
            setup,
            run: """
                strace -f -qq -o /dev/null -e trace=statx -e inject=statx:error=ENOSYS \
                    /cai persistence check --json --path /mnt/agent-data || true
                """)
        #expect(result.values("kind") == [kind], Comment(rawValue: result.output))
    }

    @Test func `a path that may not be searched is unknown, not persistent`() {
        let denied = Sandbox.container(
            namedVolume,
            run: """
                mkdir -m 700 /mnt/agent-data/private
                setpriv --reuid=65534 --regid=65534 --clear-groups /cai persistence check --json --strict \
                    --path /mnt/agent-data/private/x
                """)
        #expect(denied.values("kind") == ["unknown"] && denied.code == 1, Comment(rawValue: denied.output))
    }

    @Test func `under --root links and dots stay inside`() {
        let setup =
            namedVolume
            + #"; mkdir -p "$M/tree/data" "$M/tree/mnt"; ln -s /mnt "$M/tree/link"; ln -s ../../../mnt "$M/tree/up""#
        for path in ["/link/agent-data", "/up/agent-data", "/../mnt/agent-data"] {
            let result = check(setup, path, options: "--root /tree")
            #expect(result.values("kind") == ["missing"] && result.code == 1, Comment(rawValue: path + result.output))
        }
        #expect(check(setup, "/data", options: "--root /tree").values("kind") == ["container-layer"])
    }

    @Test func `a process namespace of its own is a sign of a container`() {
        let result = Sandbox.shell(
            "unshare --pid --fork --mount-proc '\(Sandbox.binary)' persistence check --json || true")
        #expect(result.values("inside") == ["true"], Comment(rawValue: result.output))
    }
}

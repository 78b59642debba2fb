import CaiModel
import SystemPackage
import Testing

@Suite struct `The mount table` {
    @Test func `a line is read with its octal escapes and without its optional fields`() throws {
        let line =
            #"36 35 98:0 /a\040b /mnt/t\011ab\134 rw,noatime shared:7 master:1 unknown - ext4 /dev/disk\043 rw,errors=remount-ro"#
        let mount = try #require(MountTable(parsing: Array(line.utf8)).mounts.first)
        #expect(mount.id == 36 && mount.parent == 35 && mount.device == "98:0")
        #expect(mount.root == "/a b" && mount.mountPoint == #"/mnt/t\#tab\"#)
        #expect(mount.fileSystem == "ext4" && mount.source == "/dev/disk#" && !mount.isReadOnly && !mount.isDeleted)
    }

    @Test func `a source may be empty, as mount(2) allows`() throws {
        let mount = try #require(MountTable(parsing: Array("36 35 0:45 / /x ro - tmpfs  rw,size=1k".utf8)).mounts.first)
        #expect(mount.fileSystem == "tmpfs" && mount.source.isEmpty && mount.isReadOnly)
    }

    @Test(arguments: ["rw,relatime - ext4 /dev/a ro", "ro,relatime - ext4 /dev/a rw"])
    func `a mount is read-only when the mount or its file system is`(rest: String) {
        #expect(MountTable(parsing: Array("1 0 8:1 / /x \(rest)".utf8)).mounts.first?.isReadOnly == true)
    }

    @Test func `an option that only contains the letters ro is not read-only`() {
        let table = MountTable(parsing: Array("1 0 8:1 / /x rw,errors=ro - ext4 /dev/a rw,robust".utf8))
        #expect(table.mounts.first?.isReadOnly == false)
    }

    @Test(arguments: [("/srv/data//deleted", "/srv/data"), ("//deleted", "/")])
    func `a deleted directory is told from its mark`(root: String, path: String) {
        let mount = MountTable(parsing: Array("1 0 8:1 \(root) /x rw - ext4 /dev/a rw".utf8)).mounts.first
        #expect(mount?.isDeleted == true && mount?.root == FilePath(path))
    }

    @Test(arguments: [
        "garbage", "1 2 3", "x 0 8:1 / /x rw - ext4 a rw", "1 0 8:1 / /x rw ext4 a rw", "1 0 81 / /x rw - ext4 a rw",
        "1 0 8:1 / x rw - ext4 a rw", "1 0 8:1 / /x rw -", "-1 0 8:1 / /x rw - ext4 a rw", "       -  ", "\u{FFFD}",
    ])
    func `a line that is no mount is skipped with a finding, and the others are read`(garbage: String) {
        let table = MountTable(
            parsing: Array("1 0 8:1 / / rw - ext4 a rw\n\(garbage)\n2 1 0:5 / /p rw - proc p rw\n".utf8))
        #expect(table.mounts.map(\.id) == [1, 2])
        #expect(table.findings.map(\.place) == ["/proc/self/mountinfo:2:1"])
    }

    @Test func `bytes that are no text do no harm`() {
        let bytes = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        #expect(MountTable(parsing: bytes).mounts.isEmpty)
        #expect(MountTable(parsing: Array(#"1 0 8:1 /\777\40 /x\ rw - ext4 a rw"#.utf8)).mounts.count == 1)
    }

    @Test func `the longest prefix counts by whole names, and the last of two mounts on one place`() {
        let table = MountTable(
            parsing: Array(
                """
                1 0 0:9 / / rw - overlay overlay rw
                2 1 8:1 /a /mnt/data rw - ext4 a rw
                3 2 0:7 / /mnt/data rw - tmpfs tmpfs rw
                4 1 8:1 /b /mnt/data-old rw - ext4 a rw
                """.utf8))
        #expect(table.mount(holding: "/mnt/data/x")?.id == 3)
        #expect(table.mount(holding: "/mnt/data-old")?.id == 4)
        #expect(table.mount(holding: "/mnt/database")?.id == 1)
    }
}

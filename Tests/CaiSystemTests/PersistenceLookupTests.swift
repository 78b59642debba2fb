import CaiPlatform
import Glibc
import SystemPackage
import Testing

@Suite struct `Looking up a path below a root` {
    private let root: FilePath

    init() throws {
        let made = Sandbox.shell("mktemp -d '\(Sandbox.buildDirectory)/lookup.XXXXXX'")
        try #require(made.code == 0)
        root = FilePath(String(made.output.dropLast()))
        for command in [
            "mkdir -p a/b", ": > a/file", "ln -s /a/b absolute", "ln -s ../../../../a up", "ln -s loop loop",
            "ln -s /gone/x dangling", "ln -s a/file to-file", "ln -s /etc out",
        ] {
            #expect(Sandbox.shell("cd '\(root)' && \(command)").code == 0)
        }
    }

    private func cleanUp() { _ = Sandbox.shell("rm -rf '\(root)'") }

    @Test func `links and dots lead where they would if the directory were /`() throws {
        defer { cleanUp() }
        let lookup = try RootedLookup(root: root)
        for (path, resolved, missing) in [
            ("/a/b", "/a/b", 0), ("absolute", "/a/b", 0), ("/up/b", "/a/b", 0), ("/../../a/./b/../b/", "/a/b", 0),
            ("/dangling", "/gone/x", 2), ("/out/passwd", "/etc/passwd", 2), ("/to-file", "/a/file", 0), ("/", "/", 0),
            ("/a/nothing/more", "/a/nothing/more", 2),
        ] {
            let found = try lookup.find(FilePath(path))
            #expect(found.resolved == FilePath(resolved), "\(path)")
            #expect(found.missing.count == missing, "\(path)")
            #expect(found.isDirectory == (path != "/to-file"), "\(path)")
        }
    }

    @Test(arguments: [
        ("/loop", Errno.tooManySymbolicLinkLevels), ("/a/file/x", .notDirectory), ("/to-file/x", .notDirectory),
    ])
    func `what is neither there nor missing throws`(path: String, errno: Errno) throws {
        defer { cleanUp() }
        let lookup = try RootedLookup(root: root)
        let error = #expect(throws: SystemCallError.self) { _ = try lookup.find(FilePath(path)).missing }
        #expect(error?.errno == errno)
    }

    @Test func `a mount point is told from a directory`() throws {
        defer { cleanUp() }
        #expect(try Mounts.isMountPoint("/"))
        #expect(try Mounts.isMountPoint("/proc"))
        #expect(try !Mounts.isMountPoint("/proc/sys/kernel/random") && !Mounts.isMountPoint(root.appending("a/b")))
        #expect(throws: SystemCallError.self) { try Mounts.isMountPoint(root.appending("gone")) }
    }

    @Test(arguments: [
        ("pos:\t0\nflags:\t010\nmnt_id:\t29\nino:\t1\n", UInt64?(29)), ("pos:\t0\n", nil), ("", nil),
        ("mnt_id:\tx", nil),
    ])
    func `the mount number is read from descriptor information`(text: String, id: UInt64?) {
        defer { cleanUp() }
        #expect(Mounts.mountID(inDescriptorInformation: text) == id)
    }
}

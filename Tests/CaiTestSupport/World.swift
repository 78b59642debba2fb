import Glibc
package import SystemPackage

/// A machine in miniature: a temporary root directory with `/etc/passwd`, the home of user `agent` and a volume, both
/// owned by 1000:1000 where the tests run as root. It vanishes with its last reference.
package final class World: Sendable {
    /// Whether the tests run as root, and so can make devices, give files away and mount.
    package static var isRoot: Bool { geteuid() == 0 }

    /// The agent's user and group.
    package static let agent: UInt32 = 1000

    package let root: FilePath

    /// Makes a world with the given tree in it. `directory` is where the root is made.
    package init(_ tree: Item = [:], in directory: FilePath = World.temporaryDirectory) throws {
        root = try Self.makeRoot(in: directory)
        try put(
            "/etc/passwd",
            .file("root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000:Agent:/home/agent:/bin/bash\n").owned(by: 0))
        try put("/home/agent", [:])
        try put("/mnt/agent-data", [:])
        try add(tree)
    }

    deinit { try? Files.remove(root) }  // what cannot be removed is left to the machine's own tidying

    /// Where worlds are made: `TMPDIR`, else `/tmp`.
    package static var temporaryDirectory: FilePath {
        getenv("TMPDIR").map { FilePath(platformString: $0) } ?? "/tmp"
    }

    package var home: FilePath { root.appending("home/agent") }
    package var volume: FilePath { root.appending("mnt/agent-data") }

    /// A path of the world as a path of this machine. Symlinks on the way are not looked at.
    package func path(_ path: FilePath) -> FilePath { root.appending(path.components) }

    /// The content of a file, for which links are resolved as if the root were `/`.
    package func text(_ path: FilePath) throws -> String { try Files.text(try resolved(path)) }

    /// The text of the symlink at a path; nil when there is none.
    package func link(_ path: FilePath) -> FilePath? { try? Files.linkText(self.path(path)) }

    /// The permission bits at a path, symlinks not followed; nil when nothing is there.
    package func mode(_ path: FilePath) throws -> UInt16? {
        try Files.status(self.path(path)).map { UInt16($0.st_mode & 0o7777) }
    }

    /// Whether anything is at a path, symlinks not followed.
    package func exists(_ path: FilePath) -> Bool { Files.exists(self.path(path)) }

    /// The path of this machine at which a path of the world ends, links followed inside the root.
    package func resolved(_ path: FilePath) throws -> FilePath {
        var waiting = Array(path.components.reversed())
        var done = FilePath("/")
        var links = 0
        while let next = waiting.popLast() {
            switch next.kind {
            case .currentDirectory: continue
            case .parentDirectory: done.removeLastComponent()
            case .regular:
                let here = done.appending(next)
                guard let text = link(here) else {
                    done = here
                    continue
                }
                links += 1
                if links > 40 { throw FileTrouble("resolve", path, ELOOP) }
                if text.isAbsolute { done = "/" }
                waiting += text.components.reversed()
            }
        }
        return self.path(done)
    }

    private static func makeRoot(in directory: FilePath) throws -> FilePath {
        var template = directory.appending("cai-world.XXXXXX").bytes.map { CChar(bitPattern: $0) } + [0]
        guard mkdtemp(&template) != nil else { throw FileTrouble("mkdtemp", directory, errno) }
        let root = FilePath(platformString: template)
        try checked("chmod", root, root.withPlatformString { chmod($0, 0o755) })
        return root
    }
}

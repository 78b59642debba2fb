import Glibc
import Synchronization
import SystemPackage

/// How the home and the volume lie on file systems.
enum Ground: String, CaseIterable {
    /// The home on one file system, the volume on another one.
    case two
    /// Both on the same file system.
    case one
    /// The home is an overlay whose lower layer holds the live files, as in a container image: renaming a directory of it
    /// fails with EXDEV.
    case overlay
}

/// A machine's root directory, in memory or on disks that can lose their power, which can be built anew for every case.
/// Used by one job at a time, and by the companions of that job, which only read its paths.
final class World: Sendable {
    let ground: Ground
    /// The disks of the root and of the volume; nil in memory.
    let disks: Disks?
    let directory: FilePath
    var root: FilePath { directory.appending("root") }
    var home: FilePath { root.appending("home/agent") }
    var volume: FilePath { root.appending("mnt/agent-data") }
    private var log: FilePath { directory.appending("output") }
    private var trace: FilePath { directory.appending("trace") }
    let binary: String
    private let overlayIsMounted = Atomic(false)

    /// Everything the user owns, at one moment.
    struct Contents {
        var home: [Node]
        var volume: [Node]

        var all: [Node] { home + volume }
        /// All of it that must never be lost: the state of `cai` itself does not count; what it displaced does, and what it
        /// is about to displace, as long as a journal has the next run do that.
        var treasures: Set<Node.Content> {
            let hasJournal = volume.contains {
                $0.path.starts(with: ".containai/journal") && $0.content != .directory
            }
            let volume = volume.filter {
                !$0.path.string.hasPrefix(".containai") || $0.path.starts(with: ".containai/displaced")
                    || hasJournal && $0.path.starts(with: ".containai/staging")
            }
            return Set((home + volume).compactMap(\.treasure))
        }
    }

    init(_ ground: Ground, in directory: FilePath, cai: String, on fileSystem: DiskFormat? = nil) throws {
        self.ground = ground
        self.directory = directory
        binary = cai
        try makeDirectory(directory)
        try check("mount", mount("tmpfs", directory.string, "tmpfs", 0, "mode=755"))
        disks = try fileSystem.map { try Disks($0, ground, in: directory) }
        for name in [
            "root", "root/etc", "root/home", "root/home/agent", "root/mnt", "root/mnt/agent-data", "root/run",
            "root/tmp",
        ] {
            try makeDirectory(directory.appending(FilePath(name).components))
        }
        let accounts = "root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n"
        try Tree.write(Array(accounts.utf8), to: root.appending("etc/passwd"))
        try check("chmod", chmod(root.appending("etc/passwd").string, 0o644))
        if ground != .one, disks == nil {
            try check("mount volume", mount("tmpfs", volume.string, "tmpfs", 0, "mode=755,size=64m"))
        }
        for name in ["lower", "upper", "work"] { try makeDirectory(directory.appending(name)) }
        try own()
    }

    /// Unmounts a world on disks, with all that it holds.
    func remove() throws {
        try disks?.remove()
        try check("umount \(directory)", umount2(directory.string, 0))
        try check("rmdir \(directory)", rmdir(directory.string))
    }

    private func own() throws {
        let directories = [home, volume] + ["lower", "upper"].map { directory.appending($0) }
        for path in directories { try check("chown", chown(path.string, Tree.agent, Tree.agent)) }
    }

    /// Writes the settings file: the placement of agent directories and nothing else.
    func setPlacement(_ placement: String) throws {
        try makeDirectory(root.appending("etc/containai"))
        let file = root.appending("etc/containai/agent.toml")
        // A world serves one scenario after another.
        if unlink(file.string) != 0, errno != ENOENT { throw HarnessError("unlink \(file): \(errno)") }
        try Tree.write(Array("agent_placement = \"\(placement)\"\n".utf8), to: file)
        try check("chmod", chmod(file.string, 0o644))
    }

    /// Puts exactly these nodes into the home and onto the volume.
    func reset(_ contents: Contents, volumeIsDurable: Bool = true) throws {
        if overlayIsMounted.exchange(false, ordering: .relaxed) {
            try check("umount", umount2(home.string, Int32(MNT_DETACH)))
        }
        let parts = ["lower", "upper", "work", "root/run"].map { directory.appending(FilePath($0).components) }
        for path in [home, volume] + parts { try Tree.empty(path) }
        if ground == .overlay {
            try Tree.build(contents.home, below: directory.appending("lower"))
            let options = "lowerdir=\(directory)/lower,upperdir=\(directory)/upper,workdir=\(directory)/work"
            try check("mount overlay", mount("overlay", home.string, "overlay", 0, options))
            overlayIsMounted.store(true, ordering: .relaxed)
        } else {
            try Tree.build(contents.home, below: home)
        }
        if !volumeIsDurable { try disks?.flush() }
        try Tree.build(contents.volume, below: volume)
        if volumeIsDurable { try disks?.flush() }
    }

    func contents() -> Contents { Contents(home: Tree.scan(home), volume: Tree.scan(volume)) }

    /// Limits how much the volume can hold, in pages of 4 KiB; nil for plenty.
    func limitVolume(pages: Int?) throws {
        guard let pages else {
            return try check("remount", mount("tmpfs", volume.string, "tmpfs", UInt(MS_REMOUNT), "size=64m"))
        }
        // The kernel counts what is used more exactly than it tells.
        for extra in (pages == 0 ? 1 : 0)..<256 {
            let size = "size=\((pages + extra) * 4096)"
            if mount("tmpfs", volume.string, "tmpfs", UInt(MS_REMOUNT), size) == 0 { return }
        }
        throw HarnessError("remount with room for \(pages) pages: \(errno)")
    }

    func makeVolume(readOnly: Bool) throws {
        let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
        // A program that another job is starting holds copies of this process's descriptors for a moment.
        let deadline = ContinuousClock.now + .seconds(30)
        while mount("tmpfs", volume.string, "tmpfs", flags, nil) != 0 {
            guard errno == EBUSY, ContinuousClock.now < deadline else { throw HarnessError("remount: \(errno)") }
            sched_yield()
        }
    }

    var volumePages: Int {
        var status = statvfs()
        guard statvfs(volume.string, &status) == 0 else { return 0 }
        return Int(status.f_blocks - status.f_bfree) * Int(status.f_frsize) / 4096
    }

    /// Runs `cai` on this world's root.
    @discardableResult
    func cai(_ arguments: [String], under wrapper: [String] = []) throws -> Finished {
        let arguments = arguments.map { $0.replacing("{home}", with: home.string) }
        return try runProgram(wrapper + [binary] + arguments + ["--root", root.string], output: log)
    }

    /// Runs `cai`, started by a program, under strace. Returns the lines of the trace as well.
    func traced(
        _ arguments: [String], under wrapper: [String] = [], calls: [String], inject: [String] = []
    ) throws -> (Finished, [String]) {
        let options = inject.flatMap { ["-e", "inject=\($0)"] }
        // With a filter strace 6.1 injects errors, and no signal at all.
        let filter = inject.contains { $0.contains("signal=") } ? [] : ["--seccomp-bpf"]
        let strace =
            ["strace", "-f"] + filter + ["-qq", "-o", trace.string, "-e", "trace=\(calls.joined(separator: ","))"]
            + options
        let finished = try cai(arguments, under: strace + wrapper)
        let lines = String(decoding: Tree.bytes(trace), as: UTF8.self).split(separator: "\n").map(String.init)
        return (finished, lines)
    }

    /// Starts `cai` on this world's root, as the leader of a process group.
    func startCai(_ arguments: [String], under wrapper: [String] = []) throws -> pid_t {
        let arguments = arguments.map { $0.replacing("{home}", with: home.string) }
        return try start(wrapper + [binary] + arguments + ["--root", root.string], output: log)
    }

    /// Whether nobody holds the lock of the volume.
    var lockIsFree: Bool {
        let descriptor = open(volume.appending(".containai/lock").string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOENT }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
}

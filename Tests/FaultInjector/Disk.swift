import CPlatform
import Glibc
import SystemPackage

/// How a disk is formatted and mounted.
enum DiskFormat: String, CaseIterable {
    case ext4
    /// Without the heuristics that write a file's content before a rename over another file, or after a truncation.
    case ext4Strict = "ext4-noauto_da_alloc"
    case xfs

    /// The type in the command line and for mount(2).
    var type: String { self == .xfs ? "xfs" : "ext4" }
    fileprivate var options: String { self == .ext4Strict ? "loop,data=ordered,noauto_da_alloc" : "loop" }

    /// XFS refuses to be smaller than 300 MB. The image is sparse.
    fileprivate var size: off_t { (self == .xfs ? 320 : 128) << 20 }

    fileprivate func makeFileSystem(_ image: FilePath) -> [String] {
        switch self {
        case .ext4, .ext4Strict: ["mkfs.ext4", "-q", "-F", "-J", "size=4", image.string]
        case .xfs: ["mkfs.xfs", "-q", "-f", image.string]
        }
    }
}

/// An image with a file system of its own on a loop device. The device goes when the file system is unmounted.
struct Disk: Sendable {
    let format: DiskFormat
    let image: FilePath
    let place: FilePath
    /// A file in memory for the output of programs.
    private let log: FilePath

    init(_ format: DiskFormat, image: FilePath, at place: FilePath, log: FilePath) throws {
        self.format = format
        self.image = image
        self.place = place
        self.log = log
        let file = open(image.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try check("create \(image)", file)
        defer { close(file) }
        try check("truncate \(image)", ftruncate(file, format.size))
        try run(format.makeFileSystem(image))
        try makeDirectory(place)
        try attach()
    }

    /// Mounts the image. The file system replays its journal.
    func attach() throws { try run(["mount", "-t", format.type, "-o", format.options, image.string, place.string]) }

    /// Unmounts the file system, as soon as no process that was killed is left in it.
    func detach() throws { try unmount(place) }

    private func run(_ command: [String]) throws {
        let finished = try runProgram(command, output: log)
        if finished.code != 0 { throw HarnessError("\(command.joined(separator: " ")): \(finished.output)") }
    }

    /// Makes everything that was written so far durable.
    func flush() throws {
        let descriptor = try opened()
        defer { close(descriptor) }
        try check("syncfs \(place)", syncfs(descriptor))
    }

    /// Ends the file system at once: everything that is not durable is lost, the log included (FS_IOC_SHUTDOWN without a
    /// flush of the log, `shutdown` of xfs_io(8)).
    func losePower() throws {
        let descriptor = try opened()
        defer { close(descriptor) }
        var withoutLog: UInt32 = 2
        try check("shut down \(place)", ioctl(descriptor, Self.shutdown, &withoutLog))
    }

    /// `_IOR('X', 125, __u32)` of linux/fs.h.
    private static let shutdown: UInt = 0x8004_587D

    private func opened() throws -> CInt {
        let descriptor = open(place.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try check("open \(place)", descriptor)
        return descriptor
    }
}

/// The disks of a world: one for the root and the home, and, where the ground has two file systems, one for the volumes.
struct Disks: Sendable {
    let home: Disk
    /// Nil where the volumes lie on the disk of the home.
    let volume: Disk?
    private let root: FilePath

    /// The volumes, as directories of the disk and of the root.
    private static let volumes: [(name: String, place: FilePath)] = [
        ("data", "mnt/agent-data"), ("users", "var/lib/opencode-users"),
    ]

    init(_ format: DiskFormat, _ ground: Ground, in directory: FilePath) throws {
        root = directory.appending("root")
        let log = directory.appending("disks")
        home = try Disk(format, image: directory.appending("home.image"), at: root, log: log)
        guard ground != .one else {
            volume = nil
            return
        }
        let place = directory.appending("volumes")
        volume = try Disk(format, image: directory.appending("volume.image"), at: place, log: log)
        for (name, target) in Self.volumes {
            try makeDirectory(place.appending(name))
            var path = root
            for component in target.components {
                path.append(component)
                try makeDirectory(path)
            }
        }
        try bind()
    }

    var all: [Disk] { [home] + [volume].compactMap(\.self) }

    func flush() throws { for disk in all { try disk.flush() } }

    /// Unmounts everything.
    func remove() throws {
        if let volume {
            for (_, target) in Self.volumes { try unmount(root.appending(target.components)) }
            try volume.detach()
        }
        try home.detach()
    }

    /// Unmounts everything and mounts it again, after the power was lost.
    func restart() throws {
        try remove()
        try home.attach()
        try volume?.attach()
        if volume != nil { try bind() }
    }

    private func bind() throws {
        guard let volume else { return }
        for (name, target) in Self.volumes {
            let (from, to) = (volume.place.appending(name), root.appending(target.components))
            try check("bind \(to)", mount(from.string, to.string, nil, UInt(MS_BIND), nil))
        }
    }
}

/// Unmounts. A process that was killed may take a moment to let go of its files.
private func unmount(_ place: FilePath) throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while umount2(place.string, 0) != 0 {
        let error = errno
        guard error == EBUSY, ContinuousClock.now < deadline else {
            throw HarnessError("umount \(place): \(String(cString: strerror(error)))")
        }
        usleep(1000)  // nothing tells when the last of its files is closed
    }
}

func makeDirectory(_ path: FilePath) throws {
    if mkdir(path.string, 0o755) != 0, errno != EEXIST {
        throw HarnessError("mkdir \(path): \(String(cString: strerror(errno)))")
    }
}

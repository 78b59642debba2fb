import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// `cai entrypoint` from its options to an exit code: what has to be arranged before the first child.
enum Entrypoint {
    /// Boots, starts the command and stays its init until the end. Throws `RunUsageError` for a descriptor that is not
    /// there.
    static func run(
        _ arguments: UnsafePointer<UnsafeMutablePointer<CChar>?>, _ options: RunOptions
    ) throws(RunUsageError) -> CInt {
        let log = RunLog(verbosity: options.verbosity, of: .entrypoint)
        if options.boot.isForSystemd, getpid() != 1 {
            log.error(
                "systemd has to be process 1, and this is process \(getpid()): start the container without an init of the"
                    + " engine's")
            return failureCode
        }
        if let descriptor = options.boot.readyDescriptor, fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 {
            throw RunUsageError("--ready-fd: descriptor \(descriptor) is not open")
        }
        let orphaned = InitWork.watchParent(options.parentDeathSignal, log)
        if !Reaper.adoptOrphans() { log.info("orphans go to another process: this kernel has no subreapers") }
        var this = EntrypointInit(arguments, options, log)
        return this.run(first: orphaned ? options.parentDeathSignal : nil)
    }

    /// What the init itself could not do.
    static let failureCode: CInt = 125
}

/// Who waits to hear that the command was started, and that the end has begun.
struct Listeners {
    private let socket: NotifySocket?
    private let descriptor: CInt?

    /// Takes the socket out of the environment: it is for this process, and not for anything that is started from here.
    init(readyDescriptor: CInt?, keepsSocket: Bool) {
        descriptor = readyDescriptor
        socket = keepsSocket ? nil : getenv("NOTIFY_SOCKET").flatMap { NotifySocket(bytes($0)) }
        if !keepsSocket { unsetenv("NOTIFY_SOCKET") }
    }

    /// The command was started.
    func tellReady() {
        socket?.send("READY=1")
        // Nobody may be reading any more.
        if let descriptor { _ = write(descriptor, "\n", 1) }
    }

    /// The end has begun.
    func tellStopping() { socket?.send("STOPPING=1") }
}

/// This program, for starting it again.
enum OwnProgram {
    /// Where it is: by what the kernel has open, which also holds after the file was replaced, else by its path.
    static func paths() -> [[UInt8]] {
        var paths = [Array("/proc/self/exe".utf8)]
        if let path = cai_program_path().map({ bytes($0) }), let real = realpath(path) { paths.append(real) }
        return paths
    }

    private static func realpath(_ path: [UInt8]) -> [UInt8]? {
        let path = CStrings([path])
        guard let name = path.pointers[0], let real = Glibc.realpath(name, nil) else { return nil }
        defer { free(real) }
        return bytes(real)
    }
}

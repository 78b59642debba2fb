import CPlatform
import CaiPlatform
import Glibc
import SystemPackage

/// The file in which a boot, or a repair, leaves what it has found out. It has no name; the helper inherits it.
struct PlanFile {
    private var descriptor: CInt = -1
    /// False if there was no place for the last one.
    private(set) var hasPlace = true

    /// Makes one for the next helper. Returns the option that names it; none, and a warning, if there is no place for it.
    mutating func open(_ log: RunLog) -> [String] {
        descriptor = cai_make_memory_file("cai-launch-plan")
        let problem = errno
        hasPlace = descriptor >= 0
        if hasPlace { return ["--launch-plan", "\(descriptor)"] }
        log.warning(
            "no file can be made for what the boot finds out (memfd_create: \(Errno(rawValue: problem)); nor in /dev/shm, "
                + "/run, /tmp, /var/tmp): declared services are not started, and the command has no variables of .env; "
                + "mount a tmpfs at /run")
        return []
    }

    /// Reads the plan that the helper has left, and closes the file. One that cannot be read is as good as not written.
    mutating func read() -> LaunchPlan {
        guard descriptor >= 0 else { return LaunchPlan() }
        let file = Descriptor(owning: descriptor)
        descriptor = -1
        lseek(file.raw, 0, SEEK_SET)
        return LaunchPlan((try? file.readAll(limit: 64 << 20, "launch plan")) ?? [])  // as said
    }
}

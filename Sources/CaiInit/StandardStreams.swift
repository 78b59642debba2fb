import CPlatform
import CaiPlatform
import Glibc

/// The standard descriptors that an init has given to the user of its command.
///
/// Opening `/dev/stdout` or `/proc/self/fd/1` checks the owner of the pipe or terminal as it does for any file, and engines
/// give both to the user of process 1. Regular files and devices such as `/dev/null` are left alone, and so is the group.
struct StandardStreams {
    private var given: [(descriptor: CInt, from: uid_t, to: uid_t)] = []

    /// Gives pipes and terminals among descriptors 0, 1 and 2 to the user of `credentials`, if this process is root and runs
    /// the command as another user. Where that is not permitted nothing changes.
    init(for credentials: Credentials?) {
        guard geteuid() == 0, let user = credentials?.uid, user != 0 else { return }
        for descriptor in CInt(0)...2 {
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_uid != user, Self.isGivable(status, descriptor),
                fchown(descriptor, user, gid_t.max) == 0
            else { continue }
            given.append((descriptor, status.st_uid, user))
        }
    }

    private static func isGivable(_ status: stat, _ descriptor: CInt) -> Bool {
        switch status.st_mode & S_IFMT {
        case S_IFIFO: true
        case S_IFCHR: isatty(descriptor) == 1
        default: false
        }
    }

    /// Gives them back once the command has ended: they may be the terminal of a shell that goes on.
    mutating func takeBack() {
        for stream in given {
            var status = stat()
            guard fstat(stream.descriptor, &status) == 0, status.st_uid == stream.to else { continue }
            fchown(stream.descriptor, stream.from, gid_t.max)
        }
        given = []
    }
}

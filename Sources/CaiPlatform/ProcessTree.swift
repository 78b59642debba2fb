import CPlatform
import Glibc
package import SystemPackage

/// A process that cannot be mistaken for a later one of the same number.
package struct ProcessIdentity: Hashable, Sendable {
    package let id: Int32
    /// When it was started, in ticks since the machine was (proc_pid_stat(5), starttime).
    package let start: UInt64
}

/// The processes below this one, as /proc tells them.
package enum ProcessTree {
    /// Children, their children and so on, without those that have ended; those of this process, or of another. Nil where
    /// there is no /proc, or one of another PID namespace.
    package static func descendants(of ancestor: Int32? = nil) -> [ProcessIdentity]? {
        let own = getpid()
        guard isOfThisNamespace(own), let directory = opendir("/proc") else { return nil }
        defer { closedir(directory) }
        var children: [Int32: [StatusLine]] = [:]
        while let entry = readdir(directory) {
            guard let id = number(entry), let line = StatusLine(of: id) else { continue }
            children[line.parent, default: []].append(line)
        }
        var found: [ProcessIdentity] = []
        var waiting = [ancestor ?? own]
        while let parent = waiting.popLast() {
            for child in children.removeValue(forKey: parent) ?? [] {
                waiting.append(child.identity.id)
                if !child.hasEnded { found.append(child.identity) }
            }
        }
        return found
    }

    /// Sends a signal to a process if it is still the same. One that is gone, or that may not be signalled, is no error.
    package static func signal(_ process: ProcessIdentity, _ signal: Int32) {
        let directory = Descriptor(
            owning: cai_openat(AT_FDCWD, "/proc/\(process.id)", O_DIRECTORY | O_RDONLY | O_CLOEXEC, 0))
        guard directory.raw >= 0, StatusLine(below: directory)?.identity == process else { return }
        // A directory below /proc stands for its process (pidfd_send_signal(2)); kernels before 5.1 know the number only.
        if cai_pidfd_send_signal(directory.raw, signal) != 0, errno != ESRCH { kill(process.id, signal) }
    }

    private static func isOfThisNamespace(_ own: Int32) -> Bool {
        var buffer = [CChar](repeating: 0, count: 32)
        guard readlink("/proc/self", &buffer, buffer.count - 1) > 0 else { return false }
        return buffer.withUnsafeBufferPointer { $0.baseAddress.map { atoi($0) } } == own
    }

    private static func number(_ entry: UnsafeMutablePointer<dirent>) -> Int32? {
        withUnsafeBytes(of: &entry.pointee.d_name) { Int32(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)) }
    }
}

/// What is used of /proc/PID/stat.
package struct StatusLine: Hashable, Sendable {
    package let identity: ProcessIdentity
    package let parent: Int32
    /// What the kernel keeps of its program's name.
    package let name: String
    /// Whether it is a zombie.
    package let hasEnded: Bool

    /// Reads the text of the file; nil for anything else. The name of a program may contain blanks and brackets.
    package init?(text: String) {
        guard let open = text.firstIndex(of: " "), let close = text.lastIndex(of: ")"),
            let id = Int32(text[..<open])
        else { return nil }
        let fields = text[close...].dropFirst().split(whereSeparator: \.isWhitespace)
        guard fields.count > 19, let parent = Int32(fields[1]), let start = UInt64(fields[19]) else { return nil }
        identity = ProcessIdentity(id: id, start: start)
        self.parent = parent
        name = String(text[text.index(after: open)..<close].dropFirst())
        hasEnded = fields[0] == "Z" || fields[0] == "X"
    }

    fileprivate init?(of id: Int32) {
        let directory = Descriptor(owning: cai_openat(AT_FDCWD, "/proc/\(id)", O_DIRECTORY | O_RDONLY | O_CLOEXEC, 0))
        guard directory.raw >= 0 else { return nil }
        self.init(below: directory)
    }

    fileprivate init?(below directory: borrowing Descriptor) {
        let file = Descriptor(owning: cai_openat(directory.raw, "stat", O_RDONLY | O_CLOEXEC, 0))
        // A process may end at any moment, and its file with it.
        guard file.raw >= 0, let bytes = try? file.readAll(limit: 1 << 16, "/proc/PID/stat") else { return nil }
        self.init(text: String(decoding: bytes, as: UTF8.self))
    }
}

extension ProcessTree {
    /// Whether a process belongs to what another has started: it is that one, of its group or session, or below it.
    package static func holds(_ process: Int32, below ancestor: Int32) -> Bool {
        guard process > 0 else { return false }
        if process == ancestor || getsid(process) == ancestor || getpgid(process) == ancestor { return true }
        var next = process
        // Deeper trees than this have other troubles.
        for _ in 0..<64 {
            guard next > 1, let line = StatusLine(of: next) else { return false }
            if line.parent == ancestor { return true }
            next = line.parent
        }
        return false
    }
}

extension ProcessTree {
    /// Whether a process of this name runs, of which the kernel keeps 15 bytes (proc_pid_comm(5)).
    package static func isRunning(_ name: String) -> Bool {
        guard let directory = opendir("/proc") else { return false }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            guard let id = number(entry), let line = StatusLine(of: id), !line.hasEnded else { continue }
            if line.name == String(decoding: name.utf8.prefix(15), as: UTF8.self) { return true }
        }
        return false
    }
}

extension ProcessTree {
    /// Sends a signal to every process of this name that a user runs, this one left out. Returns how many there were.
    package static func signal(_ signal: Int32, named name: String, uid: UInt32) -> Int {
        guard let directory = opendir("/proc") else { return 0 }
        defer { closedir(directory) }
        let wanted = String(decoding: name.utf8.prefix(15), as: UTF8.self)
        var count = 0
        while let entry = readdir(directory) {
            var status = stat()
            guard let id = number(entry), id != getpid(), let line = StatusLine(of: id), !line.hasEnded,
                line.name == wanted, stat("/proc/\(id)", &status) == 0, status.st_uid == uid
            else { continue }
            count += 1
            self.signal(line.identity, signal)
        }
        return count
    }
}

extension ProcessTree {
    /// The name and id of a process, other than this one, that has something below a directory open, runs from there, or has
    /// its working directory there; nil if none is found. Processes of other users, which /proc does not show, and of other
    /// PID namespaces are not found.
    package static func user(of directory: FilePath) -> (name: String, id: Int32)? {
        guard let processes = opendir("/proc") else { return nil }
        defer { closedir(processes) }
        let own = getpid()
        while let entry = readdir(processes) {
            guard let id = number(entry), id != own else { continue }
            let place = "/proc/\(id)"
            if isBelow(directory, link: place + "/cwd") || isBelow(directory, link: place + "/exe")
                || hasOpen(directory, in: place + "/fd")
            {
                return (StatusLine(of: id)?.name ?? "a process", id)
            }
        }
        return nil
    }

    private static func hasOpen(_ directory: FilePath, in place: String) -> Bool {
        guard let descriptors = opendir(place) else { return false }
        defer { closedir(descriptors) }
        while let entry = readdir(descriptors) {
            guard let descriptor = number(entry) else { continue }
            if isBelow(directory, link: "\(place)/\(descriptor)") { return true }
        }
        return false
    }

    private static func isBelow(_ directory: FilePath, link: String) -> Bool {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink(link, &buffer, buffer.count - 1) > 0 else { return false }
        return buffer.withUnsafeBufferPointer { text in
            text.baseAddress.map { FilePath(platformString: $0).starts(with: directory) } ?? false
        }
    }

    /// An identity of the start of process 1: the boot of the kernel and the time at which process 1 began. Another text
    /// means another start of the container. Nil without /proc.
    package static var startOfContainer: String? {
        guard let first = StatusLine(of: 1)?.identity,
            let boot = try? kernelFile("/proc/sys/kernel/random/boot_id")  // without it there is no identity
        else { return nil }
        let id = String(decoding: boot, as: UTF8.self).prefix { !$0.isNewline }
        return "\(id) \(first.start)"
    }
}

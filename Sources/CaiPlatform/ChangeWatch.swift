import CPlatform
import Glibc
package import SystemPackage

/// What the kernel reports about changes in directories and of files (inotify(7)).
///
/// Directories and files are watched by descriptor, so that nobody can put another one in the way. A watch follows its
/// inode, wherever that moves, and also when it has no name any more.
package final class ChangeWatch: Sendable {
    /// One watch. Watching the same inode again gives the same one.
    package struct ID: Hashable, Sendable { let raw: CInt }

    /// What happened, and, when a watch is made, what is to be reported.
    package struct Kinds: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        private init(_ flag: CInt) { rawValue = UInt32(bitPattern: flag) }

        package static let modified = Kinds(IN_MODIFY)
        package static let attributes = Kinds(IN_ATTRIB)
        /// A file that was open for writing was closed.
        package static let closed = Kinds(IN_CLOSE_WRITE)
        package static let movedAway = Kinds(IN_MOVED_FROM)
        package static let movedHere = Kinds(IN_MOVED_TO)
        package static let created = Kinds(IN_CREATE)
        package static let removed = Kinds(IN_DELETE)
        /// The watched inode itself moved, was removed, or its file system was unmounted.
        package static let selfMoved = Kinds(IN_MOVE_SELF)
        package static let selfRemoved = Kinds(IN_DELETE_SELF)
        /// Every change in a directory, of which only the first is reported: then the watch is over.
        package static let firstChange: Kinds = [
            .modified, .attributes, .movedAway, .movedHere, .created, .removed, Kinds(rawValue: UInt32(IN_ONESHOT)),
        ]
        package static let unmounted = Kinds(IN_UNMOUNT)
        /// The watch is over.
        package static let ended = Kinds(IN_IGNORED)
        /// Events were lost: anything may have changed. Belongs to no watch.
        package static let overflow = Kinds(IN_Q_OVERFLOW)
    }

    /// One report.
    package struct Event {
        package let id: ID
        package let kinds: Kinds
        /// The bytes of the name inside the watched directory, which are there only as long as the event is handled; empty
        /// when it is about the watched inode itself.
        package let name: UnsafeRawBufferPointer
    }

    private let descriptor: Descriptor
    private static let bufferSize = 32 << 10

    /// Throws EMFILE when this user has as many as `fs.inotify.max_user_instances` allows.
    package init() throws(SystemCallError) {
        descriptor = Descriptor(
            owning: try check("inotify_init", "inotify") { inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK)) })
    }

    /// Nobody waits for the kernel to take the watches apart, not even the end of this process.
    deinit { cai_leave_to_collector(descriptor.raw) }

    /// Becomes readable when there is something to report.
    package var raw: CInt { descriptor.raw }

    /// Watches a directory for `kinds`. Throws ENOSPC at the limit `fs.inotify.max_user_watches`, EACCES for a directory
    /// that may not be read.
    package func add(_ directory: Directory, _ kinds: Kinds) throws(SystemCallError) -> ID {
        let mask = kinds.rawValue | UInt32(bitPattern: IN_ONLYDIR | IN_EXCL_UNLINK)
        do {
            return try add(throughProc: directory.descriptor, mask, directory.label)
        } catch {
            guard [.noSuchFileOrDirectory, .notDirectory].contains(error.errno) else { throw error }
        }
        // Without /proc the name is ".", from inside.
        _ = try check("enter", directory.label.printed) { cai_enter_alone(directory.descriptor.raw) }
        defer { _ = chdir("/") }
        return ID(raw: try check("watch", directory.label.printed) { inotify_add_watch(raw, ".", mask) })
    }

    /// Watches an open file. Throws ENOENT on a machine without /proc.
    package func add(
        _ file: borrowing Descriptor, _ kinds: Kinds, _ label: FilePath
    ) throws(SystemCallError) -> ID { try add(throughProc: file, kinds.rawValue, label) }

    private func add(
        throughProc file: borrowing Descriptor, _ mask: UInt32, _ label: FilePath
    ) throws(SystemCallError) -> ID {
        let path = "/proc/self/fd/\(file.raw)"
        return ID(raw: try check("watch", label.printed) { inotify_add_watch(raw, path, mask) })
    }

    /// Ends a watch; one that is over already stays that.
    package func remove(_ id: ID) { _ = inotify_rm_watch(raw, id.raw) }

    /// Hands everything that has been reported so far, at most a buffer full, to `body`. Returns whether there was anything.
    package func read(_ body: (Event) -> Void) throws(SystemCallError) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.bufferSize, alignment: MemoryLayout<inotify_event>.alignment)
        defer { buffer.deallocate() }
        let count: Int
        do {
            count = try check("read", "inotify") { Glibc.read(raw, buffer.baseAddress, buffer.count) }
        } catch {
            guard error.errno == .resourceTemporarilyUnavailable else { throw error }
            return false
        }
        Self.decode(UnsafeRawBufferPointer(rebasing: buffer[..<count]), body)
        return count > 0
    }

    /// Takes the kernel's records apart: a header, and as many bytes of name as it says, padded with zeros. A record that is
    /// cut off ends it.
    static func decode(_ bytes: UnsafeRawBufferPointer, _ body: (Event) -> Void) {
        let header = MemoryLayout<inotify_event>.size
        var rest = bytes
        while rest.count >= header {
            let event = rest.loadUnaligned(as: inotify_event.self)
            let end = header + Int(event.len)
            guard end <= rest.count else { return }
            let padded = UnsafeRawBufferPointer(rebasing: rest[header..<end])
            let name = UnsafeRawBufferPointer(rebasing: padded[..<(padded.firstIndex(of: 0) ?? padded.endIndex)])
            body(Event(id: ID(raw: event.wd), kinds: Kinds(rawValue: event.mask), name: name))
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
    }
}

extension Descriptor {
    /// True if the file is open a second time, or executed, by any process of this kernel; nil where the file system does not
    /// say, or the file belongs to another user. The descriptor must be open for reading only.
    package var isOpenElsewhere: Bool? {
        switch cai_is_open_elsewhere(raw) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    /// Whether somebody has this file open for writing; nil where the file system does not tell, or the file is somebody
    /// else's.
    package var isBeingWritten: Bool? {
        switch cai_is_being_written(raw) {
        case 0: false
        case 1: true
        default: nil
        }
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// What every run that changes a volume leaves a trace in: taken before a look at the volume, it tells under the lock whether
/// another run has changed anything since, or whether what was planned still holds.
///
/// What others than `cai` change meanwhile it does not see: for that each step says what it expects to find.
struct VolumeGlance {
    private struct Trace: Equatable {
        let inode: UInt64
        let modified: Int64
        let changed: Int64

        init(_ status: FileStatus) {
            inode = status.inode
            modified = status.modified
            changed = status.changed
        }
    }

    /// Two changes within this time may have the same time stamp (a tick of the kernel is at most 10 ms): only what is older
    /// tells something where no run has noted itself.
    private static let tick: Int64 = 20_000_000
    private static let names = ["journal", "displaced", "baseline", "baseline-changes"].map {
        StateDirectory.path.appending($0)
    }

    private let volume: Tree
    /// Nil where something cannot be looked at.
    private let traces: [Trace?]?
    /// What the last run noted at its end; nil where that is not known, or one is in the middle of its work.
    private let note: [UInt8]?
    private let isSettled: Bool

    init(_ volume: Tree) {
        self.volume = volume
        let before = WallClock.nanoseconds - Self.tick
        note = VolumeLock.lastNote(volume)
        traces = Self.traces(volume)
        isSettled = traces?.allSatisfy { $0.map { max($0.modified, $0.changed) < before } ?? true } ?? false
    }

    /// Whether no run has changed the volume since; false when that is not certain.
    var isCurrent: Bool {
        guard let traces, traces == Self.traces(volume) else { return false }
        return note.map { $0 == VolumeLock.lastNote(volume) } ?? isSettled
    }

    private static func traces(_ volume: Tree) -> [Trace?]? {
        do {
            let lock = try volume.status(StateDirectory.path.appending("lock"))
            // One that nobody has noted anything in yet is like none: taking the lock makes it.
            let noted = lock.flatMap { $0.size > 0 ? Trace($0) : nil }
            return try [noted] + names.map { try volume.status($0).map { Trace($0) } }
        } catch {
            return nil
        }
    }
}

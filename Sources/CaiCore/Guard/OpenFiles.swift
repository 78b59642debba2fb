import CaiModel
import CaiPlatform
import SystemPackage

/// The files that were taken from their place while somebody had them open for writing.
///
/// Each is kept open and watched until nobody can write to it any more: a file without a name is only reached through
/// descriptors that are open already. Where the file system does not tell who writes, that is a minute.
final class OpenFiles {
    struct Held {
        let live: HomePath
        let target: VolumePath
        let file: OpenFile
        let watch: ChangeWatch.ID?
        /// When nobody cares any more although it may still be open.
        let end: Duration?
        /// The file as its content was last stored.
        var seen: FileStatus
        var adopted: ContentDigest?
    }

    /// More than this are not kept; a program that has so many open at once moves a tree, not a file.
    private static let most = 64

    private(set) var files: [OpenFileID: Held] = [:]
    private var ids: [ChangeWatch.ID: OpenFileID] = [:]
    private var count = 0

    /// Takes a file into care when somebody may write to it. An older one of the same place is let go: no name leads to it
    /// since an application replaced it.
    func take(
        _ live: HomePath, _ target: VolumePath, _ name: FilePath.Component, _ directory: Directory,
        _ watch: ChangeWatch?, at now: Duration
    ) {
        for (id, held) in files where held.live == live { release(id, watch) }
        let label = directory.label.appending(name)
        guard files.count < Self.most, let open = try? directory.openFile(name),  // then it cannot be looked after
            let status = try? open.status(label)
        else { return }
        let isWritten = open.isBeingWritten
        if isWritten == false { return }
        // Without a watch it is looked at in intervals.
        let id = watch.flatMap { try? $0.add(open, [.modified, .closed], label) }
        count += 1
        let number = OpenFileID(count)
        if let id { ids[id] = number }
        files[number] = Held(
            live: live, target: target, file: OpenFile(open, label: label), watch: id,
            end: isWritten == nil ? now + .seconds(60) : nil, seen: status)
    }

    func release(_ id: OpenFileID, _ watch: ChangeWatch?) {
        guard let held = files.removeValue(forKey: id), let watchID = held.watch else { return }
        ids[watchID] = nil
        watch?.remove(watchID)
    }

    /// The file that an event is about.
    func find(_ event: ChangeWatch.Event) -> OpenFileID? { ids[event.id] }

    /// Notes that the content of a place was stored.
    func stored(_ target: VolumePath, _ digest: ContentDigest) {
        for (id, held) in files where held.target == target { files[id]?.adopted = digest }
    }

    func seen(_ id: OpenFileID, _ status: FileStatus) { files[id]?.seen = status }

    /// Those that are looked at in intervals.
    var unwatched: [OpenFileID] { files.filter { $0.value.watch == nil || $0.value.end != nil }.map(\.key) }
}

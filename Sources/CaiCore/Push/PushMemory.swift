import CaiModel
import CaiPlatform
import Synchronization
import SystemPackage

/// What a service remembers of the pushes it was asked about: directories of which nothing had to travel, as long as nothing
/// changes in their places on the volume.
///
/// The places are watched (inotify(7)), each until its first change. What a watch does not see, it is not used for: file
/// systems that others change too, files with several names. A write through a mapping is not reported; it makes a file
/// newer, which an import leaves as it is.
package final class PushMemory: Sendable {
    /// What the answers hold for.
    struct Scope: Equatable {
        let arrangement: SourceArrangement
        let withoutSecrets: Bool
        let entries: [Entry]
        let device: UInt64
        let inode: UInt64
    }

    /// A directory of which nothing had to travel.
    struct Known: Sendable {
        let digest: ContentDigest
        /// The place of its files.
        let status: FileStatus
        let watch: ChangeWatch.ID
    }

    /// More directories than these are not remembered; each takes about a kilobyte, most of it the kernel's.
    static let mostDirectories = 8192

    fileprivate struct State {
        var watch: ChangeWatch?
        var scope: Scope?
        var known: [PathKey: Known] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Calls `body` with what is known and may be added to; with nothing while another question is being answered, or where
    /// directories cannot be watched.
    func use<Result>(
        _ scope: Scope, _ body: ([PathKey: Known], ChangeWatch?) throws -> (Result, [PathKey: Known])
    ) rethrows -> Result {
        let result = try state.withLockIfAvailable { state in
            state.refresh(scope)
            let (result, found) = try body(state.known, state.watch)
            state.add(found)
            return result
        }
        return try result ?? body([:], nil).0
    }
}

extension PushMemory.State {
    /// Forgets what does not hold any more.
    fileprivate mutating func refresh(_ scope: PushMemory.Scope) {
        if scope != self.scope {
            (self.scope, known) = (scope, [:])
            watch = try? ChangeWatch()  // no instance is left: nothing is remembered
            return
        }
        var changed: Set<ChangeWatch.ID> = []
        var isOverflown = false
        do {
            while try watch?.read({ event in
                changed.insert(event.id)
                isOverflown = isOverflown || event.kinds.contains(.overflow)
            }) == true {}
        } catch {
            isOverflown = true
        }
        known = isOverflown ? [:] : known.filter { !changed.contains($0.value.watch) }
    }

    fileprivate mutating func add(_ found: [PathKey: PushMemory.Known]) {
        known.merge(found) { $1 }
        if known.count > PushMemory.mostDirectories { known = [:] }
    }
}

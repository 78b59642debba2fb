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
        /// The place of its files, and what was found there.
        let target: FilePath
        let status: FileStatus
        let watch: ChangeWatch.ID
    }

    /// More directories than these are not remembered, nor watched at a time; each takes about a kilobyte, most of it the
    /// kernel's.
    static let mostDirectories = 8192

    fileprivate struct State {
        var watch: ChangeWatch?
        var scope: Scope?
        var known: [PathKey: Known] = [:]
        /// How often a directory may have come to be watched since `watch` was made.
        var watched = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Calls `body` with what is known and may be added to; with nothing while another question is being answered, or where
    /// directories cannot be watched. The question is about `directories` with all that is in them, which may be watched.
    func use<Result>(
        _ scope: Scope, directories: Int,
        _ body: ([PathKey: Known], ChangeWatch?) throws -> (Result, [PathKey: Known])
    ) rethrows -> Result {
        let result = try state.withLockIfAvailable { state in
            state.refresh(scope, directories)
            let (result, found) = try body(
                state.known, directories > Self.mostDirectories ? nil : state.watch)
            state.known.merge(found) { $1 }
            return result
        }
        return try result ?? body([:], nil).0
    }
}

extension PushMemory.State {
    /// Forgets what does not hold any more, and everything where too much would be watched.
    fileprivate mutating func refresh(_ scope: PushMemory.Scope, _ directories: Int) {
        if scope != self.scope || watched + directories > PushMemory.mostDirectories {
            (self.scope, known, watched) = (scope, [:], directories)
            watch = try? ChangeWatch()  // no instance is left: nothing is remembered
            return
        }
        watched += directories
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
}

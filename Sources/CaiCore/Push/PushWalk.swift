import CaiPlatform
import SystemPackage

/// Everything below a directory of a source, found with several threads. Symlinks are not followed.
struct PushWalk: Sendable {
    /// A directory and what is in it.
    struct Listing: Sendable {
        let real: FilePath
        let shown: FilePath
        let status: FileStatus
        let entries: [(name: FilePath.Component, status: FileStatus)]
        /// Which listing is that of the directory it is in.
        let parent: Int?
        /// Which are those of the directories in it, in the order of their names.
        var below: [Int] = []
    }

    /// What is to be looked into.
    private struct Place: Sendable {
        let real: FilePath
        let shown: FilePath
        let parent: Int?
    }

    private(set) var listings: [Listing] = []
    /// Directories that may not be read, as they are shown.
    private(set) var unreadable: [FilePath] = []

    /// Below this many directories a thread is not worth its start.
    private static let fewPlaces = 8

    /// Looks at a directory and at all below it but what a selection leaves out.
    init(_ tree: Tree, real: FilePath, shown: FilePath, _ selection: PushSelection?) {
        var level = [Place(real: real, shown: shown, parent: nil)]
        while !level.isEmpty {
            let threads = level.count < Self.fewPlaces ? 1 : Workers.count
            let found = Workers.map(level, threads: threads) { Self.look($0, tree, selection) }
            let first = listings.count
            for (place, listing) in zip(level, found) { add(listing, of: place) }
            level = listings.indices[first...].flatMap(places)
        }
    }

    private static func look(_ place: Place, _ tree: Tree, _ selection: PushSelection?) -> Listing? {
        // Whatever the reason: it is told that the directory was not pushed.
        guard let directory = try? tree.directory(place.real), let status = try? directory.status(),
            var entries = try? directory.entries()
        else { return nil }
        if let isLeftOut = selection?.leftOut(of: place.shown) { entries.removeAll { isLeftOut($0.name) } }
        return Listing(
            real: place.real, shown: place.shown, status: status, entries: entries, parent: place.parent)
    }

    private mutating func add(_ listing: Listing?, of place: Place) {
        guard let listing else { return unreadable.append(place.shown) }
        guard !isInItself(listing) else { return }
        if let parent = place.parent { listings[parent].below.append(listings.count) }
        listings.append(listing)
    }

    /// Whether a directory is one of those it is in, as a bind mount can make it.
    private func isInItself(_ listing: Listing) -> Bool {
        var above = listing.parent
        while let number = above {
            if listings[number].status.isSameFile(as: listing.status) { return true }
            above = listings[number].parent
        }
        return false
    }

    private func places(in number: Int) -> [Place] {
        let listing = listings[number]
        return listing.entries.filter { $0.status.kind == .directory }.map { name, _ in
            Place(real: listing.real.appending(name), shown: listing.shown.appending(name), parent: number)
        }
    }
}

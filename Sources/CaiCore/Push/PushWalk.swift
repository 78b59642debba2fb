import CaiModel
import CaiPlatform
import SystemPackage

/// Everything below a directory of a source, found with several threads. Symlinks are not followed.
struct PushWalk: Sendable {
    /// A directory and what is in it.
    struct Listing: Sendable {
        let real: FilePath
        let shown: FilePath
        let status: FileStatus
        /// The records of the directory and of its regular files.
        let text: PushText
        let count: Int
        let directories: [FilePath.Component]
        let links: [FilePath.Component]
        /// Of the text, where no links are to be added to it.
        let digest: ContentDigest?
        /// When the newest of its files changed.
        let newest: Int64
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
    /// A directory with less text is not worth a digest.
    private static let smallText = 256

    /// Looks at a directory and at all below it but what a selection leaves out. `isRemembered` makes digests.
    init(_ tree: Tree, real: FilePath, shown: FilePath, _ selection: PushSelection?, isRemembered: Bool) {
        var level = [Place(real: real, shown: shown, parent: nil)]
        while !level.isEmpty {
            let threads = level.count < Self.fewPlaces ? 1 : Workers.count
            let found = Workers.map(level, threads: threads) { Self.look($0, tree, selection, isRemembered) }
            let first = listings.count
            for (place, listing) in zip(level, found) { add(listing, of: place) }
            level = listings.indices[first...].flatMap(places)
        }
    }

    private static func look(
        _ place: Place, _ tree: Tree, _ selection: PushSelection?, _ isRemembered: Bool
    ) -> Listing? {
        // Whatever the reason: it is told that the directory was not pushed.
        guard let directory = try? tree.directory(place.real), let status = try? directory.status(),
            let found = try? DirectoryListing(directory)
        else { return nil }
        let isLeftOut = selection?.leftOut(of: place.shown)
        var text = PushText()
        text.add(directory: place.shown, mode: status.mode)
        var (count, newest, directories, links) = (1, Int64.min, [FilePath.Component](), [FilePath.Component]())
        for entry in found.entries {
            if let isLeftOut, let name = found.name(of: entry), isLeftOut(name) { continue }
            switch entry.kind {
            case .regular:
                let file = PushIndex.File(mode: entry.mode, size: entry.size, modified: entry.modified)
                found.withName(of: entry) { text.add(file: $0, file) }
                newest = max(newest, entry.modified)
                count += 1
            case .symlink: if let name = found.name(of: entry) { links.append(name) }
            case .directory: if let name = found.name(of: entry) { directories.append(name) }
            default: continue
            }
        }
        let isTold = isRemembered && links.isEmpty && text.bytes.count > smallText
        return Listing(
            real: place.real, shown: place.shown, status: status, text: text, count: count, directories: directories,
            links: links, digest: isTold ? digest(of: text.bytes) : nil, newest: newest, parent: place.parent)
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
        return listing.directories.map { name in
            Place(real: listing.real.appending(name), shown: listing.shown.appending(name), parent: number)
        }
    }
}

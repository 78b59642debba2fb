package import CaiModel
package import CaiPlatform
package import SystemPackage

/// A directory that is pushed: looked at for an index, and read for what has to travel.
///
/// Symlinks on the way to a path that a manifest names are followed, as an import follows them; those inside directories
/// travel as links, with what they lead to.
package final class PushSource {
    /// A directory, or a part of one: where it is, free of symlinks, and what it is called.
    private struct Place {
        let real: FilePath
        let shown: FilePath
    }

    /// Where the bytes of a record are.
    private struct Origin {
        let place: Int
        /// Nil for the directory itself.
        let name: FilePath.Component?
        /// Nil for a directory of which only one name was looked at.
        let status: FileStatus?
    }

    private let source: SourceTree
    private let resolver: SourceResolver
    private let arrangement: SourceArrangement
    private var places: [Place] = []
    private var origins: [Origin] = []
    package private(set) var index = PushIndex()
    package private(set) var findings: [Finding] = []
    private var watched: Set<ChangeWatch.ID> = []

    /// `home` is the path under which the source is known to itself.
    package init(_ root: Directory, home: FilePath, containerHome: FilePath, arrangement: SourceArrangement) {
        source = SourceTree(root: root, names: [home, containerHome])
        resolver = SourceResolver(source, layout: Layout(home: containerHome, volume: "/nowhere"))
        self.arrangement = arrangement
    }

    /// Looks at everything that an import of this source would.
    package func look(_ guide: PushGuide) {
        index = PushIndex()
        (places, origins) = ([], [])
        if arrangement == .volume { return add(directory: FilePath(), shown: FilePath()) }
        var paths = Set(PushScope.whole + guide.paths.map { FilePath($0) })
        paths.formUnion(additionalPaths)
        paths.formUnion(gitIncludes)
        for path in paths.sorted(by: { $0.string < $1.string }) where !isInside(path, paths) { add(path) }
    }

    private func isInside(_ path: FilePath, _ paths: Set<FilePath>) -> Bool {
        var above = path.removingLastComponent()
        while !above.isEmpty {
            if paths.contains(above) { return true }
            above.removeLastComponent()
        }
        return false
    }

    private func add(_ path: FilePath) {
        guard case .found(let real, let node) = resolver.resolve(path) else { return }
        switch node {
        case .directory: add(directory: real, shown: path)
        case .file:
            guard let (parent, name) = try? source.tree.parent(of: real), let shownName = path.lastComponent,
                let status = try? parent.status(of: name)
            else { return }  // gone meanwhile
            let above = path.removingLastComponent()
            places.append(Place(real: real.removingLastComponent(), shown: above))
            record(.directory(above, mode: 0o700), nil, nil)
            record(.file(shownName, PushIndex.File(status)), name, status)
        default: return
        }
    }

    /// Adds a record about something in the last place.
    private func record(_ record: PushIndex.Kind, _ name: FilePath.Component?, _ status: FileStatus?) {
        index.records.append(record)
        origins.append(Origin(place: places.count - 1, name: name, status: status))
    }

    private func add(directory real: FilePath, shown: FilePath) {
        let isRoot = shown.isEmpty && arrangement == .volume
        let walk = PushWalk(source.tree, real: real, shown: shown, leavingOut: isRoot ? ".containai" : nil)
        for path in walk.unreadable {
            findings.append(Finding(.warning, at: path.printable, "may not be read, and was not pushed"))
        }
        if !walk.listings.isEmpty { add(0, of: walk) }
    }

    private func add(_ number: Int, of walk: PushWalk) {
        let listing = walk.listings[number]
        places.append(Place(real: listing.real, shown: listing.shown))
        record(.directory(listing.shown, mode: listing.status.mode), nil, listing.status)
        for (name, status) in listing.entries {
            switch status.kind {
            case .regular: record(.file(name, PushIndex.File(status)), name, status)
            case .symlink: add(link: name, at: listing.real, status)
            default: continue
            }
        }
        for below in listing.below { add(below, of: walk) }
    }

    private func add(link name: FilePath.Component, at place: FilePath, _ status: FileStatus) {
        let path = place.appending(name)
        guard case .symlink(let text) = resolver.node(at: path) else { return }  // gone meanwhile
        var facts: FileFacts?
        if case .found(_, .file(let found)) = resolver.resolve(path) { facts = found }
        record(.link(name, text: text, size: facts?.size, modified: facts?.modified), name, status)
    }

    /// Where the bytes of a record are: free of symlinks.
    private func real(_ number: Int) -> FilePath {
        let (path, name) = (places[origins[number].place].real, origins[number].name)
        return name.map { path.appending($0) } ?? path
    }

    /// What the thing of a record is called.
    private func shown(_ number: Int) -> FilePath {
        let path = places[origins[number].place].shown
        return switch index.records[number] {
        case .directory: path
        case .file(let name, _), .link(let name, _, _, _): path.appending(name)
        }
    }

    // MARK: what else an import reads

    private func read(_ path: FilePath) -> [UInt8]? {
        guard case .found(let real, .file) = resolver.resolve(path) else { return nil }
        return try? source.tree.readFile(real, limit: 4 << 20)  // what cannot be read names nothing
    }

    private var additionalPaths: [FilePath] {
        let file: FilePath = ".config/containai/config.toml"
        guard let bytes = read(file),
            let read = try? ImportConfigurationFile(bytes, name: file.string, homes: source.names, workspaces: [])
        else { return [] }  // the import says what is wrong with it
        return read.configuration.additionalPaths.map(\.source.relative)
    }

    /// The files that the git configuration includes, and those that these include.
    private var gitIncludes: [FilePath] {
        var found: [FilePath] = []
        var waiting: [FilePath] = [".gitconfig", ".config/git/config"]
        while let path = waiting.popLast(), found.count < 64 {
            var isInclude = false
            for item in GitConfiguration(read(path) ?? []).items {
                switch item {
                case .header(let section, _, _): isInclude = ["include", "includeif"].contains(section)
                case .variable("path", let value?, _) where isInclude:
                    guard let next = included(value, from: path), !found.contains(next) else { continue }
                    found.append(next)
                    waiting.append(next)
                default: continue
                }
            }
        }
        return found
    }

    private func included(_ text: String, from path: FilePath) -> FilePath? {
        if text.hasPrefix("~/") { return FilePath(String(text.dropFirst(2))).lexicallyNormalized() }
        if text.hasPrefix("/") { return resolver.relative(FilePath(text)) }
        let inside = path.removingLastComponent().pushing(FilePath(text)).lexicallyNormalized()
        return inside.components.first?.kind == .regular ? inside : nil
    }

    // MARK: what travels

    /// The records that an earlier index did not have as they are now, and the directories they are in.
    package func changes(since before: PushIndex) -> (index: PushIndex, numbers: [Int]) {
        var known: [FilePath: PushIndex.Kind] = [:]
        before.forEachPath { known[$0] = $1 }
        var wanted: [Int] = []
        var number = 0
        index.forEachPath { path, record in
            if known[path] != record { wanted.append(number) }
            number += 1
        }
        return subset(wanted) { self.index.records[$0] }
    }

    /// Watches every directory that was looked into. Returns whether one was not watched before: what happened in it since
    /// it was looked into is not known then.
    package func watch(_ watch: ChangeWatch) throws -> Bool {
        let kinds: ChangeWatch.Kinds = [.closed, .movedAway, .movedHere, .created, .removed, .attributes]
        var ids: Set<ChangeWatch.ID> = [try watch.add(source.tree.root, kinds)]
        var seen: Set<FilePath> = []
        for path in places.flatMap({ [$0.real, $0.real.removingLastComponent()] }) where seen.insert(path).inserted {
            // What is none, or gone, has one above it that is watched.
            if let directory = try? source.tree.directory(path) { ids.insert(try watch.add(directory, kinds)) }
        }
        defer { watched = ids }
        return !ids.isSubset(of: watched)
    }

    private func subset(
        _ numbers: [Int], _ record: (Int) -> PushIndex.Kind?
    ) -> (index: PushIndex, numbers: [Int]) {
        let wanted = Set(numbers)
        var result = PushIndex()
        var places: [Int] = []
        var directory: Int?
        for (number, found) in index.records.enumerated() {
            let isDirectory = if case .directory = found { true } else { false }
            if isDirectory { directory = number }
            guard wanted.contains(number), let record = record(number) else { continue }
            if !isDirectory, let place = directory {
                result.records.append(index.records[place])
                places.append(place)
            }
            directory = nil
            result.records.append(record)
            places.append(number)
        }
        return (result, places)
    }

    /// An index of some records only, with their digests, and of the directories they are in; `numbers` says where each of
    /// its records is in the whole one.
    package func withDigests(_ candidates: [Int]) -> (index: PushIndex, numbers: [Int]) {
        subset(candidates) { number in
            guard case .file(let name, let file) = index.records[number], let digest = digest(number) else {
                return nil
            }
            return .file(
                name, PushIndex.File(mode: file.mode, size: file.size, modified: file.modified, digest: digest))
        }
    }

    private func digest(_ number: Int) -> ContentDigest? {
        guard let (directory, name) = try? source.tree.parent(of: real(number)) else { return nil }
        return try? contentSample(name, in: directory).digest  // gone or unreadable: it is needed, and the copy says so
    }

    /// What has to travel for these records: themselves, the directories above them, and what the links among them lead to.
    package func write(
        _ needed: [Int], to send: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws -> (files: Int, bytes: Int64) {
        let sink = PlainSink(send)
        let tar = PushTar(source: source, sink: sink)
        var written: Set<FilePath> = []
        var wanted = needed.sorted()
        wanted += linked(by: wanted)
        for number in wanted {
            let (path, status) = (shown(number), origins[number].status)
            try addDirectories(path.removingLastComponent(), tar, &written)
            switch index.records[number] {
            case .directory:
                guard let status else { try addDirectories(path, tar, &written); continue }
                if written.insert(path).inserted, !path.isEmpty { try tar.add(directory: path, status) }
            case .file: if written.insert(path).inserted { try tar.add(file: real(number), as: path) }
            case .link(_, let text, _, _):
                guard let status, written.insert(path).inserted else { continue }
                try tar.add(link: path, text, status)
            }
        }
        try tar.finish()
        return (tar.files, sink.written)
    }

    /// The records of what links lead to; the whole directory where that is one.
    private func linked(by numbers: [Int]) -> [Int] {
        var result: [Int] = []
        for number in numbers {
            guard case .link = index.records[number], case .found(let real, _) = resolver.resolve(self.real(number))
            else { continue }
            let known = origins.indices.filter { origins[$0].status != nil && self.real($0).starts(with: real) }
            if !known.isEmpty {
                result += known
            } else {
                let first = origins.count
                add(real)
                result += (first..<origins.count).filter { origins[$0].status != nil }
            }
        }
        return result
    }

    /// Adds a directory and those above it, without what is in them.
    private func addDirectories(_ path: FilePath, _ tar: PushTar, _ written: inout Set<FilePath>) throws {
        guard !path.isEmpty, !written.contains(path) else { return }
        try addDirectories(path.removingLastComponent(), tar, &written)
        written.insert(path)
        guard case .found(let real, .directory) = resolver.resolve(path),
            let status = try? source.tree.directory(real).status()
        else { return }  // gone meanwhile: it is made with the mode of one that nobody named
        try tar.add(directory: path, status)
    }
}

extension PushIndex.File {
    fileprivate init(_ status: FileStatus) {
        self.init(mode: status.mode, size: status.size, modified: status.modified)
    }
}

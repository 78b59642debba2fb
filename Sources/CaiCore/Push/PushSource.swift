package import CaiModel
package import CaiPlatform
package import SystemPackage

/// A directory that is pushed: looked at for an index, and read for what has to travel.
///
/// Symlinks on the way to a path that a manifest names are followed, as an import follows them; those inside directories
/// travel as what an import makes of them: as links to what is imported too, else as what they lead to.
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
        /// Where the file is, if not in the place.
        var elsewhere: FilePath?
    }

    let source: SourceTree
    let resolver: SourceResolver
    let arrangement: SourceArrangement
    let options: Options
    private(set) var selection: PushSelection?
    private var places: [Place] = []
    private var origins: [Origin] = []
    /// Everything that goes somewhere; nil as long as nobody asked.
    private var roots: [Place]?
    /// The directories that are being added, to notice circles.
    private var chain: [FilePath] = []
    package private(set) var index = PushIndex()
    /// What was found since somebody took it; nothing is told twice.
    var findings: [Finding] = []
    private var told: Set<Finding> = []
    private var watched: Set<ChangeWatch.ID> = []

    /// What is left out, as an import is told.
    package struct Options: Sendable {
        package var withoutSecrets = false
        package var withoutExcludes = false

        package init() {}
    }

    /// `home` is the path under which the source is known to itself.
    package init(
        _ root: Directory, home: FilePath, containerHome: FilePath, arrangement: SourceArrangement, options: Options
    ) {
        source = SourceTree(root: root, names: [home, containerHome])
        resolver = SourceResolver(source, layout: Layout(home: containerHome, volume: "/nowhere"))
        self.arrangement = arrangement
        self.options = options
    }

    /// Looks at everything that an import of this source would.
    package func look(_ guide: PushGuide) {
        index = PushIndex()
        (places, origins) = ([], [])
        let selection = selection(guide, withoutExcludes: options.withoutExcludes)
        self.selection = selection
        roots = nil
        if arrangement == .volume { return add(directory: FilePath(), shown: FilePath()) }
        var paths = Set(PushScope.whole + selection.paths)
        paths.formUnion(gitIncludes)
        for path in paths.sorted(by: { $0.string < $1.string }) where !isInside(path, paths) { add(path) }
    }

    /// What has been found and nobody was told yet.
    package func takeFindings() -> [Finding] {
        defer { findings = [] }
        return findings.filter { told.insert($0).inserted }
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
    private func record(
        _ record: PushIndex.Kind, _ name: FilePath.Component?, _ status: FileStatus?, at elsewhere: FilePath? = nil
    ) {
        index.records.append(record)
        origins.append(Origin(place: places.count - 1, name: name, status: status, elsewhere: elsewhere))
    }

    private func add(directory real: FilePath, shown: FilePath) {
        let walk = PushWalk(source.tree, real: real, shown: shown, selection)
        for path in walk.unreadable {
            findings.append(Finding(.warning, at: path.printable, "may not be read, and was not pushed"))
        }
        if !walk.listings.isEmpty { add(0, of: walk) }
    }

    private func add(_ number: Int, of walk: PushWalk) {
        let listing = walk.listings[number]
        places.append(Place(real: listing.real, shown: listing.shown))
        chain.append(listing.real)
        defer { chain.removeLast() }
        record(.directory(listing.shown, mode: listing.status.mode), nil, listing.status)
        var linked: [(name: FilePath.Component, real: FilePath)] = []
        for (name, status) in listing.entries {
            switch status.kind {
            case .regular: record(.file(name, PushIndex.File(status)), name, status)
            case .symlink:
                if let real = add(link: name, in: listing, status) { linked.append((name, real)) }
            default: continue
            }
        }
        for below in listing.below { add(below, of: walk) }
        for (name, real) in linked { add(directory: real, shown: listing.shown.appending(name)) }
    }

    /// Adds a link, or what an import copies in its place; a directory is returned, to be added behind all that is here.
    private func add(
        link name: FilePath.Component, in listing: PushWalk.Listing, _ status: FileStatus
    ) -> FilePath? {
        let path = listing.real.appending(name)
        guard case .symlink(let text) = resolver.node(at: path) else { return nil }  // gone meanwhile
        guard arrangement == .home, case .found(let real, let node) = resolver.resolve(path) else {
            record(.link(name, text: text, target: FilePath()), name, status)
            return nil
        }
        if let target = shownPath(of: real) {
            // What is reached through a symlink is elsewhere than it is called: the link names it as it is called.
            let named = listing.shown.pushing(text).lexicallyNormalized()
            let isRight = target == real || !text.isAbsolute && named == target
            record(.link(name, text: isRight ? text : target.relative(to: listing.shown), target: target), name, status)
            return nil
        }
        switch node {
        case .file:
            guard let facts = try? source.tree.status(real) else { return nil }  // gone meanwhile
            record(.file(name, PushIndex.File(facts)), name, facts, at: real)
        case .directory where !chain.contains(real): return real
        default: record(.link(name, text: text, target: FilePath()), name, status)
        }
        return nil
    }

    /// What a path, free of symlinks, is called where the manifests or the configuration name it or something above it; nil
    /// where they do not.
    private func shownPath(of path: FilePath) -> FilePath? {
        let known = roots ?? knownRoots
        roots = known
        let root = known.filter { path.starts(with: $0.real) }.max { $0.real.length < $1.real.length }
        return root.map { $0.shown.appending(path.components.dropFirst($0.real.components.count)) }
    }

    private var knownRoots: [Place] {
        (selection?.known ?? []).sorted { $0.string < $1.string }.compactMap { shown in
            if case .found(let real, _) = resolver.resolve(shown) { Place(real: real, shown: shown) } else { nil }
        }
    }

    /// Where the bytes of a record are: free of symlinks.
    func real(_ number: Int) -> FilePath {
        let origin = origins[number]
        if let elsewhere = origin.elsewhere { return elsewhere }
        let path = places[origin.place].real
        return origin.name.map { path.appending($0) } ?? path
    }

    /// What the thing of a record is called.
    func shown(_ number: Int) -> FilePath {
        let path = places[origins[number].place].shown
        return switch index.records[number] {
        case .directory: path
        case .file(let name, _), .link(let name, _, _): path.appending(name)
        }
    }

    // MARK: what else an import reads

    func read(_ path: FilePath) -> [UInt8]? {
        guard case .found(let real, .file) = resolver.resolve(path) else { return nil }
        return try? source.tree.readFile(real, limit: 4 << 20)  // what cannot be read names nothing
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
            guard case .file(let name, let file) = index.records[number] else { return nil }
            if case .part(let bytes) = disclosure(number) {
                let size = Int64(bytes.count)
                return .file(
                    name,
                    PushIndex.File(
                        mode: file.mode, size: size, modified: file.modified, digest: CaiCore.digest(of: bytes)))
            }
            return digest(number).map { digest in
                .file(name, PushIndex.File(mode: file.mode, size: file.size, modified: file.modified, digest: digest))
            }
        }
    }

    private func digest(_ number: Int) -> ContentDigest? {
        guard let (directory, name) = try? source.tree.parent(of: real(number)) else { return nil }
        return try? contentSample(name, in: directory).digest  // gone or unreadable: it is needed, and the copy says so
    }

    /// What has to travel for these records: themselves, the directories above them, and what the links among them lead to.
    /// With `isTelling` the index goes before them, so that what the source does not have is known.
    package func write(
        _ needed: [Int], isTelling: Bool, to send: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws -> (files: Int, bytes: Int64) {
        let sink = PlainSink(send)
        let tar = PushTar(source: source, sink: sink)
        if isTelling { try tar.add(index.bytes, as: PushScope.index) }
        var written: Set<FilePath> = []
        for number in withLinked(needed.sorted()) {
            let (path, status) = (shown(number), origins[number].status)
            // A directory of which only names were looked at comes with them.
            guard let status else { continue }
            try addDirectories(path.removingLastComponent(), tar, &written)
            guard !path.isEmpty, written.insert(path).inserted else { continue }
            switch index.records[number] {
            case .directory: try tar.add(directory: path, status)
            case .file:
                switch disclosure(number) {
                case .whole: try tar.add(file: real(number), as: path)
                case .part(let bytes): try tar.add(bytes, as: path, status)
                case .nothing: continue
                }
            case .link(_, let text, _): try tar.add(link: path, text, status)
            }
        }
        try tar.finish()
        return (tar.files, sink.written)
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

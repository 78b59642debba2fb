package import CaiModel
package import CaiPlatform
package import SystemPackage

/// A directory that is pushed: looked at for an index, and read for what has to travel.
///
/// Symlinks on the way to a path that a manifest names are followed, as an import follows them; those inside directories
/// travel as what an import makes of them: as links to what is imported too, else as what they lead to.
package final class PushSource {
    /// A directory of the index: where it is, free of symlinks.
    struct Place {
        let real: FilePath
        /// Nil for a directory of which only names were looked at.
        let status: FileStatus?
        /// When the newest of its files changed.
        var newest = Int64.min
        /// Where files are that are not in it: symlinks lead to them.
        var elsewhere: [FilePath.Component: FilePath] = [:]

        func path(_ name: FilePath.Component) -> FilePath { elsewhere[name] ?? real.appending(name) }
    }

    /// Something that goes somewhere: where it is, free of symlinks, and what it is called.
    private struct Root {
        let real: FilePath
        let shown: FilePath
    }

    let source: SourceTree
    private let layout: Layout
    private(set) var resolver: SourceResolver
    /// What the container's manifests name.
    let declared: [Entry]
    let arrangement: SourceArrangement
    let permission: PushPermission
    let options: Options
    private(set) var selection: PushSelection?
    /// One for each directory of the index.
    private(set) var places: [Place] = []
    /// What the index has.
    package private(set) var blocks: [PushBlock] = []
    /// Everything that goes somewhere; nil as long as nobody asked.
    private var roots: [Root]?
    /// Whether the service may know directories by their digests.
    private var isRemembered = false
    /// The directories that are being added, to notice circles.
    private var chain: [FilePath] = []
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

    /// `home` is the path under which the source is known to itself; `asked` are the places of the guide, of which those travel
    /// that `permission` lets through.
    package init(
        _ root: Directory, home: FilePath, containerHome: FilePath, asked: [Entry], arrangement: SourceArrangement,
        permission: PushPermission, options: Options
    ) {
        source = SourceTree(root: root, names: [home, containerHome])
        layout = Layout(home: containerHome, volume: "/nowhere")
        resolver = SourceResolver(source, layout: layout)
        let (declared, refused) = permission.entries(asked)
        self.declared = declared
        self.arrangement = arrangement
        self.permission = permission
        self.options = options
        if arrangement == .home { refuse(refused) }
    }

    /// Adds a finding for each of these paths that exists in the source: the container asks for it, and it does not travel.
    func refuse(_ paths: [HomePath]) {
        for path in paths where !resolver.node(at: path.relative).isMissing {
            findings.append(
                Finding(
                    .warning, at: path.inHome, "the container asks for it, and it did not travel",
                    advice: "cai push --allow \(shellQuoted(path.inHome)), or additional_paths in "
                        + "~/.config/containai/config.toml, if it is to be in the container"))
        }
    }

    /// Looks at everything that an import of this source would.
    package func look(_ guide: PushGuide) {
        (places, blocks) = ([], [])
        // Its directories may have been replaced since an earlier look.
        resolver = SourceResolver(source, layout: layout)
        isRemembered = guide.remembers
        let selection = selection(guide, withoutExcludes: options.withoutExcludes)
        self.selection = selection
        roots = nil
        if arrangement == .volume { return add(directory: FilePath(), shown: FilePath()) }
        let paths = Set((PushScope.whole + selection.paths + gitIncludes).map(PathKey.init))
        for key in paths.sorted() where !isInside(key.path, paths) { add(key.path) }
    }

    /// What has been found and nobody was told yet.
    package func takeFindings() -> [Finding] {
        defer { findings = [] }
        return findings.filter { told.insert($0).inserted }
    }

    private func isInside(_ path: FilePath, _ paths: Set<PathKey>) -> Bool {
        var above = path.removingLastComponent()
        while !above.isEmpty {
            if paths.contains(PathKey(above)) { return true }
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
            let place = Place(real: real.removingLastComponent(), status: nil, elsewhere: [shownName: real])
            var text = PushText()
            text.add(directory: above, mode: 0o700)
            text.add(.file(shownName, PushIndex.File(status)))
            add(text, 2, above, place)
        default: return
        }
    }

    private func add(_ text: PushText, _ count: Int, _ path: FilePath, _ place: Place, _ digest: ContentDigest? = nil) {
        places.append(place)
        blocks.append(PushBlock(path: path, text: text.bytes, count: count, digest: digest))
    }

    private func add(directory real: FilePath, shown: FilePath) {
        let walk = PushWalk(source.tree, real: real, shown: shown, selection, isRemembered: isRemembered)
        for path in walk.unreadable {
            findings.append(Finding(.warning, at: path.printable, "may not be read, and was not pushed"))
        }
        if !walk.listings.isEmpty { add(0, of: walk) }
    }

    private func add(_ number: Int, of walk: PushWalk) {
        let listing = walk.listings[number]
        chain.append(listing.real)
        defer { chain.removeLast() }
        var place = Place(real: listing.real, status: listing.status, newest: listing.newest)
        var (text, count) = (listing.text, listing.count)
        var linked: [(name: FilePath.Component, real: FilePath)] = []
        for name in listing.links {
            switch link(name, in: listing) {
            case .record(let record): text.add(record)
            case .file(let record, let real):
                text.add(record)
                place.elsewhere[name] = real
            case .directory(let real):
                linked.append((name, real))
                continue
            case nil: continue
            }
            count += 1
        }
        add(text, count, listing.shown, place, listing.digest)
        for below in listing.below { add(below, of: walk) }
        for (name, real) in linked { add(directory: real, shown: listing.shown.appending(name)) }
    }

    /// What an import makes of a link.
    private enum LinkedThing {
        case record(PushIndex.Kind)
        /// A copy of what it leads to.
        case file(PushIndex.Kind, FilePath)
        case directory(FilePath)
    }

    private func link(_ name: FilePath.Component, in listing: PushWalk.Listing) -> LinkedThing? {
        let path = listing.real.appending(name)
        guard case .symlink(let text) = resolver.node(at: path) else { return nil }  // gone meanwhile
        guard arrangement == .home, case .found(let real, let node) = resolver.resolve(path) else {
            return .record(.link(name, text: text, target: FilePath()))
        }
        if let target = shownPath(of: real) {
            // What is reached through a symlink is elsewhere than it is called: the link names it as it is called.
            let named = listing.shown.pushing(text).lexicallyNormalized()
            let isRight = target == real || !text.isAbsolute && named == target
            return .record(
                .link(name, text: isRight ? text : target.relative(to: listing.shown), target: target))
        }
        switch node {
        case .file:
            guard let facts = try? source.tree.status(real) else { return nil }  // gone meanwhile
            return .file(.file(name, PushIndex.File(facts)), real)
        case .directory where !chain.contains(real): return .directory(real)
        default: return .record(.link(name, text: text, target: FilePath()))
        }
    }

    /// What a path, free of symlinks, is called where the manifests or the configuration name it or something above it; nil
    /// where they do not.
    private func shownPath(of path: FilePath) -> FilePath? {
        let known = roots ?? knownRoots
        roots = known
        let root = known.filter { path.starts(with: $0.real) }.max { $0.real.length < $1.real.length }
        return root.map { $0.shown.appending(path.components.dropFirst($0.real.components.count)) }
    }

    private var knownRoots: [Root] {
        (selection?.known ?? []).sorted { $0.string < $1.string }.compactMap { shown in
            if case .found(let real, _) = resolver.resolve(shown) { Root(real: real, shown: shown) } else { nil }
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

    // MARK: changes

    /// Where everything is that an earlier index did not have as it is now.
    package func changes(since before: [PushBlock]) -> [PushRecord] {
        let known = Dictionary(grouping: before, by: \.path)
        return blocks.enumerated().flatMap { number, block -> [PushRecord] in
            let earlier = known[block.path] ?? []
            if earlier.contains(block) { return [] }
            let had = earlier.flatMap(records)
            return records(block).enumerated().filter { !had.contains($1) }
                .map { PushRecord(block: number, number: $0.offset) }
        }
    }

    func records(_ block: PushBlock) -> [PushIndex.Kind] {
        (try? block.records()) ?? []  // it was written here
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
}

extension PushIndex.File {
    fileprivate init(_ status: FileStatus) {
        self.init(mode: status.mode, size: status.size, modified: status.modified)
    }
}

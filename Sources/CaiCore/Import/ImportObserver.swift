import CaiModel
import CaiPlatform
import SystemPackage

/// Observes the two sides of an import: the content of the source, and what stands on the volume in its places.
final class ImportObserver {
    let machine: Machine
    let request: ImportRequest
    let entries: [Entry]
    let directories: [PlacedDirectory]
    let resolver: SourceResolver
    let excludes: Excludes
    var wanted = WantedPaths()
    var seen = ImportObservation()
    /// The paths by which documents call the home of the source, other than that of the container.
    var sourceHomes: [String] = []
    var map = ImportMap()
    /// Directories that a mirror compares: those that the source has.
    private var mirrored: [Mirrored] = []
    private var places: [FilePath: SourceResolver.Place] = [:]
    /// What the source has and is not wanted: it did not travel, or is left out. No mirror removes it.
    private var standing: Set<VolumePath> = []
    /// How many files that did not travel are as they should be.
    private var unsentCount = 0
    /// The directories of secrets that did not travel.
    private var secretParents: Set<VolumePath> = []

    /// A directory of the volume, and which names in it are no concern of an import.
    private struct Mirrored {
        let path: VolumePath
        let filter: ((FilePath.Component) -> Bool)?
    }

    /// `entries` are those of the machine's manifests, `directories` its agent directories in their places.
    init(_ machine: Machine, entries: [Entry], directories: [PlacedDirectory], request: ImportRequest) {
        self.machine = machine
        self.directories = directories
        self.entries = entries
        self.request = request
        resolver = SourceResolver(request.source, layout: machine.layout)
        excludes =
            request.withoutExcludes || request.arrangement == .volume
            ? .none
            : Excludes(
                request.configuration.excludes,
                builtIn: Excludes.builtIn.filter { !request.withSessions || !Excludes.conversations.contains($0) })
    }

    func observe() -> ImportObservation {
        switch request.arrangement {
        case .home: observeHome()
        case .volume: observeVolume()
        }
        collectDatabases()
        countSessions()
        let reader = CounterpartReader(machine, source: request.source)
        (seen.items, seen.unchanged) = reader.items(wanted, databases: seen.databases, &seen.findings)
        seen.unchanged += unsentCount
        seen.directories = reader.directories(above: seen.items)
        seen.privateDirectories = wanted.privateDirectories.union(secretParents)
        addExtras(reader)
        return seen
    }

    // MARK: a home

    private func observeHome() {
        let imported = importedEntries()
        let additional = additionalEntries()
        addSessionsToMap()
        for entry in imported + additional { addToMap(entry) }
        addSessions(besides: imported)
        for entry in imported where !entry.flags.contains(.gitFilter) { add(entry) }
        for entry in additional { add(entry) }
        addAdditionalManifest(additional)
        leaveUnsent()
        rewriteHomePaths()
        adaptDocuments()
        for entry in imported where entry.flags.contains(.gitFilter) { addGitConfiguration(entry) }
        addZsh()
        addOverrides(request.source.tree)
        if request.withoutSecrets { stripSecrets() }
        addEnvironment()
        addEnvironmentHook()
        notePatterns(imported + additional)
    }

    /// The entries that an import considers, those of the source's own manifests behind the others.
    private func importedEntries() -> [Entry] {
        let own = entries.filter {
            $0.kind == .entry && !$0.isDisabled && $0.source != nil && !$0.flags.contains(.glob) && !$0.isAdditional
        }
        return own + manifestEntries(besides: own)
    }

    func isLeftOut(_ entry: Entry) -> Bool {
        (entry.isSecret && request.withoutSecrets) || isProfileCredential(entry)
            || excludes.excludingAnyAncestor(of: entry.target) != nil
    }

    /// The place that a path of the source leads to; cached, because it is needed more than once.
    func place(of source: FilePath) -> SourceResolver.Place {
        if let place = places[source] { return place }
        let place = resolver.resolve(source)
        places[source] = place
        return place
    }

    private func addToMap(_ entry: Entry) {
        guard let source = entry.source?.relative, case .found(let real, _) = place(of: source) else { return }
        map.add(real, entry.target, isImported: !isLeftOut(entry))
    }

    /// True for a login that a container makes for itself, if the source is its own home.
    func isProfileCredential(_ entry: Entry) -> Bool {
        request.isOwnHome && entry.isProfileCredential
    }

    private func add(_ entry: Entry) {
        guard let source = entry.source?.relative else { return }
        if let (pattern, _) = excludes.excludingAnyAncestor(of: entry.target) {
            return seen.events.append(.excluded(source, entry.target, pattern: pattern))
        }
        if entry.isSecret, request.withoutSecrets { return seen.events.append(.secret(source)) }
        if isProfileCredential(entry) {
            seen.events.append(.profileCredential(source))
            return addPlaceholder(entry)
        }
        switch place(of: source) {
        case .found(let real, .directory):
            guard entry.isDirectory else { return seen.events.append(.wrongType(source, expectsDirectory: false)) }
            let mirrors = (request.mirrors || entry.flags.contains(.mirror)) && !request.isPartial
            if mirrors { mirrored.append(Mirrored(path: entry.target, filter: filter(of: entry))) }
            walk(entry) { $0.addDirectory(real, shown: source, to: entry.target) }
        case .found(let real, .file(let facts)):
            if entry.isDirectory { return seen.events.append(.wrongType(source, expectsDirectory: true)) }
            if facts.size == 0, entry.flags.contains(.json) { return addPlaceholder(entry) }
            walk(entry) { $0.addFile(real, shown: source, facts, to: entry.target) }
        case .found(_, let node): note(node, at: source)
        case .volume: return
        case .missing: addMissing(entry, source)
        case .broken(let text):
            seen.events.append(.symlink(source, text: text, .broken))
            addPlaceholder(entry)
        case .loop(let text):
            seen.events.append(.symlink(source, text: text, .loop))
            addPlaceholder(entry)
        case .outside(let text):
            seen.events.append(.symlink(source, text: text, .outside))
            addPlaceholder(entry)
        case .unreachable(let obstacle):
            seen.findings.append(
                Finding(.error, at: source.printable, obstacle.sentence, advice: obstacle.advice))
        }
    }

    private func note(_ node: Node, at source: FilePath) {
        if case .special(let kind) = node { seen.events.append(.special(source, kind)) }
    }

    private func walk(_ entry: Entry, _ body: (inout SourceWalk) -> Void) {
        var walk = makeWalk()
        walk.secrecy = entry.secrecy
        walk.filter = filter(of: entry)
        body(&walk)
        take(walk)
    }

    /// What is left out of an entry: `.system`, `*.priv.*`.
    private func filter(of entry: Entry) -> ((FilePath.Component) -> Bool)? {
        let leavesSystem = entry.flags.contains(.excludeSystem) && !request.withoutExcludes
        let leavesPrivate = entry.flags.contains(.privacyFilter) && request.configuration.excludesPrivate
        guard leavesSystem || leavesPrivate else { return nil }
        return { name in leavesSystem && name.string == ".system" || leavesPrivate && name.isPrivate }
    }

    /// What did not travel stays as the volume has it.
    private func leaveUnsent() {
        guard let unsent = request.unsent else { return }
        for (target, isSecret) in wanted.removeCopies(where: unsent.contains) {
            standing.insert(target)
            // What is left out is not counted.
            if !isProtected(target) { unsentCount += 1 }
            if isSecret { secretParents.formUnion([target.parent].compactMap(\.self)) }
        }
    }

    /// Keeps a file out of an import, and that of the volume where it is.
    func leaveOut(_ target: VolumePath) {
        wanted[target] = nil
        standing.insert(target)
    }

    func makeWalk() -> SourceWalk {
        let root = machine.root
        return SourceWalk(
            source: request.source, resolver: resolver, map: map, excludes: excludes,
            existsHere: { root.existsInRoot($0) })
    }

    func take(_ walk: SourceWalk) {
        for files in walk.files { wanted.add(files) }
        for (target, path) in walk.wanted { wanted[target] = path }
        standing.formUnion(walk.served)
        // A link may lead to what did not have to travel.
        seen.events += request.isPartial ? walk.events.filter { !$0.isAboutSymlink } : walk.events
        seen.findings += walk.findings
    }

    // MARK: what the source does not have

    private func addMissing(_ entry: Entry, _ source: FilePath) {
        if request.isPartial { return addPlaceholder(entry) }
        guard !entry.isOptional, entry.isDirectory || entry.isSecret || entry.flags.contains(.json) else {
            return seen.events.append(.absent(source, isOptional: entry.isOptional))
        }
        seen.events.append(
            .ensured(
                source, entry.target, isDirectory: entry.isDirectory, isJSON: entry.flags.contains(.json),
                isSecret: entry.isSecret))
        addPlaceholder(entry)
    }

    /// Wants the target to be there, with whatever is in it.
    private func addPlaceholder(_ entry: Entry) {
        guard !entry.isOptional, entry.isDirectory || entry.isSecret || entry.flags.contains(.json) else { return }
        let content: PlacedContent =
            entry.isDirectory
            ? .directory(mode: entry.isSecret ? 0o700 : 0o755, modified: nil, from: nil)
            : .text(Array(entry.placeholder.utf8), mode: entry.isSecret ? 0o600 : 0o644)
        wanted.addPlaceholder(
            entry.target,
            WantedPath(
                content: content, authority: .volume, isSecret: entry.isSecret, origin: entry.location.description))
    }

    private func notePatterns(_ imported: [Entry]) {
        if request.isPartial { return }
        let targets = imported.map(\.target) + sessionDirectories.map(\.target)
        seen.events += excludes.unmatched(by: targets).map { .unmatchedPattern($0) }
    }

    // MARK: a volume

    /// A restore: what the source has counts; names of private files below `shell/bashrc.d` are left out.
    private func observeVolume() {
        var walk = makeWalk()
        walk.keepsSymlinks = true
        walk.authority = .source
        walk.addDirectory(FilePath(), shown: FilePath(), to: VolumePath(unchecked: FilePath()))
        take(walk)
        if request.configuration.excludesPrivate {
            wanted.remove(in: VolumePath(unchecked: "shell/bashrc.d")) {
                $0.relative.components.contains(where: \.isPrivate)
            }
        }
        keepSecretsSecret()
        leaveUnsent()
        addOverrides(machine.home)
        if request.withoutSecrets { stripSecrets() }
        if request.mirrors, !request.isPartial {
            mirrored.append(Mirrored(path: VolumePath(unchecked: FilePath()), filter: nil))
        }
    }

    /// Secrets of a restored volume get the modes that the manifests declare, or are left out.
    private func keepSecretsSecret() {
        for entry in entries where entry.isSecret && !entry.flags.contains(.glob) {
            if request.withoutSecrets {
                wanted.remove(in: entry.target) { path in
                    standing.insert(path)
                    return true
                }
                seen.events.append(.secret(entry.target.relative))
            } else {
                wanted.makeSecret(entry.target)
            }
        }
    }

    // MARK: what only the volume has

    private func addExtras(_ reader: CounterpartReader) {
        if mirrored.isEmpty { return }
        for directory in mirrored {
            var walk = ExtrasWalk(
                wanted: wanted, standing: standing, excludes: excludes, filter: directory.filter, tree: machine.volume)
            walk.isProtected = isProtected
            _ = walk.visit(directory.path)
            seen.extras += walk.extras.map { ($0, reader.node(at: $0)) }
            seen.findings += walk.findings
        }
    }

    /// Whether a mirror leaves a path alone because an import without secrets has no say about it, or a restore about what is
    /// private.
    private func isProtected(_ path: VolumePath) -> Bool {
        if request.withoutSecrets {
            let named = entries.filter { !$0.flags.contains(.glob) && path.isInside($0.target) }
            if named.contains(where: \.isSecret) { return true }
            if isSecretByName(path.relative), !named.contains(where: { $0.target == path }) { return true }
        }
        return request.arrangement == .volume && request.configuration.excludesPrivate
            && path.isInside(VolumePath(unchecked: "shell/bashrc.d"))
            && path.relative.components.contains(where: \.isPrivate)
    }
}

/// Finds what stands in a directory of the volume and is not wanted there.
private struct ExtrasWalk {
    let wanted: WantedPaths
    let standing: Set<VolumePath>
    let excludes: Excludes
    let filter: ((FilePath.Component) -> Bool)?
    let tree: Tree
    var isProtected: (VolumePath) -> Bool = { _ in false }
    var extras: [VolumePath] = []
    var findings: [Finding] = []

    /// Returns whether everything below the directory is extra, so that the directory itself may go.
    mutating func visit(_ path: VolumePath) -> Bool {
        let names: [FilePath.Component]
        let directory: Directory
        do {
            directory = try tree.directory(path.relative)
            names = try directory.names()
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return false
        } catch {
            findings.append(Finding(unreadable: error, at: path.description))
            return false
        }
        var goes: [VolumePath] = []
        var isWhole = true
        let files = wanted.names(in: path)
        for name in names {
            let place =
                path.relative.isEmpty ? VolumePath(unchecked: FilePath(root: nil, [name])) : path.appending(name)
            if place.isReserved || filter?(name) ?? false || excludes.excluding(place) != nil || isProtected(place) {
                isWhole = false
            } else if Node(name, in: directory).isDirectory {
                let before = extras.count
                if visit(place), !isWanted(place) {
                    extras.removeSubrange(before...)
                    goes.append(place)
                } else {
                    isWhole = false
                }
            } else if files.contains(name) || isWanted(place) {
                isWhole = false
            } else {
                goes.append(place)
            }
        }
        extras += goes
        return isWhole
    }

    private func isWanted(_ path: VolumePath) -> Bool { wanted.paths[path] != nil || standing.contains(path) }
}

extension FilePath.Component {
    /// Whether the name is one that flag `p` leaves out: `*.priv.*`.
    var isPrivate: Bool { string.dropFirst(0).contains(".priv.") }
}

extension WantedPath {
    /// The same as a secret: readable by its owner alone.
    func asSecret(_ secrecy: Secrecy) -> WantedPath {
        let content: PlacedContent =
            switch content {
            case .copy(let path, let facts, let mode): .copy(path, facts, mode: secrecy.mode(ofFile: mode))
            case .text(let bytes, let mode): .text(bytes, mode: secrecy.mode(ofFile: mode))
            case .directory(let mode, let modified, let from):
                .directory(mode: secrecy.mode(ofDirectory: mode), modified: modified, from: from)
            default: content
            }
        return WantedPath(
            content: content, authority: authority, isSecret: true, origin: origin, modified: modified)
    }
}

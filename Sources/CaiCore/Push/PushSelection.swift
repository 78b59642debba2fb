import CaiModel
import CaiPlatform
import SystemPackage

/// What of a source an import takes, by path: what the manifests and the configuration name, without what they leave out.
///
/// It decides as the import does, so that what that leaves out is neither looked at nor sent. In doubt it takes.
struct PushSelection: Sendable {
    /// A path of a home, and where it goes.
    private struct Root: Sendable {
        let entry: Entry
        let isLeftOut: Bool
        /// Whether an exclude may be about something in it.
        let isConcerned: Bool
    }

    private let arrangement: SourceArrangement
    private let excludes: Excludes
    private let excludesPrivate: Bool
    private let excludesSystem: Bool
    private var roots: [PathKey: [Root]] = [:]
    /// The directories above these.
    private var above: Set<PathKey> = []
    private let plain: Set<VolumePath>

    /// `entries` are those of a home, in the order of their manifests; `names` are what it has.
    init(
        _ entries: [Entry], arrangement: SourceArrangement, configuration: ImportConfiguration, withoutExcludes: Bool,
        names: FirstNames
    ) {
        self.arrangement = arrangement
        plain = Set(entries.filter { !$0.isSecret }.map(\.target))
        excludesPrivate = configuration.excludesPrivate
        excludesSystem = !withoutExcludes
        excludes = withoutExcludes || arrangement == .volume ? .none : Excludes(configuration.excludes)
        guard arrangement == .home else { return }
        for entry in entries {
            guard let source = entry.source?.relative, names.allow(source) else { continue }
            let isLeftOut = excludes.excludingAnyAncestor(of: entry.target) != nil
            let isConcerned = !excludes.isEmpty && excludes.concerns(below: entry.target)
            roots[PathKey(source), default: []].append(
                Root(entry: entry, isLeftOut: isLeftOut, isConcerned: isConcerned))
            var directory = source.removingLastComponent()
            while !directory.isEmpty, above.insert(PathKey(directory)).inserted { directory.removeLastComponent() }
        }
    }

    /// The paths of a home that are looked at, with all that is in them.
    var paths: [FilePath] { roots.filter { !$0.value.allSatisfy(\.isLeftOut) }.map(\.key.path) }

    /// All that go somewhere, whether they are looked at or not.
    var known: [FilePath] { roots.keys.map(\.path) }

    /// What is left out of a directory: nil where that is nothing.
    func leftOut(of directory: FilePath) -> ((FilePath.Component) -> Bool)? {
        switch arrangement {
        case .home: PushScope.isWhole(directory) ? nil : leftOut(ofHome: directory)
        case .volume: leftOut(ofVolume: directory)
        }
    }

    private func leftOut(ofVolume directory: FilePath) -> ((FilePath.Component) -> Bool)? {
        if directory.isEmpty { return { VolumePath(unchecked: FilePath(root: nil, [$0])).isReserved } }
        return excludesPrivate && directory.starts(with: "shell/bashrc.d") ? { $0.isPrivate } : nil
    }

    private func leftOut(ofHome directory: FilePath) -> ((FilePath.Component) -> Bool)? {
        let covering = places(of: directory)
        let rules = covering.map { rule(for: $0.root, at: $0.target) }
        guard !rules.isEmpty, !rules.contains(where: { $0 == nil }) else { return nil }
        return { name in
            let path = PathKey(directory.appending(name))
            if above.contains(path) || roots[path]?.contains(where: { !$0.isLeftOut }) == true { return false }
            return rules.allSatisfy { $0?(name) == true }
        }
    }

    /// What an entry leaves out of a directory that goes to `target`; nil where that is nothing.
    private func rule(for root: Root, at target: VolumePath) -> ((FilePath.Component) -> Bool)? {
        let entry = root.entry
        let leavesSystem = entry.flags.contains(.excludeSystem) && excludesSystem
        let leavesPrivate = entry.flags.contains(.privacyFilter) && excludesPrivate
        let isConcerned = (root.isLeftOut || root.isConcerned) && excludes.concerns(below: target)
        if isConcerned, excludes.excludingAnyAncestor(of: target) != nil { return { _ in true } }
        guard leavesSystem || leavesPrivate || isConcerned else { return nil }
        return { name in
            leavesSystem && name.string == ".system" || leavesPrivate && name.isPrivate
                || isConcerned && excludes.excluding(target.appending(name)) != nil
        }
    }

    /// Where a path goes, by the entry or entries that name it or a directory above it.
    private func places(of path: FilePath) -> [(root: Root, target: VolumePath)] {
        var found: [(Root, VolumePath)] = []
        var directory = path
        while !directory.isEmpty {
            let rest = FilePath(root: nil, path.components.dropFirst(directory.components.count))
            for root in roots[PathKey(directory)] ?? [] {
                found.append((root, rest.isEmpty ? root.entry.target : root.entry.target.appending(rest)))
            }
            directory.removeLastComponent()
        }
        return found
    }

    // MARK: secrets

    /// Where a path goes first, and whether a manifest declares it, or something above it, a secret.
    func target(of path: FilePath) -> (target: VolumePath, isSecret: Bool)? {
        if arrangement == .volume { return (VolumePath(unchecked: path), false) }
        return places(of: path).first.map { ($0.target, $0.root.entry.isSecret) }
    }

    /// Whether a manifest names a path of the volume, and as no secret.
    func isPlain(_ target: VolumePath) -> Bool { plain.contains(target) }
}

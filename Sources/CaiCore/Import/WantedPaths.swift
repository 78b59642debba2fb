import CaiModel
import CaiPlatform
import SystemPackage

/// One path that the volume is to have.
struct WantedPath {
    let content: PlacedContent
    let authority: ImportAuthority
    let isSecret: Bool
    let origin: String
    /// When the file was changed that a text was made from.
    var modified: Int64?
}

/// Everything that the volume is to have, as it is collected; what comes later counts.
struct WantedPaths {
    private(set) var paths: [VolumePath: WantedPath] = [:]

    subscript(path: VolumePath) -> WantedPath? {
        get { paths[path] }
        set { paths[path] = newValue }
    }

    /// A placeholder counts only where nothing else is wanted.
    mutating func addPlaceholder(_ path: VolumePath, _ wanted: WantedPath) {
        if paths[path] == nil { paths[path] = wanted }
    }

    /// Takes a file and everything below it out.
    mutating func remove(_ path: VolumePath) {
        paths[path] = nil
        for other in paths.keys where other.isInside(path) { paths[other] = nil }
    }
}

/// Looks at what stands on the volume where something is wanted.
struct CounterpartReader {
    private let source: SourceTree
    private let volume: NodeReader
    private let volumeRoot: Tree

    init(_ machine: Machine, source: SourceTree) {
        self.source = source
        volumeRoot = machine.volume
        volume = NodeReader(machine.volume)
    }

    func node(at path: VolumePath) -> Node { volume.node(at: path.relative) }

    /// The items in the order of their targets, so that parents come first.
    func items(_ wanted: WantedPaths, _ findings: inout [Finding]) -> [ImportItem] {
        wanted.paths.sorted { $0.key < $1.key }.compactMap { target, path in
            let found = node(at: target)
            do {
                return ImportItem(
                    target: target, content: path.content, authority: path.authority, isSecret: path.isSecret,
                    origin: path.origin, found: found, sides: try sides(target, path, found))
            } catch {
                findings.append(Finding(unreadable: error, at: path.origin))
                return nil
            }
        }
    }

    /// The directories above all targets, as far as none of the items says what is there.
    func directories(above items: [ImportItem]) -> [VolumePath: Node] {
        var result: [VolumePath: Node] = [:]
        for item in items {
            if case .directory = item.content { result[item.target] = item.found }
            var next = item.target.parent
            while let path = next, result[path] == nil {
                result[path] = node(at: path)
                next = path.parent
            }
        }
        return result
    }

    /// Both versions of a file; nil where there is nothing to decide, or where size and time say that both are the same.
    private func sides(_ target: VolumePath, _ wanted: WantedPath, _ found: Node) throws -> ImportSides? {
        guard case .file(let stored) = found, let name = target.relative.lastComponent,
            let parent = volume.openParent(of: target.relative)
        else { return nil }
        switch wanted.content {
        case .copy(let path, let facts, _):
            if facts.size == stored.size, tellsNoChange(facts.modified, stored.modified) { return nil }
            let (directory, sourceName) = try source.tree.parent(of: path)
            return ImportSides(
                source: try contentSample(sourceName, in: directory), sourceSize: facts.size,
                sourceModified: facts.modified, stored: try contentSample(name, in: parent))
        case .text(let bytes, _):
            return ImportSides(
                source: ContentSample(
                    digest: digest(of: bytes), document: MergeKind(fileName: name.string) == nil ? nil : bytes,
                    isPlaceholder: isPlaceholder(bytes)),
                sourceSize: Int64(bytes.count), sourceModified: wanted.modified ?? 0,
                stored: try contentSample(name, in: parent))
        default: return nil
        }
    }
}

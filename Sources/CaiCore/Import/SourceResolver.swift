import CaiModel
import CaiPlatform
import SystemPackage

/// Follows the symlinks of a source, without ever leaving it: what a link leads to is looked up in the source, also when
/// it names the source by its absolute path.
final class SourceResolver {
    /// Where a path leads.
    enum Place {
        /// `path` is free of symlinks.
        case found(path: FilePath, Node)
        case missing
        /// A link on the way leads to nothing.
        case broken(text: FilePath)
        case outside(text: FilePath)
        /// Into the volume of this machine.
        case volume(VolumePath)
        case loop(text: FilePath)
        case unreachable(Obstacle)
    }

    private static let mostLinks = 40

    private let source: SourceTree
    private let reader: NodeReader
    private let layout: Layout
    private(set) lazy var names = FirstNames(source.tree)

    init(_ source: SourceTree, layout: Layout) {
        self.source = source
        self.layout = layout
        reader = NodeReader(source.tree)
    }

    /// What stands at a path, links not followed.
    func node(at path: FilePath) -> Node { reader.node(at: path) }

    func resolve(_ path: FilePath) -> Place {
        var done = FilePath()
        var waiting = Array(path.components.reversed())
        var links = 0
        var lastText: FilePath?
        while let name = waiting.popLast() {
            if name.kind == .currentDirectory { continue }
            if name.kind == .parentDirectory {
                if done.isEmpty { return .outside(text: lastText ?? path) }
                done.removeLastComponent()
                continue
            }
            let here = done.appending(name)
            switch names.allow(here) ? reader.node(at: here) : .missing {
            case .missing: return lastText.map { .broken(text: $0) } ?? .missing
            case .unreachable(let obstacle): return .unreachable(obstacle)
            case .directory: done = here
            case .symlink(let text):
                links += 1
                lastText = text
                if links > Self.mostLinks { return .loop(text: text) }
                if text.isAbsolute {
                    if let place = volumePath(text) { return .volume(place.appending(waiting)) }
                    guard let inside = relative(text) else { return .outside(text: text) }
                    done = FilePath()
                    waiting += inside.components.reversed()
                } else {
                    waiting += text.components.reversed()
                }
            case let node where waiting.isEmpty: return .found(path: here, node)
            case .file, .special: return lastText.map { .broken(text: $0) } ?? .missing
            }
        }
        if done.isEmpty { return .found(path: done, .missing) }
        return .found(path: done, reader.node(at: done))
    }

    /// An absolute path as one of the source; nil when it lies elsewhere.
    func relative(_ text: FilePath) -> FilePath? {
        let path = text.lexicallyNormalized()
        for name in source.names where path.starts(with: name) {
            return FilePath(root: nil, path.components.dropFirst(name.components.count))
        }
        return nil
    }

    private func volumePath(_ text: FilePath) -> VolumePath? {
        let path = text.lexicallyNormalized()
        guard path.starts(with: layout.volume) else { return nil }
        return VolumePath(unchecked: FilePath(root: nil, path.components.dropFirst(layout.volume.components.count)))
    }
}

extension VolumePath {
    fileprivate func appending(_ waiting: [FilePath.Component]) -> VolumePath {
        VolumePath(unchecked: relative.appending(waiting.reversed()))
    }
}

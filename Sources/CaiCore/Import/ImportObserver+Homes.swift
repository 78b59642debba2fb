import CaiModel
import CaiPlatform
import SystemPackage

/// Paths of the source's home that are written out in settings of agents.
extension ImportObserver {
    /// Rewrites paths of the source's home for the container: in settings of agents, each string that begins with the path of
    /// that home and a slash, if what it names is imported in the same run or is there. The paths of plugins are rewritten in
    /// any case. Conversations and texts of the user stay as they are.
    func rewriteHomePaths() {
        let home = machine.layout.home.string
        let documents = HomePathDocument.all(directories.map(\.declaration)).compactMap { document in
            let bytes = wanted[document.target]?.authority == .newer ? wantedBytes(document.target) : nil
            return bytes.map { (document, bytes: $0) }
        }
        sourceHomes = homes(documents).filter { $0 != home }
        if sourceHomes.isEmpty { return }
        let targets = HomeTargets(entries, directories: directories)
        for (document, bytes) in documents {
            let result = HomePaths.rewriting(bytes, document) { text in
                HomePaths.moved(text, from: sourceHomes, to: home) { isPresent($0, targets) }
            }
            guard let result else { continue }
            change(document.target, to: result.bytes)
            seen.events.append(.relocated(document.target, count: result.count))
        }
    }

    /// The paths by which documents call the home of the source, longest first: that of the source itself, and those that lie
    /// in front of the directory of an agent in a path that the source has.
    private func homes(_ documents: [(HomePathDocument, bytes: [UInt8])]) -> [String] {
        let strings = documents.flatMap { HomePaths.strings($0.bytes, $0.0) }
        let found = HomePaths.candidates(strings, directories: directories.map(\.declaration.path))
            .filter { isPlugin($0.path) || isInSource($0.path) }.map(\.home)
        return Set(request.source.names.map(\.string) + found).sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    private func isInSource(_ path: HomePath) -> Bool {
        switch resolver.resolve(path.relative) {
        case .found(_, let node): !node.isMissing
        case .volume: true
        case .missing, .broken, .outside, .loop, .unreachable: false
        }
    }

    /// True for what Claude Code manages itself, and looks for at the recorded path alone.
    private func isPlugin(_ path: HomePath) -> Bool { path.relative.starts(with: ".claude/plugins") }

    private func isPresent(_ path: HomePath, _ targets: HomeTargets) -> Bool {
        if isPlugin(path) { return true }
        if let target = targets.target(of: path) {
            if wanted[target] != nil { return true }
            if !NodeReader(machine.volume).node(at: target.relative).isMissing { return true }
        }
        return machine.root.existsInRoot(machine.layout.home.appending(path.relative.components))
    }
}

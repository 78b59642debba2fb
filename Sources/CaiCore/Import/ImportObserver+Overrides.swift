import CaiModel
import CaiPlatform
import SystemPackage

/// Overrides: a tree that mirrors the home, whose files replace what was imported (predecessors 1.6.9).
extension ImportObserver {
    private static let overrides: FilePath = ".config/containai/import-overrides"

    /// Adds the overrides of a home, never through a symlink.
    func addOverrides(_ tree: Tree) {
        let reader = NodeReader(tree)
        switch reader.node(at: Self.overrides) {
        case .directory: break
        case .symlink: return seen.events.append(.skipped(override: Self.overrides))
        default: return
        }
        do {
            try visit(tree.directory(Self.overrides), FilePath())
        } catch {
            seen.findings.append(Finding(unreadable: error, at: Self.overrides.printable))
        }
    }

    private func visit(_ directory: Directory, _ path: FilePath) throws {
        for name in try directory.names() {
            let below = path.appending(name)
            switch Node(name, in: directory) {
            case .directory: try visit(directory.openDirectory(name), below)
            case .file: try add(override: below, name, in: directory)
            case .missing: continue
            default: seen.events.append(.skipped(override: below))
            }
        }
    }

    private func add(override path: FilePath, _ name: FilePath.Component, in directory: Directory) throws {
        guard let (target, secrecy) = overrideTarget(path) else {
            return seen.events.append(.unmapped(override: path))
        }
        if secrecy.isSecret, request.withoutSecrets { return seen.events.append(.secret(path)) }
        switch NodeReader(machine.volume).node(at: target.relative) {
        case .missing, .file: break
        case .unreachable(let obstacle):
            return seen.findings.append(Finding(.error, at: machine.layout.text(target), obstacle.sentence))
        case let node:
            return seen.findings.append(
                Finding(
                    .error, at: machine.layout.text(target), "is \(node.word); the override was not applied",
                    advice: "move it away and import again"))
        }
        let file = try directory.openFile(name)
        let mode = try file.status(directory.label.appending(name)).mode & 0o777
        let bytes = try file.readAll(limit: 64 << 20, directory.label.appending(name))
        wanted[target] = WantedPath(
            content: .text(bytes, mode: secrecy.mode(ofFile: mode)), authority: .source, isSecret: secrecy.isSecret,
            origin: path.printable)
        seen.events.append(.applied(override: path, target))
    }

    /// Returns the place on the volume of a path of the home, and how secret it is; nil if no entry names it.
    private func overrideTarget(_ path: FilePath) -> (VolumePath, Secrecy)? {
        let usable = entries.filter { $0.kind == .entry && !$0.flags.contains(.glob) && $0.source != nil }
        if let entry = usable.first(where: { $0.source?.relative == path }) { return (entry.target, entry.secrecy) }
        let around = usable.filter { $0.isDirectory && path.starts(with: $0.source?.relative ?? path) }
            .max { ($0.source?.relative.components.count ?? 0) < ($1.source?.relative.components.count ?? 0) }
        if let entry = around, let source = entry.source {
            let below = FilePath(root: nil, path.components.dropFirst(source.relative.components.count))
            return (entry.target.appending(below), entry.secrecy)
        }
        let names = path.components.map(\.string)
        if names.count == 2, names[0] == ".ssh", names[1].hasPrefix("id_") {
            let secrecy: Secrecy = names[1].hasSuffix(".pub") ? .none : .file
            return (VolumePath(unchecked: FilePath("ssh").appending(names[1])), secrecy)
        }
        return nil
    }
}

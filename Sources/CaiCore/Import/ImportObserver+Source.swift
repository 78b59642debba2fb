import CaiModel
import CaiPlatform
import SystemPackage

/// Files of the source that are read as a whole.
extension ImportObserver {
    /// Documents larger than this are copied as they are.
    static var largestDocument: Int { 4 << 20 }

    /// A file of the source, links followed inside it; nil when there is none, or none that can be read.
    func read(_ path: FilePath, limit: Int = ImportObserver.largestDocument) -> (
        bytes: [UInt8], facts: FileFacts, real: FilePath
    )? {
        guard case .found(let real, .file(let facts)) = resolver.resolve(path) else { return nil }
        do {
            guard let bytes = try request.source.tree.readFile(real, limit: limit) else { return nil }
            return (bytes, facts, real)
        } catch {
            seen.findings.append(Finding(unreadable: error, at: path.printable))
            return nil
        }
    }

    /// The bytes of what is to be copied to a target; nil for everything that is no file of reasonable size.
    func wantedBytes(_ target: VolumePath) -> [UInt8]? {
        switch wanted[target]?.content {
        case .text(let bytes, _): return bytes
        case .copy(let path, let facts, _) where facts.size <= Self.largestDocument:
            return try? request.source.tree.readFile(path, limit: Self.largestDocument)  // unreadable: the copy says so
        default: return nil
        }
    }

    /// Writes something else than what the source has.
    func change(_ target: VolumePath, to bytes: [UInt8]) {
        guard let old = wanted[target] else { return }
        let mode: UInt16
        var modified = old.modified
        switch old.content {
        case .copy(_, let facts, let found): (mode, modified) = (found, facts.modified)
        case .text(_, let found): mode = found
        default: return
        }
        wanted[target] = WantedPath(
            content: .text(bytes, mode: mode), authority: old.authority, isSecret: old.isSecret, origin: old.origin,
            modified: modified)
    }

    /// The text of a file of the volume; nil when there is none.
    func storedBytes(_ target: VolumePath) -> [UInt8]? {
        try? machine.volume.readFile(target.relative, limit: Self.largestDocument)  // what cannot be read has no say
    }

    // MARK: Claude Code and Copilot

    func adaptDocuments() {
        let homes = sourceHomes + [machine.layout.home.string]
        let home = machine.layout.home.string
        adapt("claude/plugins/installed_plugins.json") { AgentDocuments.installedPlugins($0, homes: homes, home: home) }
        adapt("claude/plugins/known_marketplaces.json") {
            AgentDocuments.knownMarketplaces($0, homes: homes, home: home)
        }
        let settings = VolumePath(unchecked: "claude/settings.json")
        adapt(settings.relative) { AgentDocuments.settings($0, stored: storedBytes(settings)) }
        let workspace = machine.layout.home.appending("workspace").string
        adapt("copilot/config.json") { AgentDocuments.copilot($0, workspace: workspace) }
        let cache = VolumePath(unchecked: "claude/plugins/cache")
        wanted.remove(in: cache) { $0.relative.lastComponent == ".orphaned_at" }
        removeOrphanMarkers(cache)
    }

    private func adapt(_ path: FilePath, _ transform: ([UInt8]) -> [UInt8]?) {
        let target = VolumePath(unchecked: path)
        guard wanted[target]?.authority == .newer, let bytes = wantedBytes(target) else { return }
        guard let changed = transform(bytes) else {
            return seen.findings.append(
                Finding(
                    .warning, at: wanted[target]?.origin ?? path.printable,
                    "is no JSON object; it was copied as it is", advice: "correct it and import again"))
        }
        if changed != bytes { change(target, to: changed) }
    }

    /// Markers of plugins that nobody uses any more make the agent delete them.
    private func removeOrphanMarkers(_ cache: VolumePath) {
        func visit(_ directory: Directory, _ path: VolumePath) throws {
            for name in try directory.names() {
                let node = Node(name, in: directory)
                if node.isDirectory { try visit(directory.openDirectory(name), path.appending(name)) }
                if node.isFile, name == ".orphaned_at" { seen.extras.append((path.appending(name), node)) }
            }
        }
        do {
            try visit(machine.volume.directory(cache.relative), cache)
        } catch {
            return  // there is no cache, or none of ours
        }
    }

    // MARK: zsh

    func addZsh() {
        let target = VolumePath(unchecked: "shell/zsh-imported.sh")
        if excludes.excludingAnyAncestor(of: target) != nil { return }
        var extraction = ZshExtraction()
        for name in [".zshenv", ".zprofile", ".zshrc"] {
            // Imported already: what was made of it then is still right.
            if case .volume = resolver.resolve(FilePath(name)) { return }
            guard let file = read(FilePath(name)) else { continue }
            let bytes = request.withoutSecrets ? SecretStripping.shell(file.bytes).bytes : file.bytes
            extraction.add(bytes, name: name)
        }
        if let text = extraction.text {
            wanted[target] = WantedPath(
                content: .text(Array(text.utf8), mode: 0o644), authority: .source, isSecret: false, origin: "zsh files")
        } else {
            addObsolete(target)
        }
    }

    /// Takes a file of our own from the volume because there is nothing to say any more; it is kept displaced.
    func addObsolete(_ target: VolumePath) {
        let node = NodeReader(machine.volume).node(at: target.relative)
        if node.isFile { seen.extras.append((target, node)) }
    }
}

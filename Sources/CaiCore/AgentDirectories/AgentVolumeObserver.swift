import CaiModel
import CaiPlatform
import SystemPackage

/// Looks at the agent directories on the volume. It only reads.
struct AgentVolumeObserver {
    private let machine: Machine
    private let localDirectory: FilePath
    private let reader: NodeReader

    /// `localDirectory` is the directory of the container that holds local parts.
    init(_ machine: Machine, localDirectory: FilePath) {
        self.machine = machine
        self.localDirectory = localDirectory
        reader = NodeReader(machine.volume)
    }

    /// The state of these directories; `entries` are those of the manifests.
    func observe(_ directories: [PlacedDirectory], entries: [Entry], hasLocal: Bool) -> AgentVolumeObservation {
        let kept = directories.filter { $0.isKeptByUs }
        let layout = layoutVersion()
        var renames: [SeenRename] = []
        var links: [SeenVolumeLink] = []
        var parents: Set<VolumePath> = []
        let targets = kept.map(\.declaration.target)
        for directory in directories where directory.hasSingleLinks {
            renames += directory.declaration.renamed.compactMap { rename($0, directory.declaration) }
        }
        for directory in kept {
            let declared = directory.declaration
            renames += (declared.renamed + declared.aliases).compactMap { rename($0, declared) }
            links += declared.aliases.map { second($0, declared) }
            if hasLocal { links += declared.locals.compactMap { local($0, declared) } }
            var next = declared.target.parent
            while let path = next {
                if reader.node(at: path.relative).isDirectory { parents.insert(path) }
                next = path.parent
            }
        }
        let (placeholders, isComplete) = placeholders(entries, isFirst: layout == nil)
        return AgentVolumeObservation(
            layout: layout, targets: targets.map { ($0, reader.node(at: $0.relative)) }, parents: parents,
            privateDirectories: entries.privateVolumeDirectories, renames: renames, links: links,
            placeholders: placeholders, isComplete: isComplete,
            layoutFile: layout == nil ? reader.node(at: VolumeLayout.path.relative) : .missing)
    }

    private func layoutVersion() -> Int? {
        // Without a layout that can be read, the look for placeholders is made again, which does no harm.
        guard let bytes = try? machine.volume.readFile(VolumeLayout.path.relative, limit: 64) else { return nil }
        return VolumeLayout.version(bytes)
    }

    private func rename(_ part: RenamedPart, _ declared: AgentDirectory) -> SeenRename? {
        let from = declared.target(of: part.from.relative)
        // The usual case costs one look.
        if reader.node(atLink: from.relative).isSettled { return nil }
        return SeenRename(from: look(at: from), to: look(at: declared.target(of: part.to.relative)))
    }

    private func look(at path: VolumePath) -> SeenFile {
        let node = node(at: path)
        guard node.isFile, let parent = reader.openParent(of: path.relative), let name = path.relative.lastComponent,
            let sample = try? contentSample(name, in: parent)  // unreadable: it stays as it is, and the copy says why
        else { return SeenFile(path, node) }
        // Gone or unreadable since it was read: the step that would change it refuses.
        let isOpen = (try? parent.openFile(name).isOpenElsewhere ?? false) ?? false
        return SeenFile(path, node, digest: sample.digest, isPlaceholder: sample.isPlaceholder, isOpen: isOpen)
    }

    /// The second name of an entry: a relative symlink, so that it holds wherever the volume is mounted.
    private func second(_ part: RenamedPart, _ declared: AgentDirectory) -> SeenVolumeLink {
        let path = declared.target(of: part.from.relative)
        let depth = part.from.relative.components.count - 1
        let up = [FilePath.Component](repeating: "..", count: depth)
        let text = FilePath(root: nil, up + Array(part.to.relative.components))
        return SeenVolumeLink(path, text: text, node: node(at: path))
    }

    /// The node at a path. A mounted file or directory counts as out of reach.
    private func node(at path: VolumePath) -> Node {
        let node = reader.node(atLink: path.relative)
        guard node.isFile || node.isDirectory, let name = path.relative.lastComponent,
            reader.openParent(of: path.relative)?.isMountPoint(name) ?? false
        else { return node }
        return .unreachable(.mountPoint)
    }

    private func local(_ pattern: PartPattern, _ declared: AgentDirectory) -> SeenVolumeLink? {
        guard let below = pattern.path else { return nil }
        let path = declared.target(of: below)
        let text = localDirectory.pushing(path.relative)
        return SeenVolumeLink(path, text: text, node: node(at: path))
    }

    /// Returns the files in which a release without agent directories made a placeholder, and whether each of them could be
    /// looked at. Later only secrets are looked at: such a release may share the volume, and an empty login is read as a
    /// broken one.
    private func placeholders(_ entries: [Entry], isFirst: Bool) -> (files: [SeenFile], isComplete: Bool) {
        var (files, isComplete) = ([] as [SeenFile], true)
        for entry in entries where entry.isCovered && entry.flags.contains(.file) && (isFirst || entry.isSecret) {
            switch reader.node(at: entry.target.relative) {
            case .file(let facts) where facts.size <= 8:
                let file = look(at: entry.target)
                if file.node == .unreachable(.mountPoint) { continue }
                if file.digest == nil { isComplete = false } else { files.append(file) }
            case .unreachable: isComplete = false
            case .file, .missing, .directory, .symlink, .special: continue
            }
        }
        return (files, isComplete)
    }
}

extension PlacedDirectory {
    /// True if single links lead to entries of the declared directory: they need the names of today as well.
    fileprivate var hasSingleLinks: Bool { coverage == .fallback || coverage == .files }

    /// True if the agent's state is in the declared directory of the volume.
    var isKeptByUs: Bool {
        switch (coverage, location) {
        case (.linked, _): true
        case (.reached, .home): placement == .variable
        case (.reached, .volume(let path)): path == declaration.target
        case (.reached, .elsewhere), (.fallback, _), (.files, _): false
        }
    }
}

extension Node {
    /// True if nothing, or a symlink, stands there: nothing that has to get another name.
    fileprivate var isSettled: Bool {
        switch self {
        case .missing, .symlink: true
        default: false
        }
    }
}

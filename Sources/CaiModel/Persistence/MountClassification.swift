import SystemPackage

/// What holds a path, how sure that is, and what to know about it.
package struct MountClassification: Hashable, Sendable {
    package let kind: StorageKind
    /// What is behind the mount, in words; printable.
    package let source: String
    /// The mount, when the table knows it.
    package let mount: Mount?
    /// What limits the kind here, each one sentence; they raise the risk.
    package var notes: [RiskNote] = []
}

/// A circumstance that makes a kind less durable than it usually is.
package enum RiskNote: Hashable, Sendable {
    /// A volume or directory of the host whose bytes are in the host's memory.
    case keptInMemory
    /// A volume or directory that lies in the writable layer of another container around this one.
    case insideOuterLayer
    /// On the file system that holds `/` as well: as durable as that.
    case sameDiskAsRoot
    /// The directory behind the mount was deleted.
    case deletedSource
    /// A single file is mounted: programs that save by renaming get EBUSY.
    case singleFile
    /// A part of a pod's volume; which kind of volume cannot be told.
    case unknownVolumePart

    package var sentence: String {
        switch self {
        case .keptInMemory: "It is kept in the host's memory: a reboot of the host loses it."
        case .insideOuterLayer: "It lies in the writable layer of an outer container: recreating that one loses it."
        case .sameDiskAsRoot: "It lies on the same file system as /: it lasts as long as that."
        case .deletedSource: "The directory behind this mount was deleted: what is written here is lost with the mount."
        case .singleFile: "A single file is mounted: programs that save by renaming fail here with EBUSY."
        case .unknownVolumePart: "It is a part of a pod's volume; which kind of volume cannot be told from inside."
        }
    }

    var risk: PersistenceRisk { self == .deletedSource ? .critical : .low }
}

/// Which storage holds a path: a pure function of what was seen.
///
/// The mount is found by its number, so symlinks and mounts that hide others are right; the longest prefix is only
/// asked where no number is known. What engines and kubelets call a directory counts before the type of its file
/// system, because a named volume stays one wherever the engine keeps it.
package struct MountClassifier: Sendable {
    private let surroundings: MountSurroundings
    private let rootMount: Mount?
    private let isKubernetes: Bool
    private let nodeDevices: Set<String>

    package init(_ surroundings: MountSurroundings) {
        self.surroundings = surroundings
        rootMount = surroundings.rootMount
        isKubernetes = surroundings.isKubernetes
        nodeDevices = surroundings.nodeDevices
    }

    /// What holds the path of this sighting. Missing paths and files are classified by the mount they are on.
    package func classify(_ sighting: PathSighting) -> MountClassification {
        let mount =
            sighting.mountID.map { surroundings.table.mount(id: $0) }
            ?? surroundings.table.mount(holding: sighting.resolved)
        if isOnRoot(sighting, mount) {
            let type = mount.map(\.fileSystem) ?? rootMount?.fileSystem
            return MountClassification(
                kind: .containerLayer, source: type.map { "the root file system (\($0))" } ?? "the root file system",
                mount: mount)
        }
        guard let mount else { return classify(magic: sighting.magic) }
        var result = classify(mount)
        if mount.isDeleted { result.notes.append(.deletedSource) }
        if sighting.isMountPoint, sighting.presence == .other { result.notes.append(.singleFile) }
        return result
    }

    private func isOnRoot(_ sighting: PathSighting, _ mount: Mount?) -> Bool {
        if let id = sighting.mountID, let root = surroundings.rootMountID { return id == root }
        return mount != nil && mount == rootMount
    }

    private func classify(_ mount: Mount) -> MountClassification {
        switch MountRoot(mount.root) {
        case .engineVolume(let name, let below):
            let part = below.isEmpty ? "" : ", directory \(below.printable)"
            return MountClassification(
                kind: MountRoot.isAnonymous(name) ? .anonymousVolume : .namedVolume,
                source: "volume \(printable(name))\(part)", mount: mount, notes: storeNotes(mount))
        case .kubernetesVolume(let plugin, let name):
            let kind = kubernetesKind(plugin: plugin, mount)
            return MountClassification(
                kind: kind, source: "pod volume \(printable(name)) (\(printable(plugin)))", mount: mount)
        case .kubernetesSubpath(let name):
            return MountClassification(
                kind: .persistentVolumeClaim, source: "part of pod volume \(printable(name))", mount: mount,
                notes: [.unknownVolumePart])
        case .provisionedVolume(let name):
            return MountClassification(
                kind: .persistentVolumeClaim, source: "persistent volume \(printable(name))", mount: mount)
        case .whole, .directory: return classifyByType(mount)
        }
    }

    private func kubernetesKind(plugin: String, _ mount: Mount) -> StorageKind {
        switch plugin {
        case "kubernetes.io~empty-dir", "kubernetes.io~git-repo":
            FileSystemFamily.isMemory(mount) ? .emptyDirMemory : .emptyDir
        case "kubernetes.io~secret", "kubernetes.io~configmap", "kubernetes.io~projected", "kubernetes.io~downward-api":
            .kubernetesObject
        case "kubernetes.io~host-path": .hostPath
        default: .persistentVolumeClaim
        }
    }

    private func classifyByType(_ mount: Mount) -> MountClassification {
        switch FileSystemFamily(type: mount.fileSystem) {
        case .disk: classifyDisk(mount)
        case .memory: classifyMemory(mount)
        case .overlay: classifyOverlay(mount)
        case .network: MountClassification(kind: .network, source: described(mount), mount: mount)
        case .share: MountClassification(kind: .hostShare, source: described(mount), mount: mount)
        case .image: MountClassification(kind: .readOnlyImage, source: described(mount), mount: mount)
        case .kernel: MountClassification(kind: .kernel, source: mount.fileSystem, mount: mount)
        case .automount:
            MountClassification(kind: .unknown, source: "an automount that nothing has mounted yet", mount: mount)
        case .unknown:
            MountClassification(kind: .unknown, source: "file system type \(printable(mount.fileSystem))", mount: mount)
        }
    }

    private func classifyDisk(_ mount: Mount) -> MountClassification {
        let source = described(mount)
        if let rootMount, rootMount.device == mount.device, mount.root.starts(with: rootMount.root),
            rootMount.root.components.count > 0 || mount.root == rootMount.root
        {
            return MountClassification(kind: .containerLayer, source: source, mount: mount)
        }
        if isKubernetes {
            let isOnNode = nodeDevices.contains(mount.device) && MountRoot(mount.root) != .whole
            return MountClassification(
                kind: isOnNode ? .hostPath : .persistentVolumeClaim, source: source, mount: mount)
        }
        if MountRoot(mount.root) == .whole { return MountClassification(kind: .disk, source: source, mount: mount) }
        let isRootDisk = mount.device == rootMount?.device && rootMount.map { MountRoot($0.root) } == .whole
        return MountClassification(
            kind: .bindMount, source: source, mount: mount, notes: isRootDisk ? [.sameDiskAsRoot] : [])
    }

    /// A part of a tmpfs that is not itself mounted here is a directory of the host's: the container can only lose it
    /// together with the host.
    private func classifyMemory(_ mount: Mount) -> MountClassification {
        if isKubernetes {
            let kind: StorageKind = mount.isReadOnly ? .kubernetesObject : .emptyDirMemory
            return MountClassification(kind: kind, source: mount.fileSystem, mount: mount)
        }
        let isOwn = surroundings.table.mounts.contains { $0.device == mount.device && MountRoot($0.root) == .whole }
        if isOwn { return MountClassification(kind: .memory, source: mount.fileSystem, mount: mount) }
        return MountClassification(kind: .bindMount, source: described(mount), mount: mount, notes: storeNotes(mount))
    }

    private func classifyOverlay(_ mount: Mount) -> MountClassification {
        let isWhole = MountRoot(mount.root) == .whole
        if isWhole || mount.device == rootMount?.device {
            return MountClassification(kind: .containerLayer, source: described(mount), mount: mount)
        }
        return MountClassification(kind: .bindMount, source: described(mount), mount: mount, notes: storeNotes(mount))
    }

    /// What the file system below a volume or a bind mount takes away from it.
    private func storeNotes(_ mount: Mount) -> [RiskNote] {
        switch FileSystemFamily(type: mount.fileSystem) {
        case .memory: [.keptInMemory]
        case .overlay: [.insideOuterLayer]
        default: []
        }
    }

    private func classify(magic: UInt64?) -> MountClassification {
        let kind: StorageKind =
            switch magic.map(FileSystemFamily.init(magic:)) {
            case .memory: .memory
            case .overlay: .containerLayer
            case .network: .network
            case .share: .hostShare
            case .image: .readOnlyImage
            case .kernel: .kernel
            case .disk, .automount, .unknown, nil: .unknown
            }
        return MountClassification(kind: kind, source: "the mount table does not show it", mount: nil)
    }

    /// `/srv/data on /dev/sda1 (ext4)`; only the source where the whole file system is mounted.
    private func described(_ mount: Mount) -> String {
        let source = "\(printable(mount.source)) (\(printable(mount.fileSystem)))"
        return MountRoot(mount.root) == .whole ? source : "\(mount.root.printable) on \(source)"
    }
}

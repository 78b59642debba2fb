/// What holds the bytes of a path.
///
/// The raw values are part of the JSON report.
package enum StorageKind: String, Codable, CaseIterable, Sendable {
    /// A volume of a container engine with a name that somebody chose.
    case namedVolume = "named-volume"
    /// A volume that the engine made for a `VOLUME` of the image, or for `-v PATH`: a 64-digit name nobody will find.
    case anonymousVolume = "anonymous-volume"
    /// A directory of the machine that runs the engine.
    case bindMount = "bind-mount"
    /// A whole file system, usually a disk, mounted for this path: what Railway, Fly and block-storage volumes look
    /// like.
    case disk
    /// A directory of the machine that runs the engine, behind a virtual machine (virtiofs, 9p, FUSE).
    case hostShare = "host-share"
    /// A network file system.
    case network
    /// Memory: gone when the container stops.
    case memory
    /// The container's own writable layer, or any other overlay.
    case containerLayer = "container-layer"
    /// A Kubernetes emptyDir on the node's disk.
    case emptyDir = "empty-dir"
    /// A Kubernetes emptyDir with `medium: Memory`.
    case emptyDirMemory = "empty-dir-memory"
    /// A directory of the Kubernetes node.
    case hostPath = "host-path"
    /// A Kubernetes persistent volume, through a claim.
    case persistentVolumeClaim = "persistent-volume-claim"
    /// A secret, a config map, the downward API: Kubernetes writes it, nobody else can.
    case kubernetesObject = "kubernetes-object"
    /// A file system that cannot be written at all (squashfs, erofs, an ISO image).
    case readOnlyImage = "read-only-image"
    /// /proc, /sys and the like.
    case kernel
    /// Nothing is at the path.
    case missing
    /// A file, or something else that is no directory, is where a directory has to be.
    case notADirectory = "not-a-directory"
    /// It cannot be told from here.
    case unknown

    /// The kind in words, as it stands in tables and logs.
    package var words: String {
        switch self {
        case .namedVolume: "named volume"
        case .anonymousVolume: "anonymous volume"
        case .bindMount: "bind mount"
        case .disk: "disk of its own"
        case .hostShare: "shared host directory"
        case .network: "network file system"
        case .memory: "memory (tmpfs)"
        case .containerLayer: "container layer"
        case .emptyDir: "Kubernetes emptyDir"
        case .emptyDirMemory: "Kubernetes emptyDir in memory"
        case .hostPath: "Kubernetes hostPath"
        case .persistentVolumeClaim: "Kubernetes persistent volume"
        case .kubernetesObject: "Kubernetes configuration"
        case .readOnlyImage: "read-only image"
        case .kernel: "kernel file system"
        case .missing: "missing"
        case .notADirectory: "not a directory"
        case .unknown: "unknown"
        }
    }

    /// What of the content is still there afterwards.
    var survival: Survival {
        switch self {
        case .namedVolume: Survival(restart: true, recreate: true, composeDownVolumes: false)
        case .bindMount, .disk, .hostShare, .network, .hostPath, .persistentVolumeClaim:
            Survival(restart: true, recreate: true, composeDownVolumes: true)
        case .anonymousVolume, .containerLayer, .emptyDir, .emptyDirMemory:
            Survival(restart: true, recreate: false, composeDownVolumes: false)
        case .memory, .kernel: Survival(restart: false, recreate: false, composeDownVolumes: false)
        case .kubernetesObject, .readOnlyImage, .missing, .notADirectory, .unknown: .unknown
        }
    }

    /// The risk for a writer who relies on this kind, before anything else is known.
    var risk: PersistenceRisk {
        switch self {
        case .namedVolume, .bindMount, .disk, .persistentVolumeClaim: .none
        case .hostShare, .network, .hostPath: .low
        case .anonymousVolume, .emptyDir, .emptyDirMemory, .kubernetesObject, .readOnlyImage, .notADirectory: .high
        case .memory, .containerLayer, .kernel, .missing: .critical
        case .unknown: .unknown
        }
    }
}

/// What of a path's content is still there after each event; nil where nobody can tell from inside.
package struct Survival: Hashable, Sendable, Codable {
    /// `docker restart`, stop and start, a crash.
    package let restart: Bool?
    /// `docker rm` and `run` again, a new image, a new pod.
    package let recreate: Bool?
    /// `docker compose down -v`.
    package let composeDownVolumes: Bool?

    package static let unknown = Survival(restart: nil, recreate: nil, composeDownVolumes: nil)
    package static let nothing = Survival(restart: false, recreate: false, composeDownVolumes: false)

    package init(restart: Bool?, recreate: Bool?, composeDownVolumes: Bool?) {
        self.restart = restart
        self.recreate = recreate
        self.composeDownVolumes = composeDownVolumes
    }

    enum CodingKeys: String, CodingKey {
        case restart, recreate
        case composeDownVolumes = "compose_down_volumes"
    }

    /// `null` stands for "cannot be told"; a key is never left out.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(restart, forKey: .restart)
        try container.encode(recreate, forKey: .recreate)
        try container.encode(composeDownVolumes, forKey: .composeDownVolumes)
    }

    /// What happens to the content, as the end of a sentence about the path.
    package var words: String {
        switch (restart, recreate, composeDownVolumes) {
        case (false, _, _): "lost at the next restart"
        case (_, false, _): "survives a restart, lost when the container is recreated"
        case (true, true, false): "survives restart and recreate, lost with `docker compose down -v`"
        case (true, true, true): "survives restart, recreate and `docker compose down -v`"
        default: "nobody can tell what survives"
        }
    }
}

/// How likely a path's content is to be lost.
package enum PersistenceRisk: String, Comparable, Codable, CaseIterable, Sendable {
    case none, low, unknown, high, critical
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

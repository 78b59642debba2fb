package import SystemPackage

/// How much a backup of a path matters.
package enum BackupPriority: String, Codable, Sendable { case critical, high, medium, low }

/// A path whose content has to outlive the container, and what should be mounted there.
package struct PersistentPath: Hashable, Sendable {
    /// What a fix mounts.
    package enum Storage: Hashable, Sendable {
        /// A named volume.
        case volume(String)
        /// The directory on the host that the container is started from.
        case workingDirectory(volume: String)
    }

    /// Absolute, as seen inside the container.
    package let path: FilePath
    package let storage: Storage
    package let priority: BackupPriority?
    /// Whether anything but a directory at the path is wrong.
    package let isDirectory: Bool
    /// Whether this is the path to choose where a platform gives only one volume.
    package let isPrimary: Bool

    package init(
        _ path: FilePath, storage: Storage, priority: BackupPriority? = nil, isDirectory: Bool = true,
        isPrimary: Bool = false
    ) {
        self.path = path
        self.storage = storage
        self.priority = priority
        self.isDirectory = isDirectory
        self.isPrimary = isPrimary
    }

    /// A path that somebody named: any kind of file, with a volume name made from the path.
    package init(named path: FilePath) {
        self.init(path, storage: .volume(volumeName(for: path)), isDirectory: false, isPrimary: true)
    }

    /// The same storage at another path.
    func at(_ path: FilePath) -> PersistentPath {
        PersistentPath(path, storage: storage, priority: priority, isDirectory: isDirectory, isPrimary: isPrimary)
    }

    /// The name of the volume for this path, also as a Kubernetes claim.
    package var volume: String {
        switch storage {
        case .volume(let name), .workingDirectory(let name): name
        }
    }
}

/// A set of paths that one kind of image has to keep.
package enum PersistencePreset: String, CaseIterable, Sendable {
    /// User `agent`, one data volume and the workspace.
    case containai
    /// User `opencoder` and its seven volumes.
    case opencode

    /// The paths in the order of reports.
    package var paths: [PersistentPath] {
        switch self {
        case .containai:
            [
                PersistentPath(
                    "/mnt/agent-data", storage: .volume("containai-data"), priority: .critical, isPrimary: true),
                PersistentPath(
                    "/home/agent/workspace", storage: .workingDirectory(volume: "containai-workspace"),
                    priority: .critical),
            ]
        case .opencode:
            [
                PersistentPath(
                    "/home/opencoder/.local/share/opencode", storage: .volume("opencode-data"), priority: .critical,
                    isPrimary: true),
                PersistentPath(
                    "/home/opencoder/workspace", storage: .volume("opencode-workspace"), priority: .critical),
                PersistentPath("/home/opencoder/.ssh", storage: .volume("opencode-ssh"), priority: .high),
                PersistentPath("/var/lib/opencode-users", storage: .volume("opencode-users"), priority: .high),
                PersistentPath(
                    "/home/opencoder/.config/opencode", storage: .volume("opencode-config"), priority: .medium),
                PersistentPath(
                    "/home/opencoder/.local/state/opencode", storage: .volume("opencode-state"), priority: .medium),
                PersistentPath("/home/opencoder/.cache/opencode", storage: .volume("opencode-cache"), priority: .low),
            ]
        }
    }
}

/// A name that Docker takes as a volume and Kubernetes as a claim: `cai-` and the path in lower-case letters, digits
/// and single hyphens, at most 63 characters.
private func volumeName(for path: FilePath) -> String {
    let words = path.string.lowercased().utf8
        .split { !(0x61...0x7A).contains($0) && !(0x30...0x39).contains($0) }
        .map { String(decoding: $0, as: UTF8.self) }
    var name = (["cai"] + words).joined(separator: "-")
    if name.utf8.count > 63 { name = "cai-" + name.suffix(59).drop { $0 == "-" } }
    return name
}

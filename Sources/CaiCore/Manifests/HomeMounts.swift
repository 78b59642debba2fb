import CaiModel
import CaiPlatform
import SystemPackage

/// The mounts of the home that links do not belong on: whatever is mounted in it, and the home itself if it is a directory of
/// the host. What lies there is kept where it comes from, and stays there.
final class HomeMounts {
    private let machine: Machine
    private let reader: NodeReader
    private let number: UInt64?
    /// The mounts by the directories that were asked about; nil for those on the home's own mount.
    private var known: [FilePath: FilePath?] = [:]
    private var table: MountTable?
    private(set) lazy var whole: Mount? = hostMount()

    init(_ machine: Machine) {
        self.machine = machine
        reader = NodeReader(machine.home)
        number = Mounts.id(of: machine.home.root.descriptor)
    }

    /// The directory of the home, as a path below it, at which the mount around a path begins; empty for the home itself. Nil
    /// if nothing is mounted around it. A mount at the path itself does not count.
    func mount(around path: HomePath) -> FilePath? {
        if whole != nil { return FilePath() }
        return mount(holding: path.relative.removingLastComponent())
    }

    private func mount(holding directory: FilePath) -> FilePath? {
        if directory.isEmpty { return nil }
        if let found = known[directory] { return found }
        let above = directory.removingLastComponent()
        var result: FilePath?
        // A directory that is missing, or cannot be opened, has no mount that counts here.
        if let parent = reader.openParent(of: directory), let name = directory.lastComponent {
            result = mount(holding: above) ?? (parent.isMountPoint(name) ? directory : nil)
        }
        known[directory] = .some(result)
        return result
    }

    /// The mount of the home, if it is a directory of the host; nil for the container's own layer and for volumes of the engine,
    /// which belong to this container.
    private func hostMount() -> Mount? {
        guard let number, Mounts.isRoot(machine.home.root.descriptor) else { return nil }
        guard let mount = mounts.mount(id: number), MountRoot(mount.root) == .directory else { return nil }
        switch FileSystemFamily(type: mount.fileSystem) {
        case .disk, .network, .share: return mount
        case .memory, .overlay, .image, .kernel, .automount, .unknown: return nil
        }
    }

    private var mounts: MountTable {
        if let table { return table }
        // Without /proc nothing is known of the mounts.
        let read = (try? MountTable(parsing: Mounts.table())) ?? MountTable()
        table = read
        return read
    }

    /// The entries, without their links where those would lie on such a mount, and a note for each mount.
    func settle(_ entries: [Entry]) -> (entries: [Entry], findings: [Finding]) {
        var names: [FilePath: [String]] = [:]
        let settled = entries.map { entry -> Entry in
            guard entry.hasLink, let link = entry.link, let mount = mount(around: link) else { return entry }
            names[mount, default: []].append(link.inHome)
            return entry.covered
        }
        let findings = names.sorted { $0.key.string < $1.key.string }.map { mount, links in
            let shown = links.sorted().prefix(3).joined(separator: ", ")
            return Finding(
                .note, at: mount.isEmpty ? "~" : HomePath(unchecked: mount).inHome,
                "\(kind(of: mount)); \(mount.isEmpty ? "the state of all agents, " : "")\(shown)\(links.count > 3 ? " and \(links.count - 3) more" : "") stay there, and are not kept "
                    + "on the volume",
                advice: "cai persistence check tells whether that survives; mount it elsewhere to have them linked")
        }
        return (settled, findings)
    }

    private func kind(of mount: FilePath) -> String {
        guard mount.isEmpty else { return "is mounted" }
        return "is a directory of the host (\(whole?.root.printable ?? "") on \(whole?.fileSystem ?? ""))"
    }
}

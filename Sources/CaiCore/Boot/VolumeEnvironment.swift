import CaiModel
import CaiPlatform
import SystemPackage

/// The variables of `.env` on the volume.
struct VolumeEnvironment {
    private static let path: FilePath = ".env"
    private static let largest = 4 << 20

    private let workplace: Workplace
    private let machine: Machine

    init(_ workplace: Workplace, _ machine: Machine) {
        self.workplace = workplace
        self.machine = machine
    }

    /// Reads the file as the owner, never through a symlink, without the variables that would keep every program from being
    /// executed. Nil where there is none, or none that can be read, which is a
    /// finding. Throws when it cannot become the owner.
    func read() throws -> (file: EnvironmentFile?, findings: [Finding]) {
        let name = machine.layout.volume.appending(Self.path.components).printable
        let (node, bytes) = try workplace.asOwner {
            let node = NodeReader(machine.volume).node(at: Self.path)
            guard node.isFile else { return (node, [UInt8]?.none) }
            return (node, try? machine.volume.readFile(Self.path, limit: Self.largest))  // unreadable: said below
        }
        switch (node, bytes) {
        case (.missing, _): return (nil, [])
        case (.symlink, _): return (nil, [Finding(.warning, at: name, ".env is symlink - skipping")])
        case (.file, .some(let bytes)):
            let file = EnvironmentFile(bytes, file: name)
                .fitting(longest: ExecLimit.longestString, room: ExecLimit.room, file: name)
            return (file, file.findings)
        case (.file, nil): return (nil, [Finding(.warning, at: name, ".env unreadable - skipping")])
        default: return (nil, [Finding(.warning, at: name, ".env is \(node.word) - skipping")])
        }
    }
}

import CaiModel
import CaiPlatform
import Crypto
import FoundationEssentials
import SystemPackage

/// A look at the few directories that tell whether anything changed on a volume: its root, every directory above a target
/// of the manifest, the targets that are directories, and what lies directly in these.
struct OwnershipSurvey {
    /// How many entries of one directory are looked at.
    private static let mostEntries = 256

    /// A digest of the numbers, change times and owners of the directories that were seen.
    let fingerprint: String
    /// What is wrongly owned among what was seen, as paths on the volume.
    let wrong: [FilePath]
    private let isComplete: Bool

    /// Whether everything that was seen is right.
    var isRight: Bool { wrong.isEmpty && isComplete }

    init(_ machine: Machine, entries: [Entry], policy: OwnershipPolicy) {
        var look = Look(machine.volume, policy)
        for path in Self.directories(entries) { look.visit(path, mostEntries: Self.mostEntries) }
        fingerprint = hexadecimal(look.digest.finalize())
        wrong = look.wrong.sorted { $0.string < $1.string }
        isComplete = look.isComplete
    }

    /// The paths to look at, parents before children.
    private static func directories(_ entries: [Entry]) -> [FilePath] {
        var paths: Set<FilePath> = [FilePath()]
        for entry in entries {
            var path = entry.target.relative
            while paths.insert(path).inserted, !path.isEmpty { path.removeLastComponent() }
        }
        return paths.sorted { $0.string < $1.string }
    }

    private struct Look {
        private let volume: Tree
        private let policy: OwnershipPolicy
        private let boundary: Boundary?
        private let reader: NodeReader
        var digest = SHA256()
        var wrong: Set<FilePath> = []
        var isComplete: Bool

        init(_ volume: Tree, _ policy: OwnershipPolicy) {
            self.volume = volume
            self.policy = policy
            boundary = try? Boundary(volume.root)  // without it the survey is not complete
            isComplete = boundary != nil
            reader = NodeReader(volume)
        }

        mutating func visit(_ path: FilePath, mostEntries: Int) {
            guard let boundary else { return }
            do {
                guard path.isEmpty || reader.node(at: path).isDirectory else { return }
                let directory = try volume.directory(path)
                let status = try directory.status()
                guard boundary.contains(directory.descriptor, status) else { return }
                add(path, status)
                for name in try directory.names().prefix(mostEntries) {
                    guard let status = try directory.status(of: name), boundary.mayContain(status) else { continue }
                    add(path.appending(name), status)
                }
            } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
                return
            } catch {
                isComplete = false
            }
        }

        private mutating func add(_ path: FilePath, _ status: FileStatus) {
            let entry = OwnedEntry(status)
            if !policy.isRight(entry), policy.decide(entry) != .keep { wrong.insert(path) }
            // What is kept of ourselves changes with every run and always is the owner's.
            guard status.kind == .directory, path != StateDirectory.path else { return }
            let line = "\(path.encoded) \(status.inode) \(status.changed) \(status.uid) \(status.gid)\n"
            digest.update(data: Array(line.utf8))
        }
    }
}

/// What the last walk left: for whom the volume was right, and how it looked then.
struct OwnershipStamp: Equatable {
    /// One JSON object and a line break.
    let text: [UInt8]

    init(_ policy: OwnershipPolicy, _ survey: OwnershipSurvey) {
        let members = #""fingerprint":"\#(survey.fingerprint)","gid":\#(policy.gid),"schema":1,"uid":\#(policy.uid)"#
        text = Array("{\(members)}\n".utf8)
    }

    /// A stamp as it was found; it need not be one.
    fileprivate init(found text: [UInt8]) { self.text = text }
}

/// `.containai/ownership.json` on the volume. The agent can write it, and can hide nothing but its own files from a repair
/// that is done for it.
struct OwnershipStampFile {
    private static let name: FilePath.Component = "ownership.json"
    let volume: Tree

    /// The stamp; nil when there is none that can be read: then the volume is walked. The agent can write it: what is no
    /// stamp equals none.
    func read() -> OwnershipStamp? {
        guard let directory = try? volume.directory(StateDirectory.path),  // without a stamp the volume is walked
            let bytes = try? directory.openFile(Self.name).readAll(limit: 4096, directory.label)  // likewise
        else { return nil }
        return OwnershipStamp(found: bytes)
    }

    func makeDirectory() throws { _ = try volume.makeDirectories(StateDirectory.path, mode: 0o700) }

    /// Replaces the stamp, atomically. The caller holds the lock of the volume.
    func write(_ stamp: OwnershipStamp) throws {
        let directory = try volume.makeDirectories(StateDirectory.path, mode: 0o700)
        try StateDirectory(volume: volume).replace(
            Self.name, in: directory, with: stamp.text)
    }
}

import CaiModel
import SystemPackage

/// Holds what an export contains against its manifest.
struct ManifestVerifier {
    private let rules: MemberRules
    private(set) var manifest: ExportManifest
    private var places: [PathKey: Int]
    private var amendments: [PathKey: ExportManifest.Entry] = [:]
    /// Modes as the headers have them: on disk setuid and setgid are left out.
    private var modes: [PathKey: UInt16] = [:]

    init(_ manifest: ExportManifest, _ rules: MemberRules) {
        self.manifest = manifest
        self.rules = rules
        places = Dictionary(
            manifest.entries.enumerated().map { (PathKey($1.path), $0) }, uniquingKeysWith: { _, last in last })
    }

    /// Whether the manifest names this member.
    func lists(_ name: FilePath) -> Bool { places[PathKey(name)] != nil }

    /// Notes a member on its way. Throws `ArchiveProblem` for one that is not listed.
    mutating func check(_ member: TarMember, at path: FilePath) throws {
        let key = PathKey(path)
        guard path.isEmpty || places[key] != nil else {
            throw rules.refusal(member.name, "is not in the archive's manifest")
        }
        modes[key] = member.mode
    }

    /// Takes later word for some of the files.
    mutating func amend(_ later: ExportManifest) {
        for entry in later.entries { amendments[PathKey(entry.path)] = entry }
    }

    /// What an export took back: the file never stood still, and what is in the archive is a part of it.
    var omitted: [FilePath] { amendments.values.filter { $0.kind == .omitted }.map(\.path) }

    /// Throws `ArchiveProblem` for the first thing that is not what the manifest says.
    mutating func finish(_ members: MemberTable) throws {
        // What an amendment takes back is not expected any more.
        let entries = manifest.entries.compactMap { entry -> ExportManifest.Entry? in
            let entry = amendments[PathKey(entry.path)] ?? entry
            return entry.kind == .omitted ? nil : entry
        }
        manifest = ExportManifest(created: manifest.created, host: manifest.host, entries: entries)
        for entry in entries {
            guard let member = members.index(of: entry.path).flatMap({ members.member(at: $0) }) else {
                throw rules.refusal(entry.path, "is in the manifest, and missing in the archive")
            }
            if let difference = difference(entry, member) { throw rules.refusal(entry.path, difference) }
        }
        let listed = Set(entries.map { PathKey($0.path) })
        if let extra = members.members.first(where: { !listed.contains(PathKey($0.path)) }) {
            throw rules.refusal(extra.path, "is not in the archive's manifest")
        }
    }

    private func difference(_ entry: ExportManifest.Entry, _ member: ArchiveMember) -> String? {
        let mode = modes[PathKey(entry.path)]
        switch (entry.kind, member.kind) {
        case (.file(let size, let digest), .file):
            if size != member.size || digest != member.digest {
                return "is not what was exported: its checksum is wrong"
            }
            return mode == entry.mode ? nil : "has another mode than the manifest says"
        case (.directory, .directory): return mode == entry.mode ? nil : "has another mode than the manifest says"
        case (.symlink(let text), .symlink(let found)) where text == found: return nil
        case (.hardLink(let other), .hardLink(let found)) where other == found: return nil
        default: return "is something else than the manifest says"
        }
    }
}

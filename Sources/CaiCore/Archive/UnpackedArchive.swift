package import CaiModel
package import SystemPackage

/// What came out of an archive: a complete, plain tree below the staging directory.
package struct UnpackedArchive: Sendable {
    /// Who made it.
    package enum Origin: String, Sendable {
        /// `cai export`: everything was held against its manifest.
        case export
        /// The predecessors' export: members begin with `./`, paths are the volume's.
        case predecessor
        case plain
    }

    package let origin: Origin
    /// nil when no path of it is one that the manifests name.
    package let layout: RecognisedLayout?
    let table: MemberTable
    /// Of an export, with its amendments.
    package let manifest: ExportManifest?
    /// Of a push that says what its source has.
    package let index: PushIndex?
    package let findings: [Finding]

    /// In the order of the archive; of a path that was in it twice only the last.
    package var members: [ArchiveMember] { Array(table.members) }

    /// The digests of the files below one directory, by their paths in it.
    func digests(below base: FilePath) -> @Sendable (FilePath) -> ContentDigest? {
        let table = table
        return { path in
            guard let index = table.index(of: base.pushing(path)) else { return nil }
            return table.digest(at: index)
        }
    }
}

/// Why an archive is refused. Nothing of it is left in the staging directory.
package struct ArchiveProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The archive as it was named.
    package let archive: FilePath
    /// The member it is about, with whatever bytes the archive has in its name; nil when it is about all of it.
    package let member: FilePath?
    /// The end of a sentence that begins with the member, or the archive.
    package let reason: String
    package let advice: String?

    package init(archive: FilePath, member: FilePath? = nil, _ reason: String, advice: String? = nil) {
        self.archive = archive
        self.member = member
        self.reason = reason
        self.advice = advice
    }

    package var description: String {
        let place = archive == "-" ? "standard input" : archive.printable
        return member.map { "\(place): member \($0.printable) \(reason)" } ?? "\(place): \(reason)"
    }
}

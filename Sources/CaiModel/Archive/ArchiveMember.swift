package import SystemPackage

/// One thing that was in an archive, as it lies in the staging directory.
package struct ArchiveMember: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file, directory
        /// The text is as it was stored; it may point anywhere.
        case symlink(text: FilePath)
        /// Another name of a file that came before it, by its path in the archive.
        case hardLink(to: FilePath)
    }

    /// Relative, without `.` and `..`.
    package let path: FilePath
    package let kind: Kind
    /// Of files, holes included.
    package let size: Int64
    /// Permission bits as they are on disk, without setuid and setgid.
    package let mode: UInt16
    /// Nanoseconds since the epoch.
    package let modified: Int64
    /// Of files; of a hard link that of the file it names.
    package internal(set) var digest: ContentDigest?

    package init(
        path: FilePath, kind: Kind, size: Int64, mode: UInt16, modified: Int64, digest: ContentDigest? = nil
    ) {
        self.path = path
        self.kind = kind
        self.size = size
        self.mode = mode
        self.modified = modified
        self.digest = digest
    }

    /// The same member with the digest of what was written.
    package func with(_ digest: ContentDigest?) -> Self {
        var member = self
        member.digest = digest
        return member
    }
}

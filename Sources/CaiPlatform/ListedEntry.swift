import Glibc
package import SystemPackage

/// A name in a directory with what its listing says of the entry.
package struct ListedEntry: Sendable {
    package let name: FilePath.Component
    /// Nil where the file system does not say it; then `Directory.status` tells.
    package let kind: FileKind?
}

extension FileKind {
    /// The kind that `d_type` of readdir(3) names; nil for a type that is not known.
    init?(listed type: UInt8) {
        switch Int(type) {
        case Int(DT_REG): self = .regular
        case Int(DT_DIR): self = .directory
        case Int(DT_LNK): self = .symlink
        case Int(DT_FIFO): self = .fifo
        case Int(DT_SOCK): self = .socket
        case Int(DT_BLK): self = .blockDevice
        case Int(DT_CHR): self = .characterDevice
        default: return nil
        }
    }
}

extension Directory {
    /// The kind of a listed entry; nil if it is gone.
    package func kind(of entry: ListedEntry) throws(SystemCallError) -> FileKind? {
        if let kind = entry.kind { return kind }
        return try status(of: entry.name)?.kind
    }
}

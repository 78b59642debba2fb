/// How far other users are kept from a file or tree on the volume.
package enum Secrecy: Hashable, Sendable {
    /// No secret: modes stay as they are.
    case none
    /// A file that is a secret: it gets mode 0600.
    case file
    /// A directory that is a secret: directories get mode 0700, and files keep the owner's execute bit, because the
    /// directory may hold programs.
    case directory

    /// The secrecy of a secret of either kind.
    package init(isSecret: Bool, isDirectory: Bool) { self = !isSecret ? .none : isDirectory ? .directory : .file }

    package var isSecret: Bool { self != .none }

    /// The mode of a file that has this mode elsewhere.
    package func mode(ofFile mode: UInt16) -> UInt16 {
        switch self {
        case .none: mode
        case .file: 0o600
        case .directory: mode & 0o700 | 0o600
        }
    }

    /// The mode of a directory that has this mode elsewhere.
    package func mode(ofDirectory mode: UInt16) -> UInt16 { isSecret ? 0o700 : mode }
}

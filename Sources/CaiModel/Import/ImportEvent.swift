package import SystemPackage

/// One thing that an import did not do, or did in another way than by copying: the command words it in the
/// predecessors' lines. Paths of the source are relative to it.
package enum ImportEvent: Sendable, Equatable {
    /// What an exclude pattern left out as a whole.
    case excluded(FilePath, VolumePath, pattern: String)
    /// A pattern that can match nothing.
    case unmatchedPattern(String)
    /// A secret that `--no-secrets` left out.
    case secret(FilePath)
    /// A login that the container makes for itself.
    case profileCredential(FilePath)
    /// Nothing in the source; the placeholder is there, or will be.
    case ensured(FilePath, VolumePath, isDirectory: Bool, isJSON: Bool, isSecret: Bool)
    /// Nothing in the source, and nothing is done.
    case absent(FilePath, isOptional: Bool)
    case wrongType(FilePath, expectsDirectory: Bool)
    /// A symlink that was written anew for the volume.
    case relinked(FilePath, FilePath)
    /// A symlink that was copied as it is, or not.
    case symlink(FilePath, text: FilePath, SymlinkFate)
    /// A FIFO, a socket or a device.
    case special(FilePath, SpecialKind)
    /// A path that the configuration adds.
    case additional(FilePath)
    /// An entry of a manifest in the source.
    case manifest(FilePath)
    case applied(override: FilePath, VolumePath)
    /// A path below the overrides that nothing maps to the volume.
    case unmapped(override: FilePath)
    /// A symlink or a special file below the overrides.
    case skipped(override: FilePath)
    /// How many secrets were taken out of a file that holds other things too.
    case stripped(VolumePath, count: Int)
    /// Paths of the source's home that are rewritten for the container.
    case relocated(VolumePath, count: Int)
    /// `[env]` names no variable.
    case emptyAllowlist
    case gitConfiguration(sources: [FilePath])
    /// Variables for `.env`: names only.
    case environment(imported: [String], skipped: [String])
}

extension ImportEvent {
    /// Whether it says what became of a symlink of the source.
    package var isAboutSymlink: Bool { if case .symlink = self { true } else { false } }
}

/// What became of a symlink of the source that could not be written for the volume.
package enum SymlinkFate: Sendable, Equatable {
    /// It leads out of the source, to something that is here as well.
    case preserved
    /// It leads out of the source, to nothing that is here.
    case outside
    /// It leads to nothing.
    case broken
    /// It leads to something that this import leaves out.
    case leftOut
    /// It leads in a circle.
    case loop
}

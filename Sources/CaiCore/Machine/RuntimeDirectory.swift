import CaiModel
import CaiPlatform
package import SystemPackage

/// The directory for what lives as long as the container (`state_directory`), and what stands in for it.
///
/// Where it cannot be written, because `/run` belongs to somebody else or is read-only, that is `$XDG_RUNTIME_DIR/containai`,
/// else `/tmp/containai-UID`: only a directory of the user's own in which nobody else may write. Below another root there is
/// no such way out.
package struct RuntimeDirectory: Sendable {
    let root: Directory
    package let path: FilePath
    let fallbacks: [FilePath]

    package init(_ workplace: Workplace, environment: [String: String]) {
        root = workplace.root
        path = workplace.settings.path(.stateDirectory)
        let session = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? FilePath($0) : nil }
        let temporary = FilePath("/tmp/containai-\(Identity.uid)")
        fallbacks =
            workplace.rootPath == "/" ? (session.map { [$0.appending("containai")] } ?? []) + [temporary] : []
    }

    /// Opens the directory itself; those that are missing on the way are made with 0755, it with `mode`.
    func make(mode: UInt16) throws -> Directory { try root.makeDirectories(path, mode: mode) }

    /// Opens or makes a fallback; nil when that does not work or it is not the user's own.
    func makeFallback(_ path: FilePath, mode: UInt16) -> Directory? {
        guard let name = path.lastComponent,
            // Why it does not work is of no interest: the next one is tried.
            let directory = try? root.openInRoot(path.removingLastComponent()).makeOrOpenDirectory(name, mode: mode),
            Self.isOwn(directory)
        else { return nil }
        return directory
    }

    /// Whether a directory is this user's and nobody else may write in it.
    static func isOwn(_ directory: Directory) -> Bool {
        guard let status = try? directory.status() else { return false }  // in doubt it is somebody else's
        return status.uid == Identity.uid && status.mode & 0o022 == 0
    }
}

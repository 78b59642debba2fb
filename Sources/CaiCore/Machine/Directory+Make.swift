import CaiPlatform
import SystemPackage

extension Directory {
    /// Opens a directory that the operator named below this one, making those that are missing: the last with `mode`, the
    /// others with 0755.
    func makeDirectories(_ path: FilePath, mode: UInt16) throws -> Directory {
        do {
            return try openInRoot(path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            guard let name = path.lastComponent else { throw error }
            return try makeDirectories(path.removingLastComponent(), mode: 0o755).makeOrOpenDirectory(name, mode: mode)
        }
    }
}

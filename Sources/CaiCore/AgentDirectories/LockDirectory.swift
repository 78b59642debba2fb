import CaiPlatform
import SystemPackage

/// Lock directories: agents make `X.lock` while they save `X`, and a crash leaves it.
enum LockDirectory {
    private static let suffix = ".lock"

    /// The name of what a directory of this name locks; nil for other names.
    static func locked(by name: FilePath.Component) -> FilePath.Component? {
        guard name.string.hasSuffix(suffix) else { return nil }
        return FilePath.Component(String(name.string.dropLast(suffix.count)))
    }

    /// True for a lock inside the directory of an agent: the locked thing stands beside it, or it is empty.
    static func isLock(
        _ name: FilePath.Component, in directory: Directory, hasName: (FilePath.Component) -> Bool
    ) throws(SystemCallError) -> Bool {
        guard let locked = locked(by: name) else { return false }
        if hasName(locked) { return true }
        return try directory.openDirectory(name).names().isEmpty
    }
}

import CaiPlatform
import SystemPackage

/// Directories that their owner may not write to, as package managers leave them in their caches. Their mode says nothing
/// about who may move them, so it must stop no move; what stays has its own mode again afterwards.
extension Directory {
    /// Lets the owner change the entries of this directory, which is about to be emptied and removed.
    func unlock(_ mode: UInt16) {
        guard mode & 0o300 != 0o300 else { return }
        try? descriptor.setMode(mode | 0o700, label)  // somebody else's: what is tried next fails and says why
    }

    /// Runs `body` while the owner may change the entries of this directory.
    func whileUnlocked<Result>(_ body: () throws -> Result) throws -> Result {
        let mode = try status().mode
        guard mode & 0o300 != 0o300 else { return try body() }
        try descriptor.setMode(mode | 0o300, label)
        let result = Swift.Result { try body() }
        try descriptor.setMode(mode, label)
        return try result.get()
    }

    /// Renames as `renameExclusively` does, also a directory that its owner may not write to: a directory that gets
    /// another parent has to be writable.
    func moveExclusively(
        _ name: FilePath.Component, to directory: Directory, _ newName: FilePath.Component
    ) throws(SystemCallError) {
        do {
            return try renameExclusively(name, to: directory, newName)
        } catch {
            guard error.errno == .permissionDenied, let status = try status(of: name), status.kind == .directory,
                status.mode & 0o200 == 0
            else { throw error }
        }
        let moved = try openDirectory(name)
        let mode = try moved.status().mode
        try moved.descriptor.setMode(mode | 0o200, moved.label)
        do {
            try renameExclusively(name, to: directory, newName)
        } catch {
            try moved.descriptor.setMode(mode, moved.label)
            throw error
        }
        try moved.descriptor.setMode(mode, moved.label)
    }
}

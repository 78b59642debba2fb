import CaiModel
import CaiPlatform
import SystemPackage

/// `.containai/` on the volume: what `cai` itself keeps there.
struct StateDirectory {
    static let path = FilePath(".containai")
    let volume: Tree

    /// Opens a directory below it, or makes it (0700).
    func make(_ name: String) throws -> Directory {
        try volume.makeDirectories(Self.path.appending(name), mode: 0o700)
    }

    /// Opens a directory below it; nil when there is none.
    func open(_ name: String) throws -> Directory? {
        do {
            return try volume.directory(Self.path.appending(name))
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// Replaces a small file of our own on the volume atomically and durably. The copy in the making stands in the
    /// directory of the journals, where the next run finds and removes it when this one is killed.
    func replace(
        _ name: FilePath.Component, in directory: Directory, with content: [UInt8], mode: UInt16 = 0o600
    ) throws {
        try Self.replace(name, in: directory, with: content, mode: mode, makingIn: make(Journal.name))
    }

    /// The same with content in pieces.
    func replace(
        _ name: FilePath.Component, in directory: Directory, with pieces: [ArraySlice<UInt8>], mode: UInt16 = 0o600
    ) throws {
        try Self.replace(name, in: directory, with: pieces, mode: mode, makingIn: make(Journal.name))
    }

    /// Replaces a small file of our own atomically and durably.
    static func replace(
        _ name: FilePath.Component, in directory: Directory, with content: [UInt8], mode: UInt16 = 0o600,
        makingIn workshop: Directory? = nil
    ) throws {
        try replace(name, in: directory, with: [content[...]], mode: mode, makingIn: workshop)
    }

    private static func replace(
        _ name: FilePath.Component, in directory: Directory, with pieces: [ArraySlice<UInt8>], mode: UInt16,
        makingIn workshop: Directory?
    ) throws {
        let workshop = workshop ?? directory
        let part = FilePath.Component(name.string + partSuffix) ?? name
        if Node(part, in: workshop) != .missing { try workshop.unlink(part) }
        try workshop.writeFile(part, pieces: pieces, mode: mode, isDurable: true)
        do {
            try workshop.rename(part, to: directory, name, .replace)
        } catch {
            // The old text still stands; a part that stays is removed by the next writer, above.
            try? workshop.unlink(part)
            throw error
        }
        try directory.sync()
    }

    /// How the names of copies in the making end.
    static let partSuffix = ".part"
}

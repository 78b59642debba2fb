package import CaiModel
import CaiPlatform
import SystemPackage

/// Puts the systemd units and the binary in place, or takes the units away again.
///
/// Everything goes below the root by descriptors, never through a link that is planted there, and under a temporary name
/// first.
package struct UnitInstallation {
    private let tree: Tree
    private let items: [UnitItem]
    private static let program: FilePath = "/proc/self/exe"

    /// What an installation with these files has in place.
    package init(_ workplace: Workplace, files: [(name: String, text: String)]) {
        tree = Tree(root: workplace.root)
        items = unitItems(files, gid: workplace.settings.number(.gid))
    }

    /// What has to be done, and what is in the way.
    package func plan() throws -> (steps: [UnitStep], findings: [Finding]) { planUnits(try look()) }

    /// What has to be done to take the units away.
    package func removal() throws -> [UnitStep] { planUnitRemoval(try look()) }

    /// Does one step. Throws what keeps it from being done; then it has not been.
    package func carryOut(_ step: UnitStep) throws {
        let (directory, name) = try tree.makeParent(of: FilePath(root: nil, step.path.components), mode: 0o755)
        switch step {
        case .write(_, let content, let replacing):
            try put(name, in: directory, mode: 0o644, replacing: replacing) { try $0.write(Array(content.utf8), $1) }
        case .link(_, let target): try directory.makeLink(name, to: target)
        case .installProgram(_, let replacing):
            if replacing { try keepOld(name, in: directory) }
            try put(name, in: directory, mode: 0o755, replacing: false, Self.copyProgram)
        case .remove: try directory.unlink(name)
        }
        try directory.sync()
    }

    // MARK: Looking

    private func look() throws -> [(UnitItem, UnitSighting)] { try items.map { ($0, try sighting(of: $0)) } }

    private func sighting(of item: UnitItem) throws -> UnitSighting {
        let path = FilePath(root: nil, item.path.components)
        guard let status = try tree.status(path) else { return .missing }
        let (directory, name) = try tree.parent(of: path)
        switch status.kind {
        case .symlink: return .link(try directory.linkText(of: name))
        case .regular where item.kind == .program:
            return .program(isSame: try isSame(directory.openFile(name), status, item.path))
        case .regular:
            let bytes = try directory.openFile(name).readAll(limit: 1 << 20, item.path)
            return .file(String(decoding: bytes, as: UTF8.self), mode: status.mode)
        default: return .other
        }
    }

    private func isSame(_ file: borrowing Descriptor, _ status: FileStatus, _ path: FilePath) throws -> Bool {
        let own = try Descriptor(opening: Self.program)
        let ownStatus = try own.status(Self.program)
        if ownStatus.isSameFile(as: status) { return true }
        guard ownStatus.size == status.size else { return false }
        return try own.readAll(limit: 1 << 30, Self.program) == file.readAll(limit: 1 << 30, path)
    }

    // MARK: Doing

    private func put(
        _ name: FilePath.Component, in directory: Directory, mode: UInt16, replacing: Bool,
        _ fill: (borrowing Descriptor, FilePath) throws -> Void
    ) throws {
        let part = FilePath.Component(".\(name.string).cai-part") ?? name
        if try directory.status(of: part) != nil { try directory.unlink(part) }  // of a run that was killed
        do {
            let path = directory.label.appending(part)
            let file = try directory.createFile(part, mode: mode)
            try fill(file, path)
            try file.sync(path)
            if replacing {
                try directory.rename(part, to: directory, name, .replace)
            } else {
                try directory.renameExclusively(part, to: directory, name)
            }
        } catch {
            try? directory.unlink(part)  // our own text, needed by nobody
            throw error
        }
    }

    private static func copyProgram(to file: borrowing Descriptor, _ path: FilePath) throws {
        let own = try Descriptor(opening: program)
        try file.write(own.readAll(limit: 1 << 30, program), path)
    }

    /// Renames what has the name; an older one is replaced.
    private func keepOld(_ name: FilePath.Component, in directory: Directory) throws {
        let old = FilePath.Component(name.string + ".old") ?? name
        try directory.rename(name, to: directory, old, .replace)
    }
}

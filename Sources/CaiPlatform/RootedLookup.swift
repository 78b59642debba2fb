import CPlatform
import Glibc
package import SystemPackage

/// A path as it was found below a root directory.
package struct FoundPath: ~Copyable {
    /// `O_PATH`, on the path itself or on the nearest ancestor that exists.
    package let descriptor: Descriptor
    /// Whether the path itself, or that ancestor, is a directory.
    package let isDirectory: Bool
    /// The path below the root without symlinks, what is missing included.
    package let resolved: FilePath
    /// The names that do not exist; empty when the path does.
    package let missing: [FilePath.Component]
    /// Whether a mount begins at `descriptor`.
    package let isMountPoint: Bool
}

/// A symlink that is not followed because it belongs to another user.
package struct ForeignLink: Error, Hashable, Sendable {
    package let path: FilePath
    package let uid: UInt32
}

/// Looks paths up as if a directory were `/`: symlinks, absolute ones and `..` too, cannot lead out of it.
///
/// It walks name by name through `O_PATH` descriptors, which needs no permission to read and wakes no device. It
/// differs from openat2(2) with RESOLVE_IN_ROOT in one way: it also says how far it came when something is missing, and
/// where a symlink would have led.
package struct RootedLookup: Sendable {
    private let root: Directory

    /// Opens the root directory. Throws when it is missing, or no directory.
    package init(root path: FilePath) throws(SystemCallError) {
        let raw = try check("open directory", path.printed) {
            path.withPlatformString { cai_openat(AT_FDCWD, $0, pathFlags | O_DIRECTORY, 0) }
        }
        root = Directory(owning: raw, label: path)
    }

    /// The number of the mount that the root directory lies on; nil where the kernel does not tell.
    package var mountID: UInt64? { Mounts.id(of: root.descriptor) }

    /// Follows a path from the root, with at most 40 symlinks, as path_resolution(7) does. Throws for anything but a
    /// missing file: `.notDirectory`, `.permissionDenied`, `.tooManySymbolicLinkLevels`. With `onlyLinksOf`, symlinks of
    /// other users are not followed, and throw `ForeignLink`.
    package func find(_ path: FilePath, onlyLinksOf owner: UInt32) throws -> FoundPath {
        var foreign: ForeignLink?
        do throws(SystemCallError) {
            return try find(path) { name, parent throws(SystemCallError) in
                guard let status = try parent.status(of: name), status.uid != owner else { return true }
                foreign = ForeignLink(path: parent.label.appending(name), uid: status.uid)
                return false
            }
        } catch {
            if let foreign { throw foreign }
            throw error
        }
    }

    /// Follows a path in the same way, with symlinks of all users.
    package func find(_ path: FilePath) throws(SystemCallError) -> FoundPath { try find(path) { _, _ in true } }

    private func find(
        _ path: FilePath, follows: (FilePath.Component, Directory) throws(SystemCallError) -> Bool
    ) throws(SystemCallError) -> FoundPath {
        var walk = [root]
        var waiting = Array(path.components.reversed())
        var linkCount = 0
        while let name = waiting.popLast() {
            let parent = walk[walk.count - 1]
            if name.kind == .currentDirectory { continue }
            if name.kind == .parentDirectory {
                if walk.count > 1 { walk.removeLast() }
                continue
            }
            let step: Step
            do {
                step = try take(name, from: parent)
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
                return try found(parent, isDirectory: true, walk, missing: [name] + waiting.reversed())
            }
            switch step {
            case .directory(let directory): walk.append(directory)
            case .link(let target):
                linkCount += 1
                guard try follows(name, parent) else {
                    throw SystemCallError("follow", parent.label.appending(name).printed, .notPermitted)
                }
                if linkCount > 40 { throw SystemCallError("look up", path.printed, .tooManySymbolicLinkLevels) }
                if target.isAbsolute { walk = [root] }
                waiting += target.components.reversed()
            case .other(let file):
                if !waiting.isEmpty { throw SystemCallError("look up", path.printed, .notDirectory) }
                return try found(file, isDirectory: false, walk + [file], missing: [])
            }
        }
        return try found(walk[walk.count - 1], isDirectory: true, walk, missing: [])
    }

    private enum Step { case directory(Directory), link(FilePath), other(Directory) }

    /// One name, never followed. With `O_DIRECTORY` first, so that an automount is woken as a later use would wake it.
    private func take(_ name: FilePath.Component, from parent: Directory) throws(SystemCallError) -> Step {
        let path = parent.label.appending(name)
        let directory = name.withPlatformString {
            cai_openat(parent.descriptor.raw, $0, pathFlags | O_NOFOLLOW | O_DIRECTORY, 0)
        }
        if directory >= 0 { return .directory(Directory(owning: directory, label: path)) }
        let error = Errno(rawValue: currentErrno)
        guard error == .notDirectory || error == .tooManySymbolicLinkLevels else {
            throw SystemCallError("look up", path.printed, error)
        }
        let raw = try check("look up", path.printed) {
            name.withPlatformString { cai_openat(parent.descriptor.raw, $0, pathFlags | O_NOFOLLOW, 0) }
        }
        let entry = Directory(owning: raw, label: path)
        return try entry.descriptor.status(path).kind == .symlink ? .link(parent.linkText(of: name)) : .other(entry)
    }

    private func found(
        _ end: Directory, isDirectory: Bool, _ walk: [Directory], missing: [FilePath.Component]
    ) throws(SystemCallError) -> FoundPath {
        let raw = try check("duplicate", end.label.printed) { fcntl(end.descriptor.raw, F_DUPFD_CLOEXEC, 0) }
        let descriptor = Descriptor(owning: raw)
        let names = walk.dropFirst().compactMap(\.label.lastComponent) + missing
        return FoundPath(
            descriptor: descriptor, isDirectory: isDirectory, resolved: FilePath(root: "/", names), missing: missing,
            isMountPoint: isMountRoot(end, parent: walk.dropLast().last))
    }

    /// Whether a mount begins here: the kernel says so, or the mount differs from the parent directory's.
    private func isMountRoot(_ place: Directory, parent: Directory?) -> Bool {
        var id: UInt64 = 0
        var isRoot: CInt = -1
        if cai_mount_id(place.descriptor.raw, &id, &isRoot) == 0, isRoot >= 0 { return isRoot == 1 }
        guard let parent else { return place.label == "/" }
        if let here = Mounts.id(of: place.descriptor), let there = Mounts.id(of: parent.descriptor) {
            return here != there
        }
        guard let here = try? place.status(), let there = try? parent.status() else { return false }  // not known
        return here.device != there.device
    }
}

/// Opens for looking only: nothing is read, nothing is woken but automounts.
private let pathFlags = O_PATH | O_CLOEXEC

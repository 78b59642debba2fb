package import CaiModel
package import CaiPlatform
import Synchronization
package import SystemPackage

/// An archive that was unpacked for an import: on the volume, or for a preview elsewhere. It goes with the last reference.
package final class ArchiveSource: Sendable {
    package let opened: OpenedSource
    /// Nil when no path of it tells.
    package let arrangement: SourceArrangement?
    package let findings: [Finding]
    /// The files of a push that did not have to travel, as empty ones; nil where it does not say what its source has.
    package let unsent: UnsentFiles?
    private let parent: Directory
    private let name: FilePath.Component
    private let lock: FileLock

    private static let prefix = "unpacked-"
    private static let count = Atomic(0)

    /// Unpacks an archive. `home` is what symlinks and documents in it call the home that it was made of; `isPartial` is for
    /// a push, which may say what its source has besides. Throws `ArchiveProblem`; nothing is left then.
    package init(
        _ file: ArchiveFile, machine: Machine, entries: [Entry], limits: ArchiveLimits,
        home: FilePath? = nil, isPartial: Bool = false, isPreview: Bool
    ) throws {
        let label = file.path
        // Several threads may be at it within one tick of the clock.
        let count = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
        let text = "\(Self.prefix)\(ProcessFacts.id)-\(WallClock.nanoseconds)-\(count)"
        guard let name = FilePath.Component(text), let lockName = FilePath.Component(text + ".lock") else {
            throw SystemCallError("make directory", text, .invalidArgument)
        }
        self.name = name
        let place = try LockPlace(lockName) {
            isPreview ? try Directory.open(Self.temporaryDirectory) : try Self.staging(machine)
        }
        parent = place.directory
        let path = parent.label.appending(lockName)
        guard let lock = try FileLock(place.take(), path, timeout: .zero) else {
            throw SystemCallError("lock", path.printable, .resourceBusy)
        }
        self.lock = lock
        if !isPreview { Self.removeAbandoned(parent) }
        let root = try parent.makeDirectory(name, mode: 0o700)
        do {
            let archive = try ArchiveUnpacker(limits: limits, entries: entries, takesIndex: isPartial)
                .unpack(from: file.take(), named: label, into: root)
            try file.confirm()
            // A push names its paths from the home; a few of them could look like those of a home further down.
            let base = isPartial ? FilePath() : archive.layout?.base ?? FilePath()
            arrangement = archive.layout?.layout ?? (archive.origin == .plain ? nil : .volume)
            let digest = archive.digests(below: base)
            findings = archive.findings
            unsent = try UnsentFiles(of: archive, named: label, in: root, limits: limits)
            let own = [home, machine.layout.home].compactMap { $0 }
            let names = base.isEmpty ? own : [FilePath("/").pushing(base)] + own
            opened = OpenedSource(
                tree: SourceTree(
                    root: try root.descendant(base), names: names, isStaged: !isPreview,
                    digest: { isPreview ? nil : digest($0) }),
                isOwnHome: false, label: label)
        } catch {
            Self.remove(name, in: parent)
            throw error
        }
    }

    deinit { Self.remove(name, in: parent) }

    /// Removes what was unpacked and its lock. What cannot be removed now goes with the next import.
    private static func remove(_ name: FilePath.Component, in parent: Directory) {
        // A copy of the archive; its lock is free, so the next import removes it.
        try? TreeEmptier.remove(name, in: parent)
        if let lock = FilePath.Component(name.string + ".lock") { try? parent.unlink(lock) }
        if parent.label.ends(with: BatchExchange.directory) {
            try? parent.removeSelf()  // not empty: somebody else's work
        }
    }

    private static func staging(_ machine: Machine) throws -> Directory {
        try machine.volume.makeDirectories(BatchExchange.directory, mode: 0o700)
    }

    private static var temporaryDirectory: FilePath { FilePath(Environment.all["TMPDIR"] ?? "/tmp") }

    /// Removes what killed imports left: what nobody holds the lock of.
    private static func removeAbandoned(_ parent: Directory) {
        guard let names = try? parent.names() else { return }  // then nothing can be done about it
        for name in names where name.string.hasPrefix(prefix) && name.extension != "lock" {
            guard let lockName = FilePath.Component(name.string + ".lock"),
                let file = try? parent.openLockFile(lockName),  // somebody else's: it stays
                (try? FileLock(file, parent.label.appending(lockName), timeout: .zero)) != nil
            else { continue }
            remove(name, in: parent)
        }
    }
}

/// A file in a directory that somebody else may remove as long as it is empty.
private struct LockPlace: ~Copyable {
    let directory: Directory
    private let file: Descriptor

    private static let mostTries = 100

    /// Opens the directory and makes the file in it, once more where the directory went in between.
    init(_ name: FilePath.Component, _ open: () throws -> Directory) throws {
        for _ in 0..<Self.mostTries {
            let directory = try open()
            do {
                file = try directory.openLockFile(name)
                self.directory = directory
                return
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
        }
        throw SystemCallError("open", name.printable, .noSuchFileOrDirectory)
    }

    consuming func take() -> Descriptor { file }
}

/// An archive that was opened with the caller's rights, to be read once.
package final class ArchiveFile {
    /// As it was named; `-` is standard input.
    package let path: FilePath
    private var descriptor: Descriptor?
    /// Throws when what was read to its end was not all of it.
    let confirm: () throws -> Void

    /// Takes over a stream that somebody else fills, and who tells whether that came to its end.
    package init(stream: consuming Descriptor, confirm: @escaping () throws -> Void) {
        path = "-"
        descriptor = .some(consume stream)
        self.confirm = confirm
    }

    /// Opens a file; without a path, takes standard input.
    package init(_ path: FilePath?) throws {
        self.path = path ?? "-"
        confirm = {}
        if let path { descriptor = try CallerPath.openFile(path) } else { descriptor = try .standardInput() }
    }

    /// Hands the descriptor to who reads it.
    func take() throws -> Descriptor {
        switch descriptor.take() {
        case .some(let file): return file
        case nil: throw SystemCallError("read", path.printable, .badFileDescriptor)
        }
    }
}

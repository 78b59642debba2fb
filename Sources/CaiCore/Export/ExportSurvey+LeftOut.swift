import CaiModel
import CaiPlatform
import SystemPackage

/// The entries of a volume that an export never takes, and the counts of all that it leaves out.
extension ExportSurvey {
    /// The reason to leave out an entry that is not content: a link that leads nowhere in another container, or a lock. Nil
    /// for content.
    func reasonByKind(
        _ name: FilePath.Component, _ status: FileStatus, in directory: Directory, among names: Set<FilePath.Component>,
        _ path: FilePath, _ position: AgentTargets.Position?
    ) throws -> LeftOutReason? {
        switch status.kind {
        case .regular: nil
        case .symlink: try leadsNowhere(path, text: directory.linkText(of: name)) ? .danglingLink : nil
        case .directory: try isLock(name, in: directory, among: names, path, position) ? .lock : nil
        case .fifo, .socket, .blockDevice, .characterDevice: .special
        }
    }

    /// True for a symlink that dangles here, or leads into the local directory of this container.
    private func leadsNowhere(_ path: FilePath, text: FilePath) -> Bool {
        if let local = choice.localDirectory, text.isAbsolute, text.lexicallyNormalized().starts(with: local) {
            return true
        }
        return !machine.root.existsInRoot(machine.layout.volume.appending(path.components))
    }

    /// True for `X.lock` beside the directory `X` of an agent, and for `X.lock` inside one if `X` stands beside it or it is
    /// empty. Agents make such directories while they save `X`, and a crash leaves them.
    private func isLock(
        _ name: FilePath.Component, in directory: Directory, among names: Set<FilePath.Component>, _ path: FilePath,
        _ position: AgentTargets.Position?
    ) throws -> Bool {
        guard let locked = LockDirectory.locked(by: name) else { return false }
        if choice.agents.isTarget(path.removingLastComponent().appending(locked)) { return true }
        guard position != nil else { return false }
        return try LockDirectory.isLock(name, in: directory, hasName: names.contains)
    }

    /// Counts an entry that is left out, with everything below it.
    mutating func leaveOut(
        _ name: FilePath.Component, _ status: FileStatus, in directory: Directory, _ reason: LeftOutReason
    ) {
        leftOut.add(LeftOutKind(status), reason)
        guard status.kind == .directory else { return }
        for (name, inside) in Self.entries(of: name, in: directory) {
            guard let status = try? inside.status(of: name) else { continue }  // gone since it was listed
            leaveOut(name, status, in: inside, reason)
        }
    }

    /// Counts what runs of `cai` displaced; like all of its records it belongs to this volume alone.
    mutating func countDisplaced() {
        guard let parent = try? volume.directory(DisplacedStore.directory.removingLastComponent()),  // no records yet
            let name = DisplacedStore.directory.lastComponent
        else { return }
        for (run, store) in Self.entries(of: name, in: parent) {
            for (name, inside) in Self.entries(of: run, in: store) where name != DisplacedStore.additions {
                guard let status = try? inside.status(of: name) else { continue }  // gone since it was listed
                leaveOut(name, status, in: inside, .displaced)
            }
        }
    }

    /// The entries of a directory, each with the open directory; none if it cannot be read, which costs only their counts.
    private static func entries(
        of name: FilePath.Component, in directory: Directory
    ) -> [(FilePath.Component, Directory)] {
        guard let inside = try? directory.openDirectory(name),  // unreadable: not counted
            let names = try? inside.names()  // likewise
        else { return [] }
        return names.map { ($0, inside) }
    }
}

extension LeftOutKind {
    init(_ status: FileStatus) {
        switch status.kind {
        case .regular: self = .file(size: status.size)
        case .directory: self = .directory
        case .symlink: self = .link
        case .fifo, .socket, .blockDevice, .characterDevice: self = .special
        }
    }
}

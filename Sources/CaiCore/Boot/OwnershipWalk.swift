import CaiModel
import CaiPlatform
import SystemPackage

/// One walk over a volume that gives wrong entries to the owner.
struct OwnershipWalk {
    private let policy: OwnershipPolicy
    private let label: FilePath
    private(set) var report: OwnershipReport
    /// The file system is read-only: no further try makes sense.
    private var isStopped = false

    init(policy: OwnershipPolicy, label: FilePath, isPreview: Bool) {
        self.policy = policy
        self.label = label
        report = OwnershipReport(.walked, isPreview: isPreview)
    }

    /// Walks everything below the root of the volume. A volume that is the machine's own root is not touched.
    mutating func run(_ root: Directory, machineRoot: Directory) {
        do {
            let status = try root.status()
            if try machineRoot.status().isSameFile(as: status) {
                return note(FilePath(), "is the root directory of the machine; its ownership is left alone")
            }
            let boundary = try Boundary(root)
            report.visited += 1
            give(root, FilePath(), status)
            visit(root, FilePath(), boundary, depth: 0)
        } catch {
            note(FilePath(), "cannot be looked at: \(error.sentence)")
        }
    }

    private mutating func visit(_ directory: Directory, _ path: FilePath, _ boundary: Boundary, depth: Int) {
        guard depth < Directory.deepest else {
            return note(path, "lies deeper than \(Directory.deepest) directories; not looked at")
        }
        let names: [FilePath.Component]
        do {
            names = try directory.names()
        } catch {
            return note(path, "cannot be read: \(error.errno)")
        }
        for name in names where !isStopped { look(name, in: directory, path.appending(name), boundary, depth) }
    }

    private mutating func look(
        _ name: FilePath.Component, in directory: Directory, _ path: FilePath, _ boundary: Boundary, _ depth: Int
    ) {
        do {
            guard let status = try directory.status(of: name) else { return }
            try WorkBudget.check(path)
            report.visited += 1
            if status.kind == .directory {
                try enter(name, in: directory, path, boundary, depth)
            } else if !policy.isRight(OwnedEntry(status)) {
                try repair(name, in: directory, path, boundary)
            }
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return  // it went away: nothing to repair
        } catch let error as SystemCallError where error.operation == WorkBudget.operation {
            isStopped = true
            note(path, WorkBudget.reason, advice: error.advice)
        } catch {
            note(path, "cannot be looked at: \(error.sentence)")
        }
    }

    private mutating func enter(
        _ name: FilePath.Component, in directory: Directory, _ path: FilePath, _ boundary: Boundary, _ depth: Int
    ) throws {
        let child = try directory.openDirectory(name)
        let status = try child.status()
        guard boundary.contains(child.descriptor, status) else { return noteMount(path) }
        give(child, path, status)
        visit(child, path, boundary, depth: depth + 1)
    }

    /// Judges the entry again by an open descriptor, and gives that very file.
    private mutating func repair(
        _ name: FilePath.Component, in directory: Directory, _ path: FilePath, _ boundary: Boundary
    ) throws {
        let entry = try directory.openEntry(name)
        let label = directory.label.appending(name)
        let status = try entry.status(label)
        guard boundary.contains(entry, status) else { return noteMount(path) }
        guard status.kind != .directory else { return }  // it was exchanged meanwhile; the next run looks at it
        do {
            switch policy.decide(OwnedEntry(status)) {
            case .keep: return
            case .report(let doubt): return note(path, doubt)
            case .give: break
            }
            if !report.isPreview {
                try dropPrivilegeBits(name, in: directory, status)
                try entry.setOwnerOfEntry(uid: policy.uid, gid: policy.gid, label)
            }
            report.given += 1
        } catch {
            failed(path, error)
        }
    }

    /// Takes setuid and setgid off a file before it changes hands: not every file system does it with chown.
    private func dropPrivilegeBits(
        _ name: FilePath.Component, in directory: Directory, _ status: FileStatus
    ) throws(SystemCallError) {
        guard status.kind == .regular, status.mode & 0o6000 != 0 else { return }
        let label = directory.label.appending(name)
        let file = try directory.openFile(name)
        guard try file.status(label).isSameFile(as: status) else {
            throw SystemCallError("open", label.printable, .resourceTemporarilyUnavailable)
        }
        try file.setMode(status.mode & 0o1777, label)
    }

    /// Gives a directory that is open.
    private mutating func give(_ directory: Directory, _ path: FilePath, _ status: FileStatus) {
        guard case .give = policy.decide(OwnedEntry(status)) else { return }
        do {
            if !report.isPreview {
                try directory.descriptor.setOwnerOfEntry(uid: policy.uid, gid: policy.gid, directory.label)
            }
            report.given += 1
        } catch {
            failed(path, error)
        }
    }

    private mutating func failed(_ path: FilePath, _ error: any Error) {
        let advice = (error as? SystemCallError)?.advice
        switch (error as? SystemCallError)?.errno {
        case .noSuchFileOrDirectory?: return
        case .readOnlyFileSystem?:
            isStopped = true
            note(FilePath(), "holds entries of another user and is read-only", advice: advice)
        case .notPermitted?:
            note(path, "cannot be given to the agent: not permitted", advice: advice)
        default:
            note(
                path, "cannot be given to the agent: \(error.sentence)", advice: advice,
                kind: "cannot be given to the agent")
        }
    }

    private mutating func note(_ path: FilePath, _ doubt: OwnershipDoubt) {
        let place = shellQuoted(label.appending(path.components).printable)
        let command = "if it is the agent's: chown -h \(policy.uid):\(policy.gid) \(place)"
        let mayBeAgents = [.otherNames, .privateFile].contains(doubt)
        note(path, doubt.sentence, advice: mayBeAgents ? command : "rm \(place), if nobody needs it")
    }

    private mutating func note(_ path: FilePath, _ sentence: String, advice: String? = nil, kind: String? = nil) {
        report.isIncomplete = true
        let place = label.appending(path.components)
        report.add(Finding(.warning, at: place.printable, sentence, advice: advice), kind: kind ?? sentence)
    }

    private mutating func noteMount(_ path: FilePath) {
        let sentence = "is a mount of its own; what is in it keeps its owner"
        report.add(Finding(.note, at: label.appending(path.components).printable, sentence), kind: sentence)
    }
}

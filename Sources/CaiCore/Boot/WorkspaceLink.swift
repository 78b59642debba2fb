package import CaiModel
import CaiPlatform
package import SystemPackage

/// Makes the workspace reachable under the path it has on the host: a link at `CAI_HOST_WORKSPACE` to the workspace.
///
/// What exists is never replaced. Root's rights are used only in directories that nobody but root can write to; from the
/// first directory on that somebody else owns or may write to, everything is done as the agent, so that nothing planted
/// there is followed or made use of with privileges.
package struct WorkspaceLink {
    /// What became of the link.
    package enum Outcome: Hashable, Sendable {
        /// None is asked for, or the workspace has that path already.
        case unnecessary
        case present
        case made(FilePath)
        /// A preview: it would be made.
        case planned(FilePath)
        /// It was not made; the finding tells why.
        case refused
    }

    private let workplace: Workplace
    private let isPreview: Bool

    package init(_ workplace: Workplace, isPreview: Bool) {
        self.workplace = workplace
        self.isPreview = isPreview
    }

    /// Makes the link where it is missing. `hostWorkspace` is the value of `CAI_HOST_WORKSPACE`; nil or an empty one asks
    /// for none. It never throws: every problem is a warning. Do not call it from within `asOwner`.
    package func run(hostWorkspace: String?) -> (outcome: Outcome, findings: [Finding]) {
        guard let text = hostWorkspace, !text.isEmpty else { return (.unnecessary, []) }
        let settings = workplace.settings
        let place = FilePath(text).printable
        do {
            let wanted = try WorkspacePath(text, workspace: settings.path(.workspace), volume: settings.path(.volume))
            guard let wanted else { return (.unnecessary, []) }
            return (try make(wanted.path), [])
        } catch let problem as WorkspacePathProblem {
            return refusal(
                place, problem.sentence, "set CAI_HOST_WORKSPACE to the absolute path of the workspace on the host")
        } catch let obstacle as ExistingEntry {
            return refusal(place, obstacle.sentence, "move it away, or unset CAI_HOST_WORKSPACE")
        } catch let error as SystemCallError where [.permissionDenied, .notPermitted].contains(error.errno) {
            return refusal(
                place, error.sentence, error.advice ?? "make its parent directory writable for the agent")
        } catch {
            return refusal(place, error.sentence, "unset CAI_HOST_WORKSPACE if the path is not needed")
        }
    }

    private func refusal(_ place: String, _ reason: String, _ advice: String) -> (Outcome, [Finding]) {
        let finding = Finding(.warning, at: place, "the link to the workspace was not made: \(reason)", advice: advice)
        return (.refused, [finding])
    }

    /// Something else has the name.
    private struct ExistingEntry: Error {
        let sentence: String
    }

    private func make(_ path: FilePath) throws -> Outcome {
        var rest = Array(path.components)[...]
        guard let name = rest.popLast() else { return .unnecessary }
        var place = try Ground(workplace.root)
        while let next = rest.first, let below = try place.entering(next) {
            place = below
            rest = rest.dropFirst()
        }
        if rest.isEmpty, let found = try place.directory.status(of: name) {
            return try accept(name, found, in: place.directory)
        }
        if isPreview { return .planned(path) }
        let link = { try write(name, behind: rest, from: place.directory) }
        if place.isRootsAlone { try link() } else { try workplace.asOwner(link) }
        return .made(path)
    }

    private func write(
        _ name: FilePath.Component, behind missing: ArraySlice<FilePath.Component>, from start: Directory
    ) throws {
        var directory = start
        for parent in missing { directory = try directory.makeOrOpenDirectory(parent, mode: 0o755) }
        try directory.makeLink(name, to: workplace.settings.path(.workspace))
        try directory.sync()
    }

    /// Accepts the link itself, and the workspace itself mounted a second time.
    private func accept(_ name: FilePath.Component, _ found: FileStatus, in directory: Directory) throws -> Outcome {
        let workspace = workplace.settings.path(.workspace)
        switch found.kind {
        case .symlink:
            let text = try directory.linkText(of: name)
            if text == workspace { return .present }
            throw ExistingEntry(sentence: "a symlink to \(text.printable) is there")
        case .directory:
            // A workspace that cannot be looked at is not known to be this directory.
            let own = try? workplace.root.openInRoot(workspace).status()
            if own?.isSameFile(as: found) == true { return .present }
            throw ExistingEntry(sentence: "a directory is there")
        default:
            throw ExistingEntry(sentence: "a file is there")
        }
    }
}

/// A directory, and whether it and everything above it can only be changed by root.
private struct Ground {
    let directory: Directory
    let isRootsAlone: Bool

    init(_ root: Directory) throws { try self.init(root, isBelowRootsAlone: true) }

    private init(_ directory: Directory, isBelowRootsAlone: Bool) throws {
        self.directory = directory
        let status = try directory.status()
        let isGroupSafe = status.mode & 0o020 == 0 || status.gid == 0
        isRootsAlone = isBelowRootsAlone && status.uid == 0 && status.mode & 0o002 == 0 && isGroupSafe
    }

    /// The directory of a name; nil when there is none. Throws for anything else, a symlink too.
    func entering(_ name: FilePath.Component) throws -> Ground? {
        do {
            return try Ground(try directory.openDirectory(name), isBelowRootsAlone: isRootsAlone)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return nil
        } catch let error as SystemCallError where [.notDirectory, .tooManySymbolicLinkLevels].contains(error.errno) {
            let kind = try directory.status(of: name)?.kind ?? .regular
            throw BlockedPath(ancestor: directory.label.appending(name), kind: kind)
        }
    }
}

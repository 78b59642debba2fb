package import CaiModel
import CaiPlatform
package import SystemPackage

/// Hands the part of the container's environment that units need on, in a file that systemd reads.
package struct UnitEnvironmentJob {
    private let workplace: Workplace
    /// The variables that name directories of agents.
    private let places: Set<String>

    package init(_ workplace: Workplace, directories: [AgentDirectory]) {
        self.workplace = workplace
        places = Set(directories.compactMap(\.variable))
    }

    /// Reads the environment that process 1 was started with. Throws `SystemCallError` when it may not be read.
    package func read() throws -> UnitEnvironment {
        let (directory, name) = try Tree(root: workplace.root).parent(of: "proc/1/environ")
        return UnitEnvironment(try directory.openFile(name).readAll(limit: 16 << 20, "/proc/1/environ"), places: places)
    }

    /// Replaces the file: 0600, in a directory that is made with 0750 and the agent's group. Nothing is written when it has
    /// the same content.
    package func write(_ environment: UnitEnvironment, to path: FilePath) throws {
        guard let name = path.lastComponent else { throw SystemCallError("open", path.printable, .isDirectory) }
        let directory = try parent(path.removingLastComponent())
        let content = Array(environment.text.utf8)
        if let file = try? directory.openFile(name),  // missing or something else: it is written
            let old = try? file.readAll(limit: 16 << 20, path), old == content, try file.status(path).mode == 0o600
        {
            return
        }
        try StateDirectory.replace(name, in: directory, with: content, mode: 0o600)
    }

    private func parent(_ path: FilePath) throws -> Directory {
        do {
            return try workplace.root.openInRoot(path)
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            guard let name = path.lastComponent else { throw error }
            let made = try workplace.root.openInRoot(path.removingLastComponent())
                .makeOrOpenDirectory(name, mode: 0o750)
            if Identity.isRoot { try made.descriptor.setOwner(uid: Identity.uid, gid: workplace.owner.gid, made.label) }
            return made
        }
    }
}

package import CaiModel
package import CaiPlatform
package import SystemPackage

/// Why there is no socket to serve on.
package enum AgentSocketProblem: Error, Hashable, Sendable {
    /// Somebody answers there.
    case inUse(FilePath)
    /// Something stands there that is no socket.
    case notASocket(FilePath)
    /// What the service manager passed cannot be served on.
    case passed(String)
}

/// The socket on which the agent service answers: made here, or passed by the service manager.
package final class AgentSocket: Sendable {
    package static let name: FilePath.Component = "agent.sock"
    /// How many may wait until the service begins.
    private static let mostWaiting = 512

    /// Where it is; nil for one that was passed.
    package let path: FilePath?
    /// The finding about a directory in which others than this user can replace the socket.
    package let exposure: Finding?
    /// The finding about a socket that only root can connect to, because its group cannot be set.
    package let narrowing: Finding?
    /// Who made it listens to it already, or has to.
    private let descriptor: Descriptor
    private let made: Made?

    /// What has to go with a socket that was made here.
    private final class Made: Sendable {
        let directory: Directory
        let name: FilePath.Component
        let status: FileStatus
        /// Held as long as this process serves.
        private let lock: FileLock

        init(_ directory: Directory, _ name: FilePath.Component, _ status: FileStatus, _ lock: consuming FileLock) {
            self.directory = directory
            self.name = name
            self.status = status
            self.lock = lock
        }
    }

    /// Takes the socket that was passed: the one with the name `agent`, else the only one. Nil when none was passed. Throws
    /// `AgentSocketProblem` for one that nobody can connect to.
    package init?(passed: [PassedDescriptor]) throws {
        guard !passed.isEmpty else { return nil }
        guard let one = passed.first(where: { $0.name == "agent" }) ?? (passed.count == 1 ? passed.first : nil) else {
            throw AgentSocketProblem.passed("of \(passed.count) sockets none is named agent")
        }
        guard one.descriptor.isLocalListener else {
            throw AgentSocketProblem.passed("\(one.name) is not a Unix stream socket that listens")
        }
        path = nil
        made = nil
        exposure = nil
        narrowing = nil
        descriptor = try one.descriptor.duplicate()
    }

    /// Makes the socket: mode 0660 and the owner's group, in a directory of mode 0750 with the same group. A socket whose
    /// process is gone is replaced; one that is alive, and anything that is no socket, is not.
    ///
    /// `path` is one that somebody named, whose directory has to be there and stays as it is; without it the socket is in the
    /// runtime directory or what stands in for that. Throws `AgentSocketProblem`, and `SystemCallError` when no directory
    /// can be written.
    package convenience init(_ workplace: Workplace, at path: FilePath?, environment: [String: String]) throws {
        let gid = Identity.isRoot ? workplace.owner.gid : nil
        if let path {
            guard let name = path.lastComponent else { throw AgentSocketProblem.notASocket(path) }
            let parent = path.removingLastComponent()
            try self.init(in: workplace.root.openInRoot(parent.isEmpty ? "/" : parent), name, gid: gid)
        } else {
            let place = RuntimeDirectory(workplace, environment: environment)
            try self.init(in: place.forSocket(gid: gid), Self.name, gid: gid)
        }
    }

    private init(in directory: Directory, _ name: FilePath.Component, gid: UInt32?) throws {
        let path = directory.label.appending(name)
        let lockName = FilePath.Component(name.string + ".lock") ?? "agent.sock.lock"
        let file = try directory.openLockFile(lockName)
        guard let lock = try FileLock(file, directory.label.appending(lockName), timeout: .zero) else {
            throw AgentSocketProblem.inUse(path)
        }
        switch try directory.localSocket(name) {
        case .nothing: break
        case .dead: try directory.unlink(name)
        case .alive: throw AgentSocketProblem.inUse(path)
        case .foreign: throw AgentSocketProblem.notASocket(path)
        }
        descriptor = try directory.bindLocalSocket(name, mode: 0o660)
        narrowing = directory.give(name, toGroup: gid)
        guard let status = try directory.status(of: name) else {
            throw SystemCallError("bind", path.printable, .noSuchFileOrDirectory)
        }
        // Whoever sees it can connect, and waits for the service to begin.
        try LocalConnection.listen(descriptor.raw, waiting: Self.mostWaiting)
        self.path = path
        exposure = try directory.exposure(of: name)
        made = Made(directory, name, status, lock)
    }

    /// A descriptor for whoever serves; that one closes it.
    package func descriptorToServe() throws -> CInt { try descriptor.duplicate().release() }

    /// Takes the name of a socket that was made here away, so that nobody knocks in vain. One that somebody else has put in
    /// its place stays.
    package func remove() {
        guard let made, let there = try? made.directory.status(of: made.name),  // not to be seen: not ours to remove
            there.isSameFile(as: made.status)
        else { return }
        try? made.directory.unlink(made.name)  // the next start replaces it
    }
}

extension RuntimeDirectory {
    /// The directory for the socket, or the first fallback that can be had. Throws what is wrong with the first.
    fileprivate func forSocket(gid: UInt32?) throws -> Directory {
        do {
            let directory = try make(mode: 0o750)
            guard directory.isWritable else {
                throw SystemCallError("make a socket", path.printable, .permissionDenied)
            }
            try directory.close(to: gid)
            return directory
        } catch {
            guard let found = fallbacks.lazy.compactMap({ makeFallback($0, mode: 0o750) }).first else { throw error }
            return found
        }
    }
}

extension Directory {
    /// The finding about a directory in which other users can replace the socket by one of their own, and so answer whoever
    /// connects from outside.
    fileprivate func exposure(of name: FilePath.Component) throws -> Finding? {
        let found = try status()
        let isShared = found.mode & 0o022 != 0 && found.mode & 0o1000 == 0
        let isForeign = found.uid != Identity.uid && found.uid != 0
        guard isShared || isForeign else { return nil }
        return Finding(
            .warning, at: label.printable,
            (isForeign ? "belongs to uid \(found.uid)" : "can be written by others")
                + ", who can replace \(name.string): whoever pushes from outside may then talk to another program",
            advice: "mount a directory there that belongs to root and has mode 0755 at most")
    }

    /// Lets only its owner and a group in; a directory of somebody else's stays as it is.
    fileprivate func close(to gid: UInt32?) throws {
        let found = try status()
        guard found.uid == Identity.uid else { return }
        if let gid, found.gid != gid {
            do {
                try descriptor.setOwner(uid: found.uid, gid: gid, label)
            } catch {
                // Then the socket's own group cannot be set either, which is reported.
                guard [.notPermitted, .noFunction, .invalidArgument].contains(error.errno) else { throw error }
            }
        }
        if found.mode != 0o750 { try descriptor.keepMode(0o750, label) }
    }

    /// Gives a socket to a group, so that its members can connect. Returns the finding if that is refused: the service still
    /// answers root and guards the links.
    fileprivate func give(_ name: FilePath.Component, toGroup gid: UInt32?) -> Finding? {
        guard let gid else { return nil }
        do {
            try setOwner(of: name, uid: Identity.uid, gid: gid)
            return nil
        } catch {
            return Finding(
                .warning, at: label.appending(name).printable,
                "only root can connect: its group cannot be set to \(gid) (\(error.operation): \(error.errno))",
                advice: "start the container with --cap-add=CHOWN, or with --cap-add=SETGID")
        }
    }
}

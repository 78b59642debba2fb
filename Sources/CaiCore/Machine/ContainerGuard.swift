import CaiModel
import CaiPlatform
import SystemPackage

/// This does not look like a container with a volume, so nothing on `/` is touched.
package struct NotInContainer: Error, Sendable, CustomStringConvertible {
    package let command: String
    /// What was missing.
    package let reason: String
    /// Whether the command can be told to work nevertheless.
    package var hasForce = true

    package var description: String { reason }
}

extension Workplace {
    /// Throws `NotInContainer` unless the volume is a mount point, or none is needed, and this process is in a container. A
    /// tree below another root may be worked on anywhere.
    package func requireContainer(for command: String) throws {
        guard rootPath == "/" else { return }
        let volume = settings.path(.volume)
        switch try volumeState() {
        case .present, .unused: break
        case .absent: throw NotInContainer(command: command, reason: "\(volume.printable) does not exist")
        case .unmounted:
            throw NotInContainer(command: command, reason: "\(volume.printable) is not a mounted volume")
        }
        try requireInside(for: command, hasForce: true)
    }

    /// Throws `NotInContainer` unless this process is in a container, whatever is mounted there. A tree below another root may
    /// be worked on anywhere. `hasForce`: the command can be told to work nevertheless.
    package func requireInside(for command: String, hasForce: Bool = false) throws {
        guard rootPath == "/" else { return }
        let decision = ContainerDecision(ContainerFacts(ContainerEvidence.gather()))
        guard decision.isInsideContainer else {
            throw NotInContainer(
                command: command, reason: "nothing shows that this is a container", hasForce: hasForce)
        }
    }

    /// What is at the place of the volume.
    package enum VolumeState: Sendable {
        case present
        /// A directory of the container itself.
        case unmounted
        case absent
        /// Nothing is mounted there, and nothing has to be: other paths persist (preset `opencode`).
        case unused
    }

    /// Looks at the place of the volume. Below a root that is not this machine's a directory is as good as a mount.
    package func volumeState() throws -> VolumeState {
        let state = try mountState()
        let isNeeded = settings.list(.persistencePaths).contains(settings.path(.volume).string)
        return state == .present || isNeeded ? state : .unused
    }

    private func mountState() throws -> VolumeState {
        do {
            if rootPath == "/" { return try Mounts.isMountPoint(settings.path(.volume)) ? .present : .unmounted }
            _ = try root.openInRoot(settings.path(.volume))
            return .present
        } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
            return .absent
        }
    }
}

import CaiModel
import CaiPlatform
import SystemPackage

/// This does not look like a container with a volume, so nothing on `/` is touched.
package struct NotInContainer: Error, Sendable {
    package let command: String
    /// What was missing.
    package let reason: String
}

extension Workplace {
    /// Throws `NotInContainer` unless the volume is a mount point and this process is in a container. A tree below another
    /// root may be worked on anywhere.
    package func requireContainer(for command: String) throws {
        guard rootPath == "/" else { return }
        let volume = settings.path(.volume)
        let isMounted: Bool
        do {
            isMounted = try Mounts.isMountPoint(volume)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            throw NotInContainer(command: command, reason: "\(volume.printable) does not exist")
        }
        guard isMounted else {
            throw NotInContainer(command: command, reason: "\(volume.printable) is not a mounted volume")
        }
        let decision = ContainerDecision(ContainerFacts(ContainerEvidence.gather()))
        guard decision.isInsideContainer else {
            throw NotInContainer(command: command, reason: "nothing shows that this is a container")
        }
    }
}

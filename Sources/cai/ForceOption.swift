import ArgumentParser
import CaiCore

/// The consent of commands that change the volume of `/` to work where nothing shows that this is a container.
struct ForceOption: ParsableArguments {
    @Flag(help: "Work on / even where this does not look like a container.") var force = false

    /// Throws `NotInContainer` on a host's own tree, unless the run changes nothing or somebody insists.
    func check(_ workplace: Workplace, for command: String, isPreview: Bool) throws {
        if !force, !isPreview { try workplace.requireInside(for: command, hasForce: true) }
    }
}

package import CaiModel
import CaiPlatform
import SystemPackage

/// The manifests of a machine as they hold there: with the agent directories in their places, and with the links of
/// specification files.
package struct MachineManifests: Sendable {
    package let manifests: ManifestSet
    /// The agent directories in their places.
    package let directories: [PlacedDirectory]
    /// Every entry of the manifests, and after them the links of specification files.
    package let entries: [Entry]
    /// The findings about specification files, and about mounts that links do not belong on.
    package let linkFindings: [Finding]

    /// Reads everything. `environment` is that of the container, whose variables move agent directories. To be called as the
    /// owner: the manifests of the user and the specification files are the agent's.
    package init(
        _ loader: ManifestLoader, _ machine: Machine, _ settings: Settings, environment: [String: String]
    ) {
        manifests = loader.load(machine, imageDirectory: settings.path(.imageManifests))
        let mounts = HomeMounts(machine)
        let survey = AgentSurvey(machine, mounts, placements: settings.placements, environment: environment)
        directories = survey.directories(manifests.manifest.directories)
        let specifications = settings.list(.linkSpecifications).map { FilePath($0) }
        let links = LinkSources(machine).entries(specifications, besides: manifests.manifest.entries, directories)
        let settled = mounts.settle(manifests.manifest.entries(with: directories) + links.entries)
        entries = settled.entries
        linkFindings = links.findings + settled.findings
    }
}

import ArgumentParser
import CaiCore
import CaiManifests
import CaiModel
import CaiPlatform
import SystemPackage

/// The options of every command that works on a machine.
struct GlobalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Work on the tree below this directory instead of the machine's own.", valueName: "dir"))
    var root = "/"

    @Option(help: ArgumentHelp("Read settings from this file (below the root).", valueName: "file"))
    var config: String?

    @Flag(help: "Print JSON.")
    var json = false

    /// Reads settings and accounts. A mistake in the settings is told on standard error.
    func workplace(flags: [SettingKey: (String, String)] = [:]) throws -> Workplace {
        let environment = Environment.all
        let file = config ?? environment["CAI_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } ?? "/etc/containai/agent.toml"
        return try Workplace(
            WorkplaceRequest(
                root: FilePath(root), configuration: FilePath(file), environment: environment, flags: flags))
    }
}

/// A machine with its manifests, as every job needs them.
struct Session {
    let workplace: Workplace
    let machine: Machine
    let manifests: ManifestSet
    /// Every entry of the manifests, and behind them the links of specification files.
    let entries: [Entry]
    private let linkFindings: [Finding]

    /// Opens the machine's trees and reads the manifests, the user's as the owner.
    init(_ workplace: Workplace) throws {
        self.workplace = workplace
        let machine = try workplace.machine()
        let directory = workplace.settings.path(.imageManifests)
        let loader = ManifestLoader(builtIn: BuiltInManifests.files)
        let specifications = workplace.settings.list(.linkSpecifications).map { FilePath($0) }
        let (manifests, links) = try workplace.asOwner {
            let manifests = loader.load(machine, imageDirectory: directory)
            return (
                manifests, LinkSources(machine).entries(specifications, besides: manifests.manifest.entries)
            )
        }
        self.machine = machine
        self.manifests = manifests
        entries = manifests.manifest.entries + links.entries
        linkFindings = links.findings
    }

    var layout: Layout { machine.layout }

    func options(_ command: String, isPreview: Bool) -> RunOptions {
        RunOptions(
            command: command, isPreview: isPreview, lockTimeout: workplace.settings.duration(.lockTimeout),
            retention: workplace.settings.retention)
    }

    /// What was noticed about settings and manifests, notes left out.
    var complaints: [Finding] {
        (workplace.settings.findings + manifests.findings + linkFindings).filter { $0.severity > .note }
    }
}

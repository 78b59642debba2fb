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

    /// Reads settings and accounts. A mistake in the settings stops the command: it must not work on a default in place
    /// of what was named.
    func workplace() throws -> Workplace { try workplaceAsFound().withoutMistakes() }

    /// The same for the commands that go on with the defaults where a setting cannot be used.
    func workplaceAsFound() throws -> Workplace { try Workplace(root: root, settings: config) }
}

extension Workplace {
    /// The place to work on below a root, with the settings file that is named here or in `CAI_CONFIG`.
    init(root: String, settings: String?) throws {
        let environment = Environment.all
        let named = settings ?? environment["CAI_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        try self.init(
            WorkplaceRequest(
                root: FilePath(root), configuration: FilePath(named ?? "/etc/containai/agent.toml"),
                environment: environment, isConfigurationNamed: named != nil))
    }

    /// The same, unless a setting cannot be used: then `BrokenSettings` is thrown.
    func withoutMistakes() throws -> Workplace {
        let mistakes = settings.mistakes
        if !mistakes.isEmpty { throw BrokenSettings(findings: mistakes) }
        return self
    }
}

/// Settings that are not what the operator meant; nothing was touched.
struct BrokenSettings: Error {
    let findings: [Finding]
}

/// A machine with its manifests, as every job needs them.
struct Session {
    let workplace: Workplace
    let machine: Machine
    let manifests: ManifestSet
    /// Every entry of the manifests, and behind them the links of specification files.
    let entries: [Entry]
    /// The agent directories in their places.
    let directories: [PlacedDirectory]
    private let linkFindings: [Finding]

    /// Opens the machine's trees and reads the manifests, the user's as the owner.
    init(_ workplace: Workplace) throws { try self.init(workplace, try workplace.machine()) }

    /// The same for bringing back what was displaced, also where OpenCode's configuration directory keeps it.
    init(forUndo workplace: Workplace, isPreview: Bool) throws {
        let isVolume = try workplace.volumeState() != .unused
        let machine = try isVolume ? workplace.machine() : workplace.machineOfConfiguration(isPreview: isPreview)
        try self.init(workplace, machine, hasLinks: isVolume)
    }

    /// `hasLinks`: what the manifests declare is linked to the machine's volume.
    private init(_ workplace: Workplace, _ machine: Machine, hasLinks: Bool = true) throws {
        self.workplace = workplace
        let found = try workplace.asOwner {
            MachineManifests(
                ManifestLoader.standard, machine, workplace.settings, environment: Environment.all)
        }
        self.machine = machine
        manifests = found.manifests
        directories = hasLinks ? found.directories : []
        entries = hasLinks ? found.entries : []
        linkFindings = found.linkFindings
    }

    var layout: Layout { machine.layout }

    /// Where the workspace is: the directory that this runs in, unless it works on another root; and where the host has it.
    var workspaces: [FilePath] {
        let here = ProcessFacts.workingDirectory
        let isElsewhere = workplace.rootPath != "/" || here == "/"
        let host = Environment.all["CAI_HOST_WORKSPACE"].map { FilePath($0) }.flatMap { $0.isAbsolute ? $0 : nil }
        return [isElsewhere ? workplace.settings.path(.workspace) : here] + [host].compactMap { $0 }
    }

    /// What the configuration of imports and exports says, where no file of it is named.
    func importConfiguration() throws -> (ImportConfiguration, [Finding]) {
        try workplace.asOwner {
            var loader = ImportConfigurationLoader(machine, source: nil, workspaces: workspaces)
            return loader.discover()
        }
    }

    /// The entries as the manifests declare them by now. The caller is the owner already.
    func entriesNow() -> [Entry] {
        MachineManifests(
            ManifestLoader.standard, machine, workplace.settings, environment: Environment.all
        ).entries
    }

    func options(_ command: String, isPreview: Bool) -> RunOptions {
        RunOptions(
            command: command, isPreview: isPreview, lockTimeout: workplace.settings.duration(.lockTimeout),
            retention: workplace.settings.retention,
            secrets: entries.isEmpty ? nil : SecretPlaces(entries, directories: directories))
    }

    /// What was noticed about settings and manifests, notes left out.
    var complaints: [Finding] {
        (workplace.settings.findings + manifests.findings + directories.compactMap(\.obstacle) + linkFindings).filter {
            $0.severity > .note
        }
    }
}

extension ManifestLoader {
    /// With the manifests that are part of this binary.
    static var standard: ManifestLoader {
        ManifestLoader(builtIn: { BuiltInManifests.contents }, alone: BuiltInManifests.alone)
    }
}

import PackagePlugin

/// Checks the `.toml` files of a target and makes a Swift source that holds their texts.
@main
struct EmbedManifests: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let module = target as? any SourceModuleTarget else { return [] }
        let manifests = module.sourceFiles(withSuffix: "toml").map(\.url).sorted { $0.path < $1.path }
        let output = context.pluginWorkDirectoryURL.appending(path: "BuiltInManifestTexts.swift")
        return [
            .buildCommand(
                displayName: "Checking and embedding \(manifests.count) built-in manifests",
                executable: try context.tool(named: "embed-manifests").url,
                arguments: [output.path] + manifests.map(\.path),
                inputFiles: manifests, outputFiles: [output])
        ]
    }
}

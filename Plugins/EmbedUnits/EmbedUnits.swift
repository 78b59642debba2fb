import Foundation
import PackagePlugin

/// Makes a Swift source that holds the texts of the files below `systemd/`.
@main
struct EmbedUnits: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let folder = context.package.directoryURL.appending(path: "systemd")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            .filter {
                $0.hasSuffix(".service") || $0.hasSuffix(".socket") || $0.hasSuffix(".conf") || $0.hasSuffix(".preset")
            }
            .sorted()
        let output = context.pluginWorkDirectoryURL.appending(path: "UnitTexts.swift")
        return [
            .buildCommand(
                displayName: "Embedding \(files.count) systemd files",
                executable: try context.tool(named: "embed-files").url,
                arguments: [output.path, folder.path] + files,
                inputFiles: files.map { folder.appending(path: $0) }, outputFiles: [output])
        ]
    }
}

import ArgumentParser
import CaiPlatform

/// `cai version`: what this binary is.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show version, commit and build date.")

    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard json else { return print("cai \(Build.version) (\(Build.commit), built \(Build.date))") }
        try JSON.object([
            "version": .string(Build.version), "commit": .string(Build.commit), "date": .string(Build.date),
            "static": .bool(Build.isStatic),
        ]).print()
    }
}

import ArgumentParser
import CaiCore
import CaiModel
import SystemPackage

/// `cai persistence`: what survives, and what to do about what does not.
struct PersistenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "persistence", abstract: "Tells which paths survive a restart and a new container.",
        subcommands: [PersistenceCheckCommand.self])
}

/// `cai persistence check`: looks at every path of the preset and judges it.
struct PersistenceCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks that every path that has to persist lies on storage that does.",
        discussion: """
            Reads the mount table of this container and nothing else: no network address is asked. Each path is \
            reported with what holds it, what it survives, and the line that fixes it for docker run and compose; in \
            a pod for Kubernetes, on Railway for Railway. With --json, for each of them.

            Exit code: 0 everything persists, 1 something does not.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Also fail on what is only probably kept and on what cannot be told.")
    var strict = false

    @Option(
        help: "The set of paths to check: containai or opencode. Default: the settings' paths, or none with --path.")
    var preset: PersistencePreset?

    @Option(name: .customLong("path"), help: "Check this path too; may be given more than once.")
    var paths: [String] = []

    func validate() throws {
        for path in paths where !FilePath(path).isAbsolute {
            throw ValidationError("--path \(path): the path must be absolute.")
        }
    }

    func run() throws {
        try reportingFailures {
            let workplace = try global.workplace()
            workplace.settings.findings.forEach(Talk.finding)  // what is left are warnings
            let report = try look(workplace)
            print(global.json ? try report.json() : report.text(strict: strict))
            if !report.isClean(strict: strict) { throw Exit.found }
        }
    }
}

extension PersistenceCheckCommand {
    /// Looks at every path that is asked for.
    func look(_ workplace: Workplace) throws -> PersistenceReport {
        let chosen = preset?.paths ?? (paths.isEmpty ? workplace.settings.persistentPaths : [])
        let wanted = chosen + paths.map { PersistentPath(named: FilePath($0)) }
        return try PersistenceCheck(
            wanted, below: workplace.rootPath, environment: PersistenceCheck.environmentOfThisProcess
        ).run()
    }
}

extension PersistencePreset: ExpressibleByArgument {}

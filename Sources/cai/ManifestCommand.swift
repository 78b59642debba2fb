import ArgumentParser
import CaiCore
import CaiModel
import CaiPlatform
import SystemPackage

/// `cai manifest`: what is kept and linked, and whether the files that say so are right.
struct ManifestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest", abstract: "List and check the manifests.", subcommands: [List.self, Lint.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List every entry with where it is declared.")
        @OptionGroup var global: GlobalOptions

        func run() throws {
            try reportingFailures {
                let manifests = try readManifests(global)
                let listing = ManifestListing(manifests.manifest)
                print(global.json ? try listing.json() : listing.text, terminator: global.json ? "\n" : "")
                manifests.findings.filter { $0.severity > .note }.forEach(Talk.finding)
            }
        }
    }

    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lint",
            abstract: "Show every problem with file, line and column.",
            discussion: "Without files, checks all manifests of the machine: built in, of the image and of the user.")
        @OptionGroup var global: GlobalOptions
        @Argument(help: "Manifest files to check as a user's; - is standard input.") var files: [String] = []

        func run() throws {
            try reportingFailures {
                let findings =
                    files.isEmpty
                    ? try readManifests(global).findings
                    : ManifestLoader.standard.check(named: files)
                let report = LintReport(findings)
                print(global.json ? try report.json() : report.text, terminator: global.json ? "\n" : "")
                if !global.json { Talk.line(report.summary) }
                if report.exitCode != 0 { throw ExitCode(report.exitCode) }
            }
        }
    }
}

/// All manifests of a machine; where there is no home or volume yet, those of the image and the built-in ones.
private func readManifests(_ global: GlobalOptions) throws -> ManifestSet {
    let workplace = try global.workplace()
    do {
        return try Session(workplace).manifests
    } catch is MachineProblem {
        return ManifestLoader.standard
            .load(root: workplace.root, imageDirectory: workplace.settings.path(.imageManifests))
    }
}

import ArgumentParser
import CaiCore
import CaiManifests
import CaiModel
import CaiPlatform
import CaiUnits
import SystemPackage

/// `cai systemd`: cai in a container whose process 1 is systemd.
struct SystemdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "systemd",
        abstract: "Put the systemd units in place; hand the container's environment to them.",
        subcommands: [Install.self, Uninstall.self, EnvironmentFile.self])

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install",
            abstract: "Put the binary, the units and what enables them in place.",
            discussion: """
                The binary goes to /usr/local/bin/cai, units and drop-ins for ssh and docker to /etc/systemd/system, a preset \
                to /etc/systemd/system-preset. A file there that is not of cai is left alone, with exit code 1; another \
                binary is kept as cai.old.
                """)
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Show what would be done.") var dryRun = false

        func run() throws {
            try reportingFailures {
                let installation = UnitInstallation(try global.workplace(), files: SystemdUnits.files)
                let (steps, findings) = try installation.plan()
                let failed = try UnitRun(isPreview: dryRun, findings: findings).run(steps, installation, global)
                if !dryRun, !failed, !steps.isEmpty, global.root == "/" {
                    Talk.info("systemctl daemon-reload takes note of it")
                }
                if failed || !findings.isEmpty { throw Exit.found }
            }
        }
    }

    struct Uninstall: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "uninstall",
            abstract: "Take away what install has put in place, but the binary.")
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Show what would be done.") var dryRun = false

        func run() throws {
            try reportingFailures {
                let installation = UnitInstallation(try global.workplace(), files: SystemdUnits.files)
                let failed = try UnitRun(isPreview: dryRun, findings: []).run(
                    try installation.removal(), installation, global)
                if failed { throw Exit.found }
            }
        }
    }

    struct EnvironmentFile: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "environment",
            abstract: "Print what units get of the environment of process 1, as EnvironmentFile= reads it.",
            discussion: "CAI_…, container, and the variables that tell which platform this is; never more.")
        @OptionGroup var global: GlobalOptions
        @Option(help: ArgumentHelp("Write it to this file (below the root), mode 0600.", valueName: "file"))
        var output: String?

        func run() throws {
            try reportingFailures {
                let job = UnitEnvironmentJob(
                    try global.workplaceAsFound(), directories: BuiltInManifests.alone.manifest.directories)
                let environment = try job.read()
                environment.findings.forEach(Talk.finding)
                if let output {
                    try job.write(environment, to: FilePath(output))
                } else {
                    print(environment.text, terminator: "")
                }
            }
        }
    }
}

/// Carries a plan out and tells it.
private struct UnitRun {
    let isPreview: Bool
    let findings: [Finding]

    /// Returns whether a step failed.
    func run(_ steps: [UnitStep], _ installation: UnitInstallation, _ global: GlobalOptions) throws -> Bool {
        var results: [(step: UnitStep, problem: String?)] = []
        for step in steps {
            do {
                if !isPreview { try installation.carryOut(step) }
                results.append((step, nil))
            } catch {
                results.append((step, error.sentence))
            }
        }
        if global.json {
            try JSON.object([
                "command": .string("systemd"), "dry_run": .bool(isPreview),
                "steps": .array(results.map { $0.step.json($0.problem, isPreview: isPreview) }),
                "findings": .array(findings.map(\.json)),
            ]).print()
        } else {
            results.forEach { tell($0.step, $0.problem) }
            findings.forEach(Talk.finding)
        }
        return results.contains { $0.problem != nil }
    }

    private func tell(_ step: UnitStep, _ problem: String?) {
        if let problem { return Talk.error("\(step.words): \(problem)") }
        if isPreview { Talk.line("[DRY-RUN] Would \(step.words)") } else { Talk.ok(step.words) }
    }
}

extension UnitStep {
    fileprivate var words: String {
        switch self {
        case .write(let path, _, let replacing): "\(replacing ? "replace" : "write") \(path.printable)"
        case .link(let path, let target): "link \(path.printable) -> \(target.printable)"
        case .installProgram(let path, false): "install \(path.printable)"
        case .installProgram(let path, true): "install \(path.printable), keeping the old one as \(path.printable).old"
        case .remove(let path): "remove \(path.printable)"
        }
    }

    fileprivate func json(_ problem: String?, isPreview: Bool) -> JSON {
        let kind =
            switch self {
            case .write: "write"
            case .link: "link"
            case .installProgram: "install"
            case .remove: "remove"
            }
        var fields: [String: JSON] = [
            "kind": .string(kind), "path": .string(path.printable),
            "result": .string(problem != nil ? "failed" : isPreview ? "planned" : "done"),
        ]
        if case .link(_, let target) = self { fields["target"] = .string(target.printable) }
        if let problem { fields["reason"] = .string(problem) }
        return .object(fields)
    }
}

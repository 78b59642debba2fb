import ArgumentParser
import CaiCore
import CaiModel

/// `cai secrets`: which secrets are on the volume, and removing them.
struct SecretsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Show or remove the secrets on the volume; a value is never shown.",
        subcommands: [List.self, Purge.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Show the paths of secrets and how each is known, displaced ones too.")
        @OptionGroup var global: GlobalOptions

        func run() throws {
            try reportingFailures {
                let session = try Session(try global.workplace())
                let (secrets, findings) = try session.workplace.asOwner {
                    session.secretsJob.list()
                }
                if global.json {
                    try JSON.array(secrets.map { $0.json(session.layout) }).print()
                } else {
                    secrets.forEach { print("\($0.kind.words)\t\(session.layout.text($0.path))") }
                }
                findings.forEach(Talk.finding)
                if findings.contains(where: { $0.severity == .error }) { throw Exit.found }
            }
        }
    }

    struct Purge: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "purge",
            abstract: "Remove the secrets for good, also what runs displaced; nothing brings them back.",
            discussion: """
                Files that the manifests link into the home keep their place, empty; in agent directories nothing stays, \
                because an empty login reads as a broken one. Needs --yes.
                """)
        @OptionGroup var global: GlobalOptions
        @Flag(help: "Show what would be removed.") var dryRun = false
        @Flag(help: "Remove it. Without this nothing is removed.") var yes = false
        @OptionGroup var force: ForceOption

        func run() throws {
            try reportingFailures {
                let isPreview = dryRun || !yes
                let workplace = try global.workplace()
                try force.check(workplace, for: "secrets purge", isPreview: isPreview)
                let session = try Session(workplace)
                let report = try session.workplace.asOwner {
                    try session.secretsJob.purge(session.options("secrets", isPreview: isPreview))
                }
                if global.json {
                    let secrets = report.detail.secrets.map { $0.json(session.layout) }
                    try report.json(session.layout, command: "secrets purge", extra: ["secrets": .array(secrets)])
                        .print()
                }
                show(report, session.layout, isPreview: isPreview)
                let isUnconfirmed = !dryRun && !yes && !report.detail.secrets.isEmpty
                if isUnconfirmed || !report.problems.isEmpty || report.worst == .error { throw Exit.found }
            }
        }

        private func show(_ report: RunReport<PurgePlan>, _ layout: Layout, isPreview: Bool) {
            let secrets = report.detail.secrets
            for secret in secrets where isPreview || report.problems.isEmpty {
                let what = secret.kind == .mixed ? "the secrets in " : ""
                Talk.line(
                    isPreview
                        ? "[DRY-RUN] Would remove \(what)\(layout.text(secret.path)) (\(secret.kind.words))"
                        : "[OK] removed \(what)\(layout.text(secret.path)) (\(secret.kind.words))")
            }
            report.allFindings.forEach(Talk.finding)
            if let problem = report.problems.first { Talk.error("nothing was removed: \(problem.toldReason ?? "")") }
            if secrets.isEmpty { return Talk.info("there are no secrets on the volume") }
            if isPreview, !dryRun {
                Talk.warn("nothing was removed: this cannot be undone; run again with --yes to remove \(secrets.count)")
            } else if isPreview {
                Talk.info("\(secrets.count) would be removed for good.")
            } else if report.problems.isEmpty {
                Talk.info("\(secrets.count) removed for good; cai undo does not bring them back.")
            }
        }
    }
}

extension Session {
    fileprivate var secretsJob: SecretsJob { SecretsJob(machine, entries: entries, directories: directories) }
}

extension FoundSecret.Kind {
    /// The kind for people.
    fileprivate var words: String {
        switch self {
        case .declared: "declared secret"
        case .environment: "environment"
        case .name: "secret by name"
        case .privateKey: "private key"
        case .mixed: "secrets inside"
        }
    }
}

extension FoundSecret {
    fileprivate func json(_ layout: Layout) -> JSON {
        .object([
            "path": .string(layout.text(path)), "kind": .string(kind.rawValue), "displaced": .bool(isDisplaced),
            "size_bytes": .number(found.facts?.size ?? 0),
        ])
    }
}

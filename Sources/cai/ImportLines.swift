import CaiCore
import CaiModel
import SystemPackage

/// The lines of `cai import`, as the predecessors word them where they have words for it.
struct ImportLines {
    let report: RunReport<ImportPlan>
    /// What became of the links afterwards; nil where links do not belong.
    let links: RunReport<LinkPlan>?
    let layout: Layout
    let isDryRun: Bool
    let isVerbose: Bool

    init(
        _ report: RunReport<ImportPlan>, _ links: RunReport<LinkPlan>?, _ layout: Layout, isDryRun: Bool,
        isVerbose: Bool
    ) {
        self.report = report
        self.links = links
        self.layout = layout
        self.isDryRun = isDryRun
        self.isVerbose = isVerbose
    }

    var all: [String] {
        (isDryRun ? ["[WARN] DRY RUN MODE - No changes will be made"] : []) + report.detail.events.flatMap(lines)
            + steps + report.allFindings.map(Talk.text) + end
    }

    // MARK: events

    private func lines(_ event: ImportEvent) -> [String] {
        switch event {
        case .excluded(let source, let target, let pattern):
            let reason = pattern.contains("/") ? "path pattern" : "root prefix"
            return ["[SKIP] \(home(source)) -> \(layout.text(target)) (excluded by \(reason))"]
        case .unmatchedPattern(let pattern):
            return ["[WARN] Unmatched exclude pattern (dropped): \(printable(pattern))"]
        case .secret(let source):
            return told("Skipping secret entry: \(home(source))\(isDryRun ? "" : " (--no-secrets)")")
        case .profileCredential(let source):
            return told("Skipping profile credential: \(home(source)) (container should run login)")
        case .ensured(let source, let target, let isDirectory, let isJSON, let isSecret):
            return ensured(source, target, isDirectory: isDirectory, isJSON: isJSON, isSecret: isSecret)
        case .absent(let source, let isOptional):
            let kind = isOptional ? "Optional source" : "Source"
            return told(
                isDryRun ? "\(kind) not found, would skip: \(home(source))" : "\(kind) not found: \(home(source))")
        case .wrongType(let source, let expectsDirectory):
            let (wanted, found) = expectsDirectory ? ("directory", "file") : ("file", "directory")
            return ["[WARN] Expected \(wanted) but found \(found): \(home(source))"]
        case .relinked(let source, let text): return ["[RELINK] \(home(source)) -> \(text.printable) (relative)"]
        case .symlink(let source, let text, let fate):
            return ["[WARN] \(home(source)) -> \(text.printable) (\(words(fate)))"]
        case .special(let source, let kind):
            return ["[WARN] \(home(source)) is a \(kind.rawValue) and was left out"]
        case .additional(let source): return told("Additional path from config: \(home(source))")
        case .manifest(let source): return told("User manifest entry: \(home(source))")
        case .applied(let source, let target):
            return isDryRun
                ? ["[dry-run] Would apply override: \(source.printable) -> \(layout.text(target))"]
                : told("Override applied: \(source.printable) -> \(layout.text(target))")
        case .unmapped(let source): return ["[WARN] Override path not in sync map, skipping: \(source.printable)"]
        case .skipped(let source):
            return ["[WARN] Override is a symlink or special file, skipping: \(source.printable)"]
        case .stripped(let target, let count):
            return told(
                "\(isDryRun ? "Would strip" : "Stripped") \(count) secrets: \(layout.text(target)) (--no-secrets)")
        case .relocated(let target, let count):
            let paths = "\(count) \(count == 1 ? "path" : "paths") of the source's home: \(layout.text(target))"
            return told("\(isDryRun ? "Would rewrite" : "Rewrote") \(paths)")
        case .emptyAllowlist: return told("Empty env import allowlist, skipping env import")
        case .gitConfiguration:
            return told(
                isDryRun
                    ? "Would import git config (credential.helper and signing config stripped, safe.directory ensured)"
                    : "Git config imported (credential.helper and signing config stripped, safe.directory ensured)")
        case .environment(let imported, let skipped):
            guard isDryRun else {
                return told("Imported \(imported.count) env vars: \(imported.joined(separator: ", "))")
            }
            return ["[DRY-RUN] Would import \(imported.count) env vars: \(imported.joined(separator: ", "))"]
                + (skipped.isEmpty ? [] : ["[DRY-RUN] Would skip \(skipped.count): \(skipped.joined(separator: ", "))"])
        }
    }

    /// A line of a preview, or of a talkative run.
    private func told(_ text: String) -> [String] {
        isDryRun ? ["[DRY-RUN] \(text)"] : isVerbose ? ["[INFO] \(text)"] : []
    }

    private func ensured(
        _ source: FilePath, _ target: VolumePath, isDirectory: Bool, isJSON: Bool, isSecret: Bool
    ) -> [String] {
        guard isDryRun else { return told("Source missing, ensuring target: \(layout.text(target))") }
        return ["[DRY-RUN] Source missing, would ensure target: \(layout.text(target))"]
            + (isJSON ? ["[DRY-RUN]   with JSON init"] : []) + (isSecret ? ["[DRY-RUN]   with secret permissions"] : [])
            + (isDirectory ? ["[DRY-RUN]   directory"] : [])
    }

    private func words(_ fate: SymlinkFate) -> String {
        switch fate {
        case .preserved: "outside HOME, preserved"
        case .outside: "outside HOME, left out: nothing is there"
        case .broken: "broken, left out"
        case .leftOut: "leads to what is left out; left out"
        case .loop: "circular, left out"
        }
    }

    private func home(_ path: FilePath) -> String { "~/" + path.printable }
    private func printable(_ text: String) -> String { FilePath(text).printable }

    // MARK: steps

    private var steps: [String] {
        if isDryRun {
            return report.outcomes.flatMap { outcome in
                if let reason = outcome.toldReason { return ["[ERROR] \(reason)"] }
                return outcome.step.singles.map { "[DRY-RUN] Would \($0.words(layout))" }
                    + outcome.step.expectedDisplaced.map {
                        "[DRY-RUN] Would keep displaced: \(layout.text(displaced: $0))"
                    }
            }
        }
        let problems = report.problems
        if let first = problems.first {
            return ["[ERROR] nothing was imported: \(first.toldReason ?? "")"]
        }
        return report.outcomes.flatMap { outcome in
            (isVerbose ? outcome.step.singles.map { "[OK] \($0.words(layout))" } : [])
                + outcome.displaced.map { "[DISPLACED] \(layout.text(displaced: $0)) -> \(report.kept($0, layout))" }
        }
    }

    private var repaired: Int { links.map { $0.outcomes.count - $0.problems.count } ?? 0 }

    private var end: [String] {
        let count = report.outcomes.reduce(0) { $0 + ($1.isProblem ? 0 : $1.step.count) }
        if isDryRun { return sessions + ["[DRY-RUN] Done. \(count) changes would be made."] }
        return (repaired > 0 ? ["[INFO] \(repaired) changes to links"] : [])
            + (links?.problems ?? []).compactMap { $0.toldReason.map { "[WARN] \($0)" } }
            + sessions
            + ["[INFO] Done. \(count) changes, \(report.detail.unchanged) unchanged, \(report.detail.kept) kept."]
    }

    /// The share of the state of agents that is brought, in a preview or after a run.
    private var sessions: [String] {
        if !report.problems.isEmpty { return [] }
        return report.detail.sessions.map { directory in
            let place = "\(home(directory.source)) -> \(layout.text(directory.target))"
            let words = "conversations and state of \(directory.agent): \(directory.words): \(place)"
            return isDryRun ? "[DRY-RUN] Would import \(words)" : "[INFO] Imported \(words)"
        }
    }

    var isFailure: Bool { !report.problems.isEmpty || report.worst == .error }

    /// The paths that were changed, of the container.
    var changed: [String] {
        report.outcomes.filter { $0.result == .done }.flatMap(\.step.singles).compactMap { step in
            guard case .place(let placement) = step, placement.target != ImportStamp.target else { return nil }
            return layout.text(placement.target)
        }
    }

    /// The report for machines.
    var document: JSON { report.json(layout, command: "import", extra: json) }

    private var json: [String: JSON] {
        let sessions = report.detail.sessions.map { directory in
            JSON.object([
                "agent": .string(directory.agent), "target": .string(layout.text(directory.target)),
                "files": .number(directory.files), "size_bytes": .number(directory.bytes),
                "imported_files": .number(directory.broughtFiles),
                "imported_bytes": .number(directory.broughtBytes),
            ])
        }
        return [
            "sessions": .array(sessions),
            "unchanged": .number(report.detail.unchanged), "kept": .number(report.detail.kept),
            "link_changes": .number(repaired),
        ]
    }
}

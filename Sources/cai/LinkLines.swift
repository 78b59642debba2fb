import CaiModel
import SystemPackage

/// The lines of `cai links`: the predecessors' states, and `[ADOPTED]`, `[DISPLACED]` where they deleted.
struct LinkLines {
    enum Mode { case check, dryRun, repair }

    let report: RunReport<LinkPlan>
    let layout: Layout
    let mode: Mode

    init(_ report: RunReport<LinkPlan>, _ layout: Layout, mode: Mode) {
        self.report = report
        self.layout = layout
        self.mode = mode
    }

    private var links: [LinkStatus] { report.detail.links }

    /// Everything for standard output.
    var text: [String] { links.flatMap(lines) + summary }

    /// One sentence for each step that failed, for standard error.
    var errors: [String] {
        // A check changes nothing, so that no step of it can fail.
        (mode == .check ? [] : report.problems.compactMap(\.toldReason))
            + links.compactMap { $0.obstacle }.filter { $0.severity == .error }.map(\.told)
    }

    var isFailure: Bool {
        let counts = counts
        return mode == .check ? counts.broken + counts.missing + counts.errors > 0 : counts.errors > 0
    }

    private func lines(_ status: LinkStatus) -> [String] {
        guard let state = stateLine(status) else { return [] }
        switch mode {
        case .check: return [state]
        case .dryRun:
            return [state] + status.steps.flatMap { preview(report.detail.plan.steps[$0]) } + conflicts(status)
        case .repair: return [state] + effects(status) + conflicts(status)
        }
    }

    /// What was noticed about a link whose both sides have something; warnings are told on standard error.
    private func conflicts(_ status: LinkStatus) -> [String] {
        report.conflicts(in: status.steps.map { report.detail.plan.steps[$0] }).filter { $0.severity == .note }
            .map(Talk.text)
    }

    private func stateLine(_ status: LinkStatus) -> String? {
        let link = layout.text(status.link)
        let target = layout.text(status.entry.target)
        switch status.state {
        case .ok, .absent: return nil
        case .dangling: return "[BROKEN] \(link) -> \(target) (dangling symlink)"
        case .badTarget(let reason): return "[BROKEN] \(link) -> \(target) (the target \(reason))"
        case .wrongTarget(let text): return "[WRONG_TARGET] \(link) -> \(text.printable) (expected: \(target))"
        case .directory: return "[EXISTS_DIR] \(link) is a directory (will remove with R flag)"
        case .lockedDirectory: return "[CONFLICT] \(link) exists as directory (no R flag - cannot fix)"
        case .file: return "[EXISTS_FILE] \(link) is a regular file (will replace)"
        case .missing: return "[MISSING] \(link) -> \(target)"
        case .special(let kind): return "[CONFLICT] \(link) exists as \(kind.rawValue) (cannot fix)"
        case .unreachable(let obstacle): return "[CONFLICT] \(link) \(obstacle.sentence) (cannot fix)"
        }
    }

    private func preview(_ step: Step) -> [String] {
        // The reason stands among the problems.
        if report.problems.contains(where: { $0.step == step }) { return [] }
        switch step {
        case .putLink(let link, let target, let replacing, _):
            var lines: [String] = []
            if replacing.isMissing, let parent = link.parent, report.detail.missingParents.contains(parent) {
                lines.append("[WOULD] Create parent directory: \(layout.text(parent))")
            }
            if !replacing.isMissing { lines.append("[WOULD] Replace symlink: \(layout.text(link))") }
            return lines + ["[WOULD] Create symlink: \(layout.text(link)) -> \(layout.text(target))"]
                + wouldDisplace(step)
        case .adopt(let adoption):
            let live = layout.text(adoption.live)
            let target = layout.text(adoption.target)
            return [
                "[WOULD] Adopt \(adoption.isDirectory ? "directory" : "file"): \(live) -> \(target) "
                    + "(\(adoption.fileCount) files)",
                "[WOULD] Create symlink: \(live) -> \(target)",
            ] + wouldDisplace(step)
        case .setAside(let link, let target, let found, _):
            return [
                "[WOULD] Keep displaced: \(layout.text(link)) (\(found.word) where the manifest says otherwise)",
                "[WOULD] Create symlink: \(layout.text(link)) -> \(layout.text(target))",
            ]
        case .makeDirectory(let path, _), .makeFile(let path, _, _):
            return ["[WOULD] Create target: \(layout.text(path))"]
        default: return []
        }
    }

    private func wouldDisplace(_ step: Step) -> [String] {
        step.expectedDisplaced.map { "[WOULD] Keep displaced: \(layout.text(displaced: $0))" }
    }

    private func effects(_ status: LinkStatus) -> [String] {
        let outcomes = status.steps.compactMap { index in
            report.outcomes.first { $0.step == report.detail.plan.steps[index] }
        }
        let isFixed = !outcomes.isEmpty && outcomes.allSatisfy { $0.result == .done }
        var lines: [String] = []
        for outcome in outcomes {
            if case .adopt(let adoption) = outcome.step, outcome.result == .done {
                lines.append("[ADOPTED] \(layout.text(adoption.live)) -> \(layout.text(adoption.target))")
            }
            lines += outcome.displaced.map { "[DISPLACED] \(layout.text(displaced: $0)) -> \(report.kept($0, layout))" }
        }
        if isFixed {
            lines.append("[FIXED] \(layout.text(status.link)) -> \(layout.text(status.entry.target))")
        }
        return lines
    }

    struct Counts {
        var ok = 0
        var broken = 0
        var missing = 0
        var fixed = 0
        var errors = 0
    }

    var counts: Counts {
        var counts = Counts()
        for status in links {
            switch status.state {
            case .absent: continue
            case .ok: counts.ok += 1
            case .missing: counts.missing += 1
            case .dangling, .badTarget, .wrongTarget, .directory, .file: counts.broken += 1
            case .lockedDirectory, .special, .unreachable: break
            }
            if status.isInUse || status.obstacle?.severity == .error {
                counts.errors += 1
                continue
            }
            let steps = status.steps.map { report.detail.plan.steps[$0] }
            if steps.isEmpty { continue }
            let failed = report.problems.contains { problem in steps.contains(problem.step) }
            if failed { counts.errors += 1 } else { counts.fixed += 1 }
        }
        return counts
    }

    private var summary: [String] {
        let counts = counts
        var lines = [
            mode == .dryRun ? "=== Dry-Run Summary ===" : "=== Link Status Summary ===",
            "  OK: \(counts.ok)", "  Broken: \(counts.broken)", "  Missing: \(counts.missing)",
        ]
        switch mode {
        case .check: break
        case .dryRun: lines.append("  Would fix: \(counts.fixed)")
        case .repair: lines.append("  Fixed: \(counts.fixed)")
        }
        return lines + ["  Errors: \(counts.errors)"]
    }

    /// The report for machines.
    var document: JSON { report.json(layout, command: "links", extra: json) }

    /// What `--json` adds to the run: states and counts.
    private var json: [String: JSON] {
        let counts = counts
        return [
            "links": .array(
                links.map { status in
                    .object([
                        "link": .string(layout.text(status.link)), "target": .string(layout.text(status.entry.target)),
                        "state": .string(status.state.name), "origin": .string(status.entry.location.description),
                    ])
                }),
            "summary": .object([
                "ok": .number(counts.ok), "broken": .number(counts.broken), "missing": .number(counts.missing),
                mode == .repair ? "fixed" : "would_fix": .number(counts.fixed), "errors": .number(counts.errors),
            ]),
        ]
    }
}

extension LinkState {
    /// One word for machines.
    var name: String {
        switch self {
        case .ok: "ok"
        case .absent: "absent"
        case .dangling: "broken"
        case .badTarget: "bad_target"
        case .wrongTarget: "wrong_target"
        case .directory: "exists_dir"
        case .lockedDirectory: "conflict"
        case .file: "exists_file"
        case .missing: "missing"
        case .special: "special"
        case .unreachable: "unreachable"
        }
    }
}

extension RunReport {
    /// The findings about what differs on both sides of the trees that these steps move.
    func conflicts(in steps: [Step]) -> [Finding] {
        let places = steps.reduce(into: Set<String>()) { places, step in
            if case .adopt(let adoption) = step { places.formUnion(adoption.conflictPlaces) }
        }
        return places.isEmpty ? [] : findings.filter { places.contains($0.place) }
    }

    /// Where something displaced by this run is kept.
    func kept(_ path: FilePath, _ layout: Layout) -> String {
        layout.text(kept: path, by: run)
    }
}

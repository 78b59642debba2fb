import CaiModel
import SystemPackage

extension PersistenceReport {
    /// The report for people: one row per path, notes, and the warning block with the fixes when something fails.
    func text(strict: Bool) -> String {
        let header = ["PATH", "KIND", "RESTART", "RECREATE", "DOWN -V", "RISK", "SOURCE"]
        let rows = verdicts.map { verdict in
            [
                verdict.path.printable, verdict.kind.words + (verdict.isReadOnly ? ", read-only" : ""),
                word(verdict.survival.restart), word(verdict.survival.recreate),
                word(verdict.survival.composeDownVolumes), verdict.risk.rawValue, verdict.source,
            ]
        }
        var blocks = [table([header] + rows)]
        let noted = verdicts.filter { !$0.isProblem(strict: strict) && !$0.notes.isEmpty }
        if !noted.isEmpty {
            blocks.append(noted.flatMap { verdict in verdict.notes.map { "\(verdict.path.printable): \($0)" } })
        }
        if !findings.isEmpty { blocks.append(findings.map { "\($0.place): \($0.sentence)" }) }
        let warning = warning(strict: strict)
        if !warning.isEmpty { blocks.append(warning) }
        return blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n")
    }
}

/// A cell for what survives.
private func word(_ survives: Bool?) -> String { survives.map { $0 ? "kept" : "lost" } ?? "?" }

/// Rows with columns as wide as their widest cell.
private func table(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
        let line = cells.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }
}

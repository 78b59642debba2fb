/// Merges two TOML texts; see `mergeText`.
///
/// Whole statements are moved, replaced and removed; what would have to change inside of an inline table is a doubt, and
/// so is everything that does not say what it should when it is read again.
func mergeTOML(newer: [UInt8], older: [UInt8], base: BaselineIndex?) -> [UInt8]? {
    guard let newerTree = MergeTree(newer, kind: .toml), let olderTree = MergeTree(older, kind: .toml),
        let decision = MergeDecision(newer: newerTree, older: olderTree, base: base),
        let newerStatements = TOMLStatementScanner.statements(of: newer),
        let olderStatements = TOMLStatementScanner.statements(of: older)
    else { return nil }
    guard decision.steps.count * (newerStatements.count + olderStatements.count) <= maximumComparisons else {
        return nil
    }
    var merge = TOMLMerge(newer: newer, statements: newerStatements, older: older, olderStatements: olderStatements)
    for step in decision.steps {
        guard merge.carryOut(step) else { return nil }
    }
    guard let result = merge.result() else { return nil }
    return says(decision.expected, result, kind: .toml) ? result : nil
}

/// How often a step may look at a statement: a text that somebody wrote is far below, a hostile one must not take long.
private let maximumComparisons = 1 << 22

/// Collects the edits of a merge of TOML texts.
private struct TOMLMerge {
    private let newer: [UInt8]
    private let statements: [TOMLStatement]
    private let older: [UInt8]
    private let olderStatements: [TOMLStatement]
    private var edits: [TextEdit] = []
    /// Lines for sections of the newer text, by section.
    private var added: [[String]: [UInt8]] = [:]
    /// Sections for the end of the text.
    private var appended: [UInt8] = []

    init(newer: [UInt8], statements: [TOMLStatement], older: [UInt8], olderStatements: [TOMLStatement]) {
        self.newer = newer
        self.statements = statements
        self.older = older
        self.olderStatements = olderStatements
    }

    /// Notes the edits of one step; false when there is a doubt.
    mutating func carryOut(_ step: MergeDecision.Step) -> Bool {
        switch step {
        case .replace(_, _, let path): replaceValue(at: path) || (remove(path) && insert(path))
        case .remove(_, _, let path): remove(path)
        case .insert(_, let name, let object): insert(object + [name])
        }
    }

    /// The edited text; nil when edits overlap.
    func result() -> [UInt8]? {
        var edits = edits
        var end = appended
        for (section, lines) in added.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if let point = endOfSection(section) {
                edits.append(TextEdit(insert: lineBreak(before: point) + lines, at: point))
            } else {
                end = header(of: section) + lines + end
            }
        }
        if !end.isEmpty { edits.append(TextEdit(insert: lineBreak(before: newer.count) + end, at: newer.count)) }
        return edited(newer, edits)
    }

    /// Takes the older value's text where both sides give the key a value of its own.
    private mutating func replaceValue(at path: [String]) -> Bool {
        guard let mine = value(at: path, in: statements), let theirs = value(at: path, in: olderStatements) else {
            return false
        }
        edits.append(TextEdit(mine, Array(older[theirs])))
        return true
    }

    /// Takes out every statement at or below a path; false when there is none, as within inline tables.
    private mutating func remove(_ path: [String]) -> Bool {
        let own = statements.filter { $0.path.starts(with: path) }
        edits += own.map { TextEdit($0.lines, []) }
        return !own.isEmpty
    }

    /// Brings every statement of the older text at or below a path; false when there is none.
    ///
    /// Statements with a header below the path come with it and go to the end; others go to their section.
    private mutating func insert(_ path: [String]) -> Bool {
        let own = olderStatements.filter { $0.path.starts(with: path) }
        for statement in own {
            let lines = terminated(Array(older[statement.lines]))
            if statement.isHeader {
                appended += [0x0A] + lines
            } else if statement.section.starts(with: path) {
                appended += lines
            } else {
                added[statement.section, default: []] += lines
            }
        }
        return !own.isEmpty
    }

    private func value(at path: [String], in statements: [TOMLStatement]) -> Range<Int>? {
        let found = statements.filter { $0.path == path }
        guard found.count == 1, case .assignment(let value) = found[0].kind else { return nil }
        return value
    }

    /// Where the last statement of a section ends; nil when the text has no header for it.
    ///
    /// A root section without statements ends where the first header begins.
    private func endOfSection(_ section: [String]) -> Int? {
        if let last = statements.last(where: { !$0.isHeader && $0.section == section }) { return last.lines.upperBound }
        if section.isEmpty { return statements.first?.lines.lowerBound ?? newer.count }
        return statements.last { $0.isHeader && $0.path == section }?.lines.upperBound
    }

    private func header(of section: [String]) -> [UInt8] {
        let keys = section.map { key in
            let isBare = key.utf8.allSatisfy { $0 == 0x2D || $0 == 0x5F || isLetterOrDigit($0) }
            return isBare && !key.isEmpty ? Array(key.utf8) : quotedJSON(key)
        }
        return Array("\n[".utf8) + keys.joined(separator: [0x2E]) + Array("]\n".utf8)
    }

    private func lineBreak(before point: Int) -> [UInt8] {
        point == 0 || newer[point - 1] == 0x0A ? [] : [0x0A]
    }
}

private func terminated(_ lines: [UInt8]) -> [UInt8] { lines.last == 0x0A ? lines : lines + [0x0A] }

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
}

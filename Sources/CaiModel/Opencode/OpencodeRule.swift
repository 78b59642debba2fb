/// One value that OpenCode's configuration has to have, or must not have.
package struct OpencodeRule: Sendable {
    package enum Action: String, Sendable {
        /// The effective value is this one.
        case set
        /// There is a value; this one where there is none.
        case `default`
        /// There is no value.
        case remove
    }

    package let action: Action
    /// The names that lead to the value.
    package let path: [String]
    /// What is written; null for `remove`.
    package let value: JSONLiteral
    /// Where the rule comes from.
    package let origin: String

    package init(_ action: Action, _ path: [String], _ value: JSONLiteral, origin: String) {
        self.action = action
        self.path = path
        self.value = value
        self.origin = origin
    }

    /// The path as people write it.
    package var name: String { path.joined(separator: ".") }

    /// The rule as a few words; a value is not shown, because it may be a key.
    package var words: String {
        switch action {
        case .set: "set \(name)"
        case .default: "add \(name)"
        case .remove: "remove \(name)"
        }
    }

    /// The setting that OpenCode asks passwords because of.
    package static let authentication = ["auth", "enabled"]

    /// The names that only the OpenCode of the preset `opencode` knows: any other refuses a file that has one.
    static let ownNames: Set<String> = ["auth", "workspace"]

    /// What the preset asks for: logging in, and the workspace where nobody named another.
    static func preset(workspace: String) -> [OpencodeRule] {
        [
            OpencodeRule(.set, authentication, .bool(true), origin: "preset opencode"),
            OpencodeRule(.default, ["workspace", "root"], .string(workspace), origin: "preset opencode"),
        ]
    }
}

/// Reads the `[opencode]` table of a settings file: `[opencode.set]` and `[opencode.default]` hold values under the names
/// that OpenCode has for them, `remove` lists names with dots between, and `preset_rules = false` drops what the preset asks
/// for. A rule of the file replaces the preset's for the same value; a text `<workspace>` stands for the workspace.
///
/// A rule with a mistake is a finding and is left out.
package struct OpencodeRuleReader {
    private let workspace: String
    private let isOwnPreset: Bool
    private var findings: FindingList
    private var rules: [(rule: OpencodeRule, position: SourcePosition)] = []

    /// The rules that hold: those of the preset, where it has any, and those of the table.
    package static func rules(
        in table: TOMLTable?, file: String, isOwnPreset: Bool, workspace: String
    ) -> (rules: [OpencodeRule], findings: [Finding]) {
        var reader = OpencodeRuleReader(
            workspace: workspace, isOwnPreset: isOwnPreset, findings: FindingList(file: file))
        var preset = isOwnPreset ? OpencodeRule.preset(workspace: workspace) : []
        if let member = table?.member("opencode") {
            if !reader.read(member) { preset = [] }
        }
        let kept = preset.filter { rule in !reader.rules.contains { $0.rule.path.overlaps(rule.path) } }
        return (kept + reader.rules.map(\.rule), reader.findings.sorted)
    }

    /// Returns whether the preset's rules hold too.
    private mutating func read(_ member: TOMLTable.Member) -> Bool {
        guard let table = member.value.table else {
            findings.add(
                .error, at: member.keyPosition, "opencode must be a table, not \(member.value.kindName)",
                advice: "write [opencode.set]")
            return true
        }
        var declared = DeclaredTable(table, at: member.keyPosition, name: "[opencode]")
        declared.checkKeys(["set", "default", "remove", "preset_rules"], in: &findings)
        for action in [OpencodeRule.Action.set, .default] {
            guard let values = table.member(action.rawValue) else { continue }
            guard let inner = values.value.table else {
                findings.add(
                    .error, at: values.keyPosition,
                    "\(action.rawValue) must be a table, not \(values.value.kindName)",
                    advice: "write [opencode.\(action.rawValue)]")
                continue
            }
            add(action, inner, below: [])
        }
        for (text, position) in declared.strings("remove", in: &findings) {
            add(OpencodeRule(.remove, text.split(separator: ".").map(String.init), .null, origin: ""), position)
        }
        let hasChoice = table["preset_rules"] != nil
        return hasChoice ? declared.boolean("preset_rules", in: &findings) : true
    }

    private mutating func add(_ action: OpencodeRule.Action, _ table: TOMLTable, below path: [String]) {
        for member in table.members {
            let path = path + [member.key]
            if let inner = member.value.table, !inner.members.isEmpty {
                add(action, inner, below: path)
            } else if let literal = literal(member.value) {
                add(OpencodeRule(action, path, literal, origin: ""), member.keyPosition)
            } else {
                findings.add(
                    .error, at: member.value.position, "JSON has no value for \(member.value.kindName) like this one",
                    advice: "use text, a number, true or false, or a list of these")
            }
        }
    }

    private mutating func add(_ rule: OpencodeRule, _ position: SourcePosition) {
        guard let first = rule.path.first else {
            return findings.add(.error, at: position, "the name of a value is missing")
        }
        if !isOwnPreset, OpencodeRule.ownNames.contains(first), rule.action != .remove {
            return findings.add(
                .error, at: position, "OpenCode refuses a configuration with \(quoted(first))",
                advice: "only the OpenCode of the preset opencode knows it; write preset = \"opencode\" if it is that")
        }
        if let other = rules.first(where: { $0.rule.path.overlaps(rule.path) }) {
            return findings.add(
                .error, at: position, "\(quoted(rule.name)) and \(quoted(other.rule.name)) contradict each other",
                advice: "keep one of the two")
        }
        let place = SourceLocation(file: findings.file, line: position.line, column: position.column)
        rules.append(
            (OpencodeRule(rule.action, rule.path, rule.value, origin: place.description), position))
    }

    private func literal(_ value: TOMLValue) -> JSONLiteral? {
        switch value.content {
        case .string("<workspace>"): return .string(workspace)
        case .string(let text): return .string(text)
        case .integer(let number): return .integer(Int(number))
        case .float(let number): return number.isFinite ? .fraction(number) : nil
        case .boolean(let isOn): return .bool(isOn)
        case .date: return nil
        case .array(let values):
            let literals = values.compactMap(literal)
            return literals.count == values.count ? .array(literals) : nil
        case .table(let table):
            let members = table.members.compactMap { member in literal(member.value).map { (member.key, $0) } }
            return members.count == table.members.count ? .object(members.map { (name: $0.0, value: $0.1) }) : nil
        }
    }
}

extension [String] {
    /// Whether one of two paths leads through the other, or both are the same.
    func overlaps(_ other: [String]) -> Bool { starts(with: other) || other.starts(with: self) }
}

package import SystemPackage

/// What holds on this machine: every setting with its value and where it comes from.
package struct Settings: Sendable {
    package struct Entry: Hashable, Sendable {
        package let value: SettingValue
        package let origin: SettingOrigin
    }

    private var entries: [SettingKey: Entry] = [:]
    /// The services that the file declares, each behind those that it comes after.
    package private(set) var services: [ServiceDeclaration] = []
    /// What was noticed about them: it keeps services from being run, and nothing else.
    package private(set) var serviceFindings: [Finding] = []
    /// What is done behind an import for programs that run.
    package private(set) var reloads: [ReloadDeclaration] = []
    private var reloadFindings: [Finding] = []
    /// What OpenCode's configuration has to hold.
    package private(set) var opencodeRules: [OpencodeRule] = []
    /// What was noticed about these rules: it keeps a rule from holding, and nothing else.
    package private(set) var opencodeFindings: [Finding] = []
    /// The ways in which the agents' directories get onto the volume.
    package var placements: AgentPlacements {
        AgentPlacements(
            general: AgentPlacement(rawValue: text(.agentPlacement)) ?? .link, single: singlePlacements)
    }
    private var singlePlacements: [String: AgentPlacement] = [:]
    private var ownFindings: [Finding] = []
    package var findings: [Finding] { ownFindings + serviceFindings + reloadFindings + opencodeFindings }

    package subscript(key: SettingKey) -> Entry? { entries[key] }
    package func text(_ key: SettingKey) -> String {
        if case .text(let text)? = entries[key]?.value { text } else { "" }
    }
    package func path(_ key: SettingKey) -> FilePath { FilePath(text(key)) }
    package func number(_ key: SettingKey) -> Int64 { if case .number(let n)? = entries[key]?.value { n } else { 0 } }
    package func list(_ key: SettingKey) -> [String] { if case .list(let l)? = entries[key]?.value { l } else { [] } }
    package func isOn(_ key: SettingKey) -> Bool {
        if case .flag(let isOn)? = entries[key]?.value { isOn } else { false }
    }
    package func duration(_ key: SettingKey) -> Duration { .seconds(number(key)) }
    package var layout: Layout { Layout(home: path(.home), volume: path(.volume)) }
    package var retention: Retention {
        Retention(runs: Int(clamping: number(.displacedRuns)), bytes: UInt64(clamping: number(.displacedBytes)))
    }

    /// Settings from the layers preset < file < environment < flags. A value that cannot be used is an error finding and
    /// the layer below holds, so that a bad line never stops a start.
    package init(
        file: (name: String, bytes: [UInt8])?, environment: [String: String],
        flags: [SettingKey: (String, String)] = [:]
    ) {
        let table = file.flatMap { readTable($0.bytes, $0.name) }
        choosePreset(table, file?.name, environment, flags)
        if let table, let file {
            apply(table, file.name)
            (services, serviceFindings) = ServiceReader.services(in: table, file: file.name)
            (reloads, reloadFindings) = ReloadReader.reloads(in: table, file: file.name)
            let (single, problems) = AgentSettingsReader.placements(in: table, file: file.name)
            singlePlacements = single
            ownFindings += problems
        }
        for key in SettingKey.allCases where key != .preset {
            if let text = environment[key.environmentName], !text.isEmpty {
                set(key, text: text, .environment(key.environmentName), at: key.environmentName)
            }
            if let (name, text) = flags[key] { set(key, text: text, .flag(name), at: name) }
        }
        (opencodeRules, opencodeFindings) = OpencodeRuleReader.rules(
            in: table, file: file?.name ?? "", isOwnPreset: text(.preset) == Preset.opencode.rawValue,
            workspace: text(.workspace))
    }

    /// Adds what was noticed about the settings outside their values.
    package mutating func note(_ finding: Finding) { ownFindings.append(finding) }

    /// What keeps the values from being those that the operator meant.
    package var mistakes: [Finding] { ownFindings.filter { $0.severity == .error } }

    private mutating func readTable(_ bytes: [UInt8], _ name: String) -> TOMLTable? {
        do {
            return try TOMLReader.table(from: bytes)
        } catch {
            let place = SourceLocation(file: name, line: error.position.line, column: error.position.column)
            ownFindings.append(
                Finding(
                    .error, at: place.description, error.sentence,
                    advice: "correct it; until then only cai init goes on, with the defaults"))
            return nil
        }
    }

    private mutating func choosePreset(
        _ table: TOMLTable?, _ file: String?, _ environment: [String: String], _ flags: [SettingKey: (String, String)]
    ) {
        var wanted: (text: String, origin: SettingOrigin, place: String) = ("containai", .preset("containai"), "")
        if let value = table?["preset"], let text = value.string, let file {
            let place = SourceLocation(file: file, line: value.position.line, column: value.position.column)
            wanted = (text, .file(place), place.description)
        }
        if let text = environment["CAI_PRESET"], !text.isEmpty {
            wanted = (text, .environment("CAI_PRESET"), "CAI_PRESET")
        }
        if let (name, text) = flags[.preset] { wanted = (text, .flag(name), name) }
        if Preset(rawValue: wanted.text) == nil {
            let known = Preset.allCases.map(\.rawValue).joined(separator: " or ")
            ownFindings.append(Finding(.error, at: wanted.place, "there is no such preset", advice: "use \(known)"))
        }
        let preset = Preset(rawValue: wanted.text) ?? .containai
        for (key, value) in preset.values { entries[key] = Entry(value: value, origin: .preset(preset.rawValue)) }
        entries[.preset] = Entry(value: .text(preset.rawValue), origin: wanted.origin)
    }

    private mutating func apply(_ table: TOMLTable, _ file: String) {
        for member in table.members where !["preset", "service", "reload", "opencode", "agents"].contains(member.key) {
            let place = SourceLocation(file: file, line: member.keyPosition.line, column: member.keyPosition.column)
            guard let key = SettingKey(rawValue: member.key) else {
                ownFindings.append(
                    Finding(
                        .warning, at: place.description, "there is no setting of this name",
                        advice: "cai config show lists them"))
                continue
            }
            guard let value = SettingValue(member.value, key.kind) else {
                ownFindings.append(Finding(.error, at: place.description, "\(key.rawValue) must be \(key.kind.words)"))
                continue
            }
            store(key, value, .file(place), at: place.description)
        }
    }

    private mutating func set(_ key: SettingKey, text: String, _ origin: SettingOrigin, at place: String) {
        guard let value = SettingValue(text: text, key.kind) else {
            ownFindings.append(Finding(.error, at: place, "\(key.rawValue) must be \(key.kind.words)"))
            return
        }
        store(key, value, origin, at: place)
    }

    private mutating func store(_ key: SettingKey, _ value: SettingValue, _ origin: SettingOrigin, at place: String) {
        if let problem = value.problem(for: key.kind) ?? value.problem(of: key) {
            ownFindings.append(Finding(.error, at: place, "\(key.rawValue) \(problem)"))
        } else {
            entries[key] = Entry(value: value, origin: origin)
        }
    }

    /// Moves what lies in other places, unless it was set itself: OpenCode's configuration directory follows the home, and
    /// the paths whose persistence is checked follow the volume, the workspace and the home.
    package mutating func followPlaces() {
        if let entry = entries[.opencodeConfiguration], case .preset = entry.origin {
            let path = FilePath(Preset.home(of: text(.preset), movedTo: text(.home), text(.opencodeConfiguration)))
            entries[.opencodeConfiguration] = Entry(value: .text(path.string), origin: entry.origin)
        }
        if let entry = entries[.persistencePaths], case .preset = entry.origin {
            entries[.persistencePaths] = Entry(value: .list(presetPaths.map(\.path.string)), origin: entry.origin)
        }
    }

    /// The paths of the preset whose persistence is checked, where the settings put them.
    var presetPaths: [PersistentPath] {
        let preset = Preset(rawValue: text(.preset)) ?? .containai
        let moving: [SettingKey] = [.volume, .workspace, .usersDirectory, .opencodeConfiguration]
        return preset.persistentPaths.map { path in
            let key = moving.first { preset.values[$0] == .text(path.path.string) }
            return path.at(
                FilePath(key.map(text) ?? Preset.home(of: preset.rawValue, movedTo: text(.home), path.path.string)))
        }
    }

    /// Replaces a preset's value by what the machine itself says; anything an operator said stays.
    package mutating func refine(_ key: SettingKey, _ value: SettingValue, source: String) {
        if case .preset? = entries[key]?.origin { entries[key] = Entry(value: value, origin: .machine(source)) }
    }
}

extension TOMLValue {
    /// A number or text as it was written; nothing for anything else. Inlined, it crashes the optimizer of Swift 6.3.1.
    @inline(never)
    fileprivate func written() -> String {
        if let number = integer { return "\(number)" }
        return string ?? ""
    }
}

extension SettingValue {
    init?(_ value: TOMLValue, _ kind: SettingKey.Kind) {
        switch kind {
        case .word, .path, .optionalPath:
            guard let text = value.string else { return nil }
            self = .text(text)
        case .number:
            guard let number = value.integer, number >= 0 else { return nil }
            self = .number(number)
        case .flag:
            guard let isOn = value.boolean else { return nil }
            self = .flag(isOn)
        case .paths, .words:
            guard let values = value.array else { return nil }
            let texts = values.compactMap(\.string)
            guard texts.count == values.count else { return nil }
            self = .list(texts)
        case .identifiers:
            guard let values = value.array else { return nil }
            self = .list(values.map { $0.written() })
        }
    }

    init?(text: String, _ kind: SettingKey.Kind) {
        switch kind {
        case .word, .path, .optionalPath: self = .text(text)
        case .number:
            guard let number = Int64(text), number >= 0 else { return nil }
            self = .number(number)
        case .flag:
            switch text.lowercased() {
            case "1", "true", "yes", "on": self = .flag(true)
            case "0", "false", "no", "off": self = .flag(false)
            default: return nil
            }
        case .paths: self = .list(text.split(separator: ":").map(String.init))
        case .words, .identifiers: self = .list(text.split { $0 == "," || $0 == ":" || $0 == " " }.map(String.init))
        }
    }

    /// What is wrong with the value for this key of all.
    fileprivate func problem(of key: SettingKey) -> String? {
        switch key {
        case .strict: problemAsSteps
        case .serviceOutput: [.text("text"), .text("json")].contains(self) ? nil : "is text or json"
        case .agentPlacement:
            AgentPlacement.allCases.contains { self == .text($0.rawValue) }
                ? nil : "is one of \(AgentPlacement.words)"
        default: nil
        }
    }

    /// What is wrong with the value as a list of boot steps.
    fileprivate var problemAsSteps: String? {
        guard case .list(let words) = self, words != ["all"],
            let unknown = words.first(where: { BootStepName(rawValue: $0) == nil })
        else { return nil }
        let known = BootStepName.allCases.map(\.rawValue).joined(separator: ", ")
        return "names \(quoted(unknown)), which is no boot step; steps are \(known)"
    }

    func problem(for kind: SettingKey.Kind) -> String? {
        let paths: [String]
        switch (kind, self) {
        case (.path, .text(let text)): paths = [text]
        case (.optionalPath, .text(let text)): paths = text.isEmpty ? [] : [text]
        case (.paths, .list(let texts)): paths = texts
        case (.identifiers, .list(let texts)):
            // The highest number means "unchanged" to the kernel and is nobody's.
            return texts.allSatisfy { UInt32($0).map { $0 < .max } ?? false } ? nil : "must be \(kind.words)"
        case (.word, .text(let text)): return text.isEmpty || text.utf8.contains(0x0A) ? "must be one word" : nil
        default: return nil
        }
        for path in paths {
            if !path.hasPrefix("/") { return "must be an absolute path" }
            if path.utf8.contains(where: { $0 == 0 || $0 == 0x0A }) {
                return "contains a line break or a NUL character"
            }
            if FilePath(path).components.contains(where: { $0.kind != .regular }) { return "contains \".\" or \"..\"" }
        }
        return nil
    }
}

extension SettingKey.Kind {
    var words: String {
        switch self {
        case .word: "one word"
        case .path, .optionalPath: "an absolute path"
        case .number: "a whole number, not negative"
        case .paths: "a list of absolute paths"
        case .words: "a list of words"
        case .identifiers: "a list of user ids"
        case .flag: "true or false"
        }
    }
}

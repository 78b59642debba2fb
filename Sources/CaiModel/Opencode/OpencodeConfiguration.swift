/// What is known of one of OpenCode's configuration files.
package struct OpencodeFile: Sendable {
    package enum Content: Sendable {
        case missing
        case bytes([UInt8])
        /// It cannot be read, or is not followed; the reason as a sentence.
        case unreadable(String, advice: String?)
    }

    package let name: String
    package let content: Content
    /// False for a file that can be read and not be replaced.
    package let isReplaceable: Bool

    package init(_ name: String, _ content: Content, isReplaceable: Bool = true) {
        self.name = name
        self.content = content
        self.isReplaceable = isReplaceable
    }
}

/// OpenCode's configuration as it merges it: three files, of which a later one wins, objects name by name.
package struct OpencodeConfiguration: Sendable {
    /// The files in the order in which OpenCode merges them.
    package static let names = ["config.json", "opencode.json", "opencode.jsonc"]

    private enum Text: Sendable {
        case missing
        /// Nothing but white space and comments: an empty configuration.
        case blank([UInt8])
        case document(JSONDocument)
        case unusable(String, advice: String?)
    }

    private struct File: Sendable {
        let name: String
        var text: Text
        let isReplaceable: Bool
        /// Whether the text is one to begin with, which no file holds yet.
        var isNew = false

        var bytes: [UInt8]? {
            switch text {
            case .missing, .unusable: nil
            case .blank(let bytes): bytes
            case .document(let document): document.bytes
            }
        }

        func has(_ path: [String]) -> Bool {
            if case .document(let document) = text { document.value(at: path) != nil } else { false }
        }
    }

    private var files: [File]
    private let rules: [OpencodeRule]

    /// Reads the files as far as the rules need them.
    package init(_ files: [OpencodeFile], rules: [OpencodeRule]) {
        self.rules = rules
        let focus = Self.focus(rules)
        self.files = files.map {
            File(name: $0.name, text: Self.text($0.content, focus), isReplaceable: $0.isReplaceable)
        }
    }

    private static func focus(_ rules: [OpencodeRule]) -> JSONFocus {
        JSONFocus(paths: rules.map(\.path).filter { $0 != OpencodeRule.authentication } + [OpencodeRule.authentication])
    }

    private static func text(_ content: OpencodeFile.Content, _ focus: JSONFocus) -> Text {
        switch content {
        case .missing: return .missing
        case .unreadable(let sentence, let advice): return .unusable(sentence, advice: advice)
        case .bytes(let bytes):
            if JSONDocument.holdsNothing(bytes) { return .blank(bytes) }
            do {
                let document = try JSONDocument(bytes, dialect: .lenient, focus: focus)
                guard document.root.kind == .object else {
                    return .unusable("the document is not an object", advice: "make it one: { }")
                }
                return .document(document)
            } catch {
                return .unusable(
                    "is not JSON with comments: \(error.description)", advice: "correct it; it was left alone")
            }
        }
    }

    /// Whether none of the files is there.
    package var isMissing: Bool {
        files.allSatisfy { if case .missing = $0.text { true } else { false } }
    }

    /// The same where what the files hold is only a template of what is to be written.
    package func asNew() -> OpencodeConfiguration {
        var copy = self
        for index in copy.files.indices { copy.files[index].isNew = true }
        return copy
    }

    /// What is wrong with files that are there: name, sentence and advice.
    package var problems: [(name: String, sentence: String, advice: String?)] {
        files.compactMap {
            if case .unusable(let sentence, let advice) = $0.text { ($0.name, sentence, advice) } else { nil }
        }
    }

    /// What OpenCode makes of the three files at one place.
    package enum Effective: Sendable {
        case absent
        case value(JSONValue, file: String)
        /// Something that is no object stands on the way.
        case blocked(file: String)
        /// A file that may decide cannot be read.
        case unknown(file: String)
    }

    /// The effective value at a path.
    package func effective(_ path: [String]) -> Effective {
        for file in files.reversed() {
            switch file.text {
            case .missing, .blank: continue
            case .unusable: return .unknown(file: file.name)
            case .document(let document):
                var current = document.root
                var isPresent = true
                for name in path {
                    guard current.kind == .object else { return .blocked(file: file.name) }
                    guard let next = current[name] else {
                        isPresent = false
                        break
                    }
                    current = next
                }
                if isPresent { return .value(current, file: file.name) }
            }
        }
        return .absent
    }

    /// Whether OpenCode asks who somebody is; nil when that cannot be told.
    package var asksForAuthentication: Bool? {
        switch effective(OpencodeRule.authentication) {
        case .value(let value, _): value.bool == true
        case .absent, .blocked: false
        case .unknown: nil
        }
    }
}

/// What has to change in the files.
package struct OpencodePatch: Sendable {
    /// The new text of a file.
    package struct Change: Sendable {
        package let name: String
        package let bytes: [UInt8]
        /// The rules that it fulfils.
        package let rules: [OpencodeRule]
    }

    package let changes: [Change]
    /// The rules that hold only after a change of a file that cannot be replaced, by the file's name.
    package let unwritten: [(name: String, rules: [OpencodeRule])]
    package let findings: [(name: String, sentence: String)]
    /// The configuration as it is afterwards.
    package let result: OpencodeConfiguration
}

extension OpencodeConfiguration {
    /// Decides what to write so that every rule holds for the merged configuration. A value goes to the file that decides it,
    /// a new one to the last file that is there, `opencode.jsonc` when none is. A file that cannot be read is left alone.
    package func patch() -> OpencodePatch {
        var result = self
        var findings: [(name: String, sentence: String)] = []
        var settings: [String: [OpencodeRule]] = [:]
        for rule in rules {
            switch (rule.action, effective(rule.path)) {
            case (.set, .value(let value, let file)):
                if !value.says(rule.value) { settings[file, default: []].append(rule) }
            case (.default, .value): continue
            case (.set, .blocked(let file)): settings[file, default: []].append(rule)
            case (.default, .blocked(let file)):
                findings.append((file, "\(quoted(rule.name)) cannot be added: something on the way is no object"))
            case (.set, .absent), (.default, .absent): settings[targetOfNew, default: []].append(rule)
            case (.set, .unknown(let file)) where usable(behind: file) != nil:
                // Whatever that file says, this one is asked later.
                if let later = usable(behind: file) { settings[later, default: []].append(rule) }
            case (.set, .unknown(let file)), (.default, .unknown(let file)):
                findings.append((file, "may decide \(quoted(rule.name)), which was left as it is"))
            case (.remove, _): result.remove(rule.path)
            }
        }
        var done: [String: [OpencodeRule]] = [:]
        for (name, rules) in settings {
            result.set(rules, in: name, &findings)
            done[name] = rules
        }
        for rule in rules where rule.action == .remove {
            for file in files where file.has(rule.path) { done[file.name, default: []].append(rule) }
        }
        var unwritten: [(name: String, rules: [OpencodeRule])] = []
        let changes = files.indices.compactMap { index -> OpencodePatch.Change? in
            let (old, new) = (files[index], result.files[index])
            guard let bytes = new.bytes, old.isNew || bytes != old.bytes else { return nil }
            if old.isReplaceable {
                return OpencodePatch.Change(name: new.name, bytes: bytes, rules: done[new.name] ?? [])
            }
            unwritten.append((new.name, done[new.name] ?? []))
            result.files[index] = old
            return nil
        }
        return OpencodePatch(changes: changes, unwritten: unwritten, findings: findings, result: result)
    }

    /// The file that a new value is written to: the last one that is there.
    private var targetOfNew: String {
        let last = files.last { if case .missing = $0.text { false } else { true } }
        return last?.name ?? Self.names[Self.names.count - 1]
    }

    /// The last file that is there and merged behind another one; nil where that cannot be read itself.
    private func usable(behind name: String) -> String? {
        guard let index = files.firstIndex(where: { $0.name == name }),
            let last = files.indices.last(where: { if case .missing = files[$0].text { false } else { true } }),
            last > index
        else { return nil }
        if case .unusable = files[last].text { return nil }
        return files[last].name
    }

    private mutating func set(
        _ rules: [OpencodeRule], in name: String, _ findings: inout [(name: String, sentence: String)]
    ) {
        let values = rules.map { JSONSetting($0.path, $0.value) }
        change(name) { text in
            switch text {
            case .missing: return JSONDocument.filling([], with: values)
            case .blank(let bytes): return JSONDocument.filling(bytes, with: values)
            case .document(let document):
                let (bytes, replaced) = document.setting(all: values)
                findings += replaced.map { (name, "\(quoted($0.joined(separator: "."))) was no object and now is one") }
                return bytes
            case .unusable: return nil
            }
        }
    }

    private mutating func remove(_ path: [String]) {
        for name in files.map(\.name) {
            change(name) { text in
                guard case .document(let document) = text, document.value(at: path) != nil else { return nil }
                return document.removing(path)
            }
        }
    }

    /// Gives a file a new text, where `body` makes one.
    private mutating func change(_ name: String, _ body: (Text) -> [UInt8]?) {
        guard let index = files.firstIndex(where: { $0.name == name }), let bytes = body(files[index].text),
            bytes != files[index].bytes
        else { return }
        files[index].text = Self.text(.bytes(bytes), Self.focus(rules))
    }
}

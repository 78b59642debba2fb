import SystemPackage

/// Removal of secrets from documents with other content.
package enum SecretStripping {
    /// A document without its secrets, and the number that was removed.
    package struct Result: Sendable, Equatable {
        package let bytes: [UInt8]
        package let count: Int
    }

    /// The formats that are inspected for secrets.
    package enum Kind: Sendable {
        case json, toml, shell

        /// The format by the name of the file; nil for a file that is not inspected.
        package init?(_ path: VolumePath) {
            switch path.relative.extension {
            case "json", "jsonc": self = .json
            case "toml": self = .toml
            case "sh", "bash", "zsh": self = .shell
            default:
                let isShell = path.relative.components.first?.string == "shell"
                guard isShell || shellNames.contains(path.relative.lastComponent?.string ?? "") else { return nil }
                self = .shell
            }
        }

        /// Returns the document without its secrets; nil for one that cannot be read.
        package func strip(_ bytes: [UInt8]) -> Result? {
            if isEmptyText(bytes) { return Result(bytes: bytes, count: 0) }
            switch self {
            case .json: return SecretStripping.json(bytes)
            case .toml: return SecretStripping.toml(bytes)
            case .shell: return SecretStripping.shell(bytes)
            }
        }
    }

    /// True if the name of a variable says that it holds a secret.
    package static func isSecret(variable name: String) -> Bool { namesSecret(name) }

    /// Removes the members of `env` and `headers` blocks from a JSON document, every member whose name or value is that of a
    /// secret, and comments with a secret. Everything else stays as it is written, other comments too. Nil for text that is
    /// not JSON, also with comments and commas at the end.
    package static func json(_ bytes: [UInt8]) -> Result? {
        guard var document = JSONDocument(anyDialect: bytes) else { return nil }
        var count = 0
        // Every removal moves the text after it, so that the document is read again each time.
        while count < 10_000, let path = secretPath(document.root, [], inEnvironment: false) {
            let next = document.removing(path)
            guard next != document.bytes, let changed = try? JSONDocument(next, dialect: document.dialect) else {
                break
            }
            document = changed
            count += 1
        }
        let comments = document.comments.filter { commentHoldsSecret(document.bytes[$0]) }
        let edits = comments.map { TextEdit(document.extent(ofComment: $0), []) }
        return Result(bytes: edited(document.bytes, edits) ?? document.bytes, count: count + comments.count)
    }

    /// True if `json` would remove something from a JSON document.
    package static func jsonHoldsSecrets(_ bytes: [UInt8]) -> Bool { json(bytes).map { $0.count > 0 } ?? false }

    /// True if a text that cannot be read in its format has something in it that looks like a secret.
    package static func mayHoldSecret(unreadable bytes: [UInt8]) -> Bool {
        bytes.split(separator: 0x0A).contains(where: commentHoldsSecret)
    }

    private static func secretPath(_ value: JSONValue, _ path: [String], inEnvironment: Bool) -> [String]? {
        for (name, member) in value.members {
            let below = path + [name]
            if let text = member.string, !text.isEmpty {
                let isReference = text.hasPrefix("${") || text.hasPrefix("$")
                if !isReference, inEnvironment || namesSecret(name) || looksSecret(text) || urlHoldsCredentials(text) {
                    return below
                }
            }
            let isEnvironment = ["env", "headers", "environment", "http_headers"].contains(name.lowercased())
            let holdsSecrets = namesSecrets(name)
            if let found = secretPath(member, below, inEnvironment: isEnvironment || holdsSecrets) { return found }
            if member.elements.contains(where: holdsSecret) { return below }
            if namesSecret(name) || holdsSecrets, member.elements.contains(where: { $0.string?.isEmpty == false }) {
                return below
            }
        }
        return nil
    }

    /// True if an element of an array holds a secret: such an array is removed as a whole.
    private static func holdsSecret(_ value: JSONValue) -> Bool {
        if let text = value.string { return looksSecret(text) || urlHoldsCredentials(text) }
        return secretPath(value, [], inEnvironment: false) != nil || value.elements.contains(where: holdsSecret)
    }

    /// Removes the lines from a TOML document whose `key = "value"` is a secret, those of `env` tables, and lines that are a
    /// comment with a secret. Nil for text that is not TOML.
    package static func toml(_ bytes: [UInt8]) -> Result? {
        guard let table = try? TOMLReader.table(from: bytes) else { return nil }
        var lines: Set<Int> = []
        collect(table, inEnvironment: false, &lines)
        lines.formUnion(secretComments(in: bytes))
        guard !lines.isEmpty else { return Result(bytes: bytes, count: 0) }
        var kept: [ArraySlice<UInt8>] = []
        var number = 1
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            if !lines.contains(number) { kept.append(line) }
            number += 1
        }
        let result = Array(kept.joined(separator: [0x0A]))
        // The rest of a value of several lines would stay: such a document is not imported at all.
        guard (try? TOMLReader.table(from: result)) != nil else { return nil }
        return Result(bytes: result, count: lines.count)
    }

    /// Removes the lines from a shell script that assign a secret to a variable, and comments with a secret.
    package static func shell(_ bytes: [UInt8]) -> Result {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let kept = lines.filter { line in
            var text = String(decoding: line, as: UTF8.self)[...].drop { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }
            if text.first == "#" { return !commentHoldsSecret(line) }
            for word in ["export ", "declare -x ", "typeset -x ", "set -gx "] where text.hasPrefix(word) {
                text = text.dropFirst(word.count)
            }
            guard let end = text.firstIndex(where: { $0 == "=" || $0 == " " }) else { return true }
            let name = String(text[..<end])
            let value = text[text.index(after: end)...].drop { $0 == "\"" || $0 == "'" }
            guard EnvironmentName.isValid(name), !value.isEmpty, !value.hasPrefix("$") else { return true }
            return !(namesSecret(name) || looksSecret(String(value)) || urlHoldsCredentials(String(value)))
        }
        return Result(bytes: Array(kept.joined(separator: [0x0A])), count: lines.count - kept.count)
    }

    /// The numbers of the lines that are a comment with a secret.
    private static func secretComments(in bytes: [UInt8]) -> [Int] {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        return lines.indices.filter { index in
            lines[index].first { !isBlank($0) } == UInt8(ascii: "#") && commentHoldsSecret(lines[index])
        }.map { $0 + 1 }
    }

    private static func collect(_ table: TOMLTable, inEnvironment: Bool, _ lines: inout Set<Int>) {
        for member in table.members {
            if let text = member.value.string, !text.isEmpty,
                inEnvironment || namesSecret(member.key) || looksSecret(text) || urlHoldsCredentials(text)
            {
                lines.insert(member.keyPosition.line)
            }
            let isEnvironment =
                ["env", "headers", "http_headers"].contains(member.key.lowercased()) || namesSecrets(member.key)
            if let inner = member.value.table { collect(inner, inEnvironment: isEnvironment, &lines) }
            for element in member.value.array ?? [] {
                if let inner = element.table { collect(inner, inEnvironment: false, &lines) }
                let isNamed = namesSecret(member.key) || namesSecrets(member.key)
                if let text = element.string, isNamed || looksSecret(text) || urlHoldsCredentials(text) {
                    lines.insert(element.position.line)
                }
            }
        }
    }
}

/// Files of the home that are read as shell scripts, whatever directory they are in.
private let shellNames: Set<String> = [
    ".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin",
    ".kshrc", ".envrc",
]

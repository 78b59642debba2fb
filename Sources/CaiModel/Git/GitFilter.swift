package import SystemPackage

/// What of a git configuration goes into a container (predecessors 1.6.7), decided by section, subsection and key as git
/// understands them, so that no spelling slips through.
package struct GitFilter: Sendable {
    /// Whether secrets are left out too.
    let withoutSecrets: Bool
    /// The directory that git is to trust.
    let workspace: String

    package init(withoutSecrets: Bool, workspace: String) {
        self.withoutSecrets = withoutSecrets
        self.workspace = workspace
    }

    /// A file of the source.
    package struct File: Sendable {
        package let path: FilePath
        package let bytes: [UInt8]
        package init(path: FilePath, bytes: [UInt8]) {
            self.path = path
            self.bytes = bytes
        }
    }

    /// The text of one file, included ones in the place of what includes them. `include` is given the path as it is
    /// written, its condition (`gitdir:…`), and the file it stands in, and returns the file; nil leaves it out.
    package func filtered(
        _ file: File, depth: Int = 0, include: (_ path: String, _ condition: String?, _ from: FilePath) -> File?
    ) -> [UInt8] {
        var result: [UInt8] = []
        var block = Block()
        for item in GitConfiguration(file.bytes).items {
            switch item {
            case .header(let section, let subsection, let text):
                block.end(&result)
                block = Block(section: section, subsection: subsection, header: isSecret(subsection) ? [] : text)
                block.isDropped = isSecret(subsection) || ["include", "includeif"].contains(section)
                if block.isDropped { block.header = [] }
            case .variable(let key, let value, let text):
                if block.section == "include" || block.section == "includeif" {
                    let isInclude = key == "path" && depth < 10
                    if isInclude, let value, let inner = include(value, block.subsection, file.path) {
                        var text = filtered(inner, depth: depth + 1, include: include)
                        if let last = text.last, last != 0x0A { text.append(0x0A) }
                        result += text
                    }
                } else if block.isDropped || isDropped(block.section, key) || (withoutSecrets && holdsSecret(value)) {
                    block.hasDropped = true
                } else {
                    block.keep(text)
                }
            case .other(let text): block.add(text)
            }
        }
        block.end(&result)
        return result
    }

    /// The text with the section that lets git work in the workspace.
    package func completed(_ bytes: [UInt8]) -> [UInt8] {
        var section: String?
        for item in GitConfiguration(bytes).items {
            switch item {
            case .header(let name, _, _): section = name
            case .variable("directory", workspace, _) where section == "safe": return bytes
            default: continue
            }
        }
        var result = bytes
        if let last = result.last, last != 0x0A { result.append(0x0A) }
        return result + Array("[safe]\n\tdirectory = \(workspace)\n".utf8)
    }

    /// Whether a text holds a key that `--no-secrets` leaves out.
    package func holdsSecrets(_ bytes: [UInt8]) -> Bool {
        var section = ""
        var isSecretSection = false
        for item in GitConfiguration(bytes).items {
            switch item {
            case .header(let name, let subsection, _):
                section = name
                isSecretSection = hasCredentials(subsection)
            case .variable(let key, let value, _):
                if isSecretSection || isSecret(section, key) || holdsSecret(value) { return true }
            case .other: continue
            }
        }
        return false
    }

    /// What makes no sense, or harm, elsewhere: helpers, signing and commands of the host; secrets on demand.
    private func isDropped(_ section: String, _ key: String) -> Bool {
        switch section {
        case "credential", "gpg": true
        case "user": key == "signingkey"
        case "commit": key == "gpgsign"
        case "tag": key == "gpgsign" || key == "forcesignannotated"
        case "push": key == "gpgsign"
        case "core": key == "sshcommand" || key == "askpass"
        default: withoutSecrets && isSecret(section, key)
        }
    }

    /// Whether the value of a key is a secret, or leads to one.
    private func isSecret(_ section: String, _ key: String) -> Bool {
        switch section {
        case "http": ["extraheader", "cookiefile", "sslkey", "sslcert", "sslcertpasswordprotected"].contains(key)
        case "sendemail": key == "smtppass"
        default: false
        }
    }

    private func isSecret(_ subsection: String?) -> Bool { withoutSecrets && hasCredentials(subsection) }

    private func hasCredentials(_ text: String?) -> Bool { text.map { urlHoldsCredentials($0) } ?? false }

    private func holdsSecret(_ value: String?) -> Bool {
        value.map { urlHoldsCredentials($0) || looksSecret($0) } ?? false
    }

    /// A section on its way: its header is written with the first thing that stays.
    private struct Block {
        var section = ""
        var subsection: String?
        var header: [UInt8] = []
        var isDropped = false
        var hasDropped = false
        private var hasKept = false
        private var text: [UInt8] = []

        init(section: String = "", subsection: String? = nil, header: [UInt8] = []) {
            self.section = section
            self.subsection = subsection
            self.header = header
        }

        mutating func keep(_ bytes: [UInt8]) {
            hasKept = true
            // A key that stood on the line of a header has a line of its own behind another one.
            if text.last.map({ $0 != 0x0A }) ?? false { text.append(0x0A) }
            text += bytes
        }

        mutating func add(_ bytes: [UInt8]) { text += bytes }

        /// Writes the section, unless all that it had is gone.
        func end(_ result: inout [UInt8]) {
            if isDropped { return }
            if hasDropped, !hasKept { return }
            if let last = result.last, last != 0x0A, !header.isEmpty { result.append(0x0A) }
            result += header
            if hasDropped, header.last.map({ $0 != 0x0A }) ?? false, text.first.map({ $0 != 0x0A }) ?? true {
                result.append(0x0A)
            }
            result += text
        }
    }
}

/// Whether a text is, or contains, a URL with a name or password in front of the host.
func urlHoldsCredentials(_ text: String) -> Bool {
    var rest = text[...]
    while let start = rest.firstRange(of: "://") {
        rest = rest[start.upperBound...]
        let authority = rest.prefix { !"/?# \t\"'".contains($0) }
        guard let at = authority.lastIndex(of: "@") else { continue }
        let user = authority[..<at]
        // `ssh://git@host` names an account and no secret.
        if user.contains(":") || (user.utf8.count > 16 || looksSecret(String(user))) { return true }
        if !text.hasPrefix("ssh") && user != "git" && !user.isEmpty { return true }
    }
    return false
}

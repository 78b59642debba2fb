/// What bash can use of the files that zsh starts with (predecessors 1.6.8): simple exports and aliases, one a line.
package struct ZshExtraction: Sendable {
    private var lines: [String] = []

    package init() {}

    /// Adds one file; files are added in the order in which zsh reads them.
    package mutating func add(_ bytes: [UInt8], name: String) {
        let found = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).flatMap {
            kept(String($0))
        }
        if found.isEmpty { return }
        lines.append("# From \(name)")
        lines += found
    }

    /// The file for the container; nil when nothing is left.
    package var text: String? {
        if lines.isEmpty { return nil }
        return "# Exports and aliases of the imported zsh files. Written by cai import.\n"
            + lines.map { $0 + "\n" }.joined()
    }

    private func kept(_ line: String) -> [String] {
        let text = String(line.drop { $0 == " " || $0 == "\t" })
        if text.hasPrefix("export ") { return export(String(text.dropFirst(7))).map { [$0] } ?? [] }
        if text.hasPrefix("alias ") { return alias(String(text.dropFirst(6))).map { [$0] } ?? [] }
        if text.hasPrefix("path+=("), let end = text.lastIndex(of: ")") {
            let items = text[text.index(text.startIndex, offsetBy: 7)..<end].split(separator: " ").map(String.init)
            return items.compactMap { item in
                let plain = item.trimmed(of: "\"'")
                return isSimple(plain) ? "export PATH=\"\(plain):$PATH\"" : nil
            }
        }
        return []
    }

    private func export(_ text: String) -> String? {
        let name = text.prefix { $0 != "=" }
        guard text.contains("="), isName(name), name != "ZDOTDIR", name != "FPATH", !name.hasPrefix("ZSH") else {
            return nil
        }
        let value = text.dropFirst(name.count + 1)
        let special = ["$path", "$fpath", "$ZDOTDIR", "$ZSH", "${path", "${fpath", "${ZDOTDIR", "${ZSH"]
        if special.contains(where: value.contains) || !isClosed(value) { return nil }
        return "export \(text)"
    }

    private func alias(_ text: String) -> String? {
        if text.hasPrefix("-") { return nil }
        let name = text.prefix { $0 != "=" }
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x27 && $0 != 0x22 && $0 != 0x24 && $0 != 0x60 }
        guard text.contains("="), !name.isEmpty, isPlain else { return nil }
        let value = text.dropFirst(name.count + 1)
        if ["=$(", "${x:-", "${x:="].contains(where: text.contains) || !isClosed(value) { return nil }
        if value.contains("${"), value.contains(":-") || value.contains(":=") { return nil }
        return "alias \(text)"
    }

    private func isName(_ text: Substring) -> Bool {
        EnvironmentName.isValid(String(text))
    }

    private func isSimple(_ text: String) -> Bool {
        !text.isEmpty && !["$path", "$fpath", "$ZDOTDIR", "$ZSH", "`", "$(", "\""].contains(where: text.contains)
    }

    /// Whether every quote that the value opens is closed on the line, so that the next line is one of its own.
    private func isClosed(_ value: Substring) -> Bool {
        var quote: Character?
        var isEscaped = false
        for character in value {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" || character == "`" {
                quote = character
            } else if character == "#" {
                break
            }
        }
        return quote == nil && !isEscaped
    }
}

extension String {
    fileprivate func trimmed(of characters: String) -> String {
        var text = self[...]
        while let first = text.first, characters.contains(first) { text = text.dropFirst() }
        while let last = text.last, characters.contains(last) { text = text.dropLast() }
        return String(text)
    }
}

import SystemPackage

/// The settings of an agent in which paths of the home are written out, and which an import rewrites for the container.
package struct HomePathDocument: Hashable, Sendable {
    package let target: VolumePath
    package let kind: MergeKind
    /// The only member of the document that is settings; nil if all of it is.
    package let member: String?

    /// Names of settings files directly in an agent directory. Conversations, notes and instructions are none of them: paths
    /// in those are the user's words.
    private static let names = [
        "settings.json", "settings.local.json", "settings.jsonc", "config.json", "config.toml", "mcp.json",
        "mcp-config.json", "opencode.json", "opencode.jsonc",
    ]

    private init?(_ target: VolumePath, member: String? = nil) {
        guard let kind = target.relative.lastComponent.flatMap({ MergeKind(fileName: $0.string) }) else { return nil }
        self.target = target
        self.kind = kind
        self.member = member
    }

    /// The documents of some agent directories.
    package static func all(_ directories: [AgentDirectory]) -> [HomePathDocument] {
        directories.flatMap { directory in
            let own = names.map { HomePathDocument(directory.target.appending(FilePath($0))) }
            guard directory.agent == "claude" else { return own.compactMap(\.self) }
            // The rest of claude.json is history, prompts among it.
            let more = [
                HomePathDocument(directory.target.appending(FilePath("plugins/installed_plugins.json"))),
                HomePathDocument(directory.target.appending(FilePath("plugins/known_marketplaces.json"))),
                HomePathDocument(directory.target.appending(FilePath("claude.json")), member: "mcpServers"),
            ]
            return (own + more).compactMap(\.self)
        }
    }
}

/// Paths below a home that is written out in the strings of a document.
package enum HomePaths {
    /// A home that a string may name, and the path below it.
    package struct Candidate: Hashable, Sendable {
        package let home: String
        package let path: HomePath
    }

    /// Returns the homes that some strings may name: an absolute path in front of the directory of an agent, as in
    /// `/Users/me/.claude/hooks/format.sh`.
    package static func candidates(_ strings: [String], directories: [HomePath]) -> Set<Candidate> {
        var result: Set<Candidate> = []
        for text in strings where text.hasPrefix("/") {
            for directory in directories {
                guard let range = text.firstRange(of: "/\(directory.relative.string)/"),
                    range.lowerBound > text.startIndex
                else { continue }
                let home = String(text[..<range.lowerBound])
                let below = text[text.index(after: range.lowerBound)...].prefix { !$0.isWhitespace }
                guard FilePath(home).lexicallyNormalized().string == home, let path = try? HomePath(String(below))
                else { continue }  // not the path of a file
                result.insert(Candidate(home: home, path: path))
            }
        }
        return result
    }

    /// Returns a string with the home in front of it replaced; nil if it does not begin with one of the homes and a slash, or
    /// if `isPresent` is false for the path behind it. Words after a path, such as the arguments of a command, stay.
    package static func moved(
        _ text: String, from homes: [String], to home: String, isPresent: (HomePath) -> Bool
    ) -> String? {
        for other in homes where other != home && text.hasPrefix(other + "/") {
            let rest = text.dropFirst(other.count + 1)
            // The longest part that is a path: blanks may be part of it.
            var end = rest.endIndex
            while true {
                if let path = try? HomePath(String(rest[..<end])), isPresent(path) {  // no path: the next part
                    return home + "/" + rest
                }
                guard let blank = rest[..<end].lastIndex(where: \.isWhitespace) else { break }
                end = blank
            }
        }
        return nil
    }

    /// Returns the strings of a document; none for one that cannot be read.
    package static func strings(_ bytes: [UInt8], _ document: HomePathDocument) -> [String] {
        tokens(bytes, document).map(\.text)
    }

    /// Returns the document with some strings replaced, and their number; every other byte stays. Nil if there is nothing to
    /// replace, or if the document cannot be read.
    package static func rewriting(
        _ bytes: [UInt8], _ document: HomePathDocument, _ transform: (String) -> String?
    ) -> (bytes: [UInt8], count: Int)? {
        let edits = tokens(bytes, document).compactMap { token -> TextEdit? in
            guard let text = transform(token.text), text != token.text else { return nil }
            // A literal string of TOML knows no escapes.
            if token.isLiteral {
                guard !text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "'") }) else { return nil }
                return TextEdit(token.range, Array("'\(text)'".utf8))
            }
            return TextEdit(token.range, quotedJSON(text))
        }
        guard !edits.isEmpty, let changed = edited(bytes, edits), MergeTree(changed, kind: document.kind) != nil else {
            return nil
        }
        return (changed, edits.count)
    }

    // MARK: the strings of a document

    private struct Token {
        let text: String
        /// The bytes with the quotes.
        let range: Range<Int>
        let isLiteral: Bool
    }

    private static func tokens(_ bytes: [UInt8], _ document: HomePathDocument) -> [Token] {
        switch document.kind {
        case .json: jsonTokens(bytes, document.member)
        case .toml: tomlTokens(bytes)
        }
    }

    private static func jsonTokens(_ bytes: [UInt8], _ member: String?) -> [Token] {
        guard let document = JSONDocument(anyDialect: bytes) else { return [] }
        var extent = 0..<bytes.count
        if let member {
            guard let value = document.root[member] else { return [] }
            extent = value.range
        }
        return document.nodes.indices.compactMap { index in
            let value = JSONValue(document: document, index: index)
            guard let text = value.string, extent.contains(value.range.lowerBound) else { return nil }
            return Token(text: text, range: value.range, isLiteral: false)
        }
    }

    /// Strings of one line in the values of assignments; names in inline tables are none.
    private static func tomlTokens(_ bytes: [UInt8]) -> [Token] {
        guard (try? TOMLReader.table(from: bytes)) != nil,  // unreadable: nothing is changed
            let statements = TOMLStatementScanner.statements(of: bytes)
        else { return [] }
        return statements.flatMap { statement -> [Token] in
            guard case .assignment(let value) = statement.kind else { return [] }
            return tomlTokens(bytes, in: value)
        }
    }

    private static func tomlTokens(_ bytes: [UInt8], in value: Range<Int>) -> [Token] {
        var tokens: [Token] = []
        var position = value.lowerBound
        while position < value.upperBound {
            let quote = bytes[position]
            if quote == UInt8(ascii: "#") {
                position = bytes[position...].firstIndex(of: 0x0A) ?? value.upperBound
                continue
            }
            guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                position += 1
                continue
            }
            let isLong = bytes[position...].starts(with: [quote, quote, quote])
            let end = endOfTOMLString(bytes, position, quote, isLong: isLong)
            let isName = bytes[end...].first { !isBlank($0) } == UInt8(ascii: "=")
            let inner = bytes[position + 1..<max(position + 1, end - 1)]
            let isEscaped = quote == UInt8(ascii: "\"") && inner.contains(UInt8(ascii: "\\"))
            if !isLong, !isName, !isEscaped {
                let text = String(decoding: inner, as: UTF8.self)
                tokens.append(Token(text: text, range: position..<end, isLiteral: quote == UInt8(ascii: "'")))
            }
            position = end
        }
        return tokens
    }

    private static func endOfTOMLString(_ bytes: [UInt8], _ start: Int, _ quote: UInt8, isLong: Bool) -> Int {
        let width = isLong ? 3 : 1
        var position = start + width
        while position < bytes.count {
            if quote == UInt8(ascii: "\""), bytes[position] == UInt8(ascii: "\\") {
                position += 2
            } else if bytes[position] == quote,
                !isLong || bytes[position...].starts(with: [quote, quote, quote])
            {
                return min(position + width, bytes.count)
            } else {
                position += 1
            }
        }
        return bytes.count
    }
}

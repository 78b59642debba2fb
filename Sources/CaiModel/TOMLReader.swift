import CToml

/// Reads TOML text into values that know where they stand.
///
/// Any bytes are safe to read: broken UTF-8, NUL, deep nesting and endless brackets are syntax errors like any other.
/// A byte order mark and CRLF line ends are accepted.
package enum TOMLReader {
    /// Longer texts are refused unread: nobody writes them by hand, and reading costs many times their size.
    package static let maximumSize = 1 << 20

    /// Reads a whole document.
    ///
    /// - Throws: the first syntax error; `TOMLRecovery` finds all of them.
    package static func table(from bytes: [UInt8]) throws(TOMLSyntaxError) -> TOMLTable {
        let start = SourcePosition(line: 1, column: 1)
        guard bytes.count <= maximumSize else {
            throw TOMLSyntaxError(at: start, "the text is longer than \(maximumSize >> 20) MiB")
        }
        switch parse(bytes) {
        case .success(let table): return table
        case .failure(let error): throw error
        }
    }

    private static func parse(_ bytes: [UInt8]) -> Result<TOMLTable, TOMLSyntaxError> {
        let document = bytes.withUnsafeBytes { buffer in
            buffer.isEmpty
                ? cai_toml_parse("", 0)
                : buffer.baseAddress.flatMap { cai_toml_parse($0.assumingMemoryBound(to: CChar.self), buffer.count) }
        }
        let start = SourcePosition(line: 1, column: 1)
        guard let document else { return .failure(TOMLSyntaxError(at: start, "there is not enough memory to read it")) }
        defer { cai_toml_free(document) }
        var place = cai_toml_position(line: 1, column: 1)
        if let message = cai_toml_error(document, &place) {
            return .failure(TOMLSyntaxError(at: SourcePosition(place), printable(String(message.pointee))))
        }
        var count = 0
        let nodes = UnsafeBufferPointer(start: cai_toml_nodes(document, &count), count: count)
        var builder = TreeBuilder(nodes: nodes)
        guard let root = builder.next()?.table else {
            return .failure(TOMLSyntaxError(at: start, "it could not be read"))
        }
        return .success(root)
    }
}

/// Turns the flat list of nodes into a tree: every node is followed by what it holds.
private struct TreeBuilder {
    let nodes: UnsafeBufferPointer<cai_toml_node>
    var index = 0

    mutating func next() -> TOMLValue? {
        guard index < nodes.count else { return nil }
        let node = nodes[index]
        index += 1
        return content(of: node).map { TOMLValue($0, at: SourcePosition(node.position)) }
    }

    private mutating func content(of node: cai_toml_node) -> TOMLValue.Content? {
        switch node.kind {
        case CAI_TOML_STRING: .string(String(node.text))
        case CAI_TOML_INTEGER: .integer(node.integer)
        case CAI_TOML_FLOAT: .float(node.number)
        case CAI_TOML_BOOLEAN: .boolean(node.boolean)
        case CAI_TOML_DATE: .date(String(node.text))
        case CAI_TOML_ARRAY: array(node.child_count).map { .array($0) }
        default: table(node.child_count).map { .table($0) }
        }
    }

    private mutating func array(_ count: Int) -> [TOMLValue]? {
        var values: [TOMLValue] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            guard let value = next() else { return nil }
            values.append(value)
        }
        return values
    }

    private mutating func table(_ count: Int) -> TOMLTable? {
        var members: [TOMLTable.Member] = []
        members.reserveCapacity(count)
        for _ in 0..<count {
            guard index < nodes.count else { return nil }
            let node = nodes[index]
            guard let value = next() else { return nil }
            let position = SourcePosition(node.key_position)
            members.append(TOMLTable.Member(key: String(node.key), keyPosition: position, value: value))
        }
        return TOMLTable(members)
    }
}

extension SourcePosition {
    fileprivate init(_ position: cai_toml_position) {
        self.init(line: Int(position.line), column: Int(position.column))
    }
}

extension String {
    fileprivate init(_ text: cai_toml_text) {
        self.init(decoding: UnsafeRawBufferPointer(start: text.bytes, count: text.length), as: UTF8.self)
    }
}

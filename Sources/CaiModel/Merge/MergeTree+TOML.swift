extension MergeTree {
    /// The tree of a TOML document; nil when two keys of a table are the same to a string.
    ///
    /// Tables of every spelling are objects; arrays, arrays of tables too, are one piece.
    init?(_ root: TOMLTable) {
        var values = [TOMLValue(.table(root), at: SourcePosition(line: 1, column: 1))]
        var isUnique = true
        self.init(root: 0) { index in
            guard let table = values[index].table else { return .leaf(values[index].canonicalText) }
            isUnique = isUnique && Set(table.members.map(\.key)).count == table.members.count
            let first = values.count
            values += table.members.map(\.value)
            return .object(table.members.enumerated().map { ($1.key, first + $0) })
        }
        if !isUnique { return nil }
    }
}

extension TOMLValue {
    /// What the value says with its type, however it is spelled: members of tables in arrays by name, strings quoted as in
    /// JSON, floats by their value.
    fileprivate var canonicalText: [UInt8] {
        switch content {
        case .string(let text): quotedJSON(text)
        case .integer(let number): Array(String(number).utf8)
        case .float(let number): Array("float \(number)".utf8)
        case .boolean(let value): Array("\(value)".utf8)
        case .date(let text): Array("date \(text)".utf8)
        case .array(let values): [0x5B] + values.map(\.canonicalText).joined(separator: [0x2C]) + [0x5D]
        case .table(let table):
            [0x7B]
                + table.members.map { quotedJSON($0.key) + [0x3A] + $0.value.canonicalText }
                .sorted { $0.lexicographicallyPrecedes($1) }.joined(separator: [0x2C]) + [0x7D]
        }
    }
}

/// A place in a text: line and column, in characters, counted from 1.
package struct SourcePosition: Hashable, Comparable, Sendable {
    package let line: Int
    package let column: Int
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    package static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// A TOML value and where it begins.
package struct TOMLValue: Hashable, Sendable {
    /// What a value is; a date, a time or both are kept as RFC 3339 text.
    package enum Content: Hashable, Sendable {
        case string(String)
        case integer(Int64)
        case float(Double)
        case boolean(Bool)
        case date(String)
        case array([TOMLValue])
        case table(TOMLTable)
    }

    package let content: Content
    package let position: SourcePosition
    package init(_ content: Content, at position: SourcePosition) {
        self.content = content
        self.position = position
    }

    // The value as one kind, nil when it is of another; nothing is converted.
    package var string: String? { if case .string(let value) = content { value } else { nil } }
    package var integer: Int64? { if case .integer(let value) = content { value } else { nil } }
    package var float: Double? { if case .float(let value) = content { value } else { nil } }
    package var boolean: Bool? { if case .boolean(let value) = content { value } else { nil } }
    package var array: [TOMLValue]? { if case .array(let values) = content { values } else { nil } }
    package var table: TOMLTable? { if case .table(let value) = content { value } else { nil } }

    /// The kind of this value with its article, for sentences about a wrong type.
    package var kindName: String {
        switch content {
        case .string: "a string"
        case .integer: "an integer"
        case .float: "a float"
        case .boolean: "a boolean"
        case .date: "a date"
        case .array: "an array"
        case .table: "a table"
        }
    }
}

/// A TOML table whose members stand in the order of the file; the root of every document is one.
package struct TOMLTable: Hashable, Sendable {
    /// One key of a table, where it stands, and its value.
    package struct Member: Hashable, Sendable {
        package let key: String
        package let keyPosition: SourcePosition
        package let value: TOMLValue
        package init(key: String, keyPosition: SourcePosition, value: TOMLValue) {
            self.key = key
            self.keyPosition = keyPosition
            self.value = value
        }
    }

    package let members: [Member]
    package init(_ members: [Member]) { self.members = members }

    /// The member with this key; keys are unique in a table.
    package func member(_ key: String) -> Member? { members.first { $0.key == key } }
    /// The value of this key.
    package subscript(key: String) -> TOMLValue? { member(key)?.value }
}

/// Why a text is not TOML, and where; the sentence may name a key or a single character, never a value.
package struct TOMLSyntaxError: Error, Hashable, Sendable {
    package let position: SourcePosition
    package let sentence: String
    package init(at position: SourcePosition, _ sentence: String) {
        self.position = position
        self.sentence = sentence
    }
}

/// Why a text is not JSON: where, counted from 1, and a sentence that never quotes the text.
package struct JSONProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let column: Int
    package let sentence: String

    package init(line: Int, column: Int, sentence: String) {
        self.line = line
        self.column = column
        self.sentence = sentence
    }

    package var description: String { "line \(line), column \(column): \(sentence)" }
}

/// A JSON text and the place of every value in it.
///
/// The text stays as it was read, to the byte; values are looked up in it and edits are made to it (`setting`,
/// `removing`), so that order, white space, comments and the spelling of numbers survive. Reading uses no recursion and
/// refuses text nested deeper than `maximumDepth`; text that is not UTF-8 is refused too.
package struct JSONDocument: Sendable {
    /// Which text is accepted.
    package enum Dialect: Sendable {
        /// RFC 8259 and nothing more.
        case strict
        /// Also `//` and `/* */` comments, one comma after the last member, and a byte order mark (JSONC).
        case lenient
    }

    /// How many objects and arrays may stand inside each other.
    package static let maximumDepth = 512

    package let bytes: [UInt8]
    package let dialect: Dialect
    /// Every value in the order in which it begins; the first is the root.
    let nodes: [JSONNode]

    /// Reads a text; throws the first problem with its line and column. What is not in the focus is checked too, but what it
    /// consists of is not known afterwards: it can be replaced and removed, and not be looked into.
    package init(_ bytes: [UInt8], dialect: Dialect = .strict, focus: JSONFocus = .everything) throws(JSONProblem) {
        var parser = JSONParser(bytes, dialect: dialect, focus: focus)
        try parser.parse()
        self.bytes = bytes
        self.dialect = dialect
        self.nodes = parser.nodes
    }

    /// Reads a text strictly and, where that fails, leniently; nil when it is neither.
    package init?(anyDialect bytes: [UInt8]) {
        for dialect in [Dialect.strict, .lenient] {
            guard let document = try? JSONDocument(bytes, dialect: dialect) else { continue }
            self = document
            return
        }
        return nil
    }

    /// The outermost value.
    package var root: JSONValue { JSONValue(document: self, index: 0) }

    /// The value at a path of member names from the root; of equal names the last counts.
    package func value(at path: [String]) -> JSONValue? {
        path.reduce(root) { value, name in value?[name] }
    }
}

/// One value of a document: what it is, where it stands, and what stands around it.
struct JSONNode: Sendable {
    var kind: JSONValue.Kind
    /// The bytes of the value itself.
    var range: Range<Int>
    /// The bytes of the quoted name, when the value is a member of an object.
    var name: Range<Int>?
    /// Where the comma behind the value stands, when there is one.
    var comma: Int?
    /// The members or elements, in order.
    var children: [Int] = []

    /// Where the member or element begins: at its name, or at the value.
    var start: Int { name?.lowerBound ?? range.lowerBound }
}

/// One value of a document, for reading.
package struct JSONValue: Sendable {
    /// What a value is.
    package enum Kind: Sendable { case object, array, string, number, `true`, `false`, null }

    package let document: JSONDocument
    let index: Int

    private var node: JSONNode { document.nodes[index] }
    package var kind: Kind { node.kind }
    /// The bytes of the value in the document.
    package var range: Range<Int> { node.range }
    /// The text of the value as it is written.
    package var text: ArraySlice<UInt8> { document.bytes[range] }

    /// The members of an object in order, equal names included; empty for everything else.
    package var members: [(name: String, value: JSONValue)] {
        guard kind == .object else { return [] }
        return node.children.map { (document.name(of: $0).text, JSONValue(document: document, index: $0)) }
    }

    /// The elements of an array in order; empty for everything else.
    package var elements: [JSONValue] {
        guard kind == .array else { return [] }
        return node.children.map { JSONValue(document: document, index: $0) }
    }

    /// The member of that name; of equal names the last, as almost every reader has it.
    package subscript(name: String) -> JSONValue? {
        guard kind == .object else { return nil }
        let found = node.children.last { document.name(of: $0).text.utf8.elementsEqual(name.utf8) }
        return found.map { JSONValue(document: document, index: $0) }
    }

    /// The text of a string without quotes and escapes.
    package var string: String? { kind == .string ? decodedJSON(text).text : nil }
    /// The value of `true` and `false`.
    package var bool: Bool? { kind == .true ? true : kind == .false ? false : nil }
    /// The value of a number that is written as a whole number and fits.
    package var integer: Int? { kind == .number ? Int(String(decoding: text, as: UTF8.self)) : nil }
    package var isNull: Bool { kind == .null }

    /// Where the value begins; both count from 1, the column in characters.
    package var location: (line: Int, column: Int) { textLocation(of: range.lowerBound, in: document.bytes) }
}

extension JSONDocument {
    /// The name of a member without quotes and escapes.
    func name(of index: Int) -> (text: String, isExact: Bool) { decodedJSON(bytes[nodes[index].name ?? 0..<0]) }
}

/// Line and column of an offset, counted from 1, the column in Unicode scalars.
func textLocation(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    for byte in bytes.prefix(offset) {
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
    }
    return (line, column)
}

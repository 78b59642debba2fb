/// Why a place in a document cannot be edited.
package enum JSONEditProblem: Error, Equatable, Sendable {
    /// The value at this path, where a member was to be written, is not an object.
    case notAnObject(path: [String])

    /// The reason as a sentence.
    package var sentence: String {
        switch self {
        case .notAnObject(let path) where path.isEmpty: "the document is not an object"
        case .notAnObject(let path): "\"\(path.joined(separator: "."))\" is not an object"
        }
    }
}

extension JSONDocument {
    /// The text with a value at a path of member names: replaced where the path leads to a value, else added behind the
    /// last member, with the objects on the way.
    ///
    /// Every byte outside the edited place stays, and a value that already says the same stays as it is written. Throws
    /// when something on the way is not an object.
    package func setting(_ path: [String], to value: JSONLiteral) throws(JSONEditProblem) -> [UInt8] {
        var current = root
        for (depth, name) in path.enumerated() {
            guard current.kind == .object else { throw .notAnObject(path: Array(path[..<depth])) }
            guard let next = current[name] else {
                let missing = path[(depth + 1)...].reversed().reduce(value) { .object([(name: $1, value: $0)]) }
                return edited(bytes, insertion(of: name, missing, into: current.index)) ?? bytes
            }
            current = next
        }
        return replacing(current, by: value)
    }

    /// The text without the member at a path, every one of that name; unchanged when there is none.
    ///
    /// A line that held nothing else goes with it, and the comment at its end; comments on other lines stay.
    package func removing(_ path: [String]) -> [UInt8] {
        guard let name = path.last, let object = value(at: Array(path.dropLast())), object.kind == .object else {
            return bytes
        }
        let members = nodes[object.index].children.filter { self.name(of: $0).text.utf8.elementsEqual(name.utf8) }
        return edited(bytes, removal(of: Set(members), from: object.index)) ?? bytes
    }

    private func replacing(_ old: JSONValue, by value: JSONLiteral) -> [UInt8] {
        let compact = value.rendered(.compact, indentation: [])
        if let same = try? JSONDocument(compact), same.canonicalText(of: 0) == canonicalText(of: old.index) {
            return bytes
        }
        let layout = JSONLayout(of: self)
        let text = value.rendered(
            layout.style(onLines: layout.isMultiline),
            indentation: indentation(ofLineAt: old.range.lowerBound, in: bytes))
        return edited(bytes, [TextEdit(old.range, text)]) ?? bytes
    }

    private func insertion(of name: String, _ value: JSONLiteral, into object: Int) -> [TextEdit] {
        let place = JSONInsertion(into: object, of: self)
        let text = value.rendered(place.layout.style(onLines: place.isMultiline), indentation: place.indentation)
        return place.edits([(quotedJSON(name), text)])
    }
}

extension JSONDocument {
    /// The edits that take members out of an object, with the commas that would be one too many afterwards.
    func removal(of members: Set<Int>, from object: Int) -> [TextEdit] {
        let children = nodes[object].children
        var edits = children.filter(members.contains).map { TextEdit(extent(of: nodes[$0]), []) }
        let survivor = children.last { !members.contains($0) }
        if let survivor, survivor != children.last, let last = children.last, nodes[last].comma == nil,
            let comma = nodes[survivor].comma
        {
            edits.append(TextEdit(comma..<comma + 1, []))
        }
        return edits
    }

    /// The bytes of a member and its comma, and of its line when nothing else stands there.
    private func extent(of node: JSONNode) -> Range<Int> {
        let start = node.start
        let end = node.comma.map { $0 + 1 } ?? node.range.upperBound
        let blanksEnd = bytes[end...].firstIndex { !isBlank($0) } ?? bytes.count
        let line = lineStart(of: start, in: bytes)
        guard bytes[line..<start].allSatisfy(isBlank) else { return start..<blanksEnd }
        let isComment = bytes[blanksEnd...].starts(with: "//".utf8)
        let lineEnd = isComment ? endOfJSONComment(at: blanksEnd, in: bytes) ?? blanksEnd : blanksEnd
        if bytes[lineEnd...].starts(with: [0x0A]) { return line..<lineEnd + 1 }
        if bytes[lineEnd...].starts(with: [0x0D, 0x0A]) { return line..<lineEnd + 2 }
        return start..<blanksEnd
    }
}

extension JSONDocument {
    /// The bytes of each comment, in order.
    var comments: [Range<Int>] {
        guard dialect == .lenient else { return [] }
        var comments: [Range<Int>] = []
        var position = 0
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\"") {
                position = endOfString(at: position)
            } else if let end = endOfJSONComment(at: position, in: bytes) {
                comments.append(position..<end)
                position = end
            } else {
                position += 1
            }
        }
        return comments
    }

    /// The offset after the string that begins at an offset.
    private func endOfString(at start: Int) -> Int {
        var position = start + 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position + 1, bytes.count)
    }

    /// The bytes of a comment with the blanks before it, and of its line if nothing else stands there.
    func extent(ofComment comment: Range<Int>) -> Range<Int> {
        let line = lineStart(of: comment.lowerBound, in: bytes)
        let blanks = bytes[line..<comment.lowerBound].reversed().prefix(while: isBlank).count
        let start = comment.lowerBound - blanks
        guard start == line else { return start..<comment.upperBound }
        let end = bytes[comment.upperBound...].firstIndex { !isBlank($0) } ?? bytes.count
        if bytes[end...].starts(with: [0x0A]) { return line..<end + 1 }
        if bytes[end...].starts(with: [0x0D, 0x0A]) { return line..<end + 2 }
        return end == bytes.count ? line..<end : comment
    }
}

/// Where and how new members of one object are written.
struct JSONInsertion {
    let layout: JSONLayout
    /// Whether members of this object stand on lines of their own.
    let isMultiline: Bool
    /// The indentation of a member's line.
    let indentation: [UInt8]
    private let document: JSONDocument
    private let object: JSONNode

    init(into index: Int, of document: JSONDocument) {
        self.init(into: index, of: document, layout: JSONLayout(of: document))
    }

    init(into index: Int, of document: JSONDocument, layout: JSONLayout) {
        let object = document.nodes[index]
        self.document = document
        self.object = object
        self.layout = layout
        let lineIndentation = CaiModel.indentation(ofLineAt: object.range.lowerBound, in: document.bytes)
        if let last = object.children.last.map({ document.nodes[$0] }) {
            let line = lineStart(of: last.start, in: document.bytes)
            let lead = document.bytes[line..<last.start]
            isMultiline = line > object.range.lowerBound && Self.isComments(line..<last.start, in: document.bytes)
            indentation = isMultiline ? Array(lead.prefix(while: isBlank)) : lineIndentation + layout.unit
        } else {
            isMultiline = layout.isMultiline
            indentation = lineIndentation + layout.unit
        }
    }

    /// True for bytes that are blanks and comments.
    private static func isComments(_ range: Range<Int>, in bytes: [UInt8]) -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            if isBlank(bytes[position]) {
                position += 1
            } else if let end = endOfJSONComment(at: position, in: bytes) {
                position = end
            } else {
                return false
            }
        }
        return true
    }

    /// The edits that add members, given as the text of name and value, behind the last one.
    func edits(_ members: [(name: [UInt8], value: [UInt8])]) -> [TextEdit] {
        guard let last = object.children.last.map({ document.nodes[$0] }) else { return [filling(members)] }
        let (point, endsInLineComment) = endOfComments(from: last.comma.map { $0 + 1 } ?? last.range.upperBound)
        let gap = isMultiline || endsInLineComment ? layout.newline + indentation : inlineGap
        let text = gap + joined(members, gap)
        if last.comma != nil { return [TextEdit(insert: text + [0x2C], at: point)] }
        return [TextEdit(insert: [0x2C], at: last.range.upperBound), TextEdit(insert: text, at: point)]
    }

    /// The edit that puts members between the brackets of an empty object, behind the comments that stand there.
    private func filling(_ members: [(name: [UInt8], value: [UInt8])]) -> TextEdit {
        let end = object.range.upperBound - 1
        let (point, endsInLineComment) = endOfComments(from: object.range.lowerBound + 1, acrossLines: true)
        guard isMultiline || endsInLineComment else { return TextEdit(point..<end, joined(members, inlineGap)) }
        let gap = layout.newline + indentation
        let outer = CaiModel.indentation(ofLineAt: object.range.lowerBound, in: document.bytes)
        return TextEdit(point..<end, gap + joined(members, gap) + layout.newline + outer)
    }

    private func joined(_ members: [(name: [UInt8], value: [UInt8])], _ gap: [UInt8]) -> [UInt8] {
        Array(members.map { $0.name + layout.colon + $0.value }.joined(separator: [0x2C] + gap))
    }

    /// What stands before a member that follows another one on its line.
    private var inlineGap: [UInt8] { layout.colon.count > 1 ? [0x20] : [] }

    /// Where the comments end that follow an offset on its line; the offset itself when there are none.
    private func endOfComments(from offset: Int, acrossLines: Bool = false) -> (end: Int, isLineComment: Bool) {
        let bytes = document.bytes
        var result = (end: offset, isLineComment: false)
        var position = offset
        while position < bytes.count {
            if isBlank(bytes[position]) || acrossLines && (bytes[position] == 0x0A || bytes[position] == 0x0D) {
                position += 1
            } else if let end = endOfJSONComment(at: position, in: bytes) {
                result = (end, bytes[position + 1] == UInt8(ascii: "/"))
                position = end
            } else {
                break
            }
        }
        return result
    }
}

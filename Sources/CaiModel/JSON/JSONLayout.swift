/// How a document is laid out, so that what is added looks like what is there.
struct JSONLayout {
    let newline: [UInt8]
    /// The indentation of one level.
    let unit: [UInt8]
    /// Whether members stand on lines of their own; a document without any member is taken to be such.
    let isMultiline: Bool
    /// What stands between a name and its value.
    let colon: [UInt8]

    init(of document: JSONDocument) {
        let bytes = document.bytes
        let lineFeed = bytes.firstIndex(of: 0x0A) ?? 0
        newline = lineFeed > 0 && bytes[lineFeed - 1] == 0x0D ? [0x0D, 0x0A] : [0x0A]
        let filled = document.nodes.filter { !$0.children.isEmpty }
        let units = filled.lazy.compactMap { indentationStep(of: $0, in: document) }
        isMultiline = filled.isEmpty || units.first != nil
        unit = units.first { !$0.isEmpty } ?? [0x20, 0x20]
        colon = document.nodes.lazy.compactMap { plainColon(of: $0, in: document) }.first ?? [0x3A, 0x20]
    }

    func style(onLines: Bool) -> JSONLiteral.Style {
        JSONLiteral.Style(newline: newline, unit: onLines ? unit : nil, colon: colon)
    }
}

/// What a container's first child is indented beyond the container; nil when it does not begin a line.
private func indentationStep(of node: JSONNode, in document: JSONDocument) -> [UInt8]? {
    guard let child = node.children.first.map({ document.nodes[$0] }) else { return nil }
    let start = lineStart(of: child.start, in: document.bytes)
    let inner = document.bytes[start..<child.start]
    guard start > node.range.lowerBound, inner.allSatisfy(isBlank) else { return nil }
    let outerStart = lineStart(of: node.range.lowerBound, in: document.bytes)
    let outer = document.bytes[outerStart..<node.range.lowerBound].prefix(while: isBlank)
    return inner.starts(with: outer) ? Array(inner.dropFirst(outer.count)) : []
}

private func plainColon(of node: JSONNode, in document: JSONDocument) -> [UInt8]? {
    guard let name = node.name else { return nil }
    let between = document.bytes[name.upperBound..<node.range.lowerBound]
    return between.allSatisfy { isBlank($0) || $0 == UInt8(ascii: ":") } ? Array(between) : nil
}

/// Where the line of an offset begins.
func lineStart(of offset: Int, in bytes: [UInt8]) -> Int {
    bytes[..<offset].lastIndex { $0 == 0x0A }.map { $0 + 1 } ?? 0
}

/// The blanks at the beginning of the line that an offset stands on.
func indentation(ofLineAt offset: Int, in bytes: [UInt8]) -> [UInt8] {
    Array(bytes[lineStart(of: offset, in: bytes)..<offset].prefix(while: isBlank))
}

/// Whether a byte is a space or a tab.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

extension JSONDocument {
    /// One value as text that depends on what it says and not on how it is laid out: no white space, no comments, strings
    /// with the fewest escapes, members by name where `sortingMembers` is set.
    ///
    /// Numbers keep their spelling: `1.0` and `1` are different here, because programs exist that write the one where they
    /// mean it.
    func canonicalText(of index: Int, sortingMembers: Bool = true) -> [UInt8] {
        enum Piece { case text([UInt8]), value(Int) }
        var output: [UInt8] = []
        var pending: [Piece] = [.value(index)]
        while let piece = pending.popLast() {
            switch piece {
            case .text(let text): output += text
            case .value(let value) where nodes[value].kind == .array:
                let pieces = nodes[value].children.map { [Piece.value($0)] }.joined(separator: [.text([0x2C])])
                pending += [.text([0x5D])] + pieces.reversed() + [.text([0x5B])]
            case .value(let value) where nodes[value].kind == .object:
                let pieces = canonicalMembers(of: value, sorted: sortingMembers)
                    .map { [Piece.text($0.name + [0x3A]), .value($0.value)] }.joined(separator: [.text([0x2C])])
                pending += [.text([0x7D])] + pieces.reversed() + [.text([0x7B])]
            case .value(let value): output += canonicalScalar(value)
            }
        }
        return output
    }

    private func canonicalMembers(of index: Int, sorted: Bool) -> [(name: [UInt8], value: Int)] {
        let members = nodes[index].children.map { (name: canonicalString(nodes[$0].name ?? 0..<0), value: $0) }
        return sorted ? members.sorted { $0.name.lexicographicallyPrecedes($1.name) } : members
    }

    private func canonicalScalar(_ index: Int) -> [UInt8] {
        nodes[index].kind == .string ? canonicalString(nodes[index].range) : Array(bytes[nodes[index].range])
    }

    /// A string that no `String` can hold (half a surrogate pair) stays as it is written.
    private func canonicalString(_ range: Range<Int>) -> [UInt8] {
        let (text, isExact) = decodedJSON(bytes[range])
        return isExact ? quotedJSON(text) : Array(bytes[range])
    }
}
